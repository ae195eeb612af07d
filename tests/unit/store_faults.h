/*
 * What the tests of the store share: the engine with system calls that fail
 * when told to, and a directory for each test.
 */
#ifndef KH_TESTS_STORE_FAULTS_H
#define KH_TESTS_STORE_FAULTS_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "knothole/io.h"
#include "knothole/writeback.h"

/* --- system calls that fail when told to ----------------------------------- */

enum call {
	FSYNC,
	LINKAT,
	FUTIMENS,
	FCHMOD,
	TMPFILE, /* openat with O_TMPFILE */
	OPEN, /* without it */
	WRITE, /* kh_write_all */
	FSTATVFS,
	MKDIRAT,
	FSTAT,
	FSTATAT,
	UNLINKAT,
	CREATE, /* openat with O_CREAT */
	FDOPENDIR,
	READDIR,
	MALLOC,
	STRDUP,
	READ, /* kh_read_upto */
	COPY, /* through kh_sink_file */
	CLOCK,
	CALLS
};

/* The next `skip` calls work, then `times` fail with `err`. */
static struct {
	unsigned skip;
	unsigned times;
	int err;
} faults[CALLS];

/* F fsync, L linkat, U futimens, M fchmod, R unlinkat, C openat that makes */
static char calls[64];
static struct statvfs fake_statvfs;
static bool die_at_linkat, die_at_unlinkat, use_fake_statvfs, wrong_inode;

/* Of all calls, whichever they are: this one fails, or kills. 0: none does. */
static unsigned fail_at, die_at, n_calls;

static bool
fails(enum call c)
{
	n_calls++;
	if (n_calls == die_at)
		raise(SIGKILL);
	if (n_calls == fail_at) {
		errno = EIO;
		return true;
	}
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

__attribute__((unused)) static void
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
	if ((flags & O_CREAT) != 0) {
		note('C');
		return fails(CREATE) ? -1 : openat(at, name, flags, 0400);
	}
	return fails(OPEN) ? -1 : openat(at, name, flags);
}

static enum kh_err
faulty_write_all(int fd, const void *p, size_t n)
{
	/* half of it, as a disk does that gets full */
	if (faults[WRITE].times > 0)
		assert_int_equal(kh_write_all(fd, p, n / 2), KH_OK);
	if (fails(WRITE))
		return errno == ENOSPC || errno == EDQUOT ? KH_EFULL : KH_ESYS;
	return kh_write_all(fd, p, n);
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

static int
faulty_fstatat(int at, const char *name, struct stat *sb, int flags)
{
	return fails(FSTATAT) ? -1 : fstatat(at, name, sb, flags);
}

static int
faulty_unlinkat(int at, const char *name, int flags)
{
	note('R');
	if (die_at_unlinkat)
		raise(SIGKILL);
	return fails(UNLINKAT) ? -1 : unlinkat(at, name, flags);
}

static DIR *
faulty_fdopendir(int fd)
{
	return fails(FDOPENDIR) ? NULL : fdopendir(fd);
}

static struct dirent *
faulty_readdir(DIR *d)
{
	return fails(READDIR) ? NULL : readdir(d);
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

static void *
faulty_calloc(size_t n, size_t size)
{
	return fails(MALLOC) ? NULL : calloc(n, size);
}

static void *
faulty_realloc(void *p, size_t n)
{
	return fails(MALLOC) ? NULL : realloc(p, n);
}

static enum kh_err
faulty_read_upto(int fd, void *p, size_t cap, size_t *n)
{
	return fails(READ) ? KH_ESYS : kh_read_upto(fd, p, cap, n);
}

static enum kh_err
faulty_sink_write(void *ctx, const uint8_t *p, size_t n)
{
	const struct kh_sink real = kh_sink_file(ctx);

	return fails(COPY) ? KH_ESYS : real.write(ctx, p, n);
}

static struct kh_sink
faulty_sink_file(struct kh_file_sink *f)
{
	return (struct kh_sink){.write = faulty_sink_write, .ctx = f};
}

static int
faulty_clock_gettime(clockid_t id, struct timespec *ts)
{
	return fails(CLOCK) ? -1 : clock_gettime(id, ts);
}

#undef strdup
#define calloc faulty_calloc
#define realloc faulty_realloc
#define kh_read_upto faulty_read_upto
#define kh_sink_file faulty_sink_file
#define clock_gettime faulty_clock_gettime
#define fsync faulty_fsync
#define linkat faulty_linkat
#define futimens faulty_futimens
#define fchmod faulty_fchmod
#define openat faulty_openat
#define fstatvfs faulty_fstatvfs
#define kh_write_all faulty_write_all
#define mkdirat faulty_mkdirat
#define fstat(fd, sb) faulty_fstat(fd, sb)
#define fstatat(at, name, sb, flags) faulty_fstatat(at, name, sb, flags)
#define unlinkat faulty_unlinkat
#define fdopendir faulty_fdopendir
#define readdir faulty_readdir
#define malloc faulty_malloc
#define strdup faulty_strdup
#include "lib/store/answers.c"
#include "lib/store/batch.c"
#include "lib/store/collected.c"
#include "lib/store/dir.c"
#include "lib/store/objects.c"
#include "lib/store/settle.c"
#undef calloc
#undef realloc
#undef kh_read_upto
#undef kh_sink_file
#undef clock_gettime
#undef fsync
#undef linkat
#undef futimens
#undef fchmod
#undef openat
#undef fstatvfs
#undef kh_write_all
#undef mkdirat
#undef fstat
#undef fstatat
#undef unlinkat
#undef fdopendir
#undef readdir
#undef malloc
#undef strdup

/* --- a directory for each test --------------------------------------------- */

static char base[64], root[96], objects[128], replies[128], collected[128];
static mode_t old_umask;
static bool in_memory; /* for tests that sync ten thousand times */

static int
set_up(void **state)
{
	memset(faults, 0, sizeof(faults));
	calls[0] = '\0';
	fail_at = die_at = n_calls = 0;
	die_at_linkat = die_at_unlinkat = use_fake_statvfs = false;
	wrong_inode = false;
	old_umask = umask(022);
	snprintf(base, sizeof(base), "%s/knothole-test-XXXXXX",
	    in_memory && access("/dev/shm", W_OK) == 0 ? "/dev/shm" : P_tmpdir);
	if (mkdtemp(base) == NULL)
		return -1;
	snprintf(root, sizeof(root), "%s/store", base);
	snprintf(objects, sizeof(objects), "%s/objects", root);
	snprintf(replies, sizeof(replies), "%s/replies", root);
	snprintf(collected, sizeof(collected), "%s/collected", root);
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
	remove_all(collected);
	remove_all(root);
	remove_all(base);
	return 0;
}

/* How many names there are in objects/; all of them must have the form. */
__attribute__((unused)) static unsigned
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

__attribute__((unused)) static struct kh_draft *
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

__attribute__((unused)) static void
open_refused(const char *where, enum kh_err want)
{
	struct kh_store *st = (struct kh_store *)(uintptr_t)1;
	enum kh_err e;

	e = kh_store_open(where, &st);
	if (e != want)
		fail_msg("%s: error %d", where, e);
	assert_null(st);
}

__attribute__((unused)) static void
check_fixed_mtime(const char *path)
{
	struct stat sb;

	assert_int_equal(stat(path, &sb), 0);
	assert_int_equal(sb.st_mtim.tv_sec, 315532800);
	assert_int_equal(sb.st_mtim.tv_nsec, 0);
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

#endif
