/*
 * Splitting and joining, by libgfshare (Shamir over GF(2^8), byte by byte).
 * Separate because only this knows that library: it does not notice a wrong
 * share, so everything is checked around it.
 */
#include <libgfshare.h>
#include <sodium.h>
#include <string.h>

#include "knothole/secret.h"
#include "knothole/share.h"
#include "lib/base/precond.h"

/* A key's bytes as libgfshare wants them, in kh_secret_alloc memory. */
struct work {
	struct kh_identity id;
	uint8_t value[KH_X25519_LEN];
};

static void
fill(unsigned char *p, unsigned n)
{
	randombytes_buf(p, n);
}

static enum kh_err
split(const struct kh_identity *id, unsigned threshold, unsigned count,
    struct kh_share *out)
{
	unsigned char numbers[KH_SHARES_MAX];
	struct kh_recipient pub;
	struct work *w = NULL;
	enum kh_err e = KH_ENOMEM;
	gfshare_ctx *ctx;
	unsigned i;

	for (i = 0; i < count; i++)
		numbers[i] = (unsigned char)(i + 1);
	kh_identity_recipient(id, &pub);
	gfshare_fill_rand = fill; /* libgfshare.h: before any encoding */
	ctx = gfshare_ctx_init_enc(
	    numbers, count, (unsigned char)threshold, KH_X25519_LEN);
	w = kh_secret_alloc(sizeof(*w));
	if (ctx == NULL || w == NULL)
		goto out;
	w->id = *id; /* its argument is not const */
	gfshare_ctx_enc_setsecret(ctx, w->id.sk);
	for (i = 0; i < count; i++) {
		gfshare_ctx_enc_getshare(ctx, (unsigned char)i, w->value);
		out[i].threshold = (uint8_t)threshold;
		out[i].count = (uint8_t)count;
		out[i].number = numbers[i];
		kh_share_set(&pub, out[i].set);
		memcpy(out[i].value, w->value, sizeof(w->value));
	}
	e = KH_OK;
out:
	if (ctx != NULL)
		gfshare_ctx_free(ctx); /* which overwrites it */
	kh_secret_free(w);
	return e;
}

/* Joins any `threshold` in a row, wherever they begin, to the key again? */
static enum kh_err
try_all(const struct kh_share *s, const struct kh_identity *id)
{
	unsigned first, n = s[0].threshold;
	struct work *w = kh_secret_alloc(sizeof(*w));
	enum kh_err e = KH_OK;

	if (w == NULL)
		return KH_ENOMEM;
	for (first = 0; first + n <= s[0].count && e == KH_OK; first++) {
		e = kh_share_join(s + first, n, &w->id);
		PRECOND(
		    e != KH_OK || kh_equal(w->id.sk, id->sk, sizeof(id->sk)));
	}
	kh_secret_free(w);
	return e;
}

enum kh_err
kh_share_split(const struct kh_identity *id, unsigned threshold, unsigned count,
    struct kh_share *out)
{
	enum kh_err e;

	PRECOND(id != NULL && out != NULL && count <= KH_SHARES_MAX);
	PRECOND(threshold >= KH_SHARE_THRESHOLD_MIN && threshold <= count);
	e = split(id, threshold, count, out);
	if (e == KH_OK)
		e = try_all(out, id);
	if (e != KH_OK)
		kh_wipe(out, count * sizeof(out[0]));
	return e;
}

/* Do they belong together, and are they enough? */
static enum kh_err
judge(const struct kh_share *s, size_t n)
{
	size_t i, j;

	for (i = 0; i < n; i++) {
		if (memcmp(s[i].set, s[0].set, sizeof(s[0].set)) != 0 ||
		    s[i].threshold != s[0].threshold ||
		    s[i].count != s[0].count)
			return KH_EKEY;
		for (j = 0; j < i; j++)
			if (s[j].number == s[i].number)
				return KH_EEXIST;
	}
	return n == 0 || n < s[0].threshold ? KH_ENOENT : KH_OK;
}

static enum kh_err
join(const struct kh_share *s, size_t n, struct kh_identity *out)
{
	unsigned char numbers[KH_SHARES_MAX];
	struct work *w = kh_secret_alloc(sizeof(*w));
	gfshare_ctx *ctx = NULL;
	enum kh_err e = KH_ENOMEM;
	unsigned i;

	for (i = 0; i < n; i++)
		numbers[i] = s[i].number;
	/* Decoding draws no random numbers, freeing does: it overwrites. */
	gfshare_fill_rand = fill;
	ctx = gfshare_ctx_init_dec(numbers, (unsigned)n, KH_X25519_LEN);
	if (ctx == NULL || w == NULL)
		goto out;
	for (i = 0; i < n; i++) {
		memcpy(w->value, s[i].value, sizeof(w->value));
		gfshare_ctx_dec_giveshare(ctx, (unsigned char)i, w->value);
	}
	gfshare_ctx_dec_extract(ctx, out->sk);
	e = KH_OK;
out:
	if (ctx != NULL)
		gfshare_ctx_free(ctx);
	kh_secret_free(w);
	return e;
}

enum kh_err
kh_share_join(const struct kh_share *shares, size_t n, struct kh_identity *out)
{
	uint8_t set[KH_SHARE_SET_LEN];
	struct kh_recipient pub;
	enum kh_err e;

	PRECOND((shares != NULL || n == 0) && out != NULL);
	memset(out, 0, sizeof(*out));
	if (n > KH_SHARES_MAX)
		return KH_EEXIST; /* some number is there twice */
	e = judge(shares, n);
	if (e == KH_OK)
		e = join(shares, n, out);
	if (e == KH_OK) {
		kh_identity_recipient(out, &pub);
		kh_share_set(&pub, set);
		e = memcmp(set, shares[0].set, sizeof(set)) == 0 ? KH_OK
								 : KH_EAUTH;
	}
	if (e != KH_OK)
		kh_wipe(out, sizeof(*out));
	return e;
}
