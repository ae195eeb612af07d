/*
 * The store in a directory: what rests there, what never does, in which order
 * it is made durable, and who may not see it.
 */
#include "tests/unit/tap.h"

#include <sys/wait.h>

#include "tests/unit/store_faults.h"

static void
check_fixed_times(const char *path)
{
	struct stat sb;

	check_fixed_mtime(path);
	assert_int_equal(stat(path, &sb), 0);
	assert_int_equal(sb.st_atim.tv_sec, 315532800);
	assert_int_equal(sb.st_atim.tv_nsec, 0);
}

static void
test_commit(void **state)
{
	char path[256], name[KH_OBJECT_NAME_LEN + 1];
	uint8_t id[KH_OBJECT_ID_LEN], got[70001];
	static const size_t sizes[] = {0, 1, 65536, 70000};
	struct kh_store *st = open_store();
	struct stat sb;
	size_t i, n;
	int fd;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct kh_draft *d = draft_of(st, sizes[i]);
		assert_int_equal(count_objects(), i);
		assert_int_equal(kh_store_commit(st, d, id), KH_OK);
		assert_int_equal(count_objects(), i + 1);
		kh_object_name(id, name);
		snprintf(path, sizeof(path), "%s/%s", objects, name);
		check_fixed_times(path);
		assert_int_equal(stat(path, &sb), 0);
		assert_int_equal(sb.st_size, sizes[i]);
		assert_int_equal(sb.st_mode, S_IFREG | 0400);
		assert_int_equal(sb.st_nlink, 1);
		fd = open(path, O_RDONLY);
		assert_true(fd >= 0);
		assert_int_equal(kh_read_upto(fd, got, sizeof(got), &n), KH_OK);
		close(fd);
		assert_int_equal(n, sizes[i]);
		while (n-- > 0)
			assert_int_equal(got[n], 0x5a);
	}
	kh_store_close(st);
}

/* Times before the data's fsync, the name after it, the directory's fsync
 * last: any other order can lose an object that was acknowledged, or keep
 * a time. */
static void
test_commit_order(void **state)
{
	uint8_t id[KH_OBJECT_ID_LEN];
	struct kh_store *st = open_store();
	struct kh_draft *d = draft_of(st, 100);

	calls[0] = '\0';
	assert_int_equal(kh_store_commit(st, d, id), KH_OK);
	assert_string_equal(calls, "MUFLUF");
	kh_store_close(st);
}

/* A store that was just made outlasts a power cut: the directory above each
 * new one is fsynced, then the store's own. Later only that. */
static void
test_made_durably(void **state)
{
	kh_store_close(open_store());
	assert_string_equal(calls, "FFFFUUUUF");
	calls[0] = '\0';
	kh_store_close(open_store());
	assert_string_equal(calls, "UUUUF");
}

/* L36: neither files nor directories tell when. */
static void
test_l36_times(void **state)
{
	uint8_t id[KH_OBJECT_ID_LEN];
	struct kh_store *st = open_store();

	check_fixed_times(root);
	check_fixed_times(objects);
	check_fixed_times(replies);
	check_fixed_times(collected);
	assert_int_equal(kh_store_commit(st, draft_of(st, 5), id), KH_OK);
	check_fixed_times(objects);
	assert_int_equal(kh_store_remove(st, id), KH_OK);
	check_fixed_times(objects);
	check_fixed_times(root);
	kh_store_close(st);
}

static void
test_descriptor(void **state)
{
	struct kh_store *st = open_store();
	struct kh_draft *d = draft_of(st, 10);
	unsigned before;
	char ch;
	int fd = kh_draft_fd(d);

	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_WRONLY);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(pread(fd, &ch, 1, 0), -1);
	assert_int_equal(errno, EBADF);
	before = open_descriptors();
	kh_store_abort(d);
	assert_int_equal(open_descriptors(), before - 1);
	kh_store_abort(NULL);
	kh_store_close(st);
	kh_store_close(NULL);
	assert_int_equal(open_descriptors(), before - 5);
}

static void
test_abort_leaves_nothing(void **state)
{
	struct kh_store *st = open_store();
	unsigned i;

	for (i = 0; i < 10; i++) {
		kh_store_abort(draft_of(st, 100000));
		assert_int_equal(count_objects(), 0);
	}
	kh_store_close(st);
}

/* L6, L24: killed while writing, or with everything written but the name. */
static void
test_l6_kill_leaves_nothing(void **state)
{
	uint8_t id[KH_OBJECT_ID_LEN];
	struct kh_store *st = open_store();
	int status, round;
	pid_t pid;

	for (round = 0; round < 2; round++) {
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			struct kh_draft *d = draft_of(st, 200000);
			if (round == 0)
				raise(SIGKILL);
			die_at_linkat = true;
			_exit((int)kh_store_commit(st, d, id));
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGKILL);
		assert_int_equal(count_objects(), 0);
	}
	kh_store_close(st);
}

static void
test_remove(void **state)
{
	uint8_t id[KH_OBJECT_ID_LEN], other[KH_OBJECT_ID_LEN];
	struct kh_store *st = open_store();

	assert_int_equal(kh_store_commit(st, draft_of(st, 1), id), KH_OK);
	assert_int_equal(kh_store_commit(st, draft_of(st, 1), other), KH_OK);
	assert_memory_not_equal(id, other, sizeof(id));
	calls[0] = '\0';
	assert_int_equal(kh_store_remove(st, id), KH_OK);
	assert_string_equal(calls, "RRUF"); /* NAME.new, NAME */
	assert_int_equal(count_objects(), 1);
	assert_int_equal(kh_store_remove(st, id), KH_ENOENT);
	fault(FSYNC, EIO, 0, 1);
	assert_int_equal(kh_store_remove(st, other), KH_ESYS);
	assert_int_equal(rmdir(objects), 0);
	assert_int_equal(symlink("/", objects), 0);
	kh_store_close(st);
	assert_int_equal(unlink(objects), 0);
}

/* L23: many at once, every id its own. */
static void
test_l23_many_drafts(void **state)
{
	enum {
		N = 64
	};
	uint8_t id[N][KH_OBJECT_ID_LEN];
	struct kh_store *st = open_store();
	struct kh_draft *d[N];
	size_t i, j;

	for (i = 0; i < N; i++)
		d[i] = draft_of(st, i);
	assert_int_equal(count_objects(), 0);
	for (i = N; i-- > 0;)
		assert_int_equal(kh_store_commit(st, d[i], id[i]), KH_OK);
	assert_int_equal(count_objects(), N);
	for (i = 0; i < N; i++) {
		for (j = 0; j < i; j++)
			assert_memory_not_equal(id[i], id[j], sizeof(id[i]));
	}
	kh_store_close(st);
}

static void
test_object_name(void **state)
{
	uint8_t id[KH_OBJECT_ID_LEN];
	char name[KH_OBJECT_NAME_LEN + 1];
	size_t i;

	for (i = 0; i < sizeof(id); i++)
		id[i] = (uint8_t)(0xf0 + i);
	kh_object_name(id, name);
	assert_string_equal(name, "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff.age");
}

static mode_t
mode_of(const char *path)
{
	struct stat sb;

	assert_int_equal(lstat(path, &sb), 0);
	return sb.st_mode;
}

/* L32: made with 0700, and refused with anything more. */
static void
test_l32_modes(void **state)
{
	static const mode_t open_modes[] = {
	    0710, 0701, 0750, 0755, 0777, 0720, 0702};
	static const mode_t umasks[] = {0, 022, 077, 0777};
	const char *const dirs[] = {root, objects, replies, collected};
	char path[256], name[KH_OBJECT_NAME_LEN + 1];
	uint8_t id[KH_OBJECT_ID_LEN];
	struct kh_store *st;
	size_t i, j;

	umask(0);
	kh_store_close(open_store());
	for (i = 0; i < 3; i++)
		assert_int_equal(mode_of(dirs[i]), S_IFDIR | 0700);
	for (i = 0; i < 3; i++) {
		for (j = 0; j < sizeof(open_modes) / sizeof(mode_t); j++) {
			assert_int_equal(chmod(dirs[i], open_modes[j]), 0);
			open_refused(root, KH_EAUTH);
		}
		assert_int_equal(chmod(dirs[i], 0700), 0);
	}
	for (i = 0; geteuid() == 0 && i < 3; i++) {
		assert_int_equal(chown(dirs[i], 1, (gid_t)-1), 0);
		open_refused(root, KH_EAUTH);
		assert_int_equal(chown(dirs[i], 0, (gid_t)-1), 0);
	}
	st = open_store();
	for (i = 0; i < sizeof(umasks) / sizeof(umasks[0]); i++) {
		umask(umasks[i]);
		assert_int_equal(
		    kh_store_commit(st, draft_of(st, 1), id), KH_OK);
		kh_object_name(id, name);
		snprintf(path, sizeof(path), "%s/%s", objects, name);
		assert_int_equal(mode_of(path), S_IFREG | 0400);
	}
	kh_store_close(st);
}

static void
test_links_refused(void **state)
{
	char aside[128], slash[128];

	kh_store_close(open_store());
	snprintf(aside, sizeof(aside), "%s/aside", base);
	snprintf(slash, sizeof(slash), "%s//", root);
	assert_int_equal(rename(root, aside), 0);
	assert_int_equal(symlink(aside, root), 0);
	open_refused(root, KH_ESYS);
	open_refused(slash, KH_ESYS);
	assert_int_equal(unlink(root), 0);
	assert_int_equal(rename(aside, root), 0);
	assert_int_equal(rename(replies, aside), 0);
	assert_int_equal(symlink(aside, replies), 0);
	open_refused(root, KH_ESYS);
	assert_int_equal(unlink(replies), 0);
	assert_int_equal(rename(aside, replies), 0);
	kh_store_close(open_store());
}

static void
test_where(void **state)
{
	char where[160];
	struct kh_store *st;

	open_refused("", KH_EFORMAT);
	open_refused("dir:", KH_EFORMAT);
	open_refused("s3:bucket", KH_EFORMAT);
	open_refused("DIR:/x", KH_EFORMAT);
	open_refused(":", KH_EFORMAT);
	snprintf(where, sizeof(where), "dir:%s", root);
	assert_int_equal(kh_store_open(where, &st), KH_OK);
	kh_store_close(st);
	snprintf(where, sizeof(where), "dir:%s/", root);
	assert_int_equal(kh_store_open(where, &st), KH_OK);
	kh_store_close(st);
	/* no parent; a colon behind a slash is part of a path */
	snprintf(where, sizeof(where), "%s/none/a:b", base);
	open_refused(where, KH_ESYS);
	assert_int_equal(errno, ENOENT);
	open_refused("/dev/null", KH_ESYS);
}

static void
test_open_at(void **state)
{
	uint8_t id[KH_OBJECT_ID_LEN];
	struct kh_store *st;
	int fd;

	/* not taken over when it fails */
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(kh_store_open_at(fd, &st), KH_ESYS);
	assert_int_equal(errno, ENOTDIR);
	assert_null(st);
	assert_int_equal(close(fd), 0);
	assert_int_equal(mkdir(root, 0755), 0);
	fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(kh_store_open_at(fd, &st), KH_EAUTH);
	assert_int_equal(fchmod(fd, 0700), 0);
	assert_int_equal(kh_store_open_at(fd, &st), KH_OK);
	assert_int_equal(kh_store_commit(st, draft_of(st, 1), id), KH_OK);
	assert_int_equal(count_objects(), 1);
	kh_store_close(st);
	assert_int_equal(close(fd), -1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static const struct CMUnitTest tests[] = {
    T(test_commit),
    T(test_commit_order),
    T(test_made_durably),
    T(test_l36_times),
    T(test_descriptor),
    T(test_abort_leaves_nothing),
    T(test_l6_kill_leaves_nothing),
    T(test_remove),
    T(test_l23_many_drafts),
    T(test_object_name),
    T(test_l32_modes),
    T(test_links_refused),
    T(test_where),
    T(test_open_at),
};

TAP_MAIN(tests)
