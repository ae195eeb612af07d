/*
 * Keyrings and identity files: what is taken, what is refused, all or nothing.
 */
#include "tests/unit/age_run.h"

static struct people people;

static int
setup(void **state)
{
	(void)state;
	people_make(&people);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	people_free(&people);
	return 0;
}

/* `format` with each "%s" replaced by the key. */
static enum kh_err
add_file(struct kh_keyring *kr, const char *format, const char *key)
{
	char text[512];
	size_t n = 0;

	while (*format != '\0') {
		if (format[0] == '%' && format[1] == 's') {
			memcpy(text + n, key, KH_IDENTITY_TEXT_LEN);
			n += KH_IDENTITY_TEXT_LEN;
			format += 2;
		} else {
			text[n++] = *format++;
		}
	}
	return kh_keyring_add_file(kr, text, n);
}

static void
test_identity_files(void **state)
{
	static const char *const good[] = {"%s", "%s\n", "%s\r\n", "%s\n\n",
	    "# created: x\n# public key: age1\n%s\n", "\r\n#\r\n%s\r\n",
	    "#%s\n\n%s\n#"};
	static const char *const bad[] = {"", "\n", "# only\n", " %s", "%s ",
	    "%s\r", "%s\r\r\n", "\xef\xbb\xbf%s", "%s\nx\n", "%s\n %s\n",
	    "%s%s\n", "x\n%s\n", "%s\n\t\n", "AGE-PLUGIN-X-1QQQQ\n%s\n"};
	char text[KH_IDENTITY_TEXT_LEN + 1], *many;
	struct kh_keyring *kr = ring_of(&people.id[1]);
	size_t i, n = 0;

	(void)state;
	kh_identity_format(&people.id[0], text);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (add_file(kr, bad[i], text) != KH_EFORMAT)
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(kh_keyring_count(kr), 1);
	}
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (add_file(kr, good[i], text) != KH_OK)
			fail_msg("refused: %s", good[i]);
		assert_int_equal(kh_keyring_count(kr), 2 + i);
	}
	assert_int_equal(add_file(kr, "%s\n%s\n", text), KH_OK);
	assert_int_equal(kh_keyring_count(kr), 1 + i + 2);
	kh_keyring_free(kr);
	/* A NUL is no line end. */
	kr = ring_of(NULL);
	assert_int_equal(
	    kh_keyring_add_file(kr, text, sizeof(text)), KH_EFORMAT);
	/* The cap, and all or nothing. */
	many = malloc((KH_IDENTITIES_MAX + 1) * sizeof(text));
	assert_non_null(many);
	for (i = 0; i <= KH_IDENTITIES_MAX; i++) {
		memcpy(many + n, text, KH_IDENTITY_TEXT_LEN);
		n += KH_IDENTITY_TEXT_LEN;
		many[n++] = '\n';
	}
	assert_int_equal(kh_keyring_add_file(kr, many, n), KH_ELIMIT);
	assert_int_equal(kh_keyring_count(kr), 0);
	n -= sizeof(text);
	assert_int_equal(kh_keyring_add_file(kr, many, n), KH_OK);
	assert_int_equal(kh_keyring_count(kr), KH_IDENTITIES_MAX);
	free(many);
	kh_keyring_free(kr);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_identity_files),
};

int
main(void)
{
	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (kh_init() != KH_OK)
		return 99;
	return cmocka_run_group_tests(tests, setup, teardown);
}
