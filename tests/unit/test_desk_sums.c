/*
 * SHA256SUMS as a stick brings it.
 */
#include "tests/unit/tap.h"

#include <sodium.h>

#include "client/desk/stick_sums.c"
#include "client/desk/table.c"

#define HEX "00112233445566778899aabbccddeeff"
#define SUM HEX HEX
#define LINE SUM "  objects/" HEX ".age\n"

/* Not reached here. */
enum kh_err
kh_stick_read(int dir_fd, const char *name, size_t cap, char **text, size_t *n)
{
	(void)dir_fd, (void)name, (void)cap, (void)text, (void)n;
	return KH_ENOENT;
}

void
kh_report_refuse(
    struct kh_report *r, const char *dir, const char *name, const char *why)
{
	(void)r, (void)dir, (void)name, (void)why;
}

static void
test_lines(void **state)
{
	static const struct {
		const char *text;
		size_t n;
		enum kh_err e;
	} cases[] = {
	    {"", 0, KH_OK},
	    {LINE, 1, KH_OK},
	    {LINE SUM "  collected.txt\n", 1, KH_OK},
	    {SUM "  replies/" SUM ".age\n" LINE, 1, KH_OK},
	    {SUM "  objects/../" HEX ".age\n" LINE, 1, KH_OK},
	    {SUM "  objects/" HEX ".agex\n", 0, KH_OK},
	    {SUM " *objects/" HEX ".age\n", 0, KH_OK},
	    {LINE LINE, 1, KH_EFORMAT},
	    {SUM "  objects/" HEX ".age", 0, KH_EFORMAT},
	    {LINE "x", 1, KH_EFORMAT},
	    {LINE "\n", 1, KH_EFORMAT},
	    {SUM "\n", 0, KH_EFORMAT},
	    {"g" SUM "  x\n", 0, KH_EFORMAT},
	    {"AA" LINE, 0, KH_EFORMAT},
	};
	uint8_t id[KH_OBJECT_ID_LEN], other[KH_OBJECT_ID_LEN] = {1};
	struct kh_stick_sums s;
	size_t i, len;
	enum kh_err e;

	(void)sodium_hex2bin(id, sizeof(id), HEX, 32, NULL, &len, NULL);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(&s, 0, sizeof(s));
		e = kh_stick_sums_parse(
		    &s, cases[i].text, strlen(cases[i].text));
		assert_int_equal(e, cases[i].e);
		assert_int_equal(s.n, cases[i].n);
		if (s.n > 0) {
			assert_non_null(kh_stick_sum(&s, id));
			assert_memory_equal(kh_stick_sum(&s, id), id, 16);
		}
		assert_null(kh_stick_sum(&s, other));
		kh_stick_sums_clear(&s);
	}
}

static void
test_many(void **state)
{
	struct kh_stick_sums s = {.n = 0};
	uint8_t id[KH_OBJECT_ID_LEN] = {0};
	char line[256], hex[33];
	uint32_t i;
	enum kh_err e;

	for (i = 0; i < 3000; i++) {
		memcpy(id, &i, sizeof(i));
		sodium_bin2hex(hex, sizeof(hex), id, sizeof(id));
		(void)snprintf(line, sizeof(line), "%s%s  objects/%s.age\n",
		    hex, hex, hex);
		e = kh_stick_sums_parse(&s, line, strlen(line));
		assert_int_equal(e, KH_OK);
	}
	for (i = 0; i < 3000; i++) {
		memcpy(id, &i, sizeof(i));
		assert_memory_equal(kh_stick_sum(&s, id), id, sizeof(id));
	}
	kh_stick_sums_clear(&s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_lines),
    cmocka_unit_test(test_many),
};

TAP_MAIN(tests)
