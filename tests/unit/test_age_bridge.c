/*
 * Bridges, with an opener that stands for gpg: what is written, when the opener
 * is asked and what follows from its answer, and that an object with bridges
 * still has a Padmé length.
 */
#include "tests/unit/bundle.h"

#include <sodium.h>

#include "knothole/padme.h"
#include "knothole/rewrap.h"

#define FPR "0123456789ABCDEF0123456789ABCDEF01234567"

/* Bridge `i` has the secret of newsroom() + i, and a message of `n` bytes. */
static void
make_bridge(struct kh_bridge *b, uint8_t i, uint32_t n)
{
	struct kh_identity id;

	memset(b, 0, sizeof(*b));
	memset(id.sk, i + 1, sizeof(id.sk));
	kh_identity_recipient(&id, &b->to);
	memcpy(b->fpr, FPR, sizeof(FPR));
	b->fpr[0] = (char)('A' + i % 6);
	b->n = n;
	memset(b->message, i, n);
}

struct asked {
	size_t n; /* times */
	int fits; /* the message byte that it has a key for, or -1 */
	enum kh_err otherwise;
	uint32_t len; /* that a message must have */
};

static enum kh_err
open_bridge(void *ctx, const char *fpr, const uint8_t *msg, size_t n,
    struct kh_identity *out)
{
	struct asked *a = ctx;
	size_t i;

	a->n++;
	assert_int_equal(strlen(fpr), KH_OPENPGP_FPR_LEN);
	assert_int_equal(fpr[0], 'A' + msg[0] % 6);
	assert_int_equal(n, a->len);
	for (i = 0; i < n; i++)
		assert_int_equal(msg[i], msg[0]);
	memset(out, msg[0] + 1, sizeof(*out));
	return msg[0] == a->fits ? KH_OK : a->otherwise;
}

static void
seal(const struct kh_bridge *b, size_t n, struct bytes *out, size_t *head)
{
	struct kh_recipient to;
	const struct kh_seal_to all = {
	    .recipients = &to, .n = 1, .bridges = b, .n_bridges = n};
	struct kh_sealer *s;

	kh_identity_recipient(newsroom(), &to);
	assert_int_equal(kh_sealer_new(&s, &all, bytes_sink(out)), KH_OK);
	*head = kh_sealer_header_len(s);
	assert_int_equal(out->n, *head);
	assert_int_equal(
	    kh_sealer_write(s, (const uint8_t *)"hello", 5), KH_OK);
	assert_int_equal(kh_sealer_finish(s), KH_OK);
	kh_sealer_free(s);
}

static enum kh_err
open_with(struct asked *a, bool own, const struct bytes *sealed)
{
	const struct kh_bridge_opener opener = {open_bridge, a};
	struct kh_memory mem = {sealed->p, sealed->n};
	struct kh_age_reader *r = NULL;
	struct kh_keyring *kr;
	struct kh_identity id;
	enum kh_err e;

	assert_int_equal(kh_keyring_new(&kr), KH_OK);
	memset(id.sk, 0x77, sizeof(id.sk));
	assert_int_equal(kh_keyring_add(kr, own ? newsroom() : &id), KH_OK);
	kh_keyring_bridge(kr, opener);
	e = kh_age_reader_new(&r, kr, kh_source_memory(&mem));
	if (e == KH_OK)
		assert_int_equal(kh_age_reader_size(r), 5);
	kh_age_reader_free(r);
	kh_keyring_free(kr);
	return e;
}

/* Every length about a full line, and the longest. */
static void
test_lengths(void **state)
{
	static const uint32_t lens[] = {1, 2, 3, 47, 48, 49, 95, 96, 97, 1000,
	    2047, KH_OPENPGP_MESSAGE_MAX};
	struct bytes out = {0};
	struct kh_bridge b;
	struct asked a;
	size_t i, head, body;

	(void)state;
	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		make_bridge(&b, 3, lens[i]);
		seal(&b, 1, &out, &head);
		/* FORMAT.md, section 2: an LF for each full line of 64, and
		 * one for the last, which is not full. */
		body = (lens[i] * 4 + 2) / 3;
		body += body / 64 + 1;
		assert_int_equal(head, 136 + 2 * 98 + 69 + body);
		a = (struct asked){
		    .fits = 3, .otherwise = KH_ENOKEY, .len = lens[i]};
		assert_int_equal(open_with(&a, false, &out), KH_OK);
		assert_int_equal(a.n, 1);
		bytes_free(&out);
	}
}

static void
test_when_it_is_asked(void **state)
{
	struct kh_bridge b[3];
	struct bytes out = {0};
	struct asked a = {.fits = 1, .otherwise = KH_ENOKEY, .len = 100};
	uint8_t i;
	size_t head;

	(void)state;
	for (i = 0; i < 3; i++)
		make_bridge(&b[i], i, 100);
	seal(b, 3, &out, &head);
	/* Not when another key fits. */
	assert_int_equal(open_with(&a, true, &out), KH_OK);
	assert_int_equal(a.n, 0);
	/* Up to the one that fits. */
	assert_int_equal(open_with(&a, false, &out), KH_OK);
	assert_int_equal(a.n, 2);
	/* An error does not end it, and is told when none fits. */
	a = (struct asked){.fits = 2, .otherwise = KH_ENOMEM, .len = 100};
	assert_int_equal(open_with(&a, false, &out), KH_OK);
	assert_int_equal(a.n, 3);
	a = (struct asked){.fits = -1, .otherwise = KH_ENOMEM, .len = 100};
	assert_int_equal(open_with(&a, false, &out), KH_ENOMEM);
	a = (struct asked){.fits = -1, .otherwise = KH_ENOKEY, .len = 100};
	assert_int_equal(open_with(&a, false, &out), KH_ENOKEY);
	assert_int_equal(a.n, 3);
	bytes_free(&out);
}

/* One changed byte of a bridge: never opened, and never ours to crash on. */
static void
test_changed(void **state)
{
	struct bytes out = {0};
	struct kh_bridge b;
	struct asked a;
	uint8_t *at;
	size_t head;

	(void)state;
	make_bridge(&b, 0, 10);
	seal(&b, 1, &out, &head);
	at = memmem(out.p, out.n, "openpgp A", 9);
	assert_non_null(at);
	at[8] = 'a'; /* no fingerprint of ours: it is passed over */
	a = (struct asked){.fits = 0, .otherwise = KH_ENOKEY, .len = 10};
	assert_int_equal(open_with(&a, false, &out), KH_EAUTH);
	assert_int_equal(a.n, 0);
	at[8] = 'A';
	at[9] ^= 1; /* the MAC notices what the opener does not */
	assert_int_equal(open_with(&a, false, &out), KH_EAUTH);
	assert_int_equal(a.n, 1);
	bytes_free(&out);
}

static void
test_limits(void **state)
{
	struct kh_bridge *b = calloc(KH_BRIDGES_MAX + 1, sizeof(*b));
	struct kh_recipient to[KH_RECIPIENTS_MAX];
	struct kh_seal_to all = {.recipients = to, .n = 32, .bridges = b};
	struct bytes out = {0};
	struct kh_sealer *s;
	uint8_t i;

	(void)state;
	assert_non_null(b);
	for (i = 0; i < KH_RECIPIENTS_MAX; i++)
		kh_identity_recipient(newsroom(), &to[i]);
	for (i = 0; i < KH_BRIDGES_MAX + 1; i++)
		make_bridge(&b[i], i, KH_OPENPGP_MESSAGE_MAX);
	all.n_bridges = KH_BRIDGES_MAX;
	assert_int_equal(kh_sealer_new(&s, &all, bytes_sink(&out)), KH_OK);
	assert_true(out.n <= KH_AGE_HEADER_MAX);
	kh_sealer_free(s);
	all.n_bridges = KH_BRIDGES_MAX + 1;
	assert_int_equal(kh_sealer_new(&s, &all, bytes_sink(&out)), KH_ELIMIT);
	all.n_bridges = KH_BRIDGES_MAX;
	all.n = 33;
	assert_int_equal(kh_sealer_new(&s, &all, bytes_sink(&out)), KH_ELIMIT);
	bytes_free(&out);
	free(b);
}

/* The length counts the whole header. */
static void
test_padding(void **state)
{
	struct kh_bridge *b = calloc(KH_BRIDGES_MAX, sizeof(*b));
	struct kh_bundle_info info = {.language = "he", .day = "2026-11-21"};
	struct kh_bundle_writer *w;
	struct kh_recipient to;
	struct bytes out = {0};
	uint64_t len, padded;
	uint8_t i;

	(void)state;
	assert_non_null(b);
	kh_identity_recipient(newsroom(), &to);
	info.reply_to = to;
	info.bridges = b;
	for (i = 0; i < KH_BRIDGES_MAX; i++) {
		make_bridge(&b[i], i, 600 + i * 7u);
		info.n_bridges = i + 1u;
		assert_int_equal(
		    kh_bundle_writer_new(&w, &to, 1, &info, bytes_sink(&out)),
		    KH_OK);
		assert_int_equal(
		    kh_bundle_message(w, (const uint8_t *)"hello", 5), KH_OK);
		assert_int_equal(kh_bundle_finish(w, true, &len), KH_OK);
		kh_bundle_writer_free(w);
		assert_int_equal(out.n, len);
		padded = kh_padme(out.n);
		assert_int_equal(padded, out.n);
		if (i == 0)
			assert_int_equal(out.n, KH_OBJECT_LEN_MIN);
		bytes_free(&out);
	}
	free(b);
}

/* Sealed without a bridge, and given one later. */
static enum kh_err
rewrap(const struct bytes *in, const struct kh_bridge *b, size_t n,
    struct bytes *out)
{
	struct kh_memory mem = {in->p, in->n};
	struct kh_recipient to;
	const struct kh_seal_to add = {
	    .recipients = &to, .n = 1, .bridges = b, .n_bridges = n};
	struct kh_keyring *kr;
	enum kh_err e;

	kh_identity_recipient(newsroom(), &to);
	assert_int_equal(kh_keyring_new(&kr), KH_OK);
	assert_int_equal(kh_keyring_add(kr, newsroom()), KH_OK);
	e = kh_age_rewrap_to(kr, kh_source_memory(&mem), &add, bytes_sink(out));
	kh_keyring_free(kr);
	return e;
}

static void
test_added_later(void **state)
{
	struct asked a = {.fits = 1, .otherwise = KH_ENOKEY, .len = 96};
	struct bytes in = {0}, out = {0}, whole = {0};
	struct kh_bridge b[2];
	size_t head, with;

	(void)state;
	make_bridge(&b[0], 0, 96);
	make_bridge(&b[1], 1, 96);
	seal(b, 0, &in, &head);
	seal(b, 2, &whole, &with);
	assert_int_equal(rewrap(&in, b, 2, &out), KH_OK);
	/* As sealed to both at once, with one X25519 stanza more. */
	assert_int_equal(out.n, in.n + with - head + 98);
	assert_memory_equal(out.p + out.n - (in.n - head) - KH_AGE_NONCE_LEN,
	    in.p + head - KH_AGE_NONCE_LEN, in.n - head + KH_AGE_NONCE_LEN);
	assert_int_equal(open_with(&a, true, &out), KH_OK);
	assert_int_equal(a.n, 0);
	assert_int_equal(open_with(&a, false, &out), KH_OK);
	assert_int_equal(a.n, 2);
	bytes_free(&out);
	/* A key that nobody may have: not a byte is written. */
	memset(&b[1].to, 0, sizeof(b[1].to));
	assert_int_equal(rewrap(&in, b, 2, &out), KH_EKEY);
	assert_int_equal(out.n, 0);
	bytes_free(&in);
	bytes_free(&whole);
}

/* As many as there may be; and again, until the header is full. */
static void
test_added_limits(void **state)
{
	struct kh_bridge *b = calloc(KH_BRIDGES_MAX + 1, sizeof(*b));
	struct asked a = {
	    .fits = 31, .otherwise = KH_ENOKEY, .len = KH_OPENPGP_MESSAGE_MAX};
	struct bytes in = {0}, out = {0}, more = {0};
	enum kh_err e;
	size_t head;
	uint8_t i;

	(void)state;
	assert_non_null(b);
	for (i = 0; i < KH_BRIDGES_MAX + 1; i++)
		make_bridge(&b[i], i, KH_OPENPGP_MESSAGE_MAX);
	seal(b, 0, &in, &head);
	assert_int_equal(rewrap(&in, b, KH_BRIDGES_MAX + 1, &out), KH_ELIMIT);
	assert_int_equal(out.n, 0);
	assert_int_equal(rewrap(&in, b, KH_BRIDGES_MAX, &out), KH_OK);
	assert_int_equal(open_with(&a, false, &out), KH_OK);
	assert_int_equal(a.n, KH_BRIDGES_MAX);
	for (i = 0;; i++) {
		e = rewrap(&out, b, KH_BRIDGES_MAX, &more);
		if (e != KH_OK)
			break;
		bytes_free(&out);
		out = more;
		memset(&more, 0, sizeof(more));
		assert_true(i < 3);
	}
	assert_int_equal(e, KH_ELIMIT);
	assert_int_equal(more.n, 0);
	bytes_free(&in);
	bytes_free(&out);
	free(b);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_lengths),
    cmocka_unit_test(test_when_it_is_asked),
    cmocka_unit_test(test_changed),
    cmocka_unit_test(test_limits),
    cmocka_unit_test(test_padding),
    cmocka_unit_test(test_added_later),
    cmocka_unit_test(test_added_limits),
};

TAP_MAIN(tests)
