/*
 * The store in a directory of a local file system. Separate from whoever asks,
 * because the order of these system calls is what "nothing half-written, no
 * times" rests on.
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "knothole/io.h"
#include "knothole/store.h"
#include "lib/base/precond.h"
#include "lib/store/dir.h"

#define SCHEME "dir:"
#define NAME_TRIES 8 /* random names; two that are taken are a broken RNG */
#define RESERVE_MIN (UINT64_C(64) << 20)
#define RESERVE_MAX (UINT64_C(1) << 30)
#define RESERVE_SHARE 64
#define RESERVE_SHARE_MAX 8 /* a small disk is not all reserve */

struct kh_draft {
	int fd;
};

static const struct timespec fixed_times[2] = {
    {.tv_sec = KH_STORE_TIME}, {.tv_sec = KH_STORE_TIME}};

void
kh_dir_shut(int fd)
{
	int saved = errno;

	if (fd >= 0)
		close(fd);
	errno = saved;
}

/* Ours, a directory, and closed to everybody else (L32)? */
static enum kh_err
check_directory(int fd)
{
	struct stat sb;

	if (fstat(fd, &sb) != 0)
		return KH_ESYS;
	if (!S_ISDIR(sb.st_mode)) {
		errno = ENOTDIR;
		return KH_ESYS;
	}
	if (sb.st_uid != geteuid() || (sb.st_mode & 077) != 0)
		return KH_EAUTH;
	return KH_OK;
}

/* A directory that was just made has to outlast a power cut. A parent that we
 * may not read is its owner's business. */
static enum kh_err
sync_parent(int fd)
{
	enum kh_err e = KH_OK;
	int up;

	up = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (up >= 0 && fsync(up) != 0)
		e = KH_ESYS;
	kh_dir_shut(up);
	return e;
}

enum kh_err
kh_dir_open(int at, const char *name, int *fd)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	bool made = false;
	enum kh_err e;

	*fd = openat(at, name, flags);
	if (*fd < 0 && errno == ENOENT) {
		made = mkdirat(at, name, 0700) == 0;
		if (!made && errno != EEXIST)
			return KH_ESYS;
		*fd = openat(at, name, flags);
	}
	if (*fd < 0)
		return KH_ESYS;
	e = check_directory(*fd);
	if (e == KH_OK && made)
		e = sync_parent(*fd);
	if (e != KH_OK) {
		kh_dir_shut(*fd);
		*fd = -1;
	}
	return e;
}

void
kh_dir_hide_times(int fd)
{
	int saved = errno;

	(void)futimens(fd, fixed_times);
	errno = saved;
}

int
kh_dir_nameless(int at)
{
	return openat(at, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0400);
}

void
kh_dir_proc_path(int fd, char out[static KH_PROC_FD_LEN])
{
	snprintf(out, KH_PROC_FD_LEN, "/proc/self/fd/%d", fd);
}

/*
 * Can files be made without a name here, and named later? Found out before a
 * source sends anything. A full disk is no reason not to start.
 */
static enum kh_err
probe(const struct kh_store *st)
{
	char path[KH_PROC_FD_LEN];
	enum kh_err e = KH_OK;
	struct stat a, b;
	int fd;

	fd = kh_dir_nameless(st->objects_fd);
	if (fd < 0 && kh_io_error() == KH_EFULL)
		return KH_OK;
	if (fd < 0)
		return errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL
		    ? KH_EUNSUP
		    : KH_ESYS;
	kh_dir_proc_path(fd, path);
	if (fstat(fd, &a) != 0 || stat(path, &b) != 0)
		e = KH_ESYS;
	else if (a.st_dev != b.st_dev || a.st_ino != b.st_ino)
		e = KH_EUNSUP;
	kh_dir_shut(fd);
	return e;
}

static enum kh_err
open_parts(struct kh_store *st)
{
	enum kh_err e;

	e = check_directory(st->root_fd);
	if (e == KH_OK)
		e = kh_dir_open(st->root_fd, "objects", &st->objects_fd);
	if (e == KH_OK)
		e = kh_dir_open(st->root_fd, "replies", &st->replies_fd);
	if (e == KH_OK)
		e = kh_dir_open(st->root_fd, "collected", &st->collected_fd);
	if (e == KH_OK)
		e = probe(st);
	if (e != KH_OK)
		return e;
	kh_dir_hide_times(st->objects_fd);
	kh_dir_hide_times(st->replies_fd);
	kh_dir_hide_times(st->collected_fd);
	kh_dir_hide_times(st->root_fd);
	return fsync(st->root_fd) == 0 ? KH_OK : KH_ESYS;
}

enum kh_err
kh_store_open_at(int fd, struct kh_store **out)
{
	struct kh_store *st;
	enum kh_err e;

	PRECOND(fd >= 0 && out != NULL);
	*out = NULL;
	st = malloc(sizeof(*st));
	if (st == NULL)
		return KH_ENOMEM;
	st->root_fd = fd;
	st->objects_fd = st->replies_fd = st->collected_fd = -1;
	st->unsettled = false;
	e = open_parts(st);
	if (e != KH_OK) {
		st->root_fd = -1; /* still the caller's */
		kh_store_close(st);
		return e;
	}
	*out = st;
	return KH_OK;
}

/* "dir:PATH", or PATH: what has no "word:" before its first slash. Slashes at
 * the end are dropped: with one, O_NOFOLLOW would follow a link. */
static enum kh_err
path_of(const char *where, char **path)
{
	size_t n;

	*path = NULL;
	if (strncmp(where, SCHEME, strlen(SCHEME)) == 0)
		where += strlen(SCHEME);
	else if (where[strcspn(where, ":/")] == ':')
		return KH_EFORMAT;
	if (where[0] == '\0')
		return KH_EFORMAT;
	*path = strdup(where);
	if (*path == NULL)
		return KH_ENOMEM;
	for (n = strlen(*path); n > 1 && (*path)[n - 1] == '/'; n--)
		(*path)[n - 1] = '\0';
	return KH_OK;
}

enum kh_err
kh_store_open(const char *where, struct kh_store **out)
{
	char *path = NULL;
	enum kh_err e;
	int fd = -1;

	PRECOND(where != NULL && out != NULL);
	*out = NULL;
	e = path_of(where, &path);
	if (e == KH_OK)
		e = kh_dir_open(AT_FDCWD, path, &fd);
	if (e == KH_OK)
		e = kh_store_open_at(fd, out);
	if (e != KH_OK)
		kh_dir_shut(fd);
	free(path);
	return e;
}

void
kh_store_close(struct kh_store *st)
{
	if (st == NULL)
		return;
	kh_dir_shut(st->root_fd);
	kh_dir_shut(st->objects_fd);
	kh_dir_shut(st->replies_fd);
	kh_dir_shut(st->collected_fd);
	free(st);
}

static uint64_t
reserve_of(uint64_t all)
{
	uint64_t r = all / RESERVE_SHARE;

	if (r < RESERVE_MIN)
		r = RESERVE_MIN;
	if (r > all / RESERVE_SHARE_MAX)
		r = all / RESERVE_SHARE_MAX;
	return r > RESERVE_MAX ? RESERVE_MAX : r;
}

enum kh_err
kh_store_room(struct kh_store *st, uint64_t *bytes)
{
	uint64_t unit, reserve, avail;
	struct statvfs sv;

	PRECOND(st != NULL && bytes != NULL);
	*bytes = 0;
	if (fstatvfs(st->objects_fd, &sv) != 0)
		return KH_ESYS;
	unit = sv.f_frsize > 0 ? sv.f_frsize : 1;
	if (sv.f_blocks > UINT64_MAX / unit) {
		errno = EOVERFLOW;
		return KH_ESYS;
	}
	/* More available than there is: a file system that means "none". */
	if (sv.f_bavail > sv.f_blocks)
		return KH_OK;
	reserve = reserve_of(sv.f_blocks * unit);
	avail = sv.f_bavail * unit;
	*bytes = avail > reserve ? avail - reserve : 0;
	return KH_OK;
}

enum kh_err
kh_store_draft(struct kh_store *st, struct kh_draft **out)
{
	struct kh_draft *d;
	enum kh_err e;

	PRECOND(st != NULL && out != NULL);
	*out = NULL;
	d = malloc(sizeof(*d));
	if (d == NULL)
		return KH_ENOMEM;
	d->fd = kh_dir_nameless(st->objects_fd);
	if (d->fd < 0) {
		e = kh_io_error();
		free(d);
		return e;
	}
	*out = d;
	return KH_OK;
}

int
kh_draft_fd(const struct kh_draft *d)
{
	PRECOND(d != NULL && d->fd >= 0);
	return d->fd;
}

void
kh_store_abort(struct kh_draft *d)
{
	if (d == NULL)
		return;
	kh_dir_shut(d->fd);
	free(d);
}

/* Times first, so that they are as durable as the data; whatever the umask
 * was, nobody else may read it. */
enum kh_err
kh_dir_make_durable(int fd)
{
	if (fchmod(fd, 0400) != 0 || futimens(fd, fixed_times) != 0 ||
	    fsync(fd) != 0)
		return kh_io_error();
	return KH_OK;
}

static enum kh_err
link_in(const struct kh_store *st, const struct kh_draft *d,
    uint8_t id[static KH_OBJECT_ID_LEN],
    char name[static KH_OBJECT_NAME_LEN + 1])
{
	char path[KH_PROC_FD_LEN];
	int i;

	kh_dir_proc_path(d->fd, path);
	for (i = 0; i < NAME_TRIES; i++) {
		randombytes_buf(id, KH_OBJECT_ID_LEN);
		kh_object_name(id, name);
		if (linkat(AT_FDCWD, path, st->objects_fd, name,
			AT_SYMLINK_FOLLOW) == 0)
			return KH_OK;
		if (errno != EEXIST)
			break;
	}
	return kh_io_error();
}

void
kh_dir_take_back(int at, const char *name)
{
	int saved = errno;

	(void)unlinkat(at, name, 0);
	kh_dir_hide_times(at);
	(void)fsync(at);
	errno = saved;
}

enum kh_err
kh_store_commit(struct kh_store *st, struct kh_draft *d,
    uint8_t id[static KH_OBJECT_ID_LEN])
{
	char name[KH_OBJECT_NAME_LEN + 1];
	enum kh_err e;

	PRECOND(st != NULL && d != NULL && d->fd >= 0);
	e = kh_dir_make_durable(d->fd);
	if (e == KH_OK)
		e = link_in(st, d, id, name);
	if (e != KH_OK)
		goto out;
	kh_dir_hide_times(st->objects_fd);
	if (fsync(st->objects_fd) != 0) {
		e = kh_io_error();
		kh_dir_take_back(st->objects_fd, name);
	}
out:
	if (e != KH_OK)
		memset(id, 0, KH_OBJECT_ID_LEN);
	st->unsettled |= e == KH_OK;
	kh_store_abort(d); /* without a name it is gone; with one it stays */
	return e;
}

enum kh_err
kh_dir_remove(int at, const char *name)
{
	char file[KH_DIR_NEW_CAP];
	bool none;

	PRECOND(strlen(name) <= KH_SLOT_NAME_LEN);
	(void)snprintf(file, sizeof(file), "%s" KH_DIR_NEW, name);
	none = unlinkat(at, file, 0) != 0;
	if (none && errno != ENOENT)
		return KH_ESYS;
	if (unlinkat(at, name, 0) == 0)
		return KH_OK;
	if (errno != ENOENT)
		return KH_ESYS;
	return none ? KH_ENOENT : KH_OK;
}

enum kh_err
kh_store_remove(struct kh_store *st, const uint8_t id[static KH_OBJECT_ID_LEN])
{
	char name[KH_OBJECT_NAME_LEN + 1];
	enum kh_err e;

	PRECOND(st != NULL);
	kh_object_name(id, name);
	e = kh_dir_remove(st->objects_fd, name);
	if (e != KH_OK)
		return e;
	kh_dir_hide_times(st->objects_fd);
	return fsync(st->objects_fd) == 0 ? KH_OK : KH_ESYS;
}

void
kh_object_name(const uint8_t id[static KH_OBJECT_ID_LEN],
    char out[static KH_OBJECT_NAME_LEN + 1])
{
	static const char suffix[] = ".age";

	sodium_bin2hex(out, KH_OBJECT_NAME_LEN + 1, id, KH_OBJECT_ID_LEN);
	memcpy(out + (size_t)2 * KH_OBJECT_ID_LEN, suffix, sizeof(suffix));
}
