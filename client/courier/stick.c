/*
 * Opening and looking through a stick. Separate because it is where names that
 * others wrote meet the file system (L1, L2).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/courier/stick.h"
#include "client/exit.h"
#include "client/sticktop.h"
#include "knothole/io.h"
#include "lib/base/precond.h"

#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static const char part_prefix[] = ".part-";
static const char hex[] = "0123456789abcdef";

int
kh_stick_fail(const struct kh_stick *s, enum kh_err e)
{
	int err = errno;

	if (e != KH_ESYS)
		return kh_fail(KH_ON_OUTPUT, s->path, e);
	if (err == EROFS || err == EACCES || err == EPERM) {
		kh_say(s->path,
		    "%s; it must be writable: mount it so, or use "
		    "another one",
		    strerror(err));
		return KH_EXIT_CREATE;
	}
	if (err == EFBIG) {
		kh_say(s->path, "%s; format the stick as exFAT", strerror(err));
		return KH_EXIT_CREATE;
	}
	kh_say(s->path,
	    "%s; is the stick still in? Put it in and run this "
	    "again, nothing is lost",
	    strerror(err));
	return KH_EXIT_IO;
}

enum kh_err
kh_stick_sync_dir(int fd)
{
	/* FUSE may not: then there is nothing more to be done. */
	return fsync(fd) == 0 || errno == EINVAL || errno == ENOSYS ? KH_OK
								    : KH_ESYS;
}

/* Open the directory `name`; when it may be made and is not there, make it.
 * -1 with KH_OK: it is not there. */
static enum kh_err
open_dir(int under, const char *name, bool make, int *fd)
{
	*fd = -1;
	if (make) {
		if (mkdirat(under, name, 0700) == 0) {
			if (kh_stick_sync_dir(under) != KH_OK)
				return KH_ESYS;
		} else if (errno != EEXIST)
			return kh_io_error();
	}
	*fd = openat(under, name, DIR_FLAGS);
	if (*fd >= 0 || (errno == ENOENT && !make))
		return KH_OK;
	return KH_ESYS;
}

/* What open_dir said about a directory. */
static int
fail_dir(const struct kh_stick *s, const char *name, enum kh_err e)
{
	if (e == KH_ESYS && (errno == ENOTDIR || errno == ELOOP)) {
		kh_say(name,
		    "not a directory, and a link is not followed; "
		    "remove it from the stick");
		return KH_EXIT_DATA;
	}
	return kh_stick_fail(s, e);
}

static int
lock(const struct kh_stick *s)
{
	if (flock(s->top_fd, LOCK_EX | LOCK_NB) == 0)
		return KH_EXIT_OK;
	if (errno == EWOULDBLOCK) {
		kh_say(s->path,
		    "another knothole-courier is at work on it; "
		    "wait for that one");
		return KH_EXIT_AGAIN;
	}
	return KH_EXIT_OK; /* a file system without locks */
}

int
kh_stick_open(struct kh_stick *s, const char *path, bool make)
{
	enum kh_err e;
	int fd;

	PRECOND(s != NULL && path != NULL);
	*s = (struct kh_stick){path, -1, -1, -1};
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		kh_say(path,
		    "%s; give the directory where the stick is "
		    "mounted",
		    strerror(errno));
		return KH_EXIT_NOINPUT;
	}
	if (kh_sticktop_is(fd, path)) {
		close(fd);
		return KH_EXIT_NOINPUT;
	}
	e = open_dir(fd, KH_STICK_TOP, make, &s->top_fd);
	close(fd);
	if (e != KH_OK)
		return fail_dir(s, KH_STICK_TOP, e);
	if (s->top_fd < 0)
		return KH_EXIT_OK;
	if (make && lock(s) != KH_EXIT_OK)
		return KH_EXIT_AGAIN;
	e = open_dir(s->top_fd, "objects", make, &s->objects_fd);
	if (e != KH_OK)
		return fail_dir(s, "objects", e);
	e = open_dir(s->top_fd, "replies", false, &s->replies_fd);
	if (e != KH_OK)
		return fail_dir(s, "replies", e);
	return KH_EXIT_OK;
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void
kh_stick_close(struct kh_stick *s)
{
	PRECOND(s != NULL);
	if (s->path == NULL)
		return;
	close_fd(&s->replies_fd);
	close_fd(&s->objects_fd);
	close_fd(&s->top_fd);
}

int
kh_stick_file(int dir_fd, const char *name, uint64_t *size)
{
	struct stat sb = {0};
	int fd, err;

	PRECOND(name != NULL);
	fd = openat(dir_fd, name, KH_STICK_READ);
	if (fd < 0)
		return -1;
	if (fstat(fd, &sb) == 0 && S_ISREG(sb.st_mode)) {
		if (size != NULL)
			*size = (uint64_t)sb.st_size;
		return fd;
	}
	err = sb.st_mode == 0 ? errno : ENOTSUP; /* 0: fstat has failed */
	close(fd);
	errno = err;
	return -1;
}

enum kh_err
kh_stick_scan(int dir_fd, bool (*entry)(void *ctx, const char *name), void *ctx)
{
	struct dirent *de;
	enum kh_err e = KH_OK;
	int fd;
	DIR *dir;

	PRECOND(entry != NULL);
	fd = openat(dir_fd, ".", DIR_FLAGS);
	if (fd < 0)
		return KH_ESYS;
	dir = fdopendir(fd);
	if (dir == NULL) {
		close(fd);
		return KH_ESYS;
	}
	for (;;) {
		errno = 0;
		de = readdir(dir);
		if (de == NULL) {
			e = errno == 0 ? KH_OK : KH_ESYS;
			break;
		}
		if (strcmp(de->d_name, ".") != 0 &&
		    strcmp(de->d_name, "..") != 0 && !entry(ctx, de->d_name))
			break;
	}
	closedir(dir);
	return e;
}

bool
kh_stick_is_age(const char *name, size_t digits)
{
	return strspn(name, hex) == digits &&
	    strcmp(name + digits, ".age") == 0;
}

bool
kh_stick_is_part(const char *name)
{
	const size_t n = sizeof(part_prefix) - 1;

	return strncmp(name, part_prefix, n) == 0 &&
	    strspn(name + n, hex) == KH_PART_NAME_LEN - 1 - n &&
	    name[KH_PART_NAME_LEN - 1] == '\0';
}

void
kh_stick_part_name(const char *id, char out[static KH_PART_NAME_LEN])
{
	(void)snprintf(out, KH_PART_NAME_LEN, "%s%s", part_prefix, id);
}

void
kh_stick_object_name(const char *id, char out[static KH_OBJECT_NAME_LEN + 1])
{
	(void)snprintf(out, KH_OBJECT_NAME_LEN + 1, "%s.age", id);
}

void
kh_stick_say(const char *dir, const char *name, const char *what)
{
	char path[512], shown[KH_SHOWN_MAX];

	/* A name has 255 bytes at most, and ours for directories few. */
	(void)snprintf(
	    path, sizeof(path), "%s%s%s", dir, dir[0] == '\0' ? "" : "/", name);
	kh_say(path, "%s", kh_shown(what, shown));
}
