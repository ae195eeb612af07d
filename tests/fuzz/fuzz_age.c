/*
 * Fuzz the opening of age files: armor, header, stanzas, payload. Whatever the
 * input, every way to cut it gives the same answer and the same bytes, and the
 * seekable reader agrees.
 *
 * Input: one byte that chooses the cuts, then the object. The identity is 32
 * times 0x42, the passphrase "knothole".
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "knothole/age.h"
#include "knothole/secret.h"

/* scrypt with more work than this would be all that is measured. */
#undef KH_SCRYPT_LOGN
#undef KH_SCRYPT_LOGN_MAX
#define KH_SCRYPT_LOGN 4
#define KH_SCRYPT_LOGN_MAX 8
#include "lib/age/stanza_scrypt.c"

#define RELEASED_MAX (1u << 22)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct released {
	uint8_t *p;
	size_t n;
};

static enum kh_err
released_write(void *ctx, const uint8_t *p, size_t n)
{
	struct released *r = ctx;

	if (n == 0 || n > RELEASED_MAX - r->n)
		abort();
	memcpy(r->p + r->n, p, n);
	r->n += n;
	return KH_OK;
}

/* What opens bridges: the message says what becomes of it. */
static enum kh_err
open_bridge(void *ctx, const char *fpr, const uint8_t *msg, size_t n,
    struct kh_identity *out)
{
	(void)ctx;
	if (strlen(fpr) != KH_OPENPGP_FPR_LEN || n == 0 ||
	    n > KH_OPENPGP_MESSAGE_MAX)
		abort();
	memset(out->sk, msg[0], sizeof(out->sk));
	return msg[n - 1] % 2 == 0 ? KH_OK : KH_ENOKEY;
}

static struct kh_keyring *
keyring(void)
{
	static struct kh_keyring *kr;
	struct kh_identity id;

	if (kr != NULL)
		return kr;
	memset(id.sk, 0x42, sizeof(id.sk));
	if (kh_init() != KH_OK || kh_keyring_new(&kr) != KH_OK ||
	    kh_keyring_add(kr, &id) != KH_OK ||
	    kh_keyring_passphrase(kr, "knothole", 8) != KH_OK)
		abort();
	kh_keyring_bridge(kr, (struct kh_bridge_opener){open_bridge, NULL});
	return kr;
}

/* Feed it in pieces of `step` bytes. */
static enum kh_err
open_pieces(const uint8_t *p, size_t n, size_t step, struct released *out)
{
	struct kh_sink sink = {.write = released_write, .ctx = out};
	struct kh_opener *o;
	enum kh_err e = KH_OK;
	size_t piece;

	out->n = 0;
	if (kh_opener_new(&o, keyring(), sink) != KH_OK)
		abort();
	while (n > 0 && e == KH_OK) {
		piece = step < n ? step : n;
		e = kh_opener_write(o, p, piece);
		p += piece;
		n -= piece;
	}
	if (e == KH_OK)
		e = kh_opener_finish(o);
	kh_opener_free(o);
	return e;
}

static enum kh_err
open_seeking(const uint8_t *p, size_t n, struct released *out)
{
	struct kh_memory m = {.p = p, .n = n};
	struct kh_age_reader *r;
	enum kh_err e;

	out->n = 0;
	e = kh_age_reader_new(&r, keyring(), kh_source_memory(&m));
	if (e != KH_OK)
		return e;
	e = kh_age_reader_verify(r, NULL, NULL);
	if (e == KH_OK) {
		out->n = (size_t)kh_age_reader_size(r);
		e = kh_age_reader_read(r, 0, out->p, out->n);
	}
	kh_age_reader_free(r);
	return e;
}

static void
same(enum kh_err e, const struct released *a, enum kh_err f,
    const struct released *b)
{
	if (e != f || a->n != b->n || memcmp(a->p, b->p, a->n) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct released whole, pieces;
	enum kh_err e, f;
	bool binary;

	if (size == 0 || size > RELEASED_MAX)
		return 0;
	if (whole.p == NULL) {
		whole.p = malloc(RELEASED_MAX);
		pieces.p = malloc(RELEASED_MAX);
		if (whole.p == NULL || pieces.p == NULL)
			abort();
	}
	binary = size > 1 && data[1] == 'a';
	e = open_pieces(data + 1, size - 1, size, &whole);
	f = open_pieces(data + 1, size - 1, 1 + (size_t)data[0] * 7, &pieces);
	same(e, &whole, f, &pieces);
	f = open_pieces(data + 1, size - 1, 1, &pieces);
	same(e, &whole, f, &pieces);

	/* The reader may judge a payload by its end before its beginning, but
	 * both accept the same, and tell a wrong key from damage alike. */
	f = open_seeking(data + 1, size - 1, &pieces);
	if ((e == KH_ENOKEY && binary) != (f == KH_ENOKEY))
		abort();
	if ((e == KH_OK && binary) != (f == KH_OK))
		abort();
	if (f == KH_OK)
		same(e, &whole, f, &pieces);
	return 0;
}
