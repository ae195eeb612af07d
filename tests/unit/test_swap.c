/*
 * Swap that is not encrypted: no start, unless it is allowed.
 */
#include "tests/unit/tap.h"

#include <unistd.h>

#include "server/keeper/keeper.h"

#define HEADING "Filename\t\t\tType\t\tSize\tUsed\tPriority\n"

static char path[] = P_tmpdir "/knothole-swaps-XXXXXX";

static enum kh_exit
swaps(const char *text, bool allowed)
{
	enum kh_exit x;
	int fd;

	memcpy(path + sizeof(path) - 7, "XXXXXX", 6);
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	x = kh_swap_check(path, allowed);
	assert_int_equal(unlink(path), 0);
	return x;
}

static void
test_none(void **state)
{
	(void)state;
	assert_int_equal(swaps("", false), KH_EXIT_OK);
	assert_int_equal(swaps(HEADING, false), KH_EXIT_OK);
	assert_int_equal(kh_swap_check("/nonexistent", false), KH_EXIT_OK);
}

static void
test_in_clear(void **state)
{
	static const char *const lines[] = {
	    "/dev/sda2                               partition\t999\t0\t-2\n",
	    "/swapfile file 999 0 -2\n", "/dev/null partition 9 0 -2\n",
	    "/dev/zram0 partition 9 0 5\n/swap\\040file file 9 0 -3\n"};
	char text[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		snprintf(text, sizeof(text), HEADING "%s", lines[i]);
		assert_int_equal(swaps(text, false), KH_EXIT_CONFIG);
		assert_int_equal(swaps(text, true), KH_EXIT_OK);
	}
}

static void
test_in_memory(void **state)
{
	(void)state;
	assert_int_equal(
	    swaps(HEADING "/dev/zram0 partition 9 0 5\n", false), KH_EXIT_OK);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_none),
    cmocka_unit_test(test_in_clear),
    cmocka_unit_test(test_in_memory),
};

TAP_MAIN(tests)
