/*
 * Names on sticks, lists of hashes and of ids: what is taken, and nothing that
 * looks like it (L1).
 */
#include "tests/unit/tap.h"

#include <sodium.h>

#include "client/desk/export_collected.c"
#include "client/desk/json_out.c"
#include "client/desk/report.c"
#include "client/desk/stick.c"
#include "client/exit.c"
#include "client/file.c"
#include "client/sticktop.c"

#define HEX "00112233445566778899aabbccddeeff"
#define SUM HEX HEX

static void
test_l1_stick_names(void **state)
{
	static const struct {
		const char *name;
		enum kh_stick_name kind;
	} cases[] = {
	    {HEX ".age", KH_STICK_WHOLE},
	    {".part-" HEX, KH_STICK_PART},
	    {HEX, KH_STICK_ODD},
	    {"", KH_STICK_ODD},
	    {".", KH_STICK_ODD},
	    {"..", KH_STICK_ODD},
	    {".age", KH_STICK_ODD},
	    {".part-", KH_STICK_ODD},
	    {HEX "0.age", KH_STICK_ODD},
	    {"0" HEX, KH_STICK_ODD},
	    {HEX ".age ", KH_STICK_ODD},
	    {HEX ".AGE", KH_STICK_ODD},
	    {HEX ".age.age", KH_STICK_ODD},
	    {" " HEX ".age", KH_STICK_ODD},
	    {"00112233445566778899AABBCCDDEEFF.age", KH_STICK_ODD},
	    {"0011223344556677889-aabbccddeeff.age", KH_STICK_ODD},
	    {".part-" HEX ".age", KH_STICK_ODD},
	    {".part-" HEX "0", KH_STICK_ODD},
	    {".part-.part-" HEX, KH_STICK_ODD},
	    {"../" HEX ".age", KH_STICK_ODD},
	    {HEX ".age/", KH_STICK_ODD},
	};
	const char *hex;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(
		    kh_stick_name(cases[i].name, 32, &hex), cases[i].kind);
		if (cases[i].kind != KH_STICK_ODD)
			assert_memory_equal(hex, HEX, 32);
	}
	assert_int_equal(kh_stick_name(SUM ".age", 64, &hex), KH_STICK_WHOLE);
	assert_int_equal(kh_stick_name(SUM ".age", 32, &hex), KH_STICK_ODD);
	assert_int_equal(kh_stick_name(HEX ".age", 64, &hex), KH_STICK_ODD);
}

static void
test_ids(void **state)
{
	static const struct {
		const char *text;
		size_t n;
		bool clean;
	} cases[] = {
	    {"", 0, true},
	    {HEX "\n", 1, true},
	    {HEX "\n" HEX "\n", 2, true},
	    {HEX, 0, false},
	    {HEX "\n\n", 1, false},
	    {"\n", 0, false},
	    {HEX "\r\n", 0, false},
	    {HEX "0\n" HEX "\n", 1, false},
	    {"00112233445566778899AABBCCDDEEFF\n", 0, false},
	    {"../../../../../../../../../../x\n" HEX "\n", 1, false},
	};
	uint8_t id[KH_OBJECT_ID_LEN];
	struct kh_ids ids;
	enum kh_err e;
	size_t i, len;
	bool clean;

	(void)sodium_hex2bin(id, sizeof(id), HEX, 32, NULL, &len, NULL);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(&ids, 0, sizeof(ids));
		e = kh_ids_parse(
		    &ids, cases[i].text, strlen(cases[i].text), &clean);
		assert_int_equal(e, KH_OK);
		assert_int_equal(ids.n, cases[i].n);
		assert_int_equal(clean, cases[i].clean);
		if (ids.n > 0)
			assert_memory_equal(ids.p, id, sizeof(id));
		free(ids.p);
	}
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_l1_stick_names),
    cmocka_unit_test(test_ids),
};

TAP_MAIN(tests)
