/*
 * Today by clocks that are set to anything: always a day.
 */
#include "tests/unit/tap.h"

#include <time.h>

#include "knothole/day.h"

static time_t clock_at;

/* In place of the C library's, for the code under test in this program. */
time_t
time(time_t *out)
{
	if (out != NULL)
		*out = clock_at;
	return clock_at;
}

static void
test_any_clock(void **state)
{
	static const struct {
		int64_t at;
		const char *day;
	} cases[] = {
	    {INT64_C(1795564800), "2026-11-25"},
	    {0, "1970-01-01"},
	    {-1, "1970-01-01"},
	    {INT64_MIN, "1970-01-01"},
	    {INT64_C(253402300799), "9999-12-31"},
	    {INT64_C(253402300800), "9999-12-31"},
	    {INT64_MAX, "9999-12-31"},
	};
	char day[KH_DAY_LEN + 1];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		clock_at = (time_t)cases[i].at;
		kh_day_today(day);
		assert_string_equal(day, cases[i].day);
	}
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_any_clock),
};

TAP_MAIN(tests)
