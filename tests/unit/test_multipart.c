/*
 * The multipart parser as a stream: every split, every cut, errors that stay.
 */
#include "tests/unit/multipart_run.h"

static struct transcript t2; /* beside t1, of the same body in pieces */

/* Cut at i and j: the same calls, the same data, the same end. */
static void
assert_split(const char *body, size_t n, size_t i, size_t j, enum kh_err want)
{
	struct kh_multipart m;
	enum kh_err e;

	start(&m, &t2);
	e = feed(&m, body, i);
	if (e == KH_OK)
		e = feed(&m, body + i, j - i);
	if (e == KH_OK)
		e = feed(&m, body + j, n - j);
	if (e == KH_OK)
		e = kh_multipart_finish(&m);
	assert_int_equal(e, want);
	assert_text(&t2, t1.text, t1.n);
}

static void
assert_all_splits(const char *body, size_t n, enum kh_err want)
{
	struct kh_multipart m;
	enum kh_err e = KH_OK;

	assert_int_equal(run(body, n, &t1), want);
	for (size_t i = 0; i <= n; i++)
		for (size_t j = i; j <= n; j++)
			assert_split(body, n, i, j, want);
	start(&m, &t2); /* byte by byte */
	for (size_t i = 0; i < n && e == KH_OK; i++)
		e = feed(&m, body + i, 1);
	if (e == KH_OK)
		e = kh_multipart_finish(&m);
	assert_int_equal(e, want);
	assert_text(&t2, t1.text, t1.n);
}

static void
test_ends(void **state)
{
	expect("--" B "--\r\n", "");
	expect("--" B "--", "");
	expect("--" B "\r\n" CD "name=\"a\"\r\n\r\n\r\n--" B "--", "<a|></>");
}

/* Data that looks like a delimiter until its last byte. */
#define TRAPS                                                          \
	"\r\r\n\r\n-\r\n--\r\n--x\r\n--xY\r\n--xYy--xYz\n--xYz\r--xYz" \
	"\r\n\r\n--xY\r"

static void
test_traps(void **state)
{
	static const char body[] =
	    "--" B "\r\n" CD "name=\"a\"\r\n\r\n" TRAPS "\r\n--" B "--\r\n";

	expect(body, "<a|>" TRAPS "</>");
	assert_all_splits(body, sizeof(body) - 1, KH_OK);
}

static void
test_splits(void **state)
{
	static const char two[] =
	    "--" B "\r\n" CD "name=\"a\"\r\n\r\n\r\n"
	    "--" B "\r\nContent-Type: x\r\n" CD
	    "filename=\"f\"; name=\"b\"\r\n\r\n\0\r\n\xff\r\n--" B "--";

	assert_all_splits(two, sizeof(two) - 1, KH_OK);
	assert_text(&t1, "<a|></><b|f|x>\0\r\n\xff</>", 21);
	assert_all_splits("--" B "--\r\n", 9, KH_OK);
}

/* An error comes at the same byte and after the same calls. */
static void
test_split_errors(void **state)
{
	static const char *const bad[] = {
	    "--" B "\r\n" CD "name=\"a\"\r\n\r\nx\r\n--" B "-\r\n",
	    "--" B "\r\n" CD "name=\"a\"\r\n\r\nx\r\n--" B "x\r\n",
	    "--" B "\r\n" CD "name=\"a\"\n\r\nx" CLOSE,
	    "--" B "\r\n" CD "name=\"a\"\r\n\r\nx" CLOSE "x",
	    "--" B "\r\nX: y\r\n\r\nx" CLOSE,
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_all_splits(bad[i], strlen(bad[i]), KH_EFORMAT);
}

/* Cut anywhere, it is never taken for whole, and nothing is passed on that
 * may belong to a delimiter. */
static void
test_l8_truncation(void **state)
{
	static const char body[] =
	    "--" B "\r\n" CD "name=\"a\"\r\n\r\n" TRAPS CLOSE;
	static const char whole[] = "<a|>" TRAPS "</>";
	size_t n = sizeof(body) - 1;

	for (size_t i = 0; i < n; i++) {
		if (i == n - 2) /* the last CRLF is optional */
			assert_int_equal(run(body, i, &t1), KH_OK);
		else
			assert_int_equal(run(body, i, &t1), KH_ETRUNC);
		assert_true(t1.n <= sizeof(whole) - 1);
		assert_memory_equal(t1.text, whole, t1.n);
		assert_int_equal(t1.ends, i >= n - 4);
	}
}

static void
test_finish_is_sticky(void **state)
{
	struct kh_multipart m;

	start(&m, &t1);
	assert_int_equal(kh_multipart_feed(&m, NULL, 0), KH_OK);
	assert_int_equal(feed(&m, "--" B, 5), KH_OK);
	assert_int_equal(kh_multipart_finish(&m), KH_ETRUNC);
	assert_int_equal(feed(&m, "--", 2), KH_ETRUNC);
	assert_int_equal(kh_multipart_finish(&m), KH_ETRUNC);
}

static void
test_error_is_sticky(void **state)
{
	struct kh_multipart m;

	start(&m, &t1);
	assert_int_equal(feed(&m, "x", 1), KH_EFORMAT);
	assert_int_equal(feed(&m, "--" B "--", 7), KH_EFORMAT);
	assert_int_equal(kh_multipart_finish(&m), KH_EFORMAT);
	assert_int_equal(t1.n, 0);
}

static void
test_malformed(void **state)
{
	static const char *const bad[] = {
	    "x",
	    "-x",
	    "--xYZ\r\n",
	    "\r\n--" B "--\r\n", /* a preamble */
	    "--" B "\n",
	    "--" B "\r\r",
	    "--" B " \r\n",
	    "--" B "\t\r\n",
	    "--" B "x",
	    "--" B "-\r",
	    "--" B "--\n",
	    "--" B "-- \r\n",
	    "--" B "--\r\r",
	    "--" B "--\r\n\r\n",
	    "--" B "--\r\nx",
	    "--" B "--x",
	    "--" B "----",
	    "--" B "\r\n\r\n",
	    "--" B "\r\n\n",
	    "--" B "\r\n--" B "--\r\n\r\n",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (run(bad[i], strlen(bad[i]), &t1) != KH_EFORMAT)
			fail_msg("not refused: %s", bad[i]);
		assert_int_equal(t1.n, 0);
	}
}

static void
test_part_cap(void **state)
{
	static const char part[] = "--" B "\r\n" CD "name=\"a\"\r\n\r\n\r\n";
	struct kh_multipart m;

	start(&m, &t1);
	for (int i = 0; i < KH_PARTS_MAX; i++)
		assert_int_equal(feed(&m, part, sizeof(part) - 1), KH_OK);
	assert_int_equal(t1.parts, KH_PARTS_MAX);
	assert_int_equal(feed(&m, "--" B, 5), KH_OK);
	assert_int_equal(t1.ends, KH_PARTS_MAX);
	assert_int_equal(feed(&m, "\r\n", 2), KH_ELIMIT);
	assert_int_equal(kh_multipart_finish(&m), KH_ELIMIT);
}

static void
test_callback_errors(void **state)
{
	static const char body[] =
	    "--" B "\r\n" CD "name=\"a\"\r\n\r\ndata" CLOSE;
	struct kh_multipart m;

	for (int which = 0; which < 3; which++) {
		start(&m, &t1);
		t1.on_part = which == 0 ? KH_EBUSY : KH_OK;
		t1.on_data = which == 1 ? KH_EFULL : KH_OK;
		t1.on_end = which == 2 ? KH_EPROTO : KH_OK;
		enum kh_err want = which == 0 ? KH_EBUSY
		    : which == 1              ? KH_EFULL
					      : KH_EPROTO;
		assert_int_equal(feed(&m, body, sizeof(body) - 1), want);
		size_t n = t1.n;
		assert_int_equal(feed(&m, body, sizeof(body) - 1), want);
		assert_int_equal(kh_multipart_finish(&m), want);
		assert_int_equal(t1.n, n); /* no callback after it */
	}
}

/* The error of held-back data reaches the caller as well. */
static void
test_callback_error_held_back(void **state)
{
	static const char body[] = "--" B "\r\n" CD "name=\"a\"\r\n\r\n\r\n--x";
	struct kh_multipart m;

	start(&m, &t1);
	t1.on_data = KH_EFULL;
	assert_int_equal(feed(&m, body, sizeof(body) - 1), KH_OK);
	assert_int_equal(feed(&m, "?", 1), KH_EFULL);
}

/* No name of a file stays in the parser when it is over with it. */
static void
test_head_is_wiped(void **state)
{
	static const uint8_t zero[KH_PART_HEAD_MAX];
	static const char head[] = "--" B "\r\n" CD "name=\"a\"; "
				   "filename=\"secret\"\r\n";
	struct kh_multipart m;

	start(&m, &t1);
	assert_int_equal(feed(&m, head, sizeof(head) - 1), KH_OK);
	assert_memory_not_equal(m.head, zero, sizeof(zero));
	assert_int_equal(feed(&m, "\r\n", 2), KH_OK);
	assert_memory_equal(m.head, zero, sizeof(zero));

	start(&m, &t1);
	assert_int_equal(feed(&m, head, sizeof(head) - 1), KH_OK);
	assert_int_equal(kh_multipart_finish(&m), KH_ETRUNC);
	assert_memory_equal(m.head, zero, sizeof(zero));
}

/* The longest boundary, of bytes that a delimiter itself is made of. */
static void
test_long_boundary(void **state)
{
	char b[KH_BOUNDARY_MAX], body[512];
	struct kh_multipart m;

	memset(b, '-', sizeof(b));
	memset(&t1, 0, sizeof(t1));
	int n = snprintf(body, sizeof(body),
	    "--%.70s\r\n" CD "name=\"a\"\r\n\r\n\r\n--%.69s\r\n--%.70s--\r\n",
	    b, b, b);
	assert_in_range(n, 1, sizeof(body) - 1);
	kh_multipart_init(&m, (struct kh_slice){b, sizeof(b)}, &ops, &t1);
	assert_int_equal(feed(&m, body, (size_t)n), KH_OK);
	assert_int_equal(kh_multipart_finish(&m), KH_OK);
	assert_int_equal(t1.ends, 1);
	assert_int_equal(t1.n, strlen("<a|>\r\n--</>") + 69);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_ends),
    cmocka_unit_test(test_traps),
    cmocka_unit_test(test_splits),
    cmocka_unit_test(test_split_errors),
    cmocka_unit_test(test_l8_truncation),
    cmocka_unit_test(test_finish_is_sticky),
    cmocka_unit_test(test_error_is_sticky),
    cmocka_unit_test(test_malformed),
    cmocka_unit_test(test_part_cap),
    cmocka_unit_test(test_callback_errors),
    cmocka_unit_test(test_callback_error_held_back),
    cmocka_unit_test(test_head_is_wiped),
    cmocka_unit_test(test_long_boundary),
};

TAP_MAIN(tests)
