/*
 * Signatures in minisign's format, on libsodium's Ed25519 and BLAKE2b. Separate
 * from the cards because everything we sign is signed this way.
 */
#include <sodium.h>
#include <stdbool.h>
#include <string.h>

#include "knothole/minisign.h"
#include "knothole/name.h"
#include "knothole/secret.h"
#include "lib/base/precond.h"

#define ALG_LEN 2
#define B64 sodium_base64_VARIANT_ORIGINAL
#define UNTRUSTED "untrusted comment: "
#define TRUSTED "trusted comment: "

/* What the base64 lines hold; minisign(1), "Signature format". */
struct public_blob {
	uint8_t alg[ALG_LEN]; /* "Ed" */
	uint8_t key_id[KH_SIGN_KEY_ID_LEN];
	uint8_t pk[KH_SIGN_PUBLIC_LEN];
};

struct signature_blob {
	uint8_t alg[ALG_LEN]; /* "ED": pre-hashed */
	uint8_t key_id[KH_SIGN_KEY_ID_LEN];
	uint8_t sig[crypto_sign_BYTES];
};

/* A signature taken apart. */
struct parts {
	struct signature_blob first;
	const char *trusted; /* in the text, not NUL-terminated */
	size_t trusted_len;
	uint8_t global[crypto_sign_BYTES];
};

/* What the second signature is over. */
struct global_message {
	uint8_t sig[crypto_sign_BYTES];
	char trusted[KH_TRUSTED_COMMENT_MAX];
};

#define B64_LEN(n) (((n) + 2) / 3 * 4)

_Static_assert(sizeof(struct public_blob) == 42, "no padding");
_Static_assert(sizeof(struct signature_blob) == 74, "no padding");
_Static_assert(B64_LEN(sizeof(struct public_blob)) == KH_SIGN_PUBLIC_TEXT_LEN,
    "minisign's length");
_Static_assert(sizeof(UNTRUSTED) + sizeof(TRUSTED) + 4 +
	    KH_UNTRUSTED_COMMENT_MAX + KH_TRUSTED_COMMENT_MAX +
	    B64_LEN(sizeof(struct signature_blob)) +
	    B64_LEN(crypto_sign_BYTES) <=
	KH_SIGNATURE_TEXT_MAX,
    "the longest signature");

void
kh_sign_generate(struct kh_sign_secret *out)
{
	PRECOND(out != NULL);
	randombytes_buf(out->key_id, sizeof(out->key_id));
	randombytes_buf(out->seed, sizeof(out->seed));
}

void
kh_sign_public(const struct kh_sign_secret *sk, struct kh_sign_public *out)
{
	uint8_t full[crypto_sign_SECRETKEYBYTES];

	PRECOND(sk != NULL && out != NULL);
	crypto_sign_seed_keypair(out->pk, full, sk->seed);
	memcpy(out->key_id, sk->key_id, sizeof(out->key_id));
	kh_wipe(full, sizeof(full));
}

void
kh_sign_public_format(const struct kh_sign_public *pk,
    char out[static KH_SIGN_PUBLIC_TEXT_LEN + 1])
{
	struct public_blob b = {.alg = {'E', 'd'}};

	PRECOND(pk != NULL);
	memcpy(b.key_id, pk->key_id, sizeof(b.key_id));
	memcpy(b.pk, pk->pk, sizeof(b.pk));
	sodium_bin2base64(out, KH_SIGN_PUBLIC_TEXT_LEN + 1, (const uint8_t *)&b,
	    sizeof(b), B64);
}

/*
 * Exactly `out_len` bytes in exactly `n` characters. Encoded again and
 * compared, because libsodium 1.0.18 takes more than one text for a value: it
 * reads bytes above 0x7f as '/'.
 */
static bool
base64_exact(const char *text, size_t n, void *out, size_t out_len)
{
	char again[B64_LEN(sizeof(struct signature_blob)) + 1];
	size_t len = 0;

	if (n != B64_LEN(out_len) || n >= sizeof(again))
		return false;
	if (sodium_base642bin(out, out_len, text, n, NULL, &len, NULL, B64) !=
		0 ||
	    len != out_len)
		return false;
	sodium_bin2base64(again, sizeof(again), out, out_len, B64);
	return memcmp(again, text, n) == 0;
}

enum kh_err
kh_sign_public_parse(const char *text, size_t n, struct kh_sign_public *out)
{
	struct public_blob b;

	PRECOND((text != NULL || n == 0) && out != NULL);
	memset(out, 0, sizeof(*out));
	if (!base64_exact(text, n, &b, sizeof(b)))
		return KH_EKEY;
	if (memcmp(b.alg, "Ed", ALG_LEN) != 0)
		return KH_EKEY;
	/* On the curve, canonical, of the main subgroup. */
	if (crypto_core_ed25519_is_valid_point(b.pk) != 1)
		return KH_EKEY;
	memcpy(out->key_id, b.key_id, sizeof(out->key_id));
	memcpy(out->pk, b.pk, sizeof(out->pk));
	return KH_OK;
}

static bool
comment_ok(const char *text, size_t max)
{
	size_t i, n;

	if (text == NULL)
		return false;
	n = strnlen(text, max + 1);
	if (n > max || !kh_utf8_valid((const uint8_t *)text, n))
		return false;
	for (i = 0; i < n; i++) {
		if ((uint8_t)text[i] < 0x20 || text[i] == 0x7f)
			return false;
	}
	return true;
}

/* Append `n` bytes; the buffer holds the longest signature (asserted above).
 * Returns where the next ones go. */
static char *
put(char *at, const char *p, size_t n)
{
	memcpy(at, p, n);
	return at + n;
}

static char *
put_base64(char *at, const void *p, size_t n)
{
	sodium_bin2base64(at, B64_LEN(n) + 1, p, n, B64);
	at += B64_LEN(n);
	*at++ = '\n';
	return at;
}

static void
prehash(const uint8_t *msg, size_t n, uint8_t h[crypto_generichash_BYTES_MAX])
{
	crypto_generichash(h, crypto_generichash_BYTES_MAX, msg, n, NULL, 0);
}

enum kh_err
kh_sign(const struct kh_sign_secret *sk, const uint8_t *msg, size_t n,
    const char *untrusted, const char *trusted,
    char out[static KH_SIGNATURE_TEXT_MAX])
{
	uint8_t *full = NULL, pk[crypto_sign_PUBLICKEYBYTES];
	uint8_t h[crypto_generichash_BYTES_MAX], global[crypto_sign_BYTES];
	struct signature_blob b = {.alg = {'E', 'D'}};
	struct global_message g;
	char *at = out;

	PRECOND(sk != NULL && (msg != NULL || n == 0));
	PRECOND(comment_ok(untrusted, KH_UNTRUSTED_COMMENT_MAX));
	PRECOND(comment_ok(trusted, KH_TRUSTED_COMMENT_MAX));
	out[0] = '\0';
	full = kh_secret_alloc(crypto_sign_SECRETKEYBYTES);
	if (full == NULL)
		return KH_ENOMEM;
	crypto_sign_seed_keypair(pk, full, sk->seed);
	memcpy(b.key_id, sk->key_id, sizeof(b.key_id));
	prehash(msg, n, h);
	crypto_sign_detached(b.sig, NULL, h, sizeof(h), full);
	memcpy(g.sig, b.sig, sizeof(g.sig));
	memcpy(g.trusted, trusted, strlen(trusted));
	crypto_sign_detached(global, NULL, (const uint8_t *)&g,
	    sizeof(g.sig) + strlen(trusted), full);
	kh_secret_free(full);

	at = put(at, UNTRUSTED, strlen(UNTRUSTED));
	at = put(at, untrusted, strlen(untrusted));
	at = put(at, "\n", 1);
	at = put_base64(at, &b, sizeof(b));
	at = put(at, TRUSTED, strlen(TRUSTED));
	at = put(at, trusted, strlen(trusted));
	at = put(at, "\n", 1);
	at = put_base64(at, global, sizeof(global));
	*at = '\0';
	return KH_OK;
}

/* The next line of `*text`, without its LF; `*text` moves behind it. */
static bool
next_line(
    const char **text, const char *end, const char **line, size_t *line_len)
{
	const char *lf;

	lf = memchr(*text, '\n', (size_t)(end - *text));
	if (lf == NULL)
		return false;
	*line = *text;
	*line_len = (size_t)(lf - *text);
	*text = lf + 1;
	return true;
}

/* Does the line begin with `prefix`, and is the rest a comment? */
static bool
strip(const char **line, size_t *n, const char *prefix, size_t max)
{
	size_t len = strlen(prefix);

	if (*n < len || memcmp(*line, prefix, len) != 0)
		return false;
	*line += len;
	*n -= len;
	return *n <= max && memchr(*line, '\r', *n) == NULL &&
	    memchr(*line, '\0', *n) == NULL;
}

static enum kh_err
take_apart(const char *text, size_t n, struct parts *out)
{
	const char *end = text + n, *line;
	size_t len;

	if (!next_line(&text, end, &line, &len) ||
	    !strip(&line, &len, UNTRUSTED, KH_UNTRUSTED_COMMENT_MAX))
		return KH_EFORMAT;
	if (!next_line(&text, end, &line, &len) ||
	    !base64_exact(line, len, &out->first, sizeof(out->first)))
		return KH_EFORMAT;
	if (memcmp(out->first.alg, "Ed", ALG_LEN) == 0)
		return KH_EUNSUP; /* not pre-hashed, minisign before 0.6 */
	if (memcmp(out->first.alg, "ED", ALG_LEN) != 0)
		return KH_EFORMAT;
	if (!next_line(&text, end, &out->trusted, &out->trusted_len) ||
	    !strip(&out->trusted, &out->trusted_len, TRUSTED,
		KH_TRUSTED_COMMENT_MAX))
		return KH_EFORMAT;
	if (!next_line(&text, end, &line, &len) ||
	    !base64_exact(line, len, out->global, sizeof(out->global)))
		return KH_EFORMAT;
	return text == end ? KH_OK : KH_EFORMAT;
}

enum kh_err
kh_sign_verify(const struct kh_sign_public *pk, const uint8_t *msg, size_t n,
    const char *sig, size_t sig_len)
{
	uint8_t h[crypto_generichash_BYTES_MAX];
	struct global_message g;
	struct parts p;
	enum kh_err e;

	PRECOND(pk != NULL && (msg != NULL || n == 0));
	PRECOND(sig != NULL || sig_len == 0);
	if (sig_len == 0 || sig_len >= KH_SIGNATURE_TEXT_MAX)
		return KH_EFORMAT;
	e = take_apart(sig, sig_len, &p);
	if (e != KH_OK)
		return e;
	if (memcmp(p.first.key_id, pk->key_id, sizeof(pk->key_id)) != 0)
		return KH_EAUTH;
	prehash(msg, n, h);
	if (crypto_sign_verify_detached(p.first.sig, h, sizeof(h), pk->pk) != 0)
		return KH_EAUTH;
	memcpy(g.sig, p.first.sig, sizeof(g.sig));
	memcpy(g.trusted, p.trusted, p.trusted_len);
	if (crypto_sign_verify_detached(p.global, (const uint8_t *)&g,
		sizeof(g.sig) + p.trusted_len, pk->pk) != 0)
		return KH_EAUTH;
	return KH_OK;
}
