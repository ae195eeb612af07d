/*
 * The small parts of cards: the stem of a card's file, and days.
 */
#include "tests/unit/tap.h"

#include <time.h>

#include "knothole/card.h"

static void
test_ids(void **state)
{
	static const struct {
		const char *name;
		const char *id;
	} known[] = {
	    {"The Example Times", "the-example-times"},
	    {"  --A  &  B--  ", "a-b"},
	    {"Le Canard encha\xc3\xaen\xc3\xa9", "le-canard-enchaine"},
	    {"Sie & S\xc3\xbc"
	     "ddeutsche 24",
		"sie-suddeutsche-24"},
	    {"../../etc/passwd", "etc-passwd"},
	    {"Haaretz \xd7\x94\xd7\x90\xd7\xa8\xd7\xa5", "haaretz"},
	    {"7 Days", "7-days"},
	};
	char id[KH_CARD_ID_MAX + 1], other[KH_CARD_ID_MAX + 1], name[4096];
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		kh_card_id(known[i].name, id);
		assert_string_equal(id, known[i].id);
		assert_true(kh_card_id_valid(id, strlen(id)));
	}
	/* nothing left of it */
	kh_card_id("\xd7\x94\xd7\x90\xd7\xa8\xd7\xa5", id);
	assert_memory_equal(id, "newsroom-", 9);
	assert_int_equal(strlen(id), 17);
	assert_int_equal(strspn(id + 9, "0123456789abcdef"), 8);
	assert_true(kh_card_id_valid(id, strlen(id)));
	kh_card_id("\xd7\x94\xd7\x90\xd7\xa8\xd7\xa5 24", other);
	assert_memory_equal(other, "newsroom-", 9);
	assert_string_not_equal(id, other);
	kh_card_id("", id);
	assert_memory_equal(id, "newsroom-", 9);
	kh_card_id("\xff\xfe", id);
	assert_memory_equal(id, "newsroom-", 9);
	/* cut, and no dash where it is cut */
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	kh_card_id(name, id);
	assert_true(kh_card_id_valid(id, strlen(id)));
	memset(name, 'x', 100);
	name[100] = '\0';
	kh_card_id(name, id);
	assert_int_equal(strlen(id), KH_CARD_ID_MAX);
	name[KH_CARD_ID_MAX - 1] = ' ';
	kh_card_id(name, id);
	assert_int_equal(strlen(id), KH_CARD_ID_MAX - 1);
	assert_true(kh_card_id_valid(id, strlen(id)));
}

static void
test_id_valid(void **state)
{
	static const char *const bad[] = {"", "-a", "a-", "-", "A", "a b",
	    "a/b", "..", "a.b", "\xc3\xa9", "a_b"};
	char longest[KH_CARD_ID_MAX + 1];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(kh_card_id_valid(bad[i], strlen(bad[i])));
	assert_true(kh_card_id_valid("a", 1));
	assert_true(kh_card_id_valid("0-9", 3));
	assert_false(kh_card_id_valid("a\0b", 3));
	memset(longest, 'a', sizeof(longest));
	assert_true(kh_card_id_valid(longest, KH_CARD_ID_MAX));
	assert_false(kh_card_id_valid(longest, KH_CARD_ID_MAX + 1));
}

static void
test_days(void **state)
{
	static const char *const bad[] = {"", "2026", "2026-11-2",
	    "2026-11-211", "2026/11/21", "2026-00-10", "2026-13-10",
	    "2026-11-00", "2026-11-31", "2027-02-29", "1900-02-29",
	    "2026-1a-10", "+026-11-21", "0000-01-01", "2026-11-21\n"};
	static const char *const good[] = {"2026-11-21", "2028-02-29",
	    "2000-02-29", "9999-12-31", "0001-01-01", "2026-12-31"};
	char got[KH_DAY_LEN + 1], want[KH_DAY_LEN + 1];
	struct tm tm;
	time_t t;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(kh_day_valid(bad[i]));
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(kh_day_valid(good[i]));
	/* against libc, a prime step below a day until the year 2500 */
	for (t = 0; t < INT64_C(16725225600); t += 86399) {
		assert_non_null(gmtime_r(&t, &tm));
		strftime(want, sizeof(want), "%Y-%m-%d", &tm);
		kh_day_of(t, got);
		assert_string_equal(got, want);
		assert_true(kh_day_valid(got));
	}
	kh_day_of(INT64_C(253402300799), got);
	assert_string_equal(got, "9999-12-31");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_ids),
    cmocka_unit_test(test_id_valid),
    cmocka_unit_test(test_days),
};

TAP_MAIN(tests)
