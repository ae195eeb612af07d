/*
 * Keys as files, and what is said of them. Separate because the server needs
 * the armor and no gpg, for its pages.
 */
#include <sodium.h>
#include <string.h>

#include "knothole/openpgp.h"
#include "lib/base/precond.h"
#include "lib/openpgp/packets.h"

#define BEGIN "-----BEGIN PGP PUBLIC KEY BLOCK-----"
#define BEGIN_SECRET "-----BEGIN PGP PRIVATE KEY BLOCK-----"
#define END "-----END PGP PUBLIC KEY BLOCK-----"
#define BYTES_PER_LINE 48
#define B64 sodium_base64_VARIANT_ORIGINAL

static const struct {
	const char *word;
	const char *text;
} verdicts[KH_OPENPGP_VERDICT_N] = {
    [KH_OPENPGP_OK] = {"ok", "it can be used"},
    [KH_OPENPGP_SECRET] = {"secret",
	"it is a SECRET key, which must never leave its owner: export the "
	"public one, and think of this one as lost"},
    [KH_OPENPGP_SEVERAL] = {"several", "there is more than one key in it"},
    [KH_OPENPGP_REVOKED] = {"revoked", "it has been revoked"},
    [KH_OPENPGP_EXPIRED] = {"expired", "it has expired"},
    [KH_OPENPGP_SHA1] = {"sha1",
	"it is held together by SHA-1 signatures, which can be forged"},
    [KH_OPENPGP_SIGN_ONLY] = {"sign-only",
	"it is for signing only: there is no key for encryption in it"},
    [KH_OPENPGP_WEAK] = {"weak", "it is RSA of less than 3072 bits"},
    [KH_OPENPGP_ALGORITHM] = {"algorithm",
	"its kind is not supported: RSA-3072 to RSA-4096, NIST P-256, NIST "
	"P-384 and Curve25519 are"},
    [KH_OPENPGP_UNBOUND] = {"unbound",
	"no user id in it is signed by the key itself"},
};

const char *
kh_openpgp_verdict_word(enum kh_openpgp_verdict v)
{
	return v < KH_OPENPGP_VERDICT_N ? verdicts[v].word : "algorithm";
}

const char *
kh_openpgp_verdict_text(enum kh_openpgp_verdict v)
{
	return v < KH_OPENPGP_VERDICT_N ? verdicts[v].text
					: "nothing is known about it";
}

/* The next line of *p without its end; blanks at the end do not count. */
static bool
next_line(const char **p, const char *end, const char **line, size_t *n)
{
	const char *lf;

	if (*p == end)
		return false;
	lf = memchr(*p, '\n', (size_t)(end - *p));
	*line = *p;
	*n = (size_t)((lf != NULL ? lf : end) - *p);
	*p = lf != NULL ? lf + 1 : end;
	while (*n > 0 &&
	    ((*line)[*n - 1] == '\r' || (*line)[*n - 1] == ' ' ||
		(*line)[*n - 1] == '\t'))
		(*n)--;
	return true;
}

static bool
is(const char *line, size_t n, const char *text)
{
	return n == strlen(text) && memcmp(line, text, n) == 0;
}

/* A line of base64; only the last one may end in '='. */
static enum kh_err
take_line(const char *line, size_t n, uint8_t *out, size_t *at)
{
	size_t len = 0;

	if (n > 76) /* RFC 9580, section 6.1 */
		return KH_EFORMAT;
	if (n / 4 * 3 > KH_OPENPGP_KEY_MAX - *at)
		return KH_ELIMIT;
	if (sodium_base642bin(out + *at, KH_OPENPGP_KEY_MAX - *at, line, n,
		NULL, &len, NULL, B64) != 0)
		return KH_EFORMAT;
	*at += len;
	return KH_OK;
}

/* The checksum is not looked at, as RFC 9580 asks; signatures are. */
static enum kh_err
dearmor(const char *p, const char *end, uint8_t *out, size_t *n)
{
	bool head = true, sum = false;
	const char *line;
	enum kh_err e = KH_OK;
	size_t len;

	while (e == KH_OK) {
		if (!next_line(&p, end, &line, &len))
			return KH_EFORMAT;
		if (is(line, len, END))
			break;
		if (head) /* "Version: ...", up to an empty line */
			head = len > 0;
		else if (len == 5 && line[0] == '=')
			sum = true;
		else
			e = sum ? KH_EFORMAT : take_line(line, len, out, n);
	}
	if (e != KH_OK)
		return e;
	while (next_line(&p, end, &line, &len)) {
		if (len > 0)
			return KH_EFORMAT;
	}
	return *n > 0 ? KH_OK : KH_EFORMAT;
}

enum kh_err
kh_openpgp_read(const uint8_t *file, size_t len,
    uint8_t out[static KH_OPENPGP_KEY_MAX], size_t *n)
{
	const char *p = (const char *)file, *end = p + len, *line;
	enum kh_err e;
	size_t k;

	PRECOND((file != NULL || len == 0) && n != NULL);
	*n = 0;
	if (len == 0)
		return KH_EFORMAT;
	if ((file[0] & 0x80) != 0) {
		if (len > KH_OPENPGP_KEY_MAX)
			return KH_ELIMIT;
		memcpy(out, file, len);
		*n = len;
		return KH_OK;
	}
	do {
		if (!next_line(&p, end, &line, &k))
			return KH_EFORMAT;
	} while (k == 0);
	if (is(line, k, BEGIN_SECRET))
		return KH_EKEY;
	if (!is(line, k, BEGIN))
		return KH_EFORMAT;
	e = dearmor(p, end, out, n);
	if (e != KH_OK)
		*n = 0;
	return e;
}

/* RFC 4880, section 6.1. */
static uint32_t
crc24(const uint8_t *p, size_t n)
{
	uint32_t crc = 0xb704ce;
	int i;

	for (; n > 0; n--, p++) {
		crc ^= (uint32_t)*p << 16;
		for (i = 0; i < 8; i++) {
			crc <<= 1;
			if ((crc & 0x1000000) != 0)
				crc ^= 0x1864cfb;
		}
	}
	return crc & 0xffffff;
}

static size_t
put(char *out, const char *text)
{
	size_t n = strlen(text);

	memcpy(out, text, n + 1);
	return n;
}

static size_t
put_line(char *out, const uint8_t *p, size_t n)
{
	sodium_bin2base64(out, (n + 2) / 3 * 4 + 1, p, n, B64);
	n = strlen(out);
	return n + put(out + n, "\n");
}

size_t
kh_openpgp_armor(
    const uint8_t *key, size_t n, char out[static KH_OPENPGP_ARMOR_MAX + 1])
{
	const uint32_t crc = crc24(key, n);
	const uint8_t sum[3] = {
	    (uint8_t)(crc >> 16), (uint8_t)(crc >> 8), (uint8_t)crc};
	size_t at, k;

	PRECOND(key != NULL && n <= KH_OPENPGP_KEY_MAX);
	at = put(out, BEGIN "\n\n");
	for (; n > 0; n -= k, key += k) {
		k = n < BYTES_PER_LINE ? n : BYTES_PER_LINE;
		at += put_line(out + at, key, k);
	}
	at += put(out + at, "=");
	at += put_line(out + at, sum, sizeof(sum));
	return at + put(out + at, END "\n");
}
