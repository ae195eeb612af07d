/*
 * Padmé lengths: the published rule, the floor, and that a planned plaintext
 * seals to exactly such a length.
 */
#include "tests/unit/tap.h"

#include "knothole/age.h"
#include "knothole/limits.h"
#include "knothole/padme.h"

/* The rule once more, by search: the fewest bytes at or above n whose binary
 * form has at most floor(log2(floor(log2 L))) + 1 significant bits beyond the
 * leading one's position (PURBs, section 4). */
static uint64_t
by_search(uint64_t n)
{
	unsigned e = 0, s = 0;
	uint64_t step;

	if (n <= KH_OBJECT_LEN_MIN)
		return KH_OBJECT_LEN_MIN;
	while (n >> (e + 1) != 0)
		e++;
	while (e >> (s + 1) != 0)
		s++;
	s++;
	step = UINT64_C(1) << (e - s);
	return (n + step - 1) / step * step;
}

static void
test_values(void **state)
{
	(void)state;
	assert_int_equal(kh_padme(0), 65536);
	assert_int_equal(kh_padme(1), 65536);
	assert_int_equal(kh_padme(65536), 65536);
	assert_int_equal(kh_padme(65537), 65536 + 2048);
	assert_int_equal(kh_padme(100000), 100352);
	assert_int_equal(kh_padme((UINT64_C(1) << 30) + 1),
	    (UINT64_C(1) << 30) + (UINT64_C(1) << 25));
	assert_int_equal(kh_padme(UINT64_C(1) << 62), UINT64_C(1) << 62);
}

static void
test_rule(void **state)
{
	uint64_t n, p;

	(void)state;
	for (n = 1; n < UINT64_C(1) << 40; n += 1 + n / 97) {
		p = kh_padme(n);
		assert_int_equal(p, by_search(n));
		assert_true(p >= n);
		assert_int_equal(kh_padme(p), p); /* idempotent */
		if (n > 65536)
			assert_true((p - n) * 100 <= n * 12);
	}
}

/* The plan seals to a Padmé length, and to the smallest that STREAM has. */
static void
check_plan(size_t header, uint64_t min)
{
	uint64_t plain, total, least;

	assert_int_equal(kh_padme_plan(header, min, &plain), KH_OK);
	total = header + kh_age_payload_len(plain);
	assert_true(plain >= min);
	assert_int_equal(kh_padme(total), total);
	least = kh_padme(header + kh_age_payload_len(min));
	if (total != least) {
		/* passed over: nothing between reaches it */
		uint64_t body = least - header, rest = body % 65552;
		assert_true(rest > 0 && rest <= 16);
		assert_int_equal(total, kh_padme(least + 1));
	}
}

static void
test_plan(void **state)
{
	uint64_t min;
	size_t header;

	(void)state;
	for (min = 0; min < UINT64_C(1) << 35; min += 1 + min / 61)
		check_plan(216, min);
	for (header = 180; header < 10000; header += 97)
		for (min = 60000; min < 80000; min += 131)
			check_plan(header, min);
}

/* Every way in which a last chunk can be too short is met on purpose. */
static void
test_unreachable(void **state)
{
	uint64_t plain, want;
	size_t header, passed = 0;

	(void)state;
	for (header = 100; header < 8000; header++) {
		want = kh_padme(65552 + header);
		assert_int_equal(kh_padme_plan(header, 65536, &plain), KH_OK);
		check_plan(header, 65536);
		passed += header + kh_age_payload_len(plain) != want;
	}
	assert_true(passed >= 16);
}

static void
test_limits(void **state)
{
	uint64_t plain;

	(void)state;
	assert_int_equal(
	    kh_padme_plan(216, KH_OBJECT_LEN_MAX, &plain), KH_ELIMIT);
	assert_int_equal(plain, 0);
	assert_int_equal(kh_padme_plan(216, UINT64_MAX, &plain), KH_ELIMIT);
	assert_int_equal(kh_padme_plan(SIZE_MAX, 0, &plain), KH_ELIMIT);
	assert_int_equal(
	    kh_padme_plan(216, KH_OBJECT_LEN_MAX / 2, &plain), KH_OK);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_values),
    cmocka_unit_test(test_rule),
    cmocka_unit_test(test_plan),
    cmocka_unit_test(test_unreachable),
    cmocka_unit_test(test_limits),
};

TAP_MAIN(tests)
