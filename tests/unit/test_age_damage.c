/*
 * Objects that were cut, changed or meant for others: never opened, never more
 * released than was authentic, and damage told from "not for you".
 */
#include "tests/unit/age_run.h"

#define HEADER_LEN(n) (22 + (n)*98 + 50 + 48)

static struct people people;

static int
setup(void **state)
{
	(void)state;
	people_make(&people);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	people_free(&people);
	return 0;
}

static struct bytes
seal_to_first(size_t n_people, const uint8_t *plain, size_t n)
{
	struct kh_seal_to to = {.recipients = people.to, .n = n_people};
	struct bytes sealed = {0};

	assert_int_equal(seal_cut(&to, plain, n, CUT_WHOLE, &sealed), KH_OK);
	return sealed;
}

static bool
means_damaged(enum kh_err e)
{
	return e == KH_EFORMAT || e == KH_ETRUNC || e == KH_EAUTH ||
	    e == KH_ELIMIT;
}

/* The same verdict from the opener, however it is fed, and from the reader;
 * what was released is the beginning of the plaintext. */
static enum kh_err
verdict(const struct kh_keyring *kr, const uint8_t *p, size_t n,
    const uint8_t *plain)
{
	struct bytes out = {0}, again = {0}, read = {0};
	enum kh_err e, r;
	size_t i;

	e = open_cut(kr, p, n, CUT_WHOLE, &out);
	assert_int_equal(e, open_cut(kr, p, n, CUT_RANDOM, &again));
	assert_int_equal(out.n, again.n);
	for (i = 0; i < out.n; i++)
		assert_true(out.p[i] == plain[i] && again.p[i] == plain[i]);
	r = open_reader(kr, p, n, &read);
	assert_int_equal(r == KH_OK, e == KH_OK);
	assert_int_equal(r == KH_ENOKEY, e == KH_ENOKEY);
	bytes_free(&out);
	bytes_free(&again);
	bytes_free(&read);
	return e;
}

/* L8: a small object cut at every byte. */
static void
test_l8_truncated_small(void **state)
{
	uint8_t *plain = pattern(1000);
	struct bytes s = seal_to_first(3, plain, 1000);
	enum kh_err e;
	size_t n;

	(void)state;
	assert_int_equal(verdict(people.kr[0], s.p, s.n, plain), KH_OK);
	for (n = 0; n < s.n; n++) {
		e = verdict(people.kr[n % 3], s.p, n, plain);
		assert_true(e == KH_ETRUNC || e == KH_EAUTH);
		if (n < HEADER_LEN(3) + 16 + 16)
			assert_int_equal(e, KH_ETRUNC);
	}
	bytes_free(&s);
	free(plain);
}

/* L8: a large one at every chunk edge, and near it; all sizes of last chunk. */
static void
test_l8_truncated_at_chunk_edges(void **state)
{
	static const size_t sizes[] = {5 * 65536, 5 * 65536 + 1, 5 * 65536 - 1,
	    6 * 65536 - 1, 65536, 65537};
	struct bytes s;
	uint8_t *plain;
	size_t i, edge, at, start = HEADER_LEN(1) + 16;
	enum kh_err e;
	int d;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		plain = pattern(sizes[i]);
		s = seal_to_first(1, plain, sizes[i]);
		for (edge = start; edge < s.n; edge += 65552) {
			for (d = -17; d <= 17; d++) {
				at = (size_t)((ptrdiff_t)edge + d);
				if (at >= s.n)
					continue;
				e = verdict(people.kr[0], s.p, at, plain);
				assert_true(e == KH_ETRUNC || e == KH_EAUTH);
				if (d == 0)
					assert_int_equal(e, KH_ETRUNC);
			}
		}
		/* All of it but one byte; and bytes too many. */
		assert_true(
		    means_damaged(verdict(people.kr[0], s.p, s.n - 1, plain)));
		s.p = realloc(s.p, s.n + 65552);
		assert_non_null(s.p);
		memset(s.p + s.n, 0, 65552);
		assert_true(
		    means_damaged(verdict(people.kr[0], s.p, s.n + 1, plain)));
		assert_true(
		    means_damaged(verdict(people.kr[0], s.p, s.n + 16, plain)));
		assert_int_equal(
		    verdict(people.kr[0], s.p, s.n + 65552, plain), KH_EAUTH);
		bytes_free(&s);
		free(plain);
	}
}

/* Every bit of a header, opened as each recipient: damage, and never success
 * nor "not for you". */
static void
flip_header_bits(size_t n_people)
{
	const uint8_t plain[] = "knothole";
	struct bytes s = seal_to_first(n_people, plain, sizeof(plain));
	struct bytes out = {0};
	size_t bit, who;
	enum kh_err e, r;

	for (bit = 0; bit < 8 * HEADER_LEN(n_people); bit++) {
		s.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		for (who = 0; who < n_people; who++) {
			e = open_cut(people.kr[who], s.p, s.n, CUT_WHOLE, &out);
			r = open_reader(people.kr[who], s.p, s.n, &out);
			if (!means_damaged(e) || !means_damaged(r) ||
			    out.n != 0)
				fail_msg("bit %zu as %zu: %s, %s", bit, who,
				    kh_err_text(e), kh_err_text(r));
		}
		/* For others it is damaged as well, or not for them: but it
		 * does not open. */
		e = open_cut(
		    people.kr[PEOPLE_MAX - 1], s.p, s.n, CUT_WHOLE, &out);
		assert_true(means_damaged(e) || e == KH_ENOKEY);
		s.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(
	    open_cut(people.kr[0], s.p, s.n, CUT_WHOLE, &out), KH_OK);
	bytes_free(&s);
	bytes_free(&out);
}

static void
test_every_header_bit_one_recipient(void **state)
{
	(void)state;
	flip_header_bits(1);
}

static void
test_every_header_bit_three_recipients(void **state)
{
	(void)state;
	flip_header_bits(3);
}

/* Every bit of nonce and payload. */
static void
test_every_payload_bit(void **state)
{
	const uint8_t plain[] = "knothole";
	struct bytes s = seal_to_first(1, plain, sizeof(plain));
	size_t bit;

	(void)state;
	for (bit = 8 * HEADER_LEN(1); bit < 8 * s.n; bit++) {
		s.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(
		    verdict(people.kr[0], s.p, s.n, plain), KH_EAUTH);
		s.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	bytes_free(&s);
}

/* Every bit of an armored object: nothing of the text can be said otherwise. */
static void
test_every_armored_bit(void **state)
{
	struct kh_seal_to to = {.recipients = people.to, .n = 2, .armor = true};
	struct bytes s = {0}, out = {0};
	enum kh_err e;
	size_t bit;

	(void)state;
	assert_int_equal(
	    seal_cut(&to, (const uint8_t *)"knothole", 8, CUT_WHOLE, &s),
	    KH_OK);
	for (bit = 0; bit < 8 * s.n; bit++) {
		s.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		e = open_cut(people.kr[1], s.p, s.n, CUT_WHOLE, &out);
		if (!means_damaged(e) || out.n != 0)
			fail_msg("bit %zu: %s", bit, kh_err_text(e));
		assert_int_equal(
		    open_cut(people.kr[1], s.p, s.n, CUT_RANDOM, &out), e);
		s.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(
	    open_cut(people.kr[1], s.p, s.n, CUT_WHOLE, &out), KH_OK);
	bytes_free(&s);
	bytes_free(&out);
}

/* A whole object for somebody else is not called damaged, so that the user
 * looks for the right key and not for a better copy. */
static void
test_for_somebody_else(void **state)
{
	const uint8_t plain[] = "knothole";
	struct kh_keyring *none = ring_of(NULL);
	struct bytes s;
	size_t n;

	(void)state;
	for (n = 1; n < PEOPLE_MAX; n++) {
		s = seal_to_first(n, plain, sizeof(plain));
		assert_int_equal(
		    verdict(people.kr[PEOPLE_MAX - 1], s.p, s.n, plain),
		    KH_ENOKEY);
		assert_int_equal(verdict(none, s.p, s.n, plain), KH_ENOKEY);
		bytes_free(&s);
	}
	kh_keyring_free(none);
}

/* Chunks in another order, repeated, or from another object. */
static void
test_chunks_moved(void **state)
{
	const size_t n = 3 * 65536 + 100, start = HEADER_LEN(1) + 16;
	uint8_t *plain = pattern(n), *p;
	struct bytes a = seal_to_first(1, plain, n);
	struct bytes b = seal_to_first(1, plain, n);

	(void)state;
	p = malloc(a.n + 65552);
	assert_non_null(p);
	memcpy(p, a.p, a.n); /* 0 and 1 exchanged */
	memcpy(p + start, a.p + start + 65552, 65552);
	memcpy(p + start + 65552, a.p + start, 65552);
	assert_int_equal(verdict(people.kr[0], p, a.n, plain), KH_EAUTH);
	memcpy(p, a.p, a.n); /* 0 twice */
	memcpy(p + start + 65552, a.p + start, a.n - start);
	assert_int_equal(
	    verdict(people.kr[0], p, a.n + 65552, plain), KH_EAUTH);
	memcpy(p, a.p, a.n); /* 1 left out */
	memmove(
	    p + start + 65552, p + start + 2 * 65552, a.n - start - 2 * 65552);
	assert_int_equal(
	    verdict(people.kr[0], p, a.n - 65552, plain), KH_EAUTH);
	memcpy(p, a.p, a.n); /* payload of b under a's header */
	memcpy(p + start - 16, b.p + start - 16, b.n - start + 16);
	assert_int_equal(verdict(people.kr[0], p, a.n, plain), KH_EAUTH);
	free(p);
	bytes_free(&a);
	bytes_free(&b);
	free(plain);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_l8_truncated_small),
    cmocka_unit_test(test_l8_truncated_at_chunk_edges),
    cmocka_unit_test(test_every_header_bit_one_recipient),
    cmocka_unit_test(test_every_header_bit_three_recipients),
    cmocka_unit_test(test_every_payload_bit),
    cmocka_unit_test(test_every_armored_bit),
    cmocka_unit_test(test_for_somebody_else),
    cmocka_unit_test(test_chunks_moved),
};

int
main(void)
{
	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (kh_init() != KH_OK)
		return 99;
	return cmocka_run_group_tests(tests, setup, teardown);
}
