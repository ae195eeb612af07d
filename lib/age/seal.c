/*
 * Sealing: header first, then chunk after chunk as the bytes come. Separate
 * from opening because a server that seals must not carry the code that opens.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "knothole/age.h"
#include "knothole/secret.h"
#include "lib/age/armor.h"
#include "lib/age/header.h"
#include "lib/age/stanza.h"
#include "lib/age/stream.h"
#include "lib/base/precond.h"

#define BATCH_CHUNKS 4 /* sealed for one call of the sink: 256 KiB */
#define BATCH_LEN (BATCH_CHUNKS * KH_SEALED_CHUNK_LEN)
#define MAC_LINE_LEN (4 + KH_B64_LEN(KH_AGE_MAC_LEN) + 1)
#define HEADER_LEN_MAX                                                     \
	(KH_AGE_VERSION_LEN + KH_RECIPIENTS_MAX * KH_STANZA_X25519_LEN +   \
	    KH_BRIDGES_MAX * KH_STANZA_OPENPGP_MAX + KH_STANZA_CHECK_LEN + \
	    MAC_LINE_LEN)

_Static_assert(KH_STANZA_SCRYPT_MAX <= KH_STANZA_X25519_LEN,
    "one scrypt stanza fits where the recipients do");
_Static_assert(HEADER_LEN_MAX <= KH_AGE_HEADER_MAX, "we read what we write");
_Static_assert(HEADER_LEN_MAX + KH_AGE_NONCE_LEN <= BATCH_LEN,
    "the header is put together in the batch");

/* In kh_secret_alloc memory. `part` is what does not fill a chunk yet, or
 * fills the one that may be the last. */
struct seal_secrets {
	uint8_t fk[KH_FILE_KEY_LEN]; /* until the header is made */
	struct kh_stream stream;
	size_t part_n;
	uint8_t part[KH_CHUNK_LEN];
};

struct kh_sealer {
	struct kh_sink sink;
	struct kh_armor_writer *armor; /* or NULL */
	struct seal_secrets *sec;
	size_t header_len;
	bool over; /* finished, or failed */
	size_t batch_n; /* sealed and not yet written */
	uint8_t batch[BATCH_LEN];
};

static enum kh_err
seal_flush(struct kh_sealer *s)
{
	size_t n = s->batch_n;

	s->batch_n = 0;
	if (n == 0)
		return KH_OK;
	if (s->armor != NULL)
		return kh_armor_writer_write(s->armor, s->batch, n);
	return s->sink.write(s->sink.ctx, s->batch, n);
}

static enum kh_err
seal_chunk(struct kh_sealer *s, const uint8_t *p, size_t n, bool last)
{
	enum kh_err e;

	if (BATCH_LEN - s->batch_n < KH_SEALED_CHUNK_LEN) {
		e = seal_flush(s);
		if (e != KH_OK)
			return e;
	}
	kh_stream_seal(&s->sec->stream, p, n, last, s->batch + s->batch_n);
	s->batch_n += n + KH_TAG_LEN;
	return KH_OK;
}

static enum kh_err
seal_to(struct kh_sealer *s, const struct kh_recipient *to,
    const uint8_t fk[static KH_FILE_KEY_LEN])
{
	enum kh_err e;

	e = kh_stanza_x25519_make(fk, to, s->batch + s->batch_n);
	if (e == KH_OK)
		s->batch_n += KH_STANZA_X25519_LEN;
	return e;
}

static enum kh_err
seal_stanzas(struct kh_sealer *s, const struct kh_seal_to *to,
    const uint8_t fk[static KH_FILE_KEY_LEN])
{
	const struct kh_scrypt_with with = {.passphrase = to->passphrase,
	    .len = to->passphrase_len,
	    .logn = to->logn != 0 ? to->logn : KH_SCRYPT_LOGN};
	enum kh_err e = KH_OK;
	size_t i, n;

	if (to->n == 0) {
		e = kh_stanza_scrypt_make(fk, &with, s->batch + s->batch_n, &n);
		s->batch_n += n;
		return e;
	}
	for (i = 0; i < to->n && e == KH_OK; i++)
		e = seal_to(s, &to->recipients[i], fk);
	for (i = 0; i < to->n_bridges && e == KH_OK; i++) {
		e = seal_to(s, &to->bridges[i].to, fk);
		s->batch_n += kh_stanza_openpgp_make(
		    &to->bridges[i], s->batch + s->batch_n);
	}
	if (e != KH_OK)
		return e;
	kh_stanza_check_make(s->batch, s->batch_n, s->batch + s->batch_n);
	s->batch_n += KH_STANZA_CHECK_LEN;
	return KH_OK;
}

/* Header and nonce into the batch, the payload key into the stream. */
static enum kh_err
seal_header(struct kh_sealer *s, const struct kh_seal_to *to)
{
	uint8_t mac[KH_AGE_MAC_LEN], *nonce, *fk = s->sec->fk;
	enum kh_err e;

	randombytes_buf(fk, KH_FILE_KEY_LEN);
	memcpy(s->batch, KH_AGE_VERSION_LINE, KH_AGE_VERSION_LEN);
	s->batch_n = KH_AGE_VERSION_LEN;
	e = seal_stanzas(s, to, fk);
	if (e != KH_OK)
		goto out;
	memcpy(s->batch + s->batch_n, "--- ", 4);
	kh_age_mac(fk, s->batch, s->batch_n + 3, mac);
	s->batch_n += 4;
	kh_b64_encode(mac, sizeof(mac), (char *)s->batch + s->batch_n);
	s->batch_n += KH_B64_LEN(sizeof(mac));
	s->batch[s->batch_n++] = '\n';

	nonce = s->batch + s->batch_n;
	randombytes_buf(nonce, KH_AGE_NONCE_LEN);
	s->batch_n += KH_AGE_NONCE_LEN;
	kh_age_payload_key(fk, nonce, s->sec->stream.key);
	s->sec->stream.chunk = 0;
	s->header_len = s->batch_n;
out:
	kh_wipe(fk, KH_FILE_KEY_LEN);
	return e;
}

static enum kh_err
seal_limits(const struct kh_seal_to *to)
{
	if (to->n > KH_RECIPIENTS_MAX || to->n_bridges > KH_BRIDGES_MAX ||
	    to->n_bridges > KH_RECIPIENTS_MAX - to->n)
		return KH_ELIMIT;
	if (to->passphrase == NULL)
		return KH_OK;
	if (to->passphrase_len == 0 || to->passphrase_len > KH_PASSPHRASE_MAX)
		return KH_ELIMIT;
	if (to->logn < 0 || to->logn > KH_SCRYPT_LOGN_MAX)
		return KH_ELIMIT;
	return KH_OK;
}

enum kh_err
kh_sealer_new(
    struct kh_sealer **out, const struct kh_seal_to *to, struct kh_sink sink)
{
	struct kh_sealer *s = NULL;
	enum kh_err e;

	PRECOND(out != NULL && to != NULL && sink.write != NULL);
	PRECOND((to->n > 0) != (to->passphrase != NULL));
	PRECOND(to->n == 0 || to->recipients != NULL);
	PRECOND(to->n_bridges == 0 || (to->n > 0 && to->bridges != NULL));

	*out = NULL;
	e = seal_limits(to);
	if (e != KH_OK)
		goto out;
	e = KH_ENOMEM;
	/* Not calloc: a visit that sends little never touches all of it. */
	s = malloc(sizeof(*s));
	if (s == NULL)
		goto out;
	memset(s, 0, offsetof(struct kh_sealer, batch));
	s->sink = sink;
	s->sec = kh_secret_alloc(sizeof(*s->sec));
	if (s->sec == NULL)
		goto out;
	s->sec->part_n = 0;
	if (to->armor) {
		e = kh_armor_writer_new(&s->armor, sink);
		if (e != KH_OK)
			goto out;
	}
	e = seal_header(s, to);
	if (e == KH_OK)
		e = seal_flush(s);
	if (e == KH_OK) {
		*out = s;
		s = NULL;
	}
out:
	kh_sealer_free(s);
	return e;
}

size_t
kh_sealer_header_len(const struct kh_sealer *s)
{
	PRECOND(s != NULL);
	return s->header_len;
}

/*
 * Whole chunks are sealed from where the caller has them. What may be the last
 * one waits in `part`: only when more follows is it known that it was not.
 */
static enum kh_err
seal_bytes(struct kh_sealer *s, const uint8_t *p, size_t n)
{
	struct seal_secrets *sec = s->sec;
	size_t take;
	enum kh_err e;

	if (sec->part_n > 0) {
		take = KH_CHUNK_LEN - sec->part_n;
		take = take < n ? take : n;
		memcpy(sec->part + sec->part_n, p, take);
		sec->part_n += take;
		p += take;
		n -= take;
		if (n == 0)
			return KH_OK;
		sec->part_n = 0;
		e = seal_chunk(s, sec->part, KH_CHUNK_LEN, false);
		if (e != KH_OK)
			return e;
	}
	for (; n > KH_CHUNK_LEN; n -= KH_CHUNK_LEN) {
		e = seal_chunk(s, p, KH_CHUNK_LEN, false);
		if (e != KH_OK)
			return e;
		p += KH_CHUNK_LEN;
	}
	memcpy(sec->part, p, n);
	sec->part_n = n;
	return KH_OK;
}

enum kh_err
kh_sealer_write(struct kh_sealer *s, const uint8_t *p, size_t n)
{
	enum kh_err e;

	PRECOND(s != NULL && !s->over && (p != NULL || n == 0));
	if (n == 0)
		return KH_OK;
	e = seal_bytes(s, p, n);
	if (e == KH_OK)
		e = seal_flush(s);
	s->over = e != KH_OK;
	return e;
}

enum kh_err
kh_sealer_finish(struct kh_sealer *s)
{
	enum kh_err e;

	PRECOND(s != NULL && !s->over);
	s->over = true;
	e = seal_chunk(s, s->sec->part, s->sec->part_n, true);
	/* Key and plaintext have had their last use. */
	kh_secret_free(s->sec);
	s->sec = NULL;
	if (e == KH_OK)
		e = seal_flush(s);
	if (e == KH_OK && s->armor != NULL)
		e = kh_armor_writer_finish(s->armor);
	return e;
}

void
kh_sealer_free(struct kh_sealer *s)
{
	if (s == NULL)
		return;
	kh_secret_free(s->sec);
	kh_armor_writer_free(s->armor);
	free(s);
}

uint64_t
kh_age_payload_len(uint64_t plain)
{
	uint64_t chunks = plain / KH_CHUNK_LEN + (plain % KH_CHUNK_LEN != 0);

	PRECOND(plain <= UINT64_MAX / 2);
	if (chunks == 0)
		chunks = 1;
	return plain + chunks * KH_TAG_LEN;
}
