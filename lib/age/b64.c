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

/*
 * Decode, encode again, compare: so that there is one text for each value,
 * whatever the decoder takes. It takes too much: libsodium 1.0.18 reads every
 * byte above 0x7f as a '/'.
 */
static enum kh_err
decode(const uint8_t *text, size_t n, int variant, uint8_t *out, size_t *len)
{
	char again[KH_B64_LINE_LEN + 1];

	*len = 0;
	if (n > KH_B64_LINE_LEN)
		return KH_EFORMAT;
	if (sodium_base642bin(out, KH_B64_LINE_BYTES, (const char *)text, n,
		NULL, len, NULL, variant) != 0)
		return KH_EFORMAT;
	sodium_bin2base64(again, sizeof(again), out, *len, variant);
	if (strlen(again) != n || memcmp(again, text, n) != 0)
		return KH_EFORMAT;
	return KH_OK;
}

enum kh_err
kh_b64_decode(const uint8_t *text, size_t n, uint8_t *out, size_t len)
{
	uint8_t bytes[KH_B64_LINE_BYTES];
	size_t got;

	PRECOND(len <= KH_B64_LINE_BYTES);
	if (n != KH_B64_LEN(len))
		return KH_EFORMAT;
	if (decode(text, n, sodium_base64_VARIANT_ORIGINAL_NO_PADDING, bytes,
		&got) != KH_OK)
		return KH_EFORMAT;
	PRECOND(got == len);
	memcpy(out, bytes, len);
	return KH_OK;
}

enum kh_err
kh_b64_decode_padded(const uint8_t *text, size_t n, uint8_t *out, size_t *len)
{
	enum kh_err e;

	e = decode(text, n, sodium_base64_VARIANT_ORIGINAL, out, len);
	return e == KH_OK && *len == 0 ? KH_EFORMAT : e;
}
