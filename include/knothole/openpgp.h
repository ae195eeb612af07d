/*
 * OpenPGP keys through GPGME and gpg: a public key is examined, something
 * short is encrypted to exactly one, and decrypted with the user's own secret
 * key, wherever that lies. No key ring is read or written but the user's, and
 * that for decrypting only.
 *
 * GPGME 1.18 can report success when gpg has died, or spin. So each operation
 * runs in a process of its own with a time limit, and counts only when gpg has
 * said that it is complete, has taken all of its input, and its output is what
 * it ought to be.
 */
#ifndef KNOTHOLE_OPENPGP_H
#define KNOTHOLE_OPENPGP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "knothole/age.h"
#include "knothole/err.h"
#include "knothole/limits.h"

/* May something be encrypted to a key? The first of these that applies. */
enum kh_openpgp_verdict {
	KH_OPENPGP_OK,
	KH_OPENPGP_SECRET, /* it is a secret key: it must not be here */
	KH_OPENPGP_SEVERAL, /* more than one key */
	KH_OPENPGP_REVOKED, /* the key, or all that it encrypts with */
	KH_OPENPGP_EXPIRED, /* the same */
	KH_OPENPGP_SHA1, /* bound together by SHA-1 (or MD5) only */
	KH_OPENPGP_SIGN_ONLY, /* nothing in it encrypts */
	KH_OPENPGP_WEAK, /* RSA of less than KH_OPENPGP_RSA_MIN bits */
	KH_OPENPGP_ALGORITHM, /* not one of those that we take */
	KH_OPENPGP_UNBOUND, /* no user id that the key itself has signed */
	KH_OPENPGP_VERDICT_N
};

/* RSA-3072 to RSA-4096, NIST P-256 and P-384, Curve25519. */
#define KH_OPENPGP_RSA_MIN 3072
#define KH_OPENPGP_RSA_MAX 4096

/* Plain data. Text from the key is as it stands there: escape it. */
struct kh_openpgp_key {
	enum kh_openpgp_verdict verdict;
	char fpr[KH_OPENPGP_FPR_LEN + 1]; /* of the primary key, upper case */
	char subkey[KH_OPENPGP_FPR_LEN + 1]; /* of what encrypts, or "" */
	char uid[KH_OPENPGP_UID_MAX + 1]; /* the primary user id, cut */
	char algorithm[KH_OPENPGP_ALGORITHM_MAX + 1]; /* "rsa4096", ... */
	int64_t expires; /* seconds since 1970, of what ends first; 0: never */
};

/* A word for it that scripts can rely on ("expired"), and a clause for people
 * ("it has expired"). Static. */
const char *kh_openpgp_verdict_word(enum kh_openpgp_verdict v);
const char *kh_openpgp_verdict_text(enum kh_openpgp_verdict v);

/* Days before the end from which on a warning is due. */
#define KH_OPENPGP_WARN_DAYS 30

/*
 * The bytes of one public key out of a file: as gpg --export writes it, or
 * --armor --export.
 *	out	receives *n bytes, at most KH_OPENPGP_KEY_MAX
 * Errors: KH_EFORMAT it is not such a file; KH_ELIMIT too large; KH_EKEY it
 * is armor around a secret key. Whether the key is any good is for
 * kh_openpgp_examine to say.
 */
KH_CHECKED enum kh_err kh_openpgp_read(const uint8_t *file, size_t len,
    uint8_t out[static KH_OPENPGP_KEY_MAX], size_t *n);

/*
 * The key as armor (RFC 9580, section 6, with the checksum that older readers
 * want). `n` is at most KH_OPENPGP_KEY_MAX; `out` receives a NUL-terminated
 * text, whose length is returned.
 */
size_t kh_openpgp_armor(
    const uint8_t *key, size_t n, char out[static KH_OPENPGP_ARMOR_MAX + 1]);

/*
 * One key, and no secret one, going by its packets alone (RFC 9580, section 4).
 * Quick, runs nothing; what it takes may still be refused by
 * kh_openpgp_examine.
 * Errors: KH_EFORMAT; KH_EKEY several keys or a secret one; KH_EUNSUP not
 * version 4; KH_ELIMIT.
 */
KH_CHECKED enum kh_err kh_openpgp_packets(const uint8_t *key, size_t n);

/* How gpg is run. */
struct kh_openpgp;

/*
 * With a directory of its own, 0700 under $TMPDIR or /tmp, that
 * kh_openpgp_free removes. Nothing secret is ever in it.
 *	gpg	path of gpg; NULL: as GPGME finds it
 * Errors: KH_ESYS, KH_ENOMEM; *out is NULL then.
 */
KH_CHECKED enum kh_err kh_openpgp_new(struct kh_openpgp **out, const char *gpg);

/*
 * With a directory that kh_openpgp_home_fill has filled, and that is only read.
 *	home	its absolute path
 */
KH_CHECKED enum kh_err kh_openpgp_new_at(
    struct kh_openpgp **out, const char *gpg, const char *home);
void kh_openpgp_free(struct kh_openpgp *g); /* NULL is fine */

/* Put what gpg needs into an empty directory, so that it writes no file and
 * opens no socket: its options, and a trust database without a key.
 * Errors: KH_ESYS, KH_EFULL. */
KH_CHECKED enum kh_err kh_openpgp_home_fill(int dir);

/* Put a key into the directory under the name of its place, "0.pgp", ... */
KH_CHECKED enum kh_err kh_openpgp_home_key(
    int dir, unsigned place, const uint8_t *key, size_t n);

/*
 * What kind of key is it, and may something be encrypted to it today?
 *	key	`n` bytes, binary
 *	out	set completely; when it is not KH_OPENPGP_OK some of it is empty
 * Errors: KH_EFORMAT it is not an OpenPGP key; KH_EUNSUP there is no gpg;
 * KH_EPROTO gpg died, did not end in time, or answered nonsense; KH_ELIMIT,
 * KH_ENOMEM, KH_ESYS.
 */
KH_CHECKED enum kh_err kh_openpgp_examine(const struct kh_openpgp *g,
    const uint8_t *key, size_t n, struct kh_openpgp_key *out);

/*
 * Encrypt to one key that was examined and is KH_OPENPGP_OK.
 *	key	`n` bytes, binary; who->verdict was about these
 *	text	`len` bytes, at most KH_OPENPGP_TEXT_MAX; secret, not kept
 *	out	receives *out_n bytes of an OpenPGP message, binary: one packet
 *		with the session key for who->subkey, and one with the text
 * Errors: KH_EKEY gpg refuses the key; KH_EUNSUP, KH_EPROTO as above;
 * KH_ENOMEM, KH_ESYS. *out_n is 0 then.
 */
KH_CHECKED enum kh_err kh_openpgp_wrap(const struct kh_openpgp *g,
    const uint8_t *key, size_t n, const struct kh_openpgp_key *who,
    const void *text, size_t len, uint8_t out[static KH_OPENPGP_MESSAGE_MAX],
    size_t *out_n);

/* The same for the key in this place of a directory (kh_openpgp_home_key). */
KH_CHECKED enum kh_err kh_openpgp_wrap_to(const struct kh_openpgp *g,
    unsigned place, const struct kh_openpgp_key *who, const void *text,
    size_t len, uint8_t out[static KH_OPENPGP_MESSAGE_MAX], size_t *out_n);

/*
 * A bridge to a key that was examined and is KH_OPENPGP_OK: makes the one-off
 * identity and forgets its secret half.
 *	g, place, who	as kh_openpgp_wrap_to
 *	out	zeroed on error
 * Errors as kh_openpgp_wrap_to.
 */
KH_CHECKED enum kh_err kh_openpgp_bridge(const struct kh_openpgp *g,
    unsigned place, const struct kh_openpgp_key *who, struct kh_bridge *out);

/* Put a key into g's own directory (kh_openpgp_new), at place 0. */
KH_CHECKED enum kh_err kh_openpgp_place(
    const struct kh_openpgp *g, const uint8_t *key, size_t n);

/* The identity in a bridge's message, by kh_openpgp_unwrap.
 * Errors: as there; KH_EFORMAT it is no identity. *out is zeroed then. */
KH_CHECKED enum kh_err kh_openpgp_unbridge(
    const uint8_t *msg, size_t n, struct kh_identity *out);

/*
 * Decrypt with the secret key that the user's own gpg has, by way of the
 * agent: on a smart card, behind a pinentry, as it is. Waits for people, so
 * without a time limit.
 *	msg	`n` bytes, binary, at most KH_OPENPGP_MESSAGE_MAX
 *	out	receives *out_n bytes; kh_secret_alloc memory, wiped on error
 * Errors: KH_ENOKEY there is no secret key for it, or it was not given;
 * KH_EAUTH the message does not authenticate; KH_EFORMAT it is not one;
 * KH_EUNSUP there is no gpg; KH_EPROTO gpg died; KH_ENOMEM, KH_ESYS.
 */
KH_CHECKED enum kh_err kh_openpgp_unwrap(const uint8_t *msg, size_t n,
    uint8_t out[static KH_OPENPGP_TEXT_MAX], size_t *out_n);

#endif
