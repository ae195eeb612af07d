/*
 * The store when something fails: every system call in turn, a name that is
 * taken, a disk that is full.
 */
#include "tests/unit/tap.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "tests/unit/store_faults.h"

static void
commit_fails(struct kh_store *st, enum kh_err want, int want_errno)
{
	static const uint8_t zero[KH_OBJECT_ID_LEN];
	uint8_t id[KH_OBJECT_ID_LEN];
	unsigned before = open_descriptors();
	struct kh_draft *d = draft_of(st, 1000);

	memset(id, 0xa5, sizeof(id));
	errno = 0;
	assert_int_equal(kh_store_commit(st, d, id), want);
	assert_int_equal(errno, want_errno);
	assert_memory_equal(id, zero, sizeof(id));
	assert_int_equal(count_objects(), 0);
	assert_int_equal(open_descriptors(), before);
}

/* L24: nothing half-written, whatever fails. */
static void
test_l24_commit_failures(void **state)
{
	static const struct {
		enum call call;
		int err;
		unsigned skip;
		enum kh_err want;
	} cases[] = {
	    {FCHMOD, EPERM, 0, KH_ESYS},
	    {FUTIMENS, EIO, 0, KH_ESYS},
	    {FSYNC, EIO, 0, KH_ESYS},
	    {FSYNC, ENOSPC, 0, KH_EFULL},
	    {FSYNC, EDQUOT, 0, KH_EFULL},
	    {LINKAT, ENOSPC, 0, KH_EFULL},
	    {LINKAT, EIO, 0, KH_ESYS},
	    {FSYNC, EIO, 1, KH_ESYS}, /* the directory's */
	    {FSYNC, ENOSPC, 1, KH_EFULL},
	};
	uint8_t id[KH_OBJECT_ID_LEN];
	struct kh_store *st = open_store();
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fault(cases[i].call, cases[i].err, cases[i].skip, 1);
		commit_fails(st, cases[i].want, cases[i].err);
		assert_int_equal(faults[cases[i].call].times, 0);
	}
	check_fixed_mtime(objects); /* listing it has set the other */
	/* and the store goes on */
	assert_int_equal(kh_store_commit(st, draft_of(st, 1), id), KH_OK);
	assert_int_equal(count_objects(), 1);
	kh_store_close(st);
}

/* Not worth losing an object for. */
static void
test_directory_times_fail(void **state)
{
	uint8_t id[KH_OBJECT_ID_LEN];
	struct kh_store *st = open_store();

	fault(FUTIMENS, EPERM, 1, 1);
	assert_int_equal(kh_store_commit(st, draft_of(st, 1), id), KH_OK);
	assert_int_equal(count_objects(), 1);
	kh_store_close(st);
}

static void
test_name_taken(void **state)
{
	uint8_t id[KH_OBJECT_ID_LEN];
	struct kh_store *st = open_store();

	calls[0] = '\0';
	fault(LINKAT, EEXIST, 0, NAME_TRIES - 1);
	assert_int_equal(kh_store_commit(st, draft_of(st, 1), id), KH_OK);
	assert_string_equal(calls, "MUFLLLLLLLLUF");
	assert_int_equal(count_objects(), 1);
	assert_int_equal(kh_store_remove(st, id), KH_OK);
	fault(LINKAT, EEXIST, 0, NAME_TRIES);
	commit_fails(st, KH_ESYS, EEXIST);
	kh_store_close(st);
}

static void
test_draft_failures(void **state)
{
	static const struct {
		enum call call;
		int err;
		enum kh_err want;
	} cases[] = {
	    {TMPFILE, ENOSPC, KH_EFULL},
	    {TMPFILE, EDQUOT, KH_EFULL},
	    {TMPFILE, EMFILE, KH_ESYS},
	    {MALLOC, ENOMEM, KH_ENOMEM},
	};
	struct kh_store *st = open_store();
	struct kh_draft *d;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		d = (struct kh_draft *)(uintptr_t)1;
		fault(cases[i].call, cases[i].err, 0, 1);
		assert_int_equal(kh_store_draft(st, &d), cases[i].want);
		assert_null(d);
	}
	kh_store_close(st);
}

static uint64_t
room(struct kh_store *st, uint64_t blocks, uint64_t avail, unsigned long unit)
{
	uint64_t bytes = 1;

	memset(&fake_statvfs, 0, sizeof(fake_statvfs));
	fake_statvfs.f_frsize = unit;
	fake_statvfs.f_bsize = 1 << 20;
	fake_statvfs.f_blocks = blocks;
	fake_statvfs.f_bavail = avail;
	fake_statvfs.f_bfree = avail + blocks / 20; /* root's share */
	use_fake_statvfs = true;
	assert_int_equal(kh_store_room(st, &bytes), KH_OK);
	return bytes;
}

static void
test_l24_room(void **state)
{
	const uint64_t mib = UINT64_C(1) << 20, gib = UINT64_C(1) << 30;
	const uint64_t k = 4096;
	struct kh_store *st = open_store();
	uint64_t bytes = 1;

	assert_int_equal(kh_store_room(st, &bytes), KH_OK);
	/* a share in the middle, the least, the most */
	assert_int_equal(
	    room(st, 32 * gib / k, 2 * gib / k, k), 2 * gib - 512 * mib);
	assert_int_equal(room(st, gib / k, 100 * mib / k, k), 36 * mib);
	assert_int_equal(room(st, 4096 * gib / k, 2 * gib / k, k), gib);
	/* never below nothing */
	assert_int_equal(room(st, gib / k, 64 * mib / k, k), 0);
	/* A small disk is not all reserve. */
	assert_int_equal(room(st, 64 * mib / k, 60 * mib / k, k), 52 * mib);
	assert_int_equal(room(st, gib / k, 0, k), 0);
	assert_int_equal(room(st, gib / k, UINT64_MAX, k), 0);
	assert_int_equal(room(st, 0, 0, 0), 0);
	bytes = 1;
	fake_statvfs.f_blocks = UINT64_MAX;
	fake_statvfs.f_frsize = 2;
	assert_int_equal(kh_store_room(st, &bytes), KH_ESYS);
	assert_int_equal(bytes, 0);
	bytes = 1;
	fault(FSTATVFS, EIO, 0, 1);
	assert_int_equal(kh_store_room(st, &bytes), KH_ESYS);
	assert_int_equal(bytes, 0);
	kh_store_close(st);
}

static void
test_open_failures(void **state)
{
	static const struct {
		enum call call;
		int err;
		unsigned skip;
		enum kh_err want;
	} cases[] = {
	    {MKDIRAT, EACCES, 0, KH_ESYS}, {MKDIRAT, ENOSPC, 1, KH_ESYS},
	    {FSTAT, EIO, 0, KH_ESYS}, {FSTAT, EIO, 1, KH_ESYS},
	    {FSTAT, EIO, 2, KH_ESYS}, {FSTAT, EIO, 3, KH_ESYS},
	    {FSTAT, EIO, 4, KH_ESYS}, {FSTAT, EIO, 5, KH_ESYS},
	    {MKDIRAT, ENOSPC, 2, KH_ESYS}, {FSYNC, EIO, 0, KH_ESYS},
	    {TMPFILE, EOPNOTSUPP, 0, KH_EUNSUP},
	    {TMPFILE, EISDIR, 0, KH_EUNSUP}, {TMPFILE, EINVAL, 0, KH_EUNSUP},
	    {TMPFILE, EACCES, 0, KH_ESYS}, {MALLOC, ENOMEM, 0, KH_ENOMEM},
	    {STRDUP, ENOMEM, 0, KH_ENOMEM},
	    {TMPFILE, ENOSPC, 0, KH_OK}, /* full: messages can be collected */
	};
	unsigned before = open_descriptors();
	struct kh_store *st;
	enum kh_err e;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		remove_all(objects);
		remove_all(replies);
		remove_all(collected);
		remove_all(root);
		fault(cases[i].call, cases[i].err, cases[i].skip, 1);
		e = kh_store_open(root, &st);
		if (e != cases[i].want)
			fail_msg("case %zu: error %d", i, e);
		assert_int_equal(faults[cases[i].call].times, 0);
		assert_true(e == KH_OK ? st != NULL : st == NULL);
		kh_store_close(st);
		assert_int_equal(open_descriptors(), before);
	}
	/* /proc/self/fd that leads somewhere else */
	kh_store_close(open_store());
	wrong_inode = true;
	open_refused(root, KH_EUNSUP);
	wrong_inode = false;
	kh_store_close(open_store());
}

/* In a mount namespace of its own; the number of the line that went wrong, or
 * -1 where this cannot be tried. */
static int
on_full_disk(void)
{
	static uint8_t block[65536];
	struct kh_draft *d[64];
	struct kh_store *st;
	struct statvfs a, b;
	enum kh_err e = KH_OK;
	uint64_t bytes;
	int i;

	if (unshare(CLONE_NEWNS) != 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mkdir(root, 0700) != 0 ||
	    mount("tmpfs", root, "tmpfs", 0, "size=1m,nr_inodes=9,mode=700") !=
		0)
		return -1;
	if (kh_store_open(root, &st) != KH_OK)
		return __LINE__;
	if (kh_store_room(st, &bytes) != KH_OK || bytes != 7 << 17)
		return __LINE__;
	if (statvfs(root, &a) != 0 || kh_store_draft(st, &d[0]) != KH_OK)
		return __LINE__;
	for (i = 0; i < 17 && e == KH_OK; i++)
		e = kh_write_all(kh_draft_fd(d[0]), block, sizeof(block));
	if (e != KH_EFULL)
		return __LINE__;
	kh_store_abort(d[0]);
	if (statvfs(root, &b) != 0 || a.f_bfree != b.f_bfree ||
	    a.f_ffree != b.f_ffree)
		return __LINE__;
	for (e = KH_OK, i = 0; i < 64 && e == KH_OK; i++)
		e = kh_store_draft(st, &d[i]);
	if (e != KH_EFULL)
		return __LINE__;
	/* no inode is left: it opens all the same */
	kh_store_close(st);
	if (kh_store_open(root, &st) != KH_OK)
		return __LINE__;
	return 0;
}

static void
test_l24_full_disk(void **state)
{
	int status;
	pid_t pid;

	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int line = on_full_disk();
		if (line > 0)
			fprintf(stderr, "# line %d\n", line);
		_exit(line < 0 ? 77 : line > 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static const struct CMUnitTest tests[] = {
    T(test_l24_commit_failures),
    T(test_directory_times_fail),
    T(test_name_taken),
    T(test_draft_failures),
    T(test_l24_room),
    T(test_open_failures),
    T(test_l24_full_disk),
};

TAP_MAIN(tests)
