/*
 * age v1 files (C2SP "The age file encryption format"), on libsodium alone:
 * X25519 and scrypt recipients, ASCII armor, STREAM payload, seekable reading.
 *
 *	"age-encryption.org/v1\n"
 *	"-> X25519 " b64(ephemeral share) "\n" b64(wrapped file key) "\n" ...
 *	"--- " b64(HMAC-SHA-256) "\n"
 *	nonce[16]  { chunk[<= 65536] tag[16] } ...
 *
 * Payload keys, file keys and plaintext live in kh_secret_alloc memory and are
 * wiped at their last use.
 *
 * The last stanza of a header that we seal to recipients is our own,
 * "knothole.example/check" with a digest of the header before it (lib/age/
 * check.c has the bytes). Other readers pass over it, as the spec asks. It
 * authenticates nothing, the MAC does; but when no key fits, it tells whether
 * the object is damaged (KH_EAUTH) or for somebody else (KH_ENOKEY). Headers
 * without it (stock age, passphrases) give KH_ENOKEY in both cases.
 */
#ifndef KNOTHOLE_AGE_H
#define KNOTHOLE_AGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "knothole/err.h"
#include "knothole/io.h"
#include "knothole/limits.h"

/* An X25519 public key: "age1..." in text. */
struct kh_recipient {
	uint8_t pk[KH_X25519_LEN];
};

/* An X25519 secret key: "AGE-SECRET-KEY-1..." in text. Keep it in
 * kh_secret_alloc memory; wipe it. */
struct kh_identity {
	uint8_t sk[KH_X25519_LEN];
};

/*
 * Text to key and back. `n` bytes of text, without a line end; any case of
 * Bech32 but mixed. Text out is NUL-terminated.
 * Errors: KH_EKEY when it is not exactly one well-formed key; a recipient also
 * when it is of low order or not reduced, because nobody could open what is
 * sealed to it. *out is zeroed on error.
 */
KH_CHECKED enum kh_err kh_recipient_parse(
    const char *text, size_t n, struct kh_recipient *out);
void kh_recipient_format(
    const struct kh_recipient *r, char out[static KH_RECIPIENT_TEXT_LEN + 1]);
KH_CHECKED enum kh_err kh_identity_parse(
    const char *text, size_t n, struct kh_identity *out);
void kh_identity_format(
    const struct kh_identity *id, char out[static KH_IDENTITY_TEXT_LEN + 1]);

/* A fresh identity, and the public half of one. */
void kh_identity_generate(struct kh_identity *out);
void kh_identity_recipient(
    const struct kh_identity *id, struct kh_recipient *out);

/*
 * The keys that something is opened with: identities, in the order given,
 * and at most one passphrase. Copies what it is given into locked memory.
 */
struct kh_keyring;

/* An empty keyring, which the caller frees. Errors: KH_ENOMEM; *out is NULL
 * then. */
KH_CHECKED enum kh_err kh_keyring_new(struct kh_keyring **out);
void kh_keyring_free(struct kh_keyring *kr); /* wipes; NULL is fine */

/* KH_ELIMIT after KH_IDENTITIES_MAX. */
KH_CHECKED enum kh_err kh_keyring_add(
    struct kh_keyring *kr, const struct kh_identity *id);

/* `n` bytes, 1 to KH_PASSPHRASE_MAX (else KH_ELIMIT); replaces an earlier one. */
KH_CHECKED enum kh_err kh_keyring_passphrase(
    struct kh_keyring *kr, const char *passphrase, size_t n);

/*
 * Add every identity of an identity file: lines of AGE-SECRET-KEY-1...,
 * blank lines and lines beginning with '#' are passed over, LF or CRLF.
 * Errors: KH_EFORMAT for any other line, or when there is no identity;
 * KH_ELIMIT. On an error nothing of the file was added.
 */
KH_CHECKED enum kh_err kh_keyring_add_file(
    struct kh_keyring *kr, const char *text, size_t n);

/*
 * What opens bridges, stanzas "knothole.example/openpgp": it is asked when no
 * other key fits, for each of them, at most KH_BRIDGES_MAX times an object.
 *	fpr	the fingerprint that the stanza names: anybody may have written
 *		it
 *	msg	`n` bytes that should be an OpenPGP message; valid during the call
 *	out	receives the identity; kh_secret_alloc memory
 * Returns KH_OK; KH_ENOKEY to go on with the next; anything else is what
 * opening returns if no other fits.
 */
struct kh_bridge_opener {
	enum kh_err (*open)(void *ctx, const char *fpr, const uint8_t *msg,
	    size_t n, struct kh_identity *out);
	void *ctx; /* lives as long as the keyring */
};
void kh_keyring_bridge(struct kh_keyring *kr, struct kh_bridge_opener b);

size_t kh_keyring_count(const struct kh_keyring *kr); /* of identities */

/* Is the identity of this recipient among them? */
bool kh_keyring_has(const struct kh_keyring *kr, const struct kh_recipient *to);

/*
 * A bridge to somebody who has an OpenPGP key: a one-off identity, of which
 * only the public half is left here, and a message with its secret half,
 * encrypted to that key (kh_openpgp_bridge). Plain data; for one object only.
 */
struct kh_bridge {
	struct kh_recipient to; /* of the one-off identity */
	char fpr[KH_OPENPGP_FPR_LEN + 1]; /* of the primary key, upper case */
	uint32_t n;
	uint8_t message[KH_OPENPGP_MESSAGE_MAX];
};

/* Is it one that can be sealed to: a message of 1 to KH_OPENPGP_MESSAGE_MAX
 * bytes, and 40 digits with a NUL behind them? For who has it from another
 * process; sealing to one that is not aborts. */
bool kh_bridge_valid(const struct kh_bridge *b);

/*
 * Seal. Either recipients or a passphrase, never both (the spec: a scrypt
 * stanza stands alone).
 */
struct kh_seal_to {
	const struct kh_recipient *recipients;
	size_t n; /* 1 to KH_RECIPIENTS_MAX, or 0 */
	const struct kh_bridge *bridges; /* besides recipients */
	size_t n_bridges; /* at most KH_BRIDGES_MAX; with n KH_RECIPIENTS_MAX */
	const char *passphrase; /* or NULL */
	size_t passphrase_len;
	int logn; /* scrypt work factor; 0 means KH_SCRYPT_LOGN */
	bool armor; /* ASCII armor around it */
};

struct kh_sealer;

/*
 * Make the file key, wrap it to everyone in `to`, write the header to `sink`.
 * `to` is not kept; the sink's ctx must live as long as the sealer. Afterwards
 * each call passes on all chunks that it completed, several at once; the chunk
 * that may be the last one waits for kh_sealer_finish.
 * Errors: KH_EKEY for a recipient of low order, KH_ELIMIT, KH_ENOMEM, and
 * whatever the sink returns. *out is NULL on error.
 */
KH_CHECKED enum kh_err kh_sealer_new(
    struct kh_sealer **out, const struct kh_seal_to *to, struct kh_sink sink);

/* Bytes of the sealed object before the first payload chunk: header and
 * nonce, armor not counted. */
size_t kh_sealer_header_len(const struct kh_sealer *s);

/* Seal `n` more bytes. After an error only kh_sealer_free may follow. */
KH_CHECKED enum kh_err kh_sealer_write(
    struct kh_sealer *s, const uint8_t *p, size_t n);

/* Seal the last chunk. The object is complete only when this said KH_OK. */
KH_CHECKED enum kh_err kh_sealer_finish(struct kh_sealer *s);

/* Wipe and free. Without kh_sealer_finish what was written is truncated, and
 * every reader will say so. NULL is fine. */
void kh_sealer_free(struct kh_sealer *s);

/* Bytes of a sealed payload (without header and nonce) for `plain` bytes. */
uint64_t kh_age_payload_len(uint64_t plain);

/*
 * Open a stream: feed it the sealed bytes in any pieces; `sink` receives
 * plaintext, only of chunks that have been authenticated. Armor is recognised
 * by its first line.
 */
struct kh_opener;

/* `kr` and the sink's ctx must live as long as the opener. */
KH_CHECKED enum kh_err kh_opener_new(
    struct kh_opener **out, const struct kh_keyring *kr, struct kh_sink sink);

/*
 * Errors: KH_EFORMAT malformed header or armor; KH_EAUTH HMAC or chunk does
 * not authenticate, check stanza does not fit, bytes after the last chunk;
 * KH_ENOKEY no stanza for these keys; KH_ELIMIT a cap; KH_ENOMEM; whatever the
 * sink returns. After an error only kh_opener_free may follow. Neither the
 * error nor what was released before it depends on how the input was split.
 */
KH_CHECKED enum kh_err kh_opener_write(
    struct kh_opener *o, const uint8_t *p, size_t n);

/* The input has ended. KH_OK only if the last chunk was seen and every byte
 * authenticated; KH_ETRUNC or KH_EAUTH otherwise (what was released before is
 * authentic but not complete: discard it). */
KH_CHECKED enum kh_err kh_opener_finish(struct kh_opener *o);

/* Wipe and free; NULL is fine. */
void kh_opener_free(struct kh_opener *o);

/*
 * Read anywhere in a sealed object (binary, not armored). Every byte that it
 * returns was authenticated in its place; opening it checks the last chunk,
 * so that the size is authentic too.
 */
struct kh_age_reader;

/* Errors as for kh_opener_write, KH_ETRUNC, and KH_ELIMIT for a source larger
 * than KH_OBJECT_LEN_MAX. `src.ctx` must outlive it; `kr` is needed during the
 * call only. */
KH_CHECKED enum kh_err kh_age_reader_new(struct kh_age_reader **out,
    const struct kh_keyring *kr, struct kh_source src);

uint64_t kh_age_reader_size(const struct kh_age_reader *r); /* plaintext */

/* Read exactly `n` bytes at `off`; off + n <= size is a precondition.
 * Errors: KH_EAUTH, KH_ETRUNC, whatever the source returns. */
KH_CHECKED enum kh_err kh_age_reader_read(
    struct kh_age_reader *r, uint64_t off, uint8_t *p, size_t n);

/*
 * Authenticate every chunk that no read has touched yet. After KH_OK the
 * whole object is known to be as it was sealed.
 *	progress	called now and then with chunks done and in all; or NULL
 */
KH_CHECKED enum kh_err kh_age_reader_verify(struct kh_age_reader *r,
    void (*progress)(void *ctx, uint64_t done, uint64_t all), void *ctx);

/* Wipe and free; NULL is fine. The source stays the caller's. */
void kh_age_reader_free(struct kh_age_reader *r);

#endif
