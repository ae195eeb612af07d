/*
 * The health file: its text for every state, and every step of replacing it
 * failing.
 */
#include "tests/unit/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "knothole/io.h"

enum call {
	OPENAT,
	WRITE,
	FCHMOD,
	FUTIMENS,
	FSYNC,
	RENAMEAT,
	CALLS
};

static bool faults[CALLS];

static int
faulty_openat(int at, const char *name, int flags, mode_t mode)
{
	errno = EACCES;
	return faults[OPENAT] ? -1 : openat(at, name, flags, mode);
}

static enum kh_err
faulty_write_all(int fd, const void *p, size_t n)
{
	if (!faults[WRITE])
		return kh_write_all(fd, p, n);
	assert_int_equal(kh_write_all(fd, p, n / 2), KH_OK);
	return KH_EFULL;
}

static int
faulty_fchmod(int fd, mode_t mode)
{
	return faults[FCHMOD] ? -1 : fchmod(fd, mode);
}

static int
faulty_futimens(int fd, const struct timespec ts[2])
{
	return faults[FUTIMENS] ? -1 : futimens(fd, ts);
}

static int
faulty_fsync(int fd)
{
	return faults[FSYNC] ? -1 : fsync(fd);
}

static int
faulty_renameat(int a, const char *from, int b, const char *to)
{
	return faults[RENAMEAT] ? -1 : renameat(a, from, b, to);
}

#define openat faulty_openat
#define kh_write_all faulty_write_all
#define fchmod faulty_fchmod
#define futimens faulty_futimens
#define fsync faulty_fsync
#define renameat faulty_renameat
#include "server/keeper/health.c"
#undef openat
#undef kh_write_all
#undef fchmod
#undef futimens
#undef fsync
#undef renameat

static char base[64];

static int
set_up(void **state)
{
	memset(faults, 0, sizeof(faults));
	snprintf(base, sizeof(base), "%s/knothole-test-XXXXXX", P_tmpdir);
	return mkdtemp(base) == NULL ? -1 : 0;
}

static void
in_base(const char *name, char path[static 128])
{
	snprintf(path, 128, "%s/%s", base, name);
}

static int
tear_down(void **state)
{
	char path[128];

	in_base("health", path);
	unlink(path);
	return rmdir(base); /* and so nothing else is in it */
}

/* One length, whatever it says; nothing but the facts. */
static void
test_text(void **state)
{
	static const char begins[] =
	    "version = " KH_VERSION "\nup = no\nselftest = ok\n"
	    "disk_quarters_free = 0\nkey_weeks_left = 0\n"
	    "key_epochs_left = 0\n"
	    "crash_loop = no\n ";
	const struct kh_msg_health least = {.fault = KH_FAULT_NONE};
	const struct kh_msg_health most = {.fault = KH_FAULT_SEALING,
	    .quarters = 4,
	    .weeks = KH_WEEKS_MAX,
	    .epochs = KH_CARD_RECIPIENTS_MAX,
	    .looping = 1};
	char text[KH_HEALTH_LEN + 1];

	kh_health_text(&least, false, text);
	assert_int_equal(strlen(text), KH_HEALTH_LEN);
	assert_memory_equal(text, begins, sizeof(begins) - 1);
	kh_health_text(&most, true, text);
	assert_int_equal(strlen(text), KH_HEALTH_LEN);
	assert_non_null(strstr(text, "\nup = yes\nselftest = sealing\n"));
	assert_non_null(strstr(text, "_free = 4\nkey_weeks_left = 52\n"));
	assert_non_null(strstr(text, "\nkey_epochs_left = 120\n"));
	assert_non_null(strstr(text, "\ncrash_loop = yes\n"));
	assert_int_equal(text[KH_HEALTH_LEN - 1], '\n');
	/* Of OpenPGP keys only where there are any. */
	assert_null(strstr(text, "openpgp"));
}

static void
test_text_openpgp(void **state)
{
	struct kh_msg_health h = {.fault = KH_FAULT_OPENPGP,
	    .quarters = 4,
	    .weeks = KH_WEEKS_MAX,
	    .epochs = KH_CARD_RECIPIENTS_MAX,
	    .looping = 1,
	    .openpgp = KH_OPENPGP_UNUSABLE};
	char text[KH_HEALTH_LEN + 1];

	(void)state;
	kh_health_text(&h, true, text);
	assert_int_equal(strlen(text), KH_HEALTH_LEN);
	assert_non_null(strstr(text, "\nselftest = openpgp\n"));
	assert_non_null(strstr(text, "\nopenpgp_keys = unusable\n "));
	h.openpgp = KH_OPENPGP_ENDING;
	kh_health_text(&h, true, text);
	assert_int_equal(strlen(text), KH_HEALTH_LEN);
	assert_non_null(strstr(text, "\nopenpgp_keys = ending\n "));
	assert_int_equal(text[KH_HEALTH_LEN - 1], '\n');
}

static void
test_words(void **state)
{
	uint32_t i, k;

	for (i = 0; i < KH_FAULT_N; i++) {
		for (k = 0; k < i; k++)
			assert_string_not_equal(
			    kh_fault_word(i), kh_fault_word(k));
	}
	assert_string_equal(kh_fault_word(KH_FAULT_N), "store");
	assert_string_equal(kh_fault_word(UINT32_MAX), "store");
}

static void
check_file(const char *says)
{
	char path[128], text[KH_HEALTH_LEN + 2] = "";
	struct stat sb;
	size_t n;
	int fd;

	in_base("health", path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(kh_read_upto(fd, text, KH_HEALTH_LEN + 1, &n), KH_OK);
	assert_int_equal(n, KH_HEALTH_LEN);
	assert_int_equal(fstat(fd, &sb), 0);
	assert_int_equal(sb.st_mode, S_IFREG | 0600);
	assert_int_equal(sb.st_mtim.tv_sec, KH_STORE_TIME);
	assert_int_equal(sb.st_mtim.tv_nsec, 0);
	assert_non_null(strstr(text, says));
	close(fd);
}

/* The old one stays whole whatever fails, and nothing is left beside it. */
static void
test_replaced_or_not(void **state)
{
	const struct kh_msg_health a = {.weeks = 1}, b = {.weeks = 2};
	struct kh_health_file f;
	mode_t old = umask(077);
	char path[128];
	int i;

	assert_int_equal(kh_health_open("", base, &f), KH_EXIT_OK);
	assert_int_equal(kh_health_write(&f, &a, true), KH_OK);
	for (i = 0; i < CALLS; i++) {
		faults[i] = true;
		assert_int_not_equal(kh_health_write(&f, &b, true), KH_OK);
		faults[i] = false;
		check_file("key_weeks_left = 1\n");
		in_base("health.new", path);
		assert_int_equal(access(path, F_OK), -1);
	}
	/* of a start that was cut short */
	assert_int_equal(close(open(path, O_CREAT | O_WRONLY, 0600)), 0);
	assert_int_equal(kh_health_write(&f, &b, true), KH_OK);
	check_file("key_weeks_left = 2\n");
	close(f.dir);
	(void)umask(old);
}

static void
test_places(void **state)
{
	struct kh_health_file f;
	char path[128], name[KH_HEALTH_NAME_MAX + 2];

	in_base("health", path);
	assert_int_equal(kh_health_open(path, "/nowhere", &f), KH_EXIT_OK);
	assert_string_equal(f.name, "health");
	assert_int_equal(f.mode, 0644);
	close(f.dir);
	assert_int_equal(kh_health_open("/health", "", &f), KH_EXIT_OK);
	close(f.dir);
	assert_int_equal(kh_health_open("health", "", &f), KH_EXIT_OK);
	close(f.dir);
	in_base("none/health", path);
	assert_int_equal(kh_health_open(path, "", &f), KH_EXIT_CONFIG);
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(kh_health_open(name, "", &f), KH_EXIT_CONFIG);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static const struct CMUnitTest tests[] = {
    T(test_text),
    T(test_text_openpgp),
    T(test_words),
    T(test_replaced_or_not),
    T(test_places),
};

TAP_MAIN(tests)
