/*
 * The socket that tor connects to: for its user and its group, whatever the
 * umask is, and not through what somebody else has put there.
 */
#include "tests/unit/tap.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/keeper/keeper.h"

static char dir[64];
static struct kh_listen l = {.kind = KH_LISTEN_UNIX};

static int
set_up(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "%s/knothole-test-XXXXXX", P_tmpdir);
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(l.path, sizeof(l.path), "%s/socket", dir);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	return rmdir(dir);
}

static void
test_mode(void **state)
{
	static const mode_t masks[] = {0, 022, 077, 0777};
	mode_t before;
	struct stat sb;
	char text[512];
	size_t i;
	int fd;

	(void)state;
	for (i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		before = umask(masks[i]);
		assert_int_equal(
		    kh_listen_open(&l, &fd, text, sizeof(text)), KH_EXIT_OK);
		assert_int_equal(umask(before), masks[i]);
		assert_int_equal(lstat(l.path, &sb), 0);
		assert_int_equal(sb.st_mode, S_IFSOCK | 0660);
		/* One that is left behind is replaced. */
		close(fd);
	}
	assert_int_equal(unlink(l.path), 0);
}

/* A link stays, and what it leads to is as it was. */
static void
test_link(void **state)
{
	char other[128], text[512];
	struct stat sb;
	FILE *f;
	int fd;

	(void)state;
	(void)snprintf(other, sizeof(other), "%s/other", dir);
	f = fopen(other, "w");
	assert_non_null(f);
	fclose(f);
	assert_int_equal(chmod(other, 0600), 0);
	assert_int_equal(symlink(other, l.path), 0);
	assert_int_equal(
	    kh_listen_open(&l, &fd, text, sizeof(text)), KH_EXIT_OSERR);
	assert_int_equal(fd, -1);
	assert_int_equal(stat(other, &sb), 0);
	assert_int_equal(sb.st_mode, S_IFREG | 0600);
	assert_int_equal(unlink(l.path), 0);
	assert_int_equal(unlink(other), 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_mode, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_link, set_up, tear_down),
};

TAP_MAIN(tests)
