/*
 * The multipart parser: the heads of parts, their caps, and the boundary.
 */
#include "tests/unit/multipart_run.h"

/* One part with this head (lines, each with its CRLF). */
static enum kh_err
run_head(const char *head)
{
	static char body[2 * KH_PART_HEAD_MAX];
	int n =
	    snprintf(body, sizeof(body), "--" B "\r\n%s\r\ndata" CLOSE, head);

	assert_in_range(n, 1, sizeof(body) - 1);
	return run(body, (size_t)n, &t1);
}

static void
expect_head(const char *head, const char *want)
{
	char text[512];

	snprintf(text, sizeof(text), "%sdata</>", want);
	if (run_head(head) != KH_OK)
		fail_msg("refused: %s", head);
	assert_text(&t1, text, strlen(text));
}

static void
test_curl(void **state)
{
	expect("--" B "\r\n" CD "name=\"token\"\r\n\r\nabc\r\n"
	       "--" B "\r\n" CD "name=\"message\"\r\n\r\nline\r\nline\r\n\r\n"
	       "--" B "\r\n" CD "name=\"file\"; filename=\"a b.pdf\"\r\n"
	       "Content-Type: application/pdf\r\n\r\n%PDF\r\n--xY\r\n"
	       "--" B "--\r\n",
	    "<token|>abc</><message|>line\r\nline\r\n</>"
	    "<file|a b.pdf|application/pdf>%PDF\r\n--xY</>");
}

/* Chromium and Firefox, an empty file input among them. */
static void
test_browsers(void **state)
{
	expect("--" B "\r\n" CD "name=\"file\"; filename=\"\"\r\n"
	       "Content-Type: application/octet-stream\r\n\r\n\r\n"
	       "--" B "\r\n" CD "name=\"file\"; "
	       "filename=\"\xd7\x93\xd7\x95 %22x%22.pdf\"\r\n"
	       "Content-Type: application/pdf\r\n\r\nA\r\n"
	       "--" B "--\r\n",
	    "<file||application/octet-stream></>"
	    "<file|\xd7\x93\xd7\x95 %22x%22.pdf|application/pdf>A</>");
}

static void
test_good_heads(void **state)
{
	expect_head("content-DISPOSITION:form-data;name=\"a\"\r\n", "<a|>");
	expect_head("Content-Disposition:  FORM-data ;  NAME=\"a\" ; "
		    "FileName=\"f\"  \r\n",
	    "<a|f|>");
	expect_head("Content-Type:\r\n" CD "name=\"a\"\r\n", "<a|>");
	expect_head(CD "name=\"a\"\r\nContent-Type:  text/plain; charset=x  "
		       "\r\n",
	    "<a|text/plain; charset=x>");
	/* Bytes of whatever character set, and a backslash, as they are. */
	expect_head(CD "name=\"\xe9\"; filename=\"C:\\d\\\xff;=a: b\"\r\n",
	    "<\xe9|C:\\d\\\xff;=a: b|>");
}

/* RFC 7578 4.8: they MUST be ignored, wherever they stand. */
static void
test_other_fields_are_ignored(void **state)
{
	expect_head(CD "name=\"a\"\r\nContent-Length: 4\r\n", "<a|>");
	expect_head("X-Other: name=\"b\"\r\n" CD "name=\"a\"\r\n", "<a|>");
	expect_head(CD "name=\"a\"\r\nX-Other: y\r\nX-Other:\r\n", "<a|>");
}

static void
test_bad_heads(void **state)
{
	static const char *const bad[] = {
	    "Content-Type: text/plain\r\n",
	    "Content-Disposition: form-data\r\n",
	    "Content-Disposition:\r\n",
	    "Content-Disposition\r\n",
	    "Content-Disposition: attachment; name=\"a\"\r\n",
	    "Content-Disposition: form-datax; name=\"a\"\r\n",
	    "Content-Disposition: form-data name=\"a\"\r\n",
	    "Content-Disposition : form-data; name=\"a\"\r\n",
	    " " CD "name=\"a\"\r\n",
	    ": x\r\n",
	    CD "name=a\r\n",
	    CD "name=\"a\r\n",
	    CD "name=\"a\";\r\n",
	    CD "name=\"a\"x\r\n",
	    CD "name=\"\"\r\n",
	    CD "name\r\n",
	    CD "name =\"a\"\r\n",
	    CD "name= \"a\"\r\n",
	    CD "name='a'\r\n",
	    CD "name=\"a\\\"b\"\r\n",
	    CD "; name=\"a\"\r\n",
	    CD "name=\"a\"; name=\"a\"\r\n",
	    CD "filename=\"a\"\r\n",
	    CD "name=\"a\"; filename=\"f\"; filename=\"f\"\r\n",
	    CD "name=\"a\"; filename*=\"UTF-8''f\"\r\n",
	    CD "name=\"a\"; filename*=UTF-8''f\r\n",
	    CD "name=\"a\"; size=\"1\"\r\n",
	    CD "name=\"a\"; =\"1\"\r\n",
	    CD "name=\"a\"\r\n" CD "name=\"a\"\r\n",
	    CD "name=\"a\"\r\n" CD "name=\"b\"\r\n",
	    CD "name=\"a\"\r\nContent-Type: x\r\nContent-Type: x\r\n",
	    CD "name=\"a\"\r\nContent-Type:\r\nContent-Type: x\r\n",
	    CD "name=\"a\"\r\nContent-Transfer-Encoding: base64\r\n",
	    CD "name=\"a\"\r\nX Other: y\r\n",
	    CD "name=\"a\"\r\nX-Other : y\r\n",
	    CD "name=\"a\"\r\n: y\r\n",
	    CD "name=\"a\"\r\nX-Other\r\n",
	    CD "name=\"a\"\r\n filename=\"x\"\r\n",
	    CD "name=\"a\";\r\n\tfilename=\"x\"\r\n",
	    CD "name=\"a\"\n",
	    CD "name=\"a\"\r",
	    CD "name=\"a\nb\"\r\n",
	    CD "name=\"a\rb\"\r\n",
	    CD "\tname=\"a\"\r\n",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (run_head(bad[i]) != KH_EFORMAT)
			fail_msg("not refused: %s", bad[i]);
		assert_int_equal(t1.n, 0);
	}
}

/* The head `head` with each byte at the '?': which ones are refused. */
static void
try_bytes(const char *head, bool (*bad)(int c))
{
	char body[256], *at;
	int n;

	n = snprintf(
	    body, sizeof(body), "--" B "\r\n%s\r\n\r\ndata" CLOSE, head);
	assert_true(n > 0 && n < (int)sizeof(body));
	at = strchr(body, '?');
	assert_non_null(at);
	for (int c = 0; c < 256; c++) {
		*at = (char)c;
		assert_int_equal(
		    run(body, (size_t)n, &t1), bad(c) ? KH_EFORMAT : KH_OK);
	}
}

/* A quote ends the name; the rest is no parameter. */
static bool
bad_in_filename(int c)
{
	return c == '\0' || c == '\r' || c == '\n' || c == '"';
}

static bool
bad_elsewhere(int c)
{
	return c < 0x20 || c == 0x7f;
}

static bool
bad_in_name(int c)
{
	return bad_elsewhere(c) || c == '"';
}

/* A file may be called anything, and is not lost for it: browsers send each
 * byte but CR, LF and the quote as it is. Nowhere else in the head may a
 * control byte stand (L1, L37). */
static void
test_l1_controls(void **state)
{
	try_bytes(CD "name=\"a\"; filename=\"x?y\"", bad_in_filename);
	try_bytes(CD "name=\"x?y\"; filename=\"a\"", bad_in_name);
	try_bytes(CD "name=\"a\"\r\nContent-Type: x?y", bad_elsewhere);
	try_bytes(CD "name=\"a\"\r\nX-Other: x?y", bad_elsewhere);
}

static enum kh_err
run_names(size_t name_len, size_t filename_len)
{
	static char head[2 * KH_PART_HEAD_MAX];
	size_t at;

	at = (size_t)snprintf(head, sizeof(head), CD "name=\"");
	memset(head + at, 'n', name_len);
	at += name_len;
	at += (size_t)snprintf(head + at, sizeof(head) - at, "\"; filename=\"");
	memset(head + at, 'f', filename_len);
	at += filename_len;
	snprintf(head + at, sizeof(head) - at, "\"\r\n");
	return run_head(head);
}

static void
test_name_caps(void **state)
{
	assert_int_equal(run_names(KH_FIELD_NAME_MAX, KH_RAW_NAME_MAX), KH_OK);
	assert_int_equal(run_names(KH_FIELD_NAME_MAX + 1, 1), KH_ELIMIT);
	assert_int_equal(run_names(1, KH_RAW_NAME_MAX + 1), KH_ELIMIT);
	assert_int_equal(t1.n, 0);
	assert_int_equal(run_names(1, KH_PART_HEAD_MAX), KH_ELIMIT);
}

static void
test_head_cap(void **state)
{
	static const char first[] = CD "name=\"a\"\r\nContent-Type: ";
	static char head[KH_PART_HEAD_MAX + 2];
	/* run_head adds the empty line */
	size_t n = KH_PART_HEAD_MAX - 2;

	memset(head, 'x', sizeof(head));
	memcpy(head, first, sizeof(first) - 1);
	memcpy(head + n - 2, "\r\n", 3);
	assert_int_equal(run_head(head), KH_OK);
	memcpy(head + n - 2, "x\r\n", 4);
	assert_int_equal(run_head(head), KH_ELIMIT);
	assert_int_equal(t1.n, 0);
}

static void
boundary_is(const char *type, const char *want)
{
	struct kh_slice b;

	if (kh_multipart_boundary((struct kh_slice){type, strlen(type)}, &b) !=
	    KH_OK)
		fail_msg("refused: %s", type);
	assert_int_equal(b.n, strlen(want));
	assert_memory_equal(b.p, want, b.n);
}

static void
test_boundary(void **state)
{
	char type[160] = "multipart/form-data; boundary=";
	size_t at = strlen(type);

	boundary_is("multipart/form-data; boundary=----WebKitFormBoundaryA1",
	    "----WebKitFormBoundaryA1");
	boundary_is("Multipart/Form-Data;BOUNDARY=a", "a");
	boundary_is("multipart/form-data ;  boundary=a'+_-.9", "a'+_-.9");
	boundary_is("multipart/form-data; boundary=\"a b'()+_,-./:=?\"",
	    "a b'()+_,-./:=?");
	memset(type + at, 'x', KH_BOUNDARY_MAX);
	boundary_is(type, type + at);
}

static void
test_bad_boundaries(void **state)
{
	static const char p[] = "multipart/form-data; boundary=";
	static const char *const bad[] = {"", "multipart/form-data",
	    "multipart/form-data;", "multipart/form-data; boundary",
	    "multipart/form-data; boundary=", "text/plain; boundary=a",
	    "multipart/mixed; boundary=a", "multipart/form-data, boundary=a",
	    "multipart/form-data; boundary=\"\"",
	    "multipart/form-data; boundary=\"a",
	    "multipart/form-data; boundary=a\"",
	    "multipart/form-data; boundary=\"a\"b",
	    "multipart/form-data; boundary=\"a\" ",
	    "multipart/form-data; boundary=\"a \"",
	    "multipart/form-data; boundary=\"a\\b\"",
	    "multipart/form-data; boundary=a b",
	    "multipart/form-data; boundary=a:b",
	    "multipart/form-data; boundary=a;",
	    "multipart/form-data; boundary=a; charset=utf-8",
	    "multipart/form-data; boundary=a; boundary=a",
	    "multipart/form-data; charset=utf-8; boundary=a",
	    "multipart/form-data; boundary =a",
	    "multipart/form-data; boundary= a",
	    "multipart/form-data; boundary*=a", "; boundary=a",
	    "multipart/form-data; boundary=\xc3\xa9",
	    "multipart/form-data; boundary=a\r\n"};
	static const char nul[] = "multipart/form-data; boundary=a\0b";
	char type[160];
	struct kh_slice b;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		b.n = 9;
		if (kh_multipart_boundary(
			(struct kh_slice){bad[i], strlen(bad[i])}, &b) !=
		    KH_EFORMAT)
			fail_msg("not refused: %s", bad[i]);
		assert_int_equal(b.n, 0);
	}
	assert_int_equal(
	    kh_multipart_boundary((struct kh_slice){nul, sizeof(nul) - 1}, &b),
	    KH_EFORMAT);
	assert_int_equal(
	    kh_multipart_boundary((struct kh_slice){NULL, 0}, &b), KH_EFORMAT);
	memcpy(type, p, sizeof(p) - 1);
	memset(type + sizeof(p) - 1, 'x', KH_BOUNDARY_MAX + 1);
	assert_int_equal(
	    kh_multipart_boundary(
		(struct kh_slice){type, sizeof(p) + KH_BOUNDARY_MAX}, &b),
	    KH_EFORMAT);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_curl),
    cmocka_unit_test(test_browsers),
    cmocka_unit_test(test_good_heads),
    cmocka_unit_test(test_other_fields_are_ignored),
    cmocka_unit_test(test_bad_heads),
    cmocka_unit_test(test_l1_controls),
    cmocka_unit_test(test_name_caps),
    cmocka_unit_test(test_head_cap),
    cmocka_unit_test(test_boundary),
    cmocka_unit_test(test_bad_boundaries),
};

TAP_MAIN(tests)
