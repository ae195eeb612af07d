/*
 * Names from the other side (L1, L3, L37): what they become, and that what
 * they become stays.
 */
#include "tests/unit/tap.h"

#include <sodium.h>

#include "knothole/name.h"

struct made {
	const char *raw;
	size_t n;
	const char *want;
};

#define N(raw, want)                       \
	{                                  \
		raw, sizeof(raw) - 1, want \
	}
#define SHALOM "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d"
#define SALAAM "\xd8\xb3\xd9\x84\xd8\xa7\xd9\x85"

static const struct made hostile[] = {
    N("", "file"),
    N(".", "file"),
    N("..", "file"),
    N("...", "file"),
    N("/", "file"),
    N("../..", "file"),
    N("../../etc/passwd", "passwd"),
    N("/etc/shadow", "shadow"),
    N("dir/", "file"),
    N("C:\\Users\\x\\y.doc", "y.doc"),
    N("\\\\host\\share\\z.pdf", "z.pdf"),
    N("a/b\\c.txt", "c.txt"),
    N("C:evil", "C_evil"),
    N("a\0b", "a b"),
    N("\0", "file"),
    N("line\nfeed\r.txt", "line feed .txt"),
    N("\x1b[31mred\x1b[0m", "[31mred [0m"),
    N("bell\x07"
      "del\x7f",
	"bell del"),
    N("c1\xc2\x9b"
      "31m",
	"c1 31m"),
    N("gpj.\xe2\x80\xae"
      "exe",
	"gpj.exe"), /* U+202E */
    N("\xe2\x81\xa6"
      "a\xe2\x81\xa9",
	"a"), /* U+2066, U+2069 */
    N("a\xe2\x80\x8b"
      "b",
	"ab"), /* U+200B */
    N("\xef\xbb\xbf"
      "bom",
	"bom"), /* U+FEFF */
    N("\xe2\x80\x8f\xe2\x80\x8e", "file"), /* RLM, LRM */
    N("a\xe2\x80\xa8"
      "b\xe2\x80\xa9"
      "c",
	"a b c"), /* U+2028, U+2029 */
    N("a\xc2\xa0"
      "b\xe3\x80\x80"
      "c",
	"a b c"), /* NBSP, U+3000 */
    N("a\xc2\xad"
      "b",
	"ab"), /* soft hyphen */
    N("a\xef\xb8\x8f", "a"), /* U+FE0F */
    N("\xe3\x85\xa4", "file"), /* Hangul filler */
    N("a\xf3\xa0\x81\x81", "a"), /* tag U+E0041 */
    N("a\xef\xbf\xbf", "a"), /* U+FFFF */
    N("a\xef\xb7\x90", "a"), /* U+FDD0 */
    N("-rf", "rf"),
    N("--help", "help"),
    N(" -. x", "x"),
    N(".bashrc", "bashrc"),
    N(".pdf", "pdf"),
    N("name. . ", "name"),
    N("tail .", "tail"),
    N("a*b?c\"d<e>f|g:h", "a_b_c_d_e_f_g_h"),
    N("e\xcc\x81.txt", "\xc3\xa9.txt"), /* NFD to NFC */
    N("e\xe2\x80\x8d\xcc\x81", "\xc3\xa9"), /* e ZWJ U+0301 */
    N("\xe2\x84\xab", "\xc3\x85"), /* Angstrom sign */
    N("\xff\xfe", "__"),
    N("a\xc3", "a_"), /* cut short */
    N("\xc0\xaf\xe0\x80\xaf", "_____"), /* overlong '/' */
    N("\xed\xa0\x80", "___"), /* surrogate */
    N("\xf4\x90\x80\x80", "____"), /* beyond U+10FFFF */
    N(SHALOM ".pdf", SHALOM ".pdf"),
    N(SALAAM ".pdf", SALAAM ".pdf"),
    N("Report 2024 (final).tar.gz", "Report 2024 (final).tar.gz"),
    N("\xe6\x96\x87\xe6\x9b\xb8.txt", "\xe6\x96\x87\xe6\x9b\xb8.txt"),
    N("%2e%2e%2fx", "%2e%2e%2fx"),
};

static void
make(const void *raw, size_t n, char out[static KH_NAME_MAX + 1])
{
	char again[KH_NAME_MAX + 1];

	kh_name_make(raw, n, out);
	assert_in_range(strlen(out), 1, KH_NAME_MAX);
	assert_true(kh_name_is_safe(out, strlen(out)));
	kh_name_make((const uint8_t *)out, strlen(out), again);
	assert_string_equal(again, out);
}

static void
test_l1_hostile(void **state)
{
	char out[KH_NAME_MAX + 1];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		make(hostile[i].raw, hostile[i].n, out);
		assert_string_equal(out, hostile[i].want);
		if (strlen(hostile[i].want) != hostile[i].n ||
		    memcmp(hostile[i].want, hostile[i].raw, hostile[i].n) != 0)
			assert_false(
			    kh_name_is_safe(hostile[i].raw, hostile[i].n));
	}
	make(NULL, 0, out);
	assert_string_equal(out, "file");
	assert_false(kh_name_is_safe(NULL, 0));
}

/* 4 KiB and more; the extension stays, characters are not split. */
static void
test_l1_long(void **state)
{
	static uint8_t raw[20000];
	char out[KH_NAME_MAX + 1];
	size_t i;

	(void)state;
	memset(raw, 'a', sizeof(raw));
	memcpy(raw + 4096 - 4, ".pdf", 4);
	make(raw, 4096, out);
	assert_int_equal(strlen(out), KH_NAME_MAX);
	assert_string_equal(out + KH_NAME_MAX - 4, ".pdf");
	memcpy(raw + sizeof(raw) - 4, ".doc", 4);
	make(raw, sizeof(raw), out);
	assert_int_equal(strlen(out), KH_NAME_MAX);
	assert_string_equal(out + KH_NAME_MAX - 4, ".doc");

	for (i = 0; i + 3 <= 4095; i += 3)
		memcpy(raw + i, "\xe6\x96\x87", 3);
	make(raw, 4095, out);
	assert_int_equal(strlen(out), KH_NAME_MAX);
	make(raw, 4094, out); /* the last character is cut: one or two '_' */
	assert_true(kh_utf8_valid((const uint8_t *)out, strlen(out)));

	memset(raw, 'a', 149);
	memset(raw + 149, ' ', 5);
	raw[154] = 'b';
	make(raw, 155, out);
	assert_int_equal(strlen(out), 149); /* no blank at the new end */

	/* An extension longer than any is none. */
	memset(raw, 'a', 200);
	raw[100] = '.';
	make(raw, 200, out);
	assert_int_equal(strlen(out), KH_NAME_MAX);

	/* A flood of combining marks */
	raw[0] = 'a';
	for (i = 1; i + 2 <= 4096; i += 2)
		memcpy(raw + i, i % 4 == 1 ? "\xcc\x81" : "\xcc\xa3", 2);
	make(raw, 4095, out);
	/* What becomes three times as long in NFC (U+1D160) */
	for (i = 0; i + 4 <= 4096; i += 4)
		memcpy(raw + i, "\xf0\x9d\x85\xa0", 4);
	make(raw, 4096, out);
}

static void
test_too_long_is_not_safe(void **state)
{
	char name[KH_NAME_MAX + 2];

	(void)state;
	memset(name, 'a', sizeof(name));
	assert_true(kh_name_is_safe(name, KH_NAME_MAX));
	assert_false(kh_name_is_safe(name, KH_NAME_MAX + 1));
	assert_false(kh_name_is_safe("a\0b", 3));
}

/* L3: names in other scripts keep their letters. */
static void
test_l3_scripts(void **state)
{
	static const char *const names[] = {SHALOM, SALAAM, SHALOM " 1.pdf",
	    "\xd0\x9f\xd0\xb8\xd1\x81\xd1\x8c\xd0\xbc\xd0\xbe.docx",
	    "\xe0\xa4\xb9\xe0\xa4\xbf\xe0\xa4\x82.txt", "\xf0\x9f\x93\x84.txt"};
	char out[KH_NAME_MAX + 1];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		make(names[i], strlen(names[i]), out);
		assert_string_equal(out, names[i]);
	}
}

static void
test_random(void **state)
{
	char out[KH_NAME_MAX + 1];
	uint8_t raw[300];
	size_t i, n, k;

	(void)state;
	for (i = 0; i < 20000; i++) {
		n = randombytes_uniform(sizeof(raw));
		randombytes_buf(raw, n);
		/* rather long marks, letters and separators than noise */
		for (k = 0; k + 2 < n && i % 2 == 0; k += 2) {
			raw[k] = (uint8_t)(0xc3 + raw[k] % 24);
			raw[k + 1] = 0x80 | (raw[k + 1] & 0x3f);
		}
		make(raw, n, out);
		assert_null(strpbrk(out, "/\\\n\x1b"));
	}
}

static void
test_utf8(void **state)
{
	(void)state;
	assert_true(kh_utf8_valid(NULL, 0));
	assert_true(kh_utf8_valid((const uint8_t *)"a\xf0\x9f\x93\x84", 5));
	assert_true(kh_utf8_valid((const uint8_t *)"\xf4\x8f\xbf\xbf", 4));
	assert_true(kh_utf8_valid((const uint8_t *)"\xed\x9f\xbf", 3));
	assert_false(kh_utf8_valid((const uint8_t *)"a\0", 2));
	assert_false(kh_utf8_valid((const uint8_t *)"\xf0\x9f\x93", 3));
	assert_false(kh_utf8_valid((const uint8_t *)"\xc1\x81", 2));
	assert_false(kh_utf8_valid((const uint8_t *)"\xe0\x9f\x80", 3));
	assert_false(kh_utf8_valid((const uint8_t *)"\xf0\x8f\xbf\xbf", 4));
	assert_false(kh_utf8_valid((const uint8_t *)"\xf4\x90\x80\x80", 4));
	assert_false(kh_utf8_valid((const uint8_t *)"\xed\xa0\x80", 3));
	assert_false(kh_utf8_valid((const uint8_t *)"\x80", 1));
	assert_false(kh_utf8_valid((const uint8_t *)"\xe2\x82\xe2", 3));
	assert_int_equal(
	    kh_utf8_count((const uint8_t *)SHALOM " \xf0\x9f\x93\x84", 13), 6);
	assert_int_equal(kh_utf8_count(NULL, 0), 0);
}

static void
escapes(const char *raw, size_t n, size_t cap, const char *want)
{
	char out[256];

	assert_int_equal(
	    kh_text_escape((const uint8_t *)raw, n, out, cap), strlen(want));
	assert_string_equal(out, want);
}

static void
test_l37_escape(void **state)
{
	(void)state;
	escapes("plain " SHALOM, 14, 256, "plain " SHALOM);
	escapes("a\x1b[2Jb\n", 7, 256, "a\\x1b[2Jb\\x0a");
	escapes("\0\x7f", 2, 256, "\\x00\\x7f");
	escapes("\xc2\x9b", 2, 256, "\\u{9b}");
	escapes("\xe2\x80\xae", 3, 256, "\\u{202e}");
	escapes("\xf3\xa0\x80\x81", 4, 256, "\\u{e0001}");
	escapes("\xf4\x8f\xbf\xbf", 4, 256, "\\u{10ffff}");
	escapes("\xff\xc3", 2, 256, "\\xff\\xc3");
	escapes("a\\b/c", 5, 256, "a\\\\b/c");
	escapes("ab\x1b", 3, 6, "ab"); /* no half escape */
	escapes("ab\x1b", 3, 7, "ab\\x1b");
	escapes("abc", 3, 1, "");
	escapes(SHALOM, 8, 4, "\xd7\xa9"); /* no half character */
	escapes(NULL, 0, 1, "");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_l1_hostile),
    cmocka_unit_test(test_l1_long),
    cmocka_unit_test(test_too_long_is_not_safe),
    cmocka_unit_test(test_l3_scripts),
    cmocka_unit_test(test_random),
    cmocka_unit_test(test_utf8),
    cmocka_unit_test(test_l37_escape),
};

TAP_MAIN(tests)
