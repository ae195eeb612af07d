/*
 * The parts of the drill that look at no file: forms of names, sets of sizes,
 * the report, lines of 80 columns.
 */
#include "tests/unit/tap.h"

#include "server/drill/form.h"
#include "server/drill/print.h"
#include "server/drill/report.h"

#define H32 "0123456789abcdef0123456789abcdef"

struct named {
	const char *name;
	bool yes;
};

static void
assert_form(bool (*form)(const char *), const struct named *list, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (form(list[i].name) != list[i].yes)
			fail_msg("%s", list[i].name);
	}
}

#define ASSERT_FORM(form, list) \
	assert_form(form, list, sizeof(list) / sizeof((list)[0]))

static void
test_store_names(void **state)
{
	static const struct named objects[] = {{H32 ".age", true}, {"", false},
	    {H32, false}, {H32 "0.age", false}, {H32 ".age ", false},
	    {H32 ".Age", false}, {"0" H32 ".age", false}, {".age", false},
	    {"0123456789ABCDEF0123456789abcdef.age", false}};
	static const struct named answers[] = {{H32 H32, true}, {"", false},
	    {H32, false}, {H32 H32 "0", false}, {H32 H32 ".age", false},
	    {H32 "-" H32, false}, {H32 H32 "\n", false}};
	static const struct named marks[] = {{H32 "-" H32, true}, {"", false},
	    {H32, false}, {H32 "-", false}, {H32 "-" H32 "0", false},
	    {H32 "_" H32, false}, {H32 H32, false}, {"-" H32, false}};

	static const struct named fresh[] = {{H32 ".age.new", true},
	    {H32 ".age", false}, {H32 ".new", false}, {H32 H32 ".new", false},
	    {H32 ".age.new.new", false}};

	static const struct named renewed[] = {{H32 ".card", true},
	    {H32 ".card.new", false}, {H32, false}, {"a.card", false},
	    {H32 "0.card", false}, {".card", false}, {H32 ".age", false}};

	(void)state;
	ASSERT_FORM(kh_form_renewed, renewed);
	assert_true(kh_form_new_renewed(H32 ".card.new"));
	assert_false(kh_form_new_renewed(H32 ".card"));
	assert_false(kh_form_new_renewed(H32 ".new"));
	assert_true(kh_form_new_answer(H32 H32 ".new"));
	assert_false(kh_form_new_answer(H32 H32));
	assert_false(kh_form_new_answer(H32 ".age.new"));
	ASSERT_FORM(kh_form_new_object, fresh);
	ASSERT_FORM(kh_form_object, objects);
	ASSERT_FORM(kh_form_answer, answers);
	ASSERT_FORM(kh_form_mark, marks);
}

static void
test_card_names(void **state)
{
	static const struct named cards[] = {{"a.card", true},
	    {"the-example-times.card", true}, {".card", false}, {"a", false},
	    {"A.card", false}, {"a.card.minisig", false}, {"-a.card", false}};
	static const struct named beside[] = {{"a.card.minisig", true},
	    {"a.pub", true}, {"a.minisig", false}, {".pub", false},
	    {"a.card", false}, {"A.pub", false}};

	(void)state;
	ASSERT_FORM(kh_form_card, cards);
	ASSERT_FORM(kh_form_beside_card, beside);
}

static void
test_telling_names(void **state)
{
	static const struct named drafts[] = {{".x", true}, {"#12", true},
	    {"draft", true}, {"draft-1", true}, {"x.tmp", true},
	    {"x.part", true}, {"x", false}, {"tmp", false}};
	static const struct named logs[] = {{"core", true}, {"core.12", true},
	    {"a.log", true}, {"a.log.1.gz", true}, {"nohup.out", true},
	    {"x.core", true}, {"score", false}, {"log", false},
	    {"cores", false}, {"catalog", false}};
	static const struct named keys[] = {{"identity.age", true},
	    {"identity.txt", true}, {"courier.token", true},
	    {"identity-recovery.age", true}, {"share-1-of-5.txt", true},
	    {"share-12-of-16.pdf", true}, {"share-1-of-5", false},
	    {"share-of-5.txt", false}, {"share-1-of-5.txt.age", false},
	    {"identity", false}, {"x.age", false}};

	(void)state;
	ASSERT_FORM(kh_form_draft, drafts);
	ASSERT_FORM(kh_form_log, logs);
	ASSERT_FORM(kh_form_key, keys);
}

static void
test_copies(void **state)
{
	static const char *const copies[] = {"store~", "store.old", "store.bak",
	    "store-backup", "store-2026.tar.gz", "store.img", "store.new"};
	static const char *const others[] = {"store", "store.state", "store2",
	    "restore.old", "sto", "", "state.old"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(copies) / sizeof(copies[0]); i++)
		assert_true(kh_form_copy(copies[i], "store"));
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(kh_form_copy(others[i], "store"));
	assert_false(kh_form_copy("x.old", ""));
}

/* What editors and package managers leave beside a file. */
static void
test_beside_a_file(void **state)
{
	static const char *const copies[] = {"a.conf~", ".a.conf.swp",
	    ".a.conf.swo", "#a.conf#", ".#a.conf", "a.conf.~1~", ".a.conf.un~",
	    "a.conf.dpkg-old", "a.conf.dpkg-new", "a.conf.dpkg-dist",
	    "a.conf.ucf-old", "a.conf.rpmsave", "a.conf.bak", "a.conf.old",
	    "a.conf.old.1", "a.conf.orig", "a.conf.save", "a.conf.swp"};
	static const char *const others[] = {
	    "a.conf", "a.conf.d", "b.conf~", ".b.conf.swp", ".", "#", ""};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(copies) / sizeof(copies[0]); i++)
		assert_true(kh_form_copy(copies[i], "a.conf"));
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(kh_form_copy(others[i], "a.conf"));
}

static void
test_object_sizes(void **state)
{
	(void)state;
	assert_true(kh_form_object_size(KH_OBJECT_LEN_MIN));
	assert_true(kh_form_object_size(KH_OBJECT_LEN_MAX));
	assert_true(kh_form_object_size(KH_OBJECT_LEN_MIN + 2048));
	assert_false(kh_form_object_size(0));
	assert_false(kh_form_object_size(KH_OBJECT_LEN_MIN - 1));
	assert_false(kh_form_object_size(KH_OBJECT_LEN_MIN + 1));
	assert_false(kh_form_object_size(KH_OBJECT_LEN_MAX + 1));
	assert_false(kh_form_object_size(2 * KH_OBJECT_LEN_MAX));
	assert_false(kh_form_object_size(UINT64_MAX));
}

/* In any order of coming they stand in theirs. */
static void
test_set_of_sizes(void **state)
{
	struct kh_sizes s = {.at = NULL};
	uint64_t i, n = 0;

	(void)state;
	for (i = 0; i < 1000; i++)
		assert_int_equal(kh_sizes_add(&s, i * 7919 % 97), KH_OK);
	assert_int_equal(s.n, 97);
	for (i = 0; i < s.n; i++) {
		assert_int_equal(s.at[i].size, i);
		n += s.at[i].count;
	}
	assert_int_equal(n, 1000);
	free(s.at);
}

static void
test_times(void **state)
{
	struct kh_span s = {.any = false};
	char day[KH_DAY_LEN + 1];

	(void)state;
	kh_span_add(&s, 5);
	kh_span_add(&s, -3);
	kh_span_add(&s, 9);
	assert_true(s.any && s.first == -3 && s.last == 9);
	kh_drill_day(315532800, day);
	assert_string_equal(day, "1980-01-01");
	kh_drill_day(INT64_MIN, day);
	assert_string_equal(day, "1970-01-01");
	kh_drill_day(INT64_MAX, day);
	assert_string_equal(day, "9999-12-31");
}

static void
assert_where(const char *dir, const char *name, const char *expect)
{
	struct kh_report *r;

	assert_int_equal(kh_report_new(&r), KH_OK);
	assert_int_equal(kh_report_odd(r, KH_ODD_NAME, dir, name, NULL), KH_OK);
	assert_string_equal(r->odd[0].where, expect);
	assert_string_equal(r->odd[0].detail, "");
	kh_report_free(r);
}

static void
test_places(void **state)
{
	(void)state;
	assert_where("/a", "b", "/a/b");
	assert_where("/a///", "b", "/a/b");
	assert_where("/", "b", "/b");
	assert_where("///", "b", "/b");
	assert_where("a", "b", "a/b");
	assert_where("/a/", NULL, "/a/");
}

/* Told once; in the order of their places; no more than there is room for. */
static void
test_oddities(void **state)
{
	struct kh_report *r;
	char name[16], longer[200];
	int i;

	(void)state;
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(kh_report_new(&r), KH_OK);
	for (i = 0; i < 2; i++) {
		assert_int_equal(
		    kh_report_odd(r, KH_ODD_SIZE, "/b", "x", longer), KH_OK);
		assert_int_equal(
		    kh_report_odd(r, KH_ODD_MODE, "/b", "x", "d"), KH_OK);
		assert_int_equal(
		    kh_report_odd(r, KH_ODD_MODE, "/a", "x", "d"), KH_OK);
	}
	assert_int_equal(r->n_odd, 3);
	assert_int_equal(
	    strlen(r->odd[0].detail), sizeof(r->odd[0].detail) - 1);
	kh_report_sort(r);
	assert_string_equal(r->odd[0].where, "/a/x");
	assert_int_equal(r->odd[1].what, KH_ODD_MODE);
	assert_int_equal(r->odd[2].what, KH_ODD_SIZE);
	for (i = 0; i < KH_DRILL_ODDITIES_MAX; i++) {
		(void)snprintf(name, sizeof(name), "%d", i);
		assert_int_equal(
		    kh_report_odd(r, KH_ODD_NAME, "/c", name, NULL), KH_OK);
	}
	assert_int_equal(r->n_odd, KH_DRILL_ODDITIES_MAX);
	assert_int_equal(r->more, 3);
	kh_report_free(r);
	kh_report_free(NULL);
}

/* Every row has all of its texts, and an id of its own. */
static void
test_tables(void **state)
{
	size_t i, j;

	(void)state;
	for (i = 0; i < KH_TRACE_N; i++) {
		assert_non_null(kh_traces[i].id);
		assert_true(strlen(kh_traces[i].id) < 12);
		assert_non_null(kh_traces[i].name);
		assert_non_null(kh_traces[i].mode);
		assert_non_null(kh_traces[i].size);
		assert_non_null(kh_traces[i].tells);
		assert_non_null(kh_traces[i].hides);
		for (j = 0; j < i; j++)
			assert_string_not_equal(
			    kh_traces[i].id, kh_traces[j].id);
	}
	for (i = 0; i < KH_ODD_N; i++) {
		assert_non_null(kh_odds[i].id);
		assert_true(strlen(kh_odds[i].id) < 12);
		assert_non_null(kh_odds[i].what);
		assert_non_null(kh_odds[i].remedy);
	}
	for (i = 0; i < KH_ELSEWHERE_N; i++) {
		assert_true(strlen(kh_elsewheres[i].id) < 12);
		assert_non_null(kh_elsewheres[i].what);
		assert_non_null(kh_elsewheres[i].tells);
	}
}

static void
assert_wrapped(
    const char *label, size_t indent, const char *text, const char *expect)
{
	char *out = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&out, &n);

	assert_non_null(f);
	assert_int_equal(kh_drill_wrap(f, label, indent, text), KH_OK);
	fclose(f);
	assert_string_equal(out, expect);
	free(out);
}

#define X10 "xxxxxxxxxx"
#define X70 X10 X10 X10 X10 X10 X10 X10

static void
test_wrap(void **state)
{
	(void)state;
	assert_wrapped("", 0, "", "\n");
	assert_wrapped("a", 4, "b  c ", "a   b c\n");
	assert_wrapped("", 0, X70 " 123456789", X70 " 123456789\n");
	assert_wrapped("", 0, X70 " 1234567890", X70 "\n1234567890\n");
	assert_wrapped("", 2, X70 " " X10, "  " X70 "\n  " X10 "\n");
	/* Too long for any line: cut, at whole characters. */
	assert_wrapped(
	    "", 0, X70 X70, X70 X10 "\n" X10 X10 X10 X10 X10 X10 "\n");
	assert_wrapped("ab", 4, "a " X70 X70,
	    "ab  a\n    " X70 "xxxxxx\n    " X10 X10 X10 X10 X10 X10 "xxxx\n");
	/* Two columns for what may be shown wide. */
	assert_wrapped("", 40,
	    "\u6587\u6587\u6587\u6587\u6587\u6587\u6587\u6587\u6587\u6587"
	    "\u6587\u6587\u6587\u6587\u6587\u6587\u6587\u6587\u6587\u6587"
	    "\u05d0",
	    "                                        "
	    "\u6587\u6587\u6587\u6587\u6587\u6587\u6587\u6587\u6587\u6587"
	    "\u6587\u6587\u6587\u6587\u6587\u6587\u6587\u6587\u6587\u6587\n"
	    "                                        \u05d0\n");
}

static void
test_wrap_fails(void **state)
{
	FILE *f = fopen("/dev/full", "w");
	enum kh_err e;

	(void)state;
	assert_non_null(f);
	setvbuf(f, NULL, _IONBF, 0);
	e = kh_drill_wrap(f, "a", 4, "b");
	assert_int_equal(e, KH_ESYS);
	fclose(f);
}

static void
test_l37_drill_escape(void **state)
{
	char all[256], *out;
	int i;

	(void)state;
	for (i = 0; i < 255; i++)
		all[i] = (char)(i + 1);
	all[255] = '\0';
	out = kh_drill_escape(all);
	assert_non_null(out);
	for (i = 0; out[i] != '\0'; i++)
		assert_in_range((unsigned char)out[i], 0x20, 0x7e);
	assert_non_null(strstr(out, "\\xff"));
	free(out);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_store_names),
    cmocka_unit_test(test_card_names),
    cmocka_unit_test(test_telling_names),
    cmocka_unit_test(test_copies),
    cmocka_unit_test(test_beside_a_file),
    cmocka_unit_test(test_object_sizes),
    cmocka_unit_test(test_set_of_sizes),
    cmocka_unit_test(test_times),
    cmocka_unit_test(test_places),
    cmocka_unit_test(test_oddities),
    cmocka_unit_test(test_tables),
    cmocka_unit_test(test_wrap),
    cmocka_unit_test(test_wrap_fails),
    cmocka_unit_test(test_l37_drill_escape),
};

TAP_MAIN(tests)
