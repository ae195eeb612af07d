/*
 * Answers in the store: put once, found by name only, removed one by one, and
 * nothing half-written, whatever fails.
 */
#include "tests/unit/tap.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "tests/unit/store_faults.h"

static uint8_t bytes[KH_ANSWER_LEN_MAX + 1];

/* The name of slot `i`: 64 hex digits. */
static const char *
slot(unsigned i)
{
	static char name[8][KH_SLOT_NAME_LEN + 1];

	assert_true(i < 8);
	snprintf(name[i], sizeof(name[i]),
	    "%08xc0ffee00deadbeef0123456789abcdef0123456789abcdef00112233", i);
	assert_int_equal(strlen(name[i]), KH_SLOT_NAME_LEN);
	return name[i];
}

static unsigned
count_answers(void)
{
	struct dirent *de;
	unsigned n = 0;
	DIR *d;

	d = opendir(replies);
	assert_non_null(d);
	while ((de = readdir(d)) != NULL)
		n += de->d_name[0] != '.';
	closedir(d);
	return n;
}

static enum kh_err
put(struct kh_store *st, unsigned i, uint8_t fill, size_t n)
{
	memset(bytes, fill, sizeof(bytes));
	return kh_store_answer_put(st, slot(i), bytes, n);
}

/* Slot `i` holds `n` bytes of `fill`. */
static void
check_slot(struct kh_store *st, unsigned i, uint8_t fill, size_t n)
{
	static uint8_t got[KH_ANSWER_LEN_MAX + 1];
	size_t len;
	int fd;

	assert_int_equal(kh_store_answer_open(st, slot(i), &fd), KH_OK);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	assert_int_equal(kh_read_upto(fd, got, sizeof(got), &len), KH_OK);
	close(fd);
	assert_int_equal(len, n);
	while (len-- > 0)
		assert_int_equal(got[len], fill);
}

static enum kh_err
open_it(struct kh_store *st, const char *name)
{
	unsigned before = open_descriptors();
	enum kh_err e;
	int fd = 99;

	e = kh_store_answer_open(st, name, &fd);
	if (e == KH_OK) {
		close(fd);
	} else {
		assert_int_equal(fd, -1);
	}
	assert_int_equal(open_descriptors(), before);
	return e;
}

/* Times before the data's fsync, the name after it, the directory's last. */
static void
test_put(void **state)
{
	static const size_t sizes[] = {0, 1, 4096, 16384, 65536};
	struct kh_store *st = open_store();
	struct stat sb;
	char path[256];
	unsigned i;

	for (i = 0; i < 5; i++) {
		calls[0] = '\0';
		assert_int_equal(put(st, i, (uint8_t)(i + 1), sizes[i]), KH_OK);
		assert_string_equal(calls, "MUFLUF");
		assert_int_equal(count_answers(), i + 1);
		snprintf(path, sizeof(path), "%s/%s", replies, slot(i));
		assert_int_equal(stat(path, &sb), 0);
		assert_int_equal(sb.st_mode, S_IFREG | 0400);
		assert_int_equal(sb.st_nlink, 1);
		assert_int_equal(sb.st_size, sizes[i]);
	}
	assert_int_equal(
	    kh_store_answer_put(st, slot(5), bytes, sizeof(bytes)), KH_ELIMIT);
	assert_int_equal(count_answers(), 5);
	assert_int_equal(count_objects(), 0);
	for (i = 0; i < 5; i++)
		check_slot(st, i, (uint8_t)(i + 1), sizes[i]);
	assert_int_equal(open_it(st, slot(5)), KH_ENOENT);
	kh_store_close(st);
}

/* L36: neither put, nor read, nor removed leaves a time. */
static void
test_l36_answer_times(void **state)
{
	struct kh_store *st = open_store();
	struct timespec none[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
	char path[256];
	struct stat sb;

	assert_int_equal(put(st, 0, 1, 4096), KH_OK);
	snprintf(path, sizeof(path), "%s/%s", replies, slot(0));
	check_slot(st, 0, 1, 4096);
	check_fixed_mtime(path);
	assert_int_equal(stat(path, &sb), 0);
	assert_int_equal(sb.st_atim.tv_sec, 315532800);
	check_fixed_mtime(replies);
	assert_int_equal(put(st, 1, 1, 4096), KH_OK);
	assert_int_equal(kh_store_answer_remove(st, slot(1)), KH_OK);
	assert_int_equal(utimensat(AT_FDCWD, replies, none, 0), 0);
	assert_int_equal(kh_store_answers_sync(st), KH_OK);
	check_fixed_mtime(replies);
	kh_store_close(st);
}

/* What is in a slot stays, whoever comes second. */
static void
test_taken(void **state)
{
	struct kh_store *st = open_store(), *other = open_store();
	unsigned before = open_descriptors();

	assert_int_equal(put(st, 0, 1, 4096), KH_OK);
	assert_int_equal(put(st, 0, 2, 16384), KH_EEXIST);
	assert_int_equal(put(other, 0, 3, 4096), KH_EEXIST);
	check_slot(other, 0, 1, 4096);
	assert_int_equal(count_answers(), 1);
	assert_int_equal(open_descriptors(), before);
	assert_int_equal(kh_store_answer_remove(st, slot(0)), KH_OK);
	assert_int_equal(put(other, 0, 3, 4096), KH_OK);
	check_slot(st, 0, 3, 4096);
	kh_store_close(other);
	kh_store_close(st);
}

/* L1: nothing but the name of a slot is ever a path. */
static void
test_l1_slot_names(void **state)
{
	static const char *const bad[] = {"", ".", "..", "/etc/passwd",
	    "../objects/0123456789abcdef0123456789abcdef0123456789abcdef01234",
	    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde",
	    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0",
	    "0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
	    "0123456789abcdef0123456789abcdef/123456789abcdef0123456789abcdef",
	    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde\n",
	    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdeg",
	    "0123456789abcdef0123456789abcdef.age"};
	struct kh_store *st = open_store();
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(
		    kh_store_answer_put(st, bad[i], bytes, 1), KH_ENAME);
		assert_int_equal(open_it(st, bad[i]), KH_ENAME);
		assert_int_equal(kh_store_answer_remove(st, bad[i]), KH_ENAME);
	}
	assert_int_equal(count_answers(), 0);
	kh_store_close(st);
}

/* L32: nobody else can look whether a slot is taken. */
static void
test_l32_answers(void **state)
{
	struct kh_store *st = open_store();

	assert_int_equal(put(st, 0, 1, 4096), KH_OK);
	kh_store_close(st);
	assert_int_equal(chmod(replies, 0711), 0);
	open_refused(root, KH_EAUTH);
}

/* Whatever else got into the directory is not followed, waited for or read. */
static void
test_no_regular_file(void **state)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct kh_store *st = open_store();
	char path[256];
	int fd;

	assert_int_equal(put(st, 0, 1, 4096), KH_OK);
	snprintf(path, sizeof(path), "%s/%s", replies, slot(1));
	assert_int_equal(symlink(slot(0), path), 0);
	assert_int_equal(open_it(st, slot(1)), KH_EFORMAT);
	assert_int_equal(put(st, 1, 1, 1), KH_EEXIST);
	snprintf(path, sizeof(path), "%s/%s", replies, slot(2));
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(open_it(st, slot(2)), KH_EFORMAT);
	snprintf(path, sizeof(path), "%s/%s", replies, slot(3));
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(open_it(st, slot(3)), KH_EFORMAT);
	assert_int_equal(kh_store_answer_remove(st, slot(3)), KH_ESYS);
	assert_int_equal(rmdir(path), 0);
	snprintf(path, sizeof(path), "%s/%s", replies, slot(4));
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0400);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 65537), 0);
	assert_int_equal(open_it(st, slot(4)), KH_EFORMAT);
	assert_int_equal(ftruncate(fd, 65536), 0);
	assert_int_equal(open_it(st, slot(4)), KH_OK);
	close(fd);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%.90s/s", replies);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(
	    bind(fd, (const struct sockaddr *)&sun, sizeof(sun)), 0);
	snprintf(path, sizeof(path), "%s/%s", replies, slot(5));
	assert_int_equal(rename(sun.sun_path, path), 0);
	assert_int_equal(open_it(st, slot(5)), KH_EFORMAT);
	close(fd);
	/* removing takes the link, not what it leads to */
	assert_int_equal(kh_store_answer_remove(st, slot(1)), KH_OK);
	check_slot(st, 0, 1, 4096);
	kh_store_close(st);
}

/* L20: one source's slots are removed, the other's stay. */
static void
test_l20_only_these_slots(void **state)
{
	uint8_t id[KH_OBJECT_ID_LEN];
	struct kh_store *st = open_store();
	unsigned i;

	for (i = 0; i < 6; i++)
		assert_int_equal(put(st, i, (uint8_t)(i + 1), 4096), KH_OK);
	assert_int_equal(kh_store_commit(st, draft_of(st, 1), id), KH_OK);
	calls[0] = '\0';
	for (i = 0; i < 6; i += 2)
		assert_int_equal(kh_store_answer_remove(st, slot(i)), KH_OK);
	assert_string_equal(calls, "RRRRRR"); /* one wait for all of them */
	calls[0] = '\0';
	assert_int_equal(kh_store_answers_sync(st), KH_OK);
	assert_string_equal(calls, "UF");
	for (i = 0; i < 6; i += 2) {
		assert_int_equal(open_it(st, slot(i)), KH_ENOENT);
		assert_int_equal(
		    kh_store_answer_remove(st, slot(i)), KH_ENOENT);
		check_slot(st, i + 1, (uint8_t)(i + 2), 4096);
	}
	assert_int_equal(count_answers(), 3);
	assert_int_equal(count_objects(), 1);
	kh_store_close(st);
}

/* L24: nothing half-written, whatever fails. */
static void
test_l24_answer_failures(void **state)
{
	static const struct {
		enum call call;
		int err;
		unsigned skip;
		enum kh_err want;
	} cases[] = {
	    {TMPFILE, ENOSPC, 0, KH_EFULL},
	    {TMPFILE, EMFILE, 0, KH_ESYS},
	    {WRITE, ENOSPC, 0, KH_EFULL},
	    {WRITE, EDQUOT, 0, KH_EFULL},
	    {WRITE, EIO, 0, KH_ESYS},
	    {FCHMOD, EPERM, 0, KH_ESYS},
	    {FUTIMENS, EIO, 0, KH_ESYS},
	    {FSYNC, EIO, 0, KH_ESYS},
	    {FSYNC, ENOSPC, 0, KH_EFULL},
	    {LINKAT, ENOSPC, 0, KH_EFULL},
	    {LINKAT, EIO, 0, KH_ESYS},
	    {FSYNC, EIO, 1, KH_ESYS}, /* the directory's */
	    {FSYNC, ENOSPC, 1, KH_EFULL},
	};
	struct kh_store *st = open_store();
	unsigned before = open_descriptors();
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fault(cases[i].call, cases[i].err, cases[i].skip, 1);
		assert_int_equal(put(st, 0, 1, 4096), cases[i].want);
		assert_int_equal(errno, cases[i].err);
		assert_int_equal(faults[cases[i].call].times, 0);
		assert_int_equal(count_answers(), 0);
		assert_int_equal(open_descriptors(), before);
	}
	fault(FUTIMENS, EPERM, 1, 1); /* not worth losing an answer for */
	assert_int_equal(put(st, 0, 1, 4096), KH_OK);
	fault(FSTAT, EIO, 0, 1);
	assert_int_equal(open_it(st, slot(0)), KH_ESYS);
	fault(FSYNC, EIO, 0, 1);
	assert_int_equal(kh_store_answers_sync(st), KH_ESYS);
	fault(OPEN, EMFILE, 0, 1);
	assert_int_equal(open_it(st, slot(0)), KH_ESYS);
	check_slot(st, 0, 1, 4096);
	kh_store_close(st);
}

/* L6: killed with everything written but the name. */
static void
test_l6_answer_killed(void **state)
{
	struct kh_store *st = open_store();
	int status;
	pid_t pid;

	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		die_at_linkat = true;
		_exit((int)put(st, 0, 1, 4096));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(count_answers(), 0);
	assert_int_equal(put(st, 0, 1, 4096), KH_OK);
	kh_store_close(st);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static const struct CMUnitTest tests[] = {
    T(test_put),
    T(test_l36_answer_times),
    T(test_taken),
    T(test_l1_slot_names),
    T(test_l32_answers),
    T(test_no_regular_file),
    T(test_l20_only_these_slots),
    T(test_l24_answer_failures),
    T(test_l6_answer_killed),
};

TAP_MAIN(tests)
