/*
 * What the courier reads: the list in pages, small answers, heads, SHA256SUMS,
 * collected.txt, tokens. Hostile forms are in the fuzzers' seeds and in
 * tests/system/courier_client.py; here are the edges.
 */
#include "tests/unit/tap.h"

#include "client/courier/head.c"
#include "client/courier/json.c"
#include "client/courier/list.c"
#include "client/courier/sums.c"

#define ID(c) c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c

static enum kh_err
page(struct kh_list *l, const char *json)
{
	return kh_list_page(l, json, strlen(json));
}

static void
test_pages(void **state)
{
	struct kh_list l = {0};

	(void)state;
	assert_int_equal(
	    page(&l,
		"{\"objects\":[{\"id\":\"" ID("a") "\",\"size\":1}],"
						   "\"next\":\"" ID("a") "\"}"),
	    KH_OK);
	assert_true(l.more);
	/* Not behind the last one: the list stays as it is. */
	assert_int_equal(
	    page(&l,
		"{\"objects\":[{\"id\":\"" ID("a") "\",\"size\":1}],"
						   "\"next\":null}"),
	    KH_EFORMAT);
	assert_int_equal(l.n, 1);
	assert_int_equal(page(&l,
			     "{\"objects\":[{\"id\":\"" ID(
				 "c") "\","
				      "\"size\":68719476736}],\"next\":null}"),
	    KH_OK);
	assert_false(l.more);
	assert_int_equal(l.n, 2);
	assert_ptr_equal(kh_list_find(&l, ID("c")), &l.object[1]);
	assert_null(kh_list_find(&l, ID("b")));
	assert_int_equal(page(&l,
			     "{\"objects\":[{\"id\":\"" ID(
				 "d") "\","
				      "\"size\":68719476737}],\"next\":null}"),
	    KH_ELIMIT);
	kh_list_clear(&l);
	assert_null(kh_list_find(&l, ID("c")));
}

static void
test_list_has_an_end(void **state)
{
	struct kh_list l = {0};

	(void)state;
	l.n = l.room = KH_LIST_MAX;
	assert_int_equal(make_room(&l, 0), KH_OK);
	assert_int_equal(make_room(&l, 1), KH_ELIMIT);
	l.n = l.room = 0;
	assert_int_equal(make_room(&l, KH_PAGE_OBJECTS_MAX + 1), KH_ELIMIT);
	assert_null(l.object);
}

static enum kh_err
range(const char *text, struct kh_head *h)
{
	memset(h, 0, sizeof(*h));
	return kh_content_range(text, strlen(text), h);
}

static void
test_ranges(void **state)
{
	struct kh_head h;

	(void)state;
	assert_int_equal(range("bytes 5-9/10", &h), KH_OK);
	assert_int_equal(h.first, 5);
	assert_int_equal(h.last, 9);
	assert_int_equal(h.total, 10);
	assert_int_equal(range("bytes */10", &h), KH_OK);
	assert_true(h.unsatisfied);
	assert_int_equal(range("bytes 5-10/10", &h), KH_EFORMAT);
	assert_int_equal(range("bytes 9-5/10", &h), KH_EFORMAT);
	assert_int_equal(range("bytes 5-9/*", &h), KH_EFORMAT);
	assert_int_equal(range("bytes 5-9/10 ", &h), KH_EFORMAT);
	assert_int_equal(range("bytes  5-9/10", &h), KH_EFORMAT);
	assert_int_equal(range("Bytes 5-9/10", &h), KH_EFORMAT);
	assert_int_equal(range("bytes -9/10", &h), KH_EFORMAT);
	assert_int_equal(range("bytes 05-9/10", &h), KH_EFORMAT);
	assert_int_equal(range("bytes 0-9/9223372036854775808", &h), KH_ELIMIT);
	assert_int_equal(range("bytes ", &h), KH_EFORMAT);
}

static enum kh_err
line(struct kh_head *h, const char *text)
{
	return kh_head_line(h, text, strlen(text));
}

static void
test_heads(void **state)
{
	struct kh_head h = {0};

	(void)state;
	assert_int_equal(line(&h, "X: y\r\n"), KH_EFORMAT);
	assert_int_equal(line(&h, "HTTP/1.1 100 Continue\r\n"), KH_OK);
	assert_int_equal(line(&h, "Content-Length: 1\r\n"), KH_OK);
	assert_int_equal(line(&h, "\r\n"), KH_OK);
	assert_int_equal(line(&h, "HTTP/1.1 206 X\r\n"), KH_OK);
	assert_int_equal(h.status, 206);
	assert_false(h.has_length); /* another head */
	assert_int_equal(line(&h, "content-length:\t 70 \r\n"), KH_OK);
	assert_int_equal(h.length, 70);
	assert_int_equal(line(&h, "Content-Length: 70\r\n"), KH_EFORMAT);
	assert_int_equal(line(&h, "Content-Lengthy: 70\r\n"), KH_OK);
	assert_int_equal(line(&h, "Content-Range: bytes 0-1/2\r\n"), KH_OK);
	assert_int_equal(
	    line(&h, "Content-Range: bytes 0-1/2\r\n"), KH_EFORMAT);
	assert_false(h.coded);
	assert_int_equal(line(&h, "TRANSFER-ENCODING: chunked\r\n"), KH_OK);
	assert_true(h.coded);
	assert_int_equal(line(&h, "no colon\r\n"), KH_EFORMAT);
	assert_int_equal(line(&h, ": no name\r\n"), KH_EFORMAT);
	assert_int_equal(line(&h, "X: y\n"), KH_EFORMAT);
	h.bytes = KH_ANSWER_HEAD_MAX - 5;
	assert_int_equal(line(&h, "X: y\r\n"), KH_ELIMIT);
}

static void
test_error_words(void **state)
{
	static const struct {
		const char *json, *word;
	} t[] = {{"{\"error\":\"taken\"}", "taken"},
	    {"{\"error\":\"not_found\",\"x\":1}", "not_found"},
	    {"{\"error\":\"\\u001b[31m\"}", ""}, {"{\"error\":1}", ""},
	    {"{\"error\":\"\"}", ""}, {"<html>", ""}, {"", ""},
	    {"{\"error\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}", ""}};
	char word[KH_WORD_LEN];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		kh_error_word(t[i].json, strlen(t[i].json), word);
		assert_string_equal(word, t[i].word);
	}
}

static void
test_sums(void **state)
{
	static const char zeros[] = ID("0") ID("0");
	char hex[KH_SHA256_HEX_LEN] = ID("1") ID("1");
	struct kh_sums s = {0};

	(void)state;
	assert_int_equal(kh_sums_put(&s, "objects/b", zeros), KH_OK);
	assert_int_equal(kh_sums_put(&s, "objects/a", zeros), KH_OK);
	assert_int_equal(kh_sums_put(&s, "objects/c", zeros), KH_OK);
	assert_int_equal(kh_sums_put(&s, "objects/b", hex), KH_OK);
	assert_int_equal(s.n, 3);
	assert_string_equal(s.sum[0].path, "objects/a");
	assert_string_equal(s.sum[2].path, "objects/c");
	assert_string_equal(kh_sums_find(&s, "objects/b"), hex);
	kh_sums_drop(&s, "objects/a");
	kh_sums_drop(&s, "objects/x");
	assert_int_equal(s.n, 2);
	assert_null(kh_sums_find(&s, "objects/a"));
	kh_sums_clear(&s);
}

static enum kh_err
parse(const char *path, const char *more)
{
	char text[512];
	struct kh_sums s;
	enum kh_err e;

	(void)snprintf(
	    text, sizeof(text), "%s  %s%s", ID("0") ID("0"), path, more);
	e = kh_sums_parse(&s, text, strlen(text));
	kh_sums_clear(&s);
	return e;
}

static void
test_l1_paths_in_sums(void **state)
{
	static const char *const bad[] = {"", "/x", "x/", "x//y", ".", "..",
	    "./x", "x/..", "x/../y", "x\\y", "x\ty", "x\x1by", "\xc3\xa9"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse(bad[i], "\n"), KH_EFORMAT);
	assert_int_equal(parse("cards/a b.card", "\n"), KH_OK);
	assert_int_equal(parse("...", "\n"), KH_OK);
	assert_int_equal(parse("x", ""), KH_EFORMAT);
	assert_int_equal(parse("x", "\n" ID("0") ID("0") "  x\n"), KH_EFORMAT);
	assert_int_equal(parse("x", "\n" ID("0") ID("0") "  w\n"), KH_EFORMAT);
	assert_int_equal(parse("x", "\n" ID("0") ID("0") "  y\n"), KH_OK);
	assert_int_equal(parse("x", "\n" ID("0") ID("A") "  y\n"), KH_EFORMAT);
	assert_int_equal(parse("x", "\n" ID("0") ID("0") " *y\n"), KH_EFORMAT);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_pages),
    cmocka_unit_test(test_list_has_an_end),
    cmocka_unit_test(test_ranges),
    cmocka_unit_test(test_heads),
    cmocka_unit_test(test_error_words),
    cmocka_unit_test(test_sums),
    cmocka_unit_test(test_l1_paths_in_sums),
};

TAP_MAIN(tests)
