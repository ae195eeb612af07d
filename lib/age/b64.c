/*
 * Strict unpadded base64, over libsodium's constant-time codec. Separate
 * because headers, stanzas and the check stanza all need the same strictness.
 */
#include <sodium.h>
#include <string.h>

#include "lib/age/b64.h"
#include "lib/base/precond.h"

void
kh_b64_encode(const uint8_t *p, size_t n, char *out)
{
	char line[KH_B64_LINE_LEN + 1];

	PRECOND(n <= KH_B64_LINE_BYTES);
	sodium_bin2base64(line, sizeof(line), p, n,
	    sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
	memcpy(out, line, KH_B64_LEN(n));
}

enum kh_err
kh_b64_decode(const uint8_t *text, size_t n, uint8_t *out, size_t len)
{
	size_t got;

	PRECOND(len <= KH_B64_LINE_BYTES);
	if (n != KH_B64_LEN(len))
		return KH_EFORMAT;
	/* Without an end pointer it refuses what it did not use up; and it
	 * always refuses trailing bits that are not zero. */
	if (sodium_base642bin(out, len, (const char *)text, n, NULL, &got, NULL,
		sodium_base64_VARIANT_ORIGINAL_NO_PADDING) != 0)
		return KH_EFORMAT;
	return got == len ? KH_OK : KH_EFORMAT;
}
