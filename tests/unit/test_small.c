/*
 * Forms without files: urlencoded and multipart, strictly, and nothing is done
 * when they are not whole or not ours.
 */
#include "tests/unit/tap.h"

#include "server/visit/small.h"

static struct kh_site site;
static struct kh_counter counter;
static struct kh_visit v;
static struct kh_reply r;

/* What the form came to. */
static unsigned acted;
static char code[KH_SMALL_FORM_MAX + 1], token[KH_SMALL_FORM_MAX + 1],
    page[KH_SMALL_FORM_MAX + 1];
static bool has_code, has_token, has_page;

static void
note(struct kh_slice s, char *out, bool *given)
{
	*given = s.p != NULL;
	assert_true(s.n <= KH_SMALL_FORM_MAX);
	if (s.n > 0)
		memcpy(out, s.p, s.n);
	out[s.n] = '\0';
}

static void
act(struct kh_visit *visit, const struct kh_small_fields *f,
    struct kh_reply *reply)
{
	assert_ptr_equal(visit, &v);
	note(f->code, code, &has_code);
	note(f->token, token, &has_token);
	note(f->page, page, &has_page);
	acted++;
	reply->status = 200;
}

static int
setup(void **state)
{
	(void)state;
	memset(&site, 0, sizeof(site));
	memset(&v, 0, sizeof(v));
	memset(&r, 0, sizeof(r));
	memset(&counter, 0, sizeof(counter));
	site.conf.n_outlets = 1;
	v.site = &site;
	v.view.site = &site;
	v.counter = &counter;
	acted = 0;
	return kh_html_init(&r.html) == KH_OK ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	kh_html_free(&r.html);
	return 0;
}

static enum kh_err
with_type(const char *type, struct kh_intake *in)
{
	v.head.type = (struct kh_slice){type, strlen(type)};
	return kh_small_new(&v, act, in);
}

/* Give it this body in pieces of `step` bytes; true when it was acted on. */
static bool
give(const char *type, const char *body, size_t n, size_t step)
{
	struct kh_intake in;
	unsigned before = acted;
	size_t at, k;

	assert_int_equal(with_type(type, &in), KH_OK);
	r.status = 0;
	r.html.n = 0;
	for (at = 0; at < n; at += k) {
		k = n - at < step ? n - at : step;
		in.feed(in.ctx, (const uint8_t *)body + at, k);
	}
	assert_int_equal(acted, before); /* not before it is whole */
	in.finish(in.ctx, &r);
	in.free(in.ctx);
	if (acted == before) {
		assert_int_equal(r.status, 400);
		assert_true(r.html.n > 0);
	} else {
		assert_int_equal(acted, before + 1);
		assert_int_equal(r.status, 200);
	}
	return acted > before;
}

#define URLENCODED "application/x-www-form-urlencoded"
#define MULTIPART "multipart/form-data; boundary=xYz"

static bool
urlencoded(const char *body)
{
	bool whole = give(URLENCODED, body, strlen(body), SIZE_MAX);

	assert_int_equal(give(URLENCODED, body, strlen(body), 1), whole);
	assert_int_equal(give(URLENCODED, body, strlen(body), 3), whole);
	return whole;
}

static void
test_urlencoded(void **state)
{
	(void)state;
	assert_true(urlencoded("code=abacus+abdomen%0D%0A"));
	assert_string_equal(code, "abacus abdomen\r\n");
	assert_true(has_code);
	assert_false(has_token);
	assert_false(has_page);
	assert_true(urlencoded("token=abc-_&page=2"));
	assert_string_equal(token, "abc-_");
	assert_string_equal(page, "2");
	assert_false(has_code);
	assert_true(urlencoded("page=2&token=x"));
	assert_true(urlencoded("code=%D9%A1%e2%80%8f%2B%26%3D%25"));
	assert_string_equal(code, "\xd9\xa1\xe2\x80\x8f+&=%");
	assert_true(urlencoded("code=a=b")); /* the first '=' ends the name */
	assert_string_equal(code, "a=b");
	assert_true(urlencoded("code="));
	assert_true(has_code);
	assert_string_equal(code, "");
	assert_true(urlencoded("")); /* a form without a field */
	assert_false(has_code);
}

static void
test_urlencoded_strictly(void **state)
{
	static const char *const bad[] = {"code", "=x", "&", "code=a&",
	    "&code=a", "code=a&&page=1", "code=%", "code=%4", "code=%4g",
	    "code=%g4", "code=%%41", "code=% 41", "code=a%0", "other=x",
	    "Code=x", "code =x", " code=x", "c%6fde=x", "codes=x", "cod=x",
	    "code=a&code=a", "code=&code=a",
	    "code=a&code=", "code=a&other=", "token=a&page=1&token=b",
	    "code=a;page=1&x", "page=1&code"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (urlencoded(bad[i]))
			fail_msg("taken: %s", bad[i]);
	}
	/* A NUL is a byte like others; what comes of it others decide. */
	assert_true(urlencoded("code=a%00b"));
	assert_true(give(URLENCODED, "code=a\0b", 8, 1));
}

#define PART(name) \
	"--xYz\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n"
#define END "--xYz--\r\n"

static bool
multipart(const char *body)
{
	bool whole = give(MULTIPART, body, strlen(body), SIZE_MAX);

	assert_int_equal(give(MULTIPART, body, strlen(body), 1), whole);
	assert_int_equal(give(MULTIPART, body, strlen(body), 7), whole);
	return whole;
}

static void
test_multipart(void **state)
{
	(void)state;
	assert_true(multipart(PART("code") "a+b%20&\r\nc\r\n" END));
	assert_string_equal(code, "a+b%20&\r\nc"); /* as it stands */
	assert_true(
	    multipart(PART("token") "tt\r\n" PART("page") "12\r\n" END));
	assert_string_equal(token, "tt");
	assert_string_equal(page, "12");
	assert_false(has_code);
	assert_true(multipart(PART("code") "\r\n" END));
	assert_true(has_code);
	assert_string_equal(code, "");
	assert_true(multipart(PART("page") "1\r\n" PART("code") "c\r\n" PART(
	    "token") "t\r\n" END));
	assert_string_equal(code, "c");
	assert_string_equal(token, "t");
	assert_string_equal(page, "1");
}

static void
test_multipart_strictly(void **state)
{
	static const char *const bad[] = {"", "code=a",
	    PART("other") "x\r\n" END,
	    PART("code") "a\r\n" PART("code") "a\r\n" END,
	    PART("code") "\r\n" PART("code") "a\r\n" END, PART("code") "a\r\n",
	    PART("code") "a", "--xYz\r\n", PART("code") "a\r\n" END "x",
	    "x" PART("code") "a\r\n" END,
	    "--xYz\r\nContent-Disposition: form-data; name=\"code\"; "
	    "filename=\"f\"\r\n\r\na\r\n" END,
	    PART("code") "a\r\n--xYz--x"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (multipart(bad[i]))
			fail_msg("taken: %s", bad[i]);
	}
}

static void
test_types(void **state)
{
	static const char *const good[] = {URLENCODED, URLENCODED " ",
	    URLENCODED ";charset=utf-8", "Application/X-WWW-Form-URLencoded",
	    URLENCODED " ; charset=UTF-8", MULTIPART};
	static const char *const bad[] = {"", "text/plain",
	    "multipart/form-data", "multipart/mixed; boundary=x",
	    URLENCODED "x", "application/x-www-form-urlencode",
	    "application/json"};
	struct kh_intake in;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(with_type(good[i], &in), KH_OK);
		in.free(in.ctx);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(with_type(bad[i], &in), KH_EFORMAT);
	assert_int_equal(acted, 0);
}

/* L18: at most KH_SMALL_FORM_MAX bytes, whatever comes; one more is refused
 * and not parsed. */
static void
test_l18_longest(void **state)
{
	static char body[2 * KH_SMALL_FORM_MAX];

	(void)state;
	memset(body, 'a', sizeof(body));
	memcpy(body, "code=", 5);
	assert_true(give(URLENCODED, body, KH_SMALL_FORM_MAX, 1000));
	assert_int_equal(strlen(code), KH_SMALL_FORM_MAX - 5);
	assert_false(give(URLENCODED, body, KH_SMALL_FORM_MAX + 1, 1000));
	assert_false(give(URLENCODED, body, KH_SMALL_FORM_MAX + 1, SIZE_MAX));
	assert_false(give(URLENCODED, body, sizeof(body), 1));
	/* What is too long stays too long: no tail is taken for a form. */
	memcpy(body + sizeof(body) - 7, "&code=x", 7);
	assert_false(give(URLENCODED, body, sizeof(body), KH_SMALL_FORM_MAX));
	memcpy(body, PART("code"), sizeof(PART("code")) - 1);
	memcpy(body + KH_SMALL_FORM_MAX - 11, "\r\n" END, 11);
	assert_true(give(MULTIPART, body, KH_SMALL_FORM_MAX, 4096));
}

/* Cut: nothing is done. */
static void
test_cut(void **state)
{
	static const char body[] = "token=abc";
	struct kh_intake in;

	(void)state;
	assert_int_equal(with_type(URLENCODED, &in), KH_OK);
	in.feed(in.ctx, (const uint8_t *)body, sizeof(body) - 1);
	in.cut(in.ctx);
	in.free(in.ctx);
	assert_int_equal(acted, 0);
	assert_int_equal(r.html.n, 0);
}

/* The door sees the bytes move. */
static void
test_bytes_are_counted(void **state)
{
	(void)state;
	assert_true(give(URLENCODED, "code=abc", 8, 3));
	assert_int_equal(atomic_load(&counter.bytes), 8);
}

#define WITH_VISIT(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

static const struct CMUnitTest tests[] = {
    WITH_VISIT(test_urlencoded),
    WITH_VISIT(test_urlencoded_strictly),
    WITH_VISIT(test_multipart),
    WITH_VISIT(test_multipart_strictly),
    WITH_VISIT(test_types),
    WITH_VISIT(test_l18_longest),
    WITH_VISIT(test_cut),
    WITH_VISIT(test_bytes_are_counted),
};

TAP_MAIN(tests)
