/*
 * Days and epochs: every month's end for a century and a half, leap years and
 * the turn of the year; how long cards last, and which card may follow which.
 */
#include "tests/unit/tap.h"

#include "knothole/day.h"
#include "tests/unit/card_fixed.h"

#define DAY INT64_C(86400)

/* Against the seconds of kh_day_of, which know nothing of months. */
static void
test_day_add(void **state)
{
	char day[KH_DAY_LEN + 1], next[KH_DAY_LEN + 1], out[KH_DAY_LEN + 1];
	int64_t t;

	for (t = 0; t < 150 * 366 * DAY; t += DAY) {
		kh_day_of(t, day);
		kh_day_of(t + DAY, next);
		assert_int_equal(kh_day_add(day, 1, out), KH_OK);
		assert_string_equal(out, next);
		assert_int_equal(kh_day_add(next, -1, out), KH_OK);
		assert_string_equal(out, day);
	}
	kh_day_of(0, day);
	kh_day_of(40000 * DAY, next);
	assert_int_equal(kh_day_add(day, 40000, out), KH_OK);
	assert_string_equal(out, next);
	assert_int_equal(kh_day_add(next, -40000, out), KH_OK);
	assert_string_equal(out, day);
	assert_int_equal(kh_day_add(day, 0, day), KH_OK); /* in place */
	assert_string_equal(day, "1970-01-01");
	assert_int_equal(kh_day_add("9999-12-31", 1, out), KH_ELIMIT);
	assert_string_equal(out, "");
	assert_int_equal(kh_day_add("0001-01-01", -1, out), KH_ELIMIT);
	assert_int_equal(kh_day_add("0001-01-01", -800, out), KH_ELIMIT);
}

static void
test_epochs(void **state)
{
	static const char *const one[][3] = {
	    {"2026-11-26", "2026-11-30", "2026-11"},
	    {"2026-12-01", "2026-12-31", "2026-12"},
	    {"2026-12-31", "2026-12-31", "2026-12"},
	    {"2027-02-01", "2027-02-28", "2027-02"},
	    {"2028-02-11", "2028-02-29", "2028-02"},
	    {"2100-02-01", "2100-02-28", "2100-02"},
	    {"2000-02-29", "2000-02-29", "2000-02"},
	    {"9999-12-01", "9999-12-31", "9999-12"},
	};
	struct kh_epoch e;
	size_t i;

	for (i = 0; i < sizeof(one) / sizeof(one[0]); i++) {
		kh_epoch_from(one[i][0], &e);
		assert_string_equal(e.first, one[i][0]);
		assert_string_equal(e.last, one[i][1]);
		assert_string_equal(e.label, one[i][2]);
	}
}

/* A chain of them: each day has exactly one. */
static void
test_epochs_follow(void **state)
{
	char day[KH_DAY_LEN + 1] = "2026-11-26", label[KH_EPOCH_LEN + 1];
	struct kh_epoch e;
	int months;

	kh_epoch_from(day, &e);
	for (months = 1; months < 600;) {
		assert_true(strcmp(e.first, day) <= 0);
		assert_true(strcmp(e.last, day) >= 0);
		kh_epoch_of(day, label);
		assert_string_equal(e.label, label);
		assert_int_equal(kh_day_add(day, 1, day), KH_OK);
		if (strcmp(day, e.last) > 0) {
			assert_string_equal(day + 8, "01");
			kh_epoch_from(day, &e);
			months++;
		}
	}
	assert_string_equal(e.label, "2076-10");
}

static void
test_labels(void **state)
{
	static const char *const bad[] = {"", "2026-1", "2026-00", "2026-13",
	    "2026-011", "2026/01", "0000-01", "x026-01", "2026-1a"};
	size_t i;

	assert_true(kh_epoch_valid("2026-02", 7));
	assert_true(kh_epoch_valid("0001-01", 7));
	assert_true(kh_epoch_valid("9999-12 and more", 7));
	assert_false(kh_epoch_valid("2026-02", 6));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(kh_epoch_valid(bad[i], strlen(bad[i])));
}

/* The golden card: 2026-11-21 to 2027-11-21, 2027-11-01 to 2028-11-21. */
static void
test_days_left(void **state)
{
	struct kh_card c;

	fixed_card(&c);
	assert_int_equal(kh_card_days_left(&c, "2028-11-21", 99), 1);
	assert_int_equal(kh_card_days_left(&c, "2028-11-22", 99), 0);
	assert_int_equal(kh_card_days_left(&c, "2026-11-20", 99), 0);
	assert_int_equal(kh_card_days_left(&c, "2026-11-21", 1000), 732);
	assert_int_equal(kh_card_days_left(&c, "2026-11-21", 99), 99);
	memcpy(c.recipients[1].first, "2027-11-23", 11); /* a day without */
	assert_int_equal(kh_card_days_left(&c, "2027-11-20", 99), 2);
	memcpy(c.recipients[1].first, "2027-11-22", 11);
	memcpy(c.recipients[1].last, "9999-12-31", 11);
	assert_int_equal(kh_card_days_left(&c, "9999-12-30", 99), 99);
}

static void
test_epochs_left(void **state)
{
	struct kh_card c;

	fixed_card(&c);
	assert_int_equal(kh_card_epochs_left(&c, "2026-01-01"), 2);
	assert_int_equal(kh_card_epochs_left(&c, "2027-11-21"), 2);
	assert_int_equal(kh_card_epochs_left(&c, "2027-11-22"), 1);
	assert_int_equal(kh_card_epochs_left(&c, "2028-11-22"), 0);
}

/* The recipient changes with the day, and nothing else. */
static void
test_l12_recipient_of_the_day(void **state)
{
	char day[KH_DAY_LEN + 1] = "2026-11-26";
	struct kh_card c = {.n_recipients = 14};
	struct kh_recipient want, got;
	struct kh_epoch e;
	size_t i;

	for (i = 0; i < c.n_recipients; i++) {
		kh_epoch_from(day, &e);
		recipient((uint8_t)(i + 1), &c.recipients[i].to);
		memcpy(c.recipients[i].first, e.first, sizeof(e.first));
		memcpy(c.recipients[i].last, e.last, sizeof(e.last));
		assert_int_equal(kh_day_add(e.last, 1, day), KH_OK);
	}
	for (i = 0; i < c.n_recipients; i++) {
		recipient((uint8_t)(i + 1), &want);
		assert_int_equal(
		    kh_card_recipient_on(&c, c.recipients[i].first, &got),
		    KH_OK);
		assert_memory_equal(&got, &want, sizeof(got));
		assert_int_equal(
		    kh_card_recipient_on(&c, c.recipients[i].last, &got),
		    KH_OK);
		assert_memory_equal(&got, &want, sizeof(got));
	}
	assert_int_equal(kh_card_recipient_on(&c, day, &got), KH_EEXPIRED);
}

static const char today[] = "2027-01-01";

static void
add(struct kh_card *c, uint8_t fill, const char *first, const char *last)
{
	struct kh_card_recipient *r = &c->recipients[c->n_recipients++];

	recipient(fill, &r->to);
	memcpy(r->first, first, sizeof(r->first));
	memcpy(r->last, last, sizeof(r->last));
}

static void
test_renews(void **state)
{
	struct kh_card a, b;

	fixed_card(&a);
	b = a;
	assert_int_equal(kh_card_compare(&a, &b, today), KH_CARD_SAME);
	/* Also when it is of no use. */
	assert_int_equal(kh_card_compare(&a, &b, "2040-01-01"), KH_CARD_SAME);
	add(&b, 3, "2028-11-22", "2028-11-30");
	assert_int_equal(kh_card_compare(&a, &b, today), KH_CARD_RENEWS);
	assert_int_equal(kh_card_compare(&b, &a, today), KH_CARD_OLDER);
	/* What has ended may go; and so may anything that is replaced. */
	b.recipients[0] = b.recipients[2];
	b.n_recipients--;
	assert_int_equal(kh_card_compare(&a, &b, "2027-11-22"), KH_CARD_RENEWS);
	assert_int_equal(kh_card_compare(&b, &a, "2027-11-22"), KH_CARD_OLDER);
}

/* As long as the other: only with more keys than that has. */
static void
test_renews_as_long(void **state)
{
	struct kh_card a, b;

	fixed_card(&a);
	b = a;
	add(&b, 3, "2027-01-01", "2027-01-31");
	assert_int_equal(kh_card_compare(&a, &b, today), KH_CARD_RENEWS);
	assert_int_equal(kh_card_compare(&b, &a, today), KH_CARD_OLDER);
	b = a;
	memcpy(b.languages[0], "fr", 3);
	assert_int_equal(kh_card_compare(&a, &b, today), KH_CARD_OLDER);
	assert_int_equal(kh_card_compare(&b, &a, today), KH_CARD_OLDER);
	b = a;
	recipient(9, &b.recipients[0].to);
	assert_int_equal(kh_card_compare(&a, &b, today), KH_CARD_OLDER);
	b = a;
	memcpy(b.recipients[0].last, "2027-11-20", 11);
	assert_int_equal(kh_card_compare(&a, &b, today), KH_CARD_OLDER);
}

static void
test_renews_ended(void **state)
{
	struct kh_card a, b;

	fixed_card(&a);
	b = a;
	memcpy(b.recipients[1].last, "2029-01-01", 11);
	assert_int_equal(kh_card_compare(&a, &b, "2029-01-01"), KH_CARD_RENEWS);
	assert_int_equal(kh_card_compare(&a, &b, "2029-01-02"), KH_CARD_ENDED);
	/* Valid only in the future. */
	b.n_recipients = 0;
	add(&b, 5, "2030-01-01", "2030-01-31");
	assert_int_equal(kh_card_compare(&a, &b, today), KH_CARD_ENDED);
}

static void
test_renews_other(void **state)
{
	struct kh_card a, b;

	fixed_card(&a);
	b = a;
	add(&b, 3, "2028-11-22", "2028-11-30");
	b.signing_key.pk[0] ^= 1;
	assert_int_equal(kh_card_compare(&a, &b, today), KH_CARD_OTHER);
	b.signing_key = a.signing_key;
	b.signing_key.key_id[0] ^= 1;
	assert_int_equal(kh_card_compare(&a, &b, today), KH_CARD_OTHER);
	b.signing_key = a.signing_key;
	b.name[0] = 'X';
	assert_int_equal(kh_card_compare(&a, &b, today), KH_CARD_OTHER);
	b.name[0] = a.name[0];
	b.courier_hash[31] = 1;
	assert_int_equal(kh_card_compare(&a, &b, today), KH_CARD_OTHER);
	b.courier_hash[31] = 0;
	b.has_courier = true;
	assert_int_equal(kh_card_compare(&a, &b, today), KH_CARD_OTHER);
	b.has_courier = false;
	assert_int_equal(kh_card_compare(&a, &b, today), KH_CARD_RENEWS);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_day_add),
    cmocka_unit_test(test_epochs),
    cmocka_unit_test(test_epochs_follow),
    cmocka_unit_test(test_labels),
    cmocka_unit_test(test_days_left),
    cmocka_unit_test(test_epochs_left),
    cmocka_unit_test(test_l12_recipient_of_the_day),
    cmocka_unit_test(test_renews),
    cmocka_unit_test(test_renews_as_long),
    cmocka_unit_test(test_renews_ended),
    cmocka_unit_test(test_renews_other),
};

TAP_MAIN(tests)
