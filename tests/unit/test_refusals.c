/*
 * Who waits for the answer that there is no room, or behind it: in their order,
 * not before it is time, and few at once.
 */
#include "tests/unit/tap.h"

#include "server/door/refusals.h"

#define START INT64_C(7000)
#define LATER 25

static void
test_in_time_and_in_order(void **state)
{
	struct kh_refusals r = {0};

	(void)state;
	assert_int_equal(kh_refusals_take(&r, INT64_MAX), -1);
	assert_int_equal(kh_refusals_add(&r, 10, START + LATER), -1);
	assert_int_equal(kh_refusals_add(&r, 4, START + 1 + LATER), -1);
	assert_int_equal(kh_refusals_take(&r, START), -1);
	assert_int_equal(kh_refusals_take(&r, START + LATER - 1), -1);
	assert_int_equal(kh_refusals_take(&r, START + LATER), 10);
	assert_int_equal(kh_refusals_take(&r, START + LATER), -1);
	assert_int_equal(kh_refusals_take(&r, START + 2 * LATER), 4);
	assert_int_equal(kh_refusals_take(&r, INT64_MAX), -1);
}

static void
test_full(void **state)
{
	struct kh_refusals r = {0};
	int i;

	(void)state;
	for (i = 0; i < KH_REFUSALS_MAX; i++)
		assert_int_equal(kh_refusals_add(&r, i, START + i + LATER), -1);
	assert_int_equal(kh_refusals_add(&r, 1000, START + i + LATER), 0);
	assert_int_equal(kh_refusals_add(&r, 1001, START + i + LATER), 1);
	for (i = 2; i < KH_REFUSALS_MAX; i++)
		assert_int_equal(kh_refusals_take(&r, INT64_MAX), i);
	assert_int_equal(kh_refusals_take(&r, INT64_MAX), 1000);
	assert_int_equal(kh_refusals_take(&r, INT64_MAX), 1001);
	assert_int_equal(kh_refusals_take(&r, INT64_MAX), -1);
}

static void
test_how_long_to_wait(void **state)
{
	struct kh_refusals r = {0};

	(void)state;
	assert_int_equal(kh_refusals_wait(&r, START, 1000), 1000);
	assert_int_equal(kh_refusals_add(&r, 5, START + LATER), -1);
	assert_int_equal(kh_refusals_wait(&r, START, 1000), LATER);
	assert_int_equal(kh_refusals_wait(&r, START + 1, 1000), LATER - 1);
	assert_int_equal(kh_refusals_wait(&r, START, 3), 3);
	assert_int_equal(kh_refusals_wait(&r, START + LATER, 1000), 0);
	assert_int_equal(kh_refusals_wait(&r, START + 9000, 1000), 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_in_time_and_in_order),
    cmocka_unit_test(test_full),
    cmocka_unit_test(test_how_long_to_wait),
};

TAP_MAIN(tests)
