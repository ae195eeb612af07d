/*
 * Text becomes HTML in one place: it escapes, and it never overflows.
 */
#include "tests/unit/tap.h"

#include "server/page/html.h"
#include "tests/unit/aborts.h"

static struct kh_html h;

static int
setup(void **state)
{
	(void)state;
	return kh_html_init(&h) == KH_OK ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	kh_html_free(&h);
	return 0;
}

static void
assert_html(const char *expect)
{
	assert_true(kh_html_fits(&h));
	assert_int_equal(h.n, strlen(expect));
	assert_memory_equal(h.p, expect, h.n);
	h.n = 0;
}

static void
test_text_is_escaped(void **state)
{
	(void)state;
	kh_html_text(&h, "<script>alert(\"x\" + 'y') && 1 > 0</script>");
	assert_html("&lt;script&gt;alert(&quot;x&quot; + &#39;y&#39;) &amp;"
		    "&amp; 1 &gt; 0&lt;/script&gt;");
	kh_html_text(&h, "&lt;");
	assert_html("&amp;lt;");
	kh_html_text(&h, "\"><output id=\"outcome\" data-state=\"sealed\">");
	assert_html("&quot;&gt;&lt;output id=&quot;outcome&quot; "
		    "data-state=&quot;sealed&quot;&gt;");
	kh_html_text(&h, "");
	assert_html("");
}

/* Every byte: the five are changed, and controls that are no blanks; each
 * costs what it was said to. */
static void
test_every_byte(void **state)
{
	char s[2] = {0, 0};
	unsigned c;

	(void)state;
	for (c = 1; c < 256; c++) {
		s[0] = (char)c;
		kh_html_text(&h, s);
		assert_int_equal(h.n, kh_html_cost(s[0]));
		if ((c < 0x20 && strchr("\t\n\r", (int)c) == NULL) ||
		    c == 0x7f) {
			assert_html("\xef\xbf\xbd");
		} else if (strchr("<>&\"'", (int)c) != NULL) {
			assert_true(h.n > 1);
			assert_int_equal(h.p[0], '&');
			assert_int_equal(h.p[h.n - 1], ';');
			h.n = 0;
		} else
			assert_html(s);
	}
	kh_html_text(&h, "דה טיימס العربية");
	assert_html("דה טיימס العربية");
}

static void
test_raw_is_raw(void **state)
{
	(void)state;
	kh_html_raw(&h, "<p>a &amp; b</p>");
	assert_html("<p>a &amp; b</p>");
	kh_html_bytes(&h, "<b>\0<i>", 7);
	assert_int_equal(h.n, 7);
	assert_memory_equal(h.p, "<b>\0<i>", 7);
	h.n = 0;
	kh_html_blanks(&h, 0);
	assert_html("");
	kh_html_blanks(&h, 5);
	assert_html("     ");
}

/* Text of a known length: no byte behind it, and a NUL in it does not end
 * it. */
static void
test_text_of_a_length(void **state)
{
	(void)state;
	kh_html_text_n(&h, "a<b\0c&d", 6);
	assert_html("a&lt;b\xef\xbf\xbd"
		    "c&amp;");
	kh_html_text_n(&h, "x", 0);
	assert_html("");
}

/* What is taken back is as if it had not been written. */
static void
test_taken_back(void **state)
{
	(void)state;
	kh_html_raw(&h, "stays");
	kh_html_text(&h, "<goes>");
	kh_html_back(&h, 5);
	kh_html_raw(&h, "!");
	assert_html("stays!");
}

static void
test_numbers(void **state)
{
	(void)state;
	kh_html_number(&h, 0);
	assert_html("0");
	kh_html_number(&h, UINT64_MAX);
	assert_html("18446744073709551615");
}

static void
fill_up_to(size_t n)
{
	h.n = n;
	h.overflow = false;
	memset(h.p, 'x', n);
}

static void
test_it_fits_to_the_byte(void **state)
{
	(void)state;
	fill_up_to(KH_HTML_MAX - 4);
	kh_html_raw(&h, "full");
	assert_true(kh_html_fits(&h));
	assert_int_equal(h.n, KH_HTML_MAX);
	kh_html_raw(&h, "");
	assert_true(kh_html_fits(&h));
	kh_html_raw(&h, "!");
	assert_false(kh_html_fits(&h));
	assert_int_equal(h.n, KH_HTML_MAX);
}

/* What does not fit is left out as a whole: no half entity, no half tag. And
 * that it did not fit is not forgotten. */
static void
test_overflow(void **state)
{
	size_t room;

	(void)state;
	for (room = 0; room < 5; room++) {
		fill_up_to(KH_HTML_MAX - room);
		kh_html_text(&h, "&");
		assert_false(kh_html_fits(&h));
		assert_int_equal(h.n, KH_HTML_MAX - room);
		kh_html_raw(&h, "");
		assert_false(kh_html_fits(&h));
	}
	fill_up_to(KH_HTML_MAX - 2);
	kh_html_number(&h, 123);
	assert_false(kh_html_fits(&h));
	fill_up_to(KH_HTML_MAX - 4);
	kh_html_blanks(&h, 5);
	assert_false(kh_html_fits(&h));
	assert_int_equal(h.n, KH_HTML_MAX - 4);
	fill_up_to(KH_HTML_MAX - 4);
	kh_html_bytes(&h, "12345", 5);
	assert_false(kh_html_fits(&h));
	assert_int_equal(h.n, KH_HTML_MAX - 4);
	/* As long as any length can be: nothing wraps around. */
	fill_up_to(KH_HTML_MAX - 4);
	kh_html_blanks(&h, SIZE_MAX);
	assert_false(kh_html_fits(&h));
	assert_true(h.n <= KH_HTML_MAX);
}

static void
test_freed_twice(void **state)
{
	struct kh_html zero = {0};

	(void)state;
	kh_html_free(&zero);
	kh_html_free(&h);
	assert_null(h.p);
	kh_html_free(&h);
}

static void
write_to_none(void *ctx)
{
	kh_html_raw(ctx, "x");
}

static void
blank_none(void *ctx)
{
	kh_html_blanks(ctx, 1);
}

static void
back_too_far(void *ctx)
{
	(void)ctx;
	kh_html_back(&h, h.n + 1);
}

static void
test_preconditions(void **state)
{
	struct kh_html zero = {0};

	(void)state;
	assert_true(aborts(write_to_none, &zero));
	assert_true(aborts(blank_none, &zero));
	assert_true(aborts(back_too_far, NULL));
	h.n = KH_HTML_MAX + 1;
	assert_true(aborts(write_to_none, &h));
}

#define WITH_HTML(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

static const struct CMUnitTest tests[] = {
    WITH_HTML(test_text_is_escaped),
    WITH_HTML(test_every_byte),
    WITH_HTML(test_raw_is_raw),
    WITH_HTML(test_numbers),
    WITH_HTML(test_text_of_a_length),
    WITH_HTML(test_taken_back),
    WITH_HTML(test_it_fits_to_the_byte),
    WITH_HTML(test_overflow),
    WITH_HTML(test_freed_twice),
    WITH_HTML(test_preconditions),
};

TAP_MAIN(tests)
