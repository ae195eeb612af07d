/*
 * From a code to what it opens: Argon2id, then keyed BLAKE2b. Separate because
 * it alone is costly; nothing of variable length reaches it (L18).
 */
#include <sodium.h>
#include <string.h>

#include "knothole/code.h"
#include "knothole/secret.h"
#include "lib/base/precond.h"
#include "lib/code/canon.h"

#define ROOT_LEN 32

_Static_assert(KH_SALT_LEN == crypto_pwhash_argon2id_SALTBYTES, "salt");
_Static_assert(ROOT_LEN <= crypto_generichash_KEYBYTES_MAX, "key");
_Static_assert(KH_MAILBOX_LEN >= crypto_generichash_BYTES_MIN, "mailbox");

/* Only derive() sees it. */
struct scratch {
	uint8_t bytes[KH_CODE_BYTES_LEN];
	uint8_t root[ROOT_LEN];
};

/* BLAKE2b with key `root`, message `label` (ASCII, no NUL), `n` bytes of
 * output. */
static void
expand(const uint8_t root[static ROOT_LEN], const char *label, uint8_t *out,
    size_t n)
{
	crypto_generichash(
	    out, n, (const uint8_t *)label, strlen(label), root, ROOT_LEN);
}

/*
 *	root     = Argon2id v1.3 (RFC 9106), p = 1, t = KH_CODE_KDF_OPS,
 *	           m = KH_CODE_KDF_MEM bytes, password C(S) (14 bytes, canon.h),
 *	           salt = the instance's, 32 bytes of output
 *	mailbox  = BLAKE2b-128 (key root, "knothole mailbox v1")
 *	reply    = BLAKE2b-256 (key root, "knothole reply key v1"): X25519 scalar
 *	slot_key = BLAKE2b-256 (key root, "knothole slot key v1")
 */
enum kh_err
kh_code_derive(const struct kh_code *c, const uint8_t salt[static KH_SALT_LEN],
    struct kh_code_keys *out)
{
	struct scratch *s = NULL;
	enum kh_err e = KH_ENOMEM;

	PRECOND(c != NULL && out != NULL);
	kh_wipe(out, sizeof(*out));
	s = kh_secret_alloc(sizeof(*s));
	if (s == NULL)
		goto out;
	kh_code_bytes(c, s->bytes);
	if (crypto_pwhash(s->root, sizeof(s->root), (const char *)s->bytes,
		sizeof(s->bytes), salt, KH_CODE_KDF_OPS, KH_CODE_KDF_MEM,
		crypto_pwhash_ALG_ARGON2ID13) != 0)
		goto out;
	expand(
	    s->root, "knothole mailbox v1", out->mailbox, sizeof(out->mailbox));
	expand(s->root, "knothole reply key v1", out->reply.sk,
	    sizeof(out->reply.sk));
	expand(s->root, "knothole slot key v1", out->slot_key,
	    sizeof(out->slot_key));
	kh_identity_recipient(&out->reply, &out->reply_to);
	e = KH_OK;
out:
	kh_secret_free(s);
	return e;
}
