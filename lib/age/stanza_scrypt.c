/*
 * The scrypt recipient stanza: a file key under a passphrase. Separate, like
 * every stanza type, so that it can be read beside its section of the spec.
 */
#include <sodium.h>
#include <string.h>

#include "knothole/secret.h"
#include "lib/age/stanza.h"
#include "lib/base/precond.h"

#define N_ARGS 3
#define SCRYPT_R 8
#define SCRYPT_P 1
#define LABEL "age-encryption.org/v1/scrypt"
#define LABEL_LEN (sizeof(LABEL) - 1)

_Static_assert(KH_SCRYPT_LOGN >= 1 && KH_SCRYPT_LOGN <= KH_SCRYPT_LOGN_MAX &&
	KH_SCRYPT_LOGN_MAX <= 99,
    "two digits at most");

/* It fails for want of memory alone: the parameters are checked before. */
static enum kh_err
stretch(const struct kh_scrypt_with *with, const uint8_t *salt,
    uint8_t key[static KH_AGE_KEY_LEN])
{
	uint8_t s[LABEL_LEN + KH_SCRYPT_SALT_LEN];

	PRECOND(with->logn >= 1 && with->logn <= KH_SCRYPT_LOGN_MAX);
	memcpy(s, LABEL, LABEL_LEN);
	memcpy(s + LABEL_LEN, salt, KH_SCRYPT_SALT_LEN);
	if (crypto_pwhash_scryptsalsa208sha256_ll(
		(const uint8_t *)with->passphrase, with->len, s, sizeof(s),
		UINT64_C(1) << with->logn, SCRYPT_R, SCRYPT_P, key,
		KH_AGE_KEY_LEN) != 0)
		return KH_ENOMEM;
	return KH_OK;
}

enum kh_err
kh_stanza_scrypt_make(const uint8_t fk[static KH_FILE_KEY_LEN],
    const struct kh_scrypt_with *with, uint8_t out[static KH_STANZA_SCRYPT_MAX],
    size_t *n)
{
	static const char lead[] = "-> " KH_STANZA_SCRYPT " ";
	uint8_t salt[KH_SCRYPT_SALT_LEN], key[KH_AGE_KEY_LEN];
	uint8_t body[KH_WRAPPED_LEN];
	uint8_t *p = out;
	enum kh_err e;

	*n = 0;
	randombytes_buf(salt, sizeof(salt));
	e = stretch(with, salt, key);
	if (e != KH_OK)
		goto out;
	kh_age_wrap(key, fk, body);

	memcpy(p, lead, sizeof(lead) - 1);
	p += sizeof(lead) - 1;
	kh_b64_encode(salt, sizeof(salt), (char *)p);
	p += KH_B64_LEN(sizeof(salt));
	*p++ = ' ';
	if (with->logn >= 10)
		*p++ = (uint8_t)('0' + with->logn / 10);
	*p++ = (uint8_t)('0' + with->logn % 10);
	*p++ = '\n';
	kh_b64_encode(body, sizeof(body), (char *)p);
	p += KH_B64_LEN(sizeof(body));
	*p++ = '\n';
	*n = (size_t)(p - out);
	PRECOND(*n <= KH_STANZA_SCRYPT_MAX);
out:
	kh_wipe(key, sizeof(key));
	return e;
}

/* %x31-39 *DIGIT, and no more than the cap. */
static enum kh_err
parse_logn(const uint8_t *p, size_t n, int *logn)
{
	size_t i;
	int v = 0;

	*logn = 0;
	if (n == 0 || p[0] == '0')
		return KH_EFORMAT;
	for (i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return KH_EFORMAT;
		/* Stays above the cap, and small, once it is above it. */
		if (v <= KH_SCRYPT_LOGN_MAX)
			v = v * 10 + (p[i] - '0');
	}
	if (v > KH_SCRYPT_LOGN_MAX)
		return KH_ELIMIT;
	*logn = v;
	return KH_OK;
}

static enum kh_err
parse(const struct kh_age_header *h, const struct kh_stanza *s,
    uint8_t salt[static KH_SCRYPT_SALT_LEN], int *logn)
{
	const uint8_t *p;
	size_t n;

	if (s->n_args != N_ARGS)
		return KH_EFORMAT;
	p = kh_stanza_arg(h, s, 1, &n);
	if (kh_b64_decode(p, n, salt, KH_SCRYPT_SALT_LEN) != KH_OK)
		return KH_EFORMAT;
	p = kh_stanza_arg(h, s, 2, &n);
	return parse_logn(p, n, logn);
}

enum kh_err
kh_stanza_scrypt_validate(
    const struct kh_age_header *h, const struct kh_stanza *s)
{
	uint8_t salt[KH_SCRYPT_SALT_LEN], body[KH_WRAPPED_LEN];
	enum kh_err e;
	int logn;

	/* "An scrypt stanza, if present, MUST be the only stanza." */
	if (kh_age_header_stanzas(h) != 1)
		return KH_EFORMAT;
	e = parse(h, s, salt, &logn);
	return e != KH_OK ? e : kh_stanza_wrapped(h, s, body);
}

enum kh_err
kh_stanza_scrypt_open(const struct kh_age_header *h, const struct kh_stanza *s,
    const struct kh_keyring *kr, uint8_t fk[static KH_FILE_KEY_LEN])
{
	struct kh_scrypt_with with = {
	    .passphrase = kr->passphrase, .len = kr->passphrase_len};
	uint8_t salt[KH_SCRYPT_SALT_LEN], body[KH_WRAPPED_LEN];
	uint8_t key[KH_AGE_KEY_LEN];
	enum kh_err e;

	if (kr->passphrase_len == 0)
		return KH_ENOKEY;
	e = parse(h, s, salt, &with.logn);
	if (e == KH_OK)
		e = kh_stanza_wrapped(h, s, body);
	if (e == KH_OK)
		e = stretch(&with, salt, key);
	if (e == KH_OK)
		e = kh_age_unwrap(key, body, fk);
	kh_wipe(key, sizeof(key));
	return e;
}
