/*
 * The store in a directory: what rests there, what never does, in which order
 * it is made durable, and every system call that may fail failing.
 */
#include "tests/unit/tap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sodium.h>
#include <stdbool.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "knothole/io.h"

/* --- system calls that fail when told to ----------------------------------- */

enum call {
	FSYNC,
	LINKAT,
	FUTIMENS,
	FCHMOD,
	TMPFILE, /* openat with O_TMPFILE */
	FSTATVFS,
	MKDIRAT,
	FSTAT,
	MALLOC,
	STRDUP,
	CALLS
};

/* The next `skip` calls work, then `times` fail with `err`. */
static struct {
	unsigned skip;
	unsigned times;
	int err;
} faults[CALLS];

static char calls[64]; /* F fsync, L linkat, U futimens, M fchmod */
static struct statvfs fake_statvfs;
static bool die_at_linkat, use_fake_statvfs, wrong_inode;

static bool
fails(enum call c)
{
	if (faults[c].times == 0)
		return false;
	if (faults[c].skip > 0) {
		faults[c].skip--;
		return false;
	}
	faults[c].times--;
	errno = faults[c].err;
	return true;
}

static void
fault(enum call c, int err, unsigned skip, unsigned times)
{
	faults[c].err = err;
	faults[c].skip = skip;
	faults[c].times = times;
}

static void
note(char ch)
{
	size_t n = strlen(calls);

	if (n + 1 < sizeof(calls)) {
		calls[n] = ch;
		calls[n + 1] = '\0';
	}
}

static int
faulty_fsync(int fd)
{
	note('F');
	return fails(FSYNC) ? -1 : fsync(fd);
}

static int
faulty_linkat(int from, const char *path, int to, const char *name, int flags)
{
	note('L');
	if (die_at_linkat)
		raise(SIGKILL);
	return fails(LINKAT) ? -1 : linkat(from, path, to, name, flags);
}

static int
faulty_futimens(int fd, const struct timespec ts[2])
{
	note('U');
	return fails(FUTIMENS) ? -1 : futimens(fd, ts);
}

static int
faulty_fchmod(int fd, mode_t mode)
{
	note('M');
	return fails(FCHMOD) ? -1 : fchmod(fd, mode);
}

static int
faulty_openat(int at, const char *name, int flags, ...)
{
	if ((flags & O_TMPFILE) == O_TMPFILE)
		return fails(TMPFILE) ? -1 : openat(at, name, flags, 0400);
	return openat(at, name, flags);
}

static int
faulty_fstatvfs(int fd, struct statvfs *sv)
{
	if (fails(FSTATVFS))
		return -1;
	if (!use_fake_statvfs)
		return fstatvfs(fd, sv);
	*sv = fake_statvfs;
	return 0;
}

static int
faulty_mkdirat(int at, const char *name, mode_t mode)
{
	return fails(MKDIRAT) ? -1 : mkdirat(at, name, mode);
}

static int
faulty_fstat(int fd, struct stat *sb)
{
	int r = fails(FSTAT) ? -1 : fstat(fd, sb);

	if (r == 0 && wrong_inode)
		sb->st_ino++;
	return r;
}

static void *
faulty_malloc(size_t n)
{
	return fails(MALLOC) ? NULL : malloc(n);
}

static char *
faulty_strdup(const char *s)
{
	return fails(STRDUP) ? NULL : strdup(s);
}

#undef strdup
#define fsync faulty_fsync
#define linkat faulty_linkat
#define futimens faulty_futimens
#define fchmod faulty_fchmod
#define openat faulty_openat
#define fstatvfs faulty_fstatvfs
#define mkdirat faulty_mkdirat
#define fstat(fd, sb) faulty_fstat(fd, sb)
#define malloc faulty_malloc
#define strdup faulty_strdup
#include "lib/store/dir.c"
#undef fsync
#undef linkat
#undef futimens
#undef fchmod
#undef openat
#undef fstatvfs
#undef mkdirat
#undef fstat
#undef malloc
#undef strdup

/* --- a directory for each test --------------------------------------------- */

static char base[64], root[96], objects[128], replies[128];
static mode_t old_umask;

static int
set_up(void **state)
{
	memset(faults, 0, sizeof(faults));
	calls[0] = '\0';
	die_at_linkat = use_fake_statvfs = wrong_inode = false;
	old_umask = umask(022);
	snprintf(base, sizeof(base), "%s/knothole-test-XXXXXX", P_tmpdir);
	if (mkdtemp(base) == NULL)
		return -1;
	snprintf(root, sizeof(root), "%s/store", base);
	snprintf(objects, sizeof(objects), "%s/objects", root);
	snprintf(replies, sizeof(replies), "%s/replies", root);
	return 0;
}

/* Removes what is in a directory, and it; not into directories below. */
static void
remove_all(const char *path)
{
	char sub[512];
	struct dirent *de;
	DIR *d;

	d = opendir(path);
	while (d != NULL && (de = readdir(d)) != NULL) {
		if (strcmp(de->d_name, ".") == 0 ||
		    strcmp(de->d_name, "..") == 0)
			continue;
		snprintf(sub, sizeof(sub), "%s/%s", path, de->d_name);
		unlink(sub);
	}
	if (d != NULL)
		closedir(d);
	rmdir(path);
}

static int
tear_down(void **state)
{
	umask(old_umask);
	remove_all(objects);
	remove_all(replies);
	remove_all(root);
	remove_all(base);
	return 0;
}

/* How many names there are in objects/; all of them must have the form. */
static unsigned
count_objects(void)
{
	struct dirent *de;
	unsigned n = 0;
	DIR *d;

	d = opendir(objects);
	assert_non_null(d);
	while ((de = readdir(d)) != NULL) {
		if (strcmp(de->d_name, ".") == 0 ||
		    strcmp(de->d_name, "..") == 0)
			continue;
		assert_int_equal(strlen(de->d_name), KH_OBJECT_NAME_LEN);
		assert_int_equal(strspn(de->d_name, "0123456789abcdef"), 32);
		assert_string_equal(de->d_name + 32, ".age");
		n++;
	}
	closedir(d);
	return n;
}

static struct kh_store *
open_store(void)
{
	struct kh_store *st = NULL;

	assert_int_equal(kh_store_open(root, &st), KH_OK);
	assert_non_null(st);
	return st;
}

static struct kh_draft *
draft_of(struct kh_store *st, size_t n)
{
	struct kh_draft *d = NULL;
	uint8_t *p = malloc(n + 1);

	assert_non_null(p);
	memset(p, 0x5a, n + 1);
	assert_int_equal(kh_store_draft(st, &d), KH_OK);
	assert_int_equal(kh_write_all(kh_draft_fd(d), p, n), KH_OK);
	free(p);
	return d;
}

static void
open_refused(const char *where, enum kh_err want)
{
	struct kh_store *st = (struct kh_store *)(uintptr_t)1;
	enum kh_err e;

	e = kh_store_open(where, &st);
	if (e != want)
		fail_msg("%s: error %d", where, e);
	assert_null(st);
}

static void
check_fixed_mtime(const char *path)
{
	struct stat sb;

	assert_int_equal(stat(path, &sb), 0);
	assert_int_equal(sb.st_mtim.tv_sec, 315532800);
	assert_int_equal(sb.st_mtim.tv_nsec, 0);
}

static void
check_fixed_times(const char *path)
{
	struct stat sb;

	check_fixed_mtime(path);
	assert_int_equal(stat(path, &sb), 0);
	assert_int_equal(sb.st_atim.tv_sec, 315532800);
	assert_int_equal(sb.st_atim.tv_nsec, 0);
}

static unsigned
open_descriptors(void)
{
	unsigned n = 0;
	int fd;

	for (fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* --- tests ------------------------------------------------------------------ */

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
	assert_string_equal(calls, "FFFUUUF");
	calls[0] = '\0';
	kh_store_close(open_store());
	assert_string_equal(calls, "UUUF");
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
	assert_int_equal(open_descriptors(), before - 4);
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
	assert_string_equal(calls, "UF");
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
	const char *const dirs[] = {root, objects, replies};
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
	    {FSTAT, EIO, 4, KH_ESYS}, {FSYNC, EIO, 0, KH_ESYS},
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
	    mount("tmpfs", root, "tmpfs", 0, "size=1m,nr_inodes=8,mode=700") !=
		0)
		return -1;
	if (kh_store_open(root, &st) != KH_OK)
		return __LINE__;
	if (kh_store_room(st, &bytes) != KH_OK || bytes != 0)
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
    T(test_commit),
    T(test_commit_order),
    T(test_made_durably),
    T(test_l36_times),
    T(test_descriptor),
    T(test_abort_leaves_nothing),
    T(test_l6_kill_leaves_nothing),
    T(test_l24_commit_failures),
    T(test_directory_times_fail),
    T(test_name_taken),
    T(test_draft_failures),
    T(test_remove),
    T(test_l23_many_drafts),
    T(test_object_name),
    T(test_l24_room),
    T(test_l32_modes),
    T(test_links_refused),
    T(test_where),
    T(test_open_failures),
    T(test_open_at),
    T(test_l24_full_disk),
};

TAP_MAIN(tests)
