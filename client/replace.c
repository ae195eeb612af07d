/*
 * Replacing a file of keys. Separate from output.c, which never replaces
 * anything: here is the only exception, and it wipes.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/exit.h"
#include "client/output.h"
#include "client/replace.h"
#include "client/signals.h"
#include "knothole/io.h"
#include "lib/base/precond.h"

struct replacing {
	const char *path; /* as given, for messages */
	int dir_fd, fd, old_fd;
	char real[PATH_MAX]; /* without links */
	const char *name; /* in it */
	char temp[KH_OUTPUT_TEMP_LEN];
};

/* Its directory and its name there. */
static enum kh_err
locate(struct replacing *r)
{
	char *slash;

	if (realpath(r->path, r->real) == NULL) {
		if (errno != ENOENT || strlen(r->path) >= sizeof(r->real))
			return KH_ESYS;
		memcpy(r->real, r->path, strlen(r->path) + 1);
	}
	slash = strrchr(r->real, '/');
	r->name = slash != NULL ? slash + 1 : r->real;
	if (slash != NULL)
		*slash = '\0';
	r->dir_fd = open(slash == NULL ? "."
		: slash == r->real     ? "/"
				       : r->real,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return r->dir_fd >= 0 ? KH_OK : KH_ESYS;
}

/* Hold what is there, to overwrite it when it has lost its name. */
static enum kh_err
hold_old(struct replacing *r)
{
	r->old_fd = openat(
	    r->dir_fd, r->name, O_RDWR | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
	return r->old_fd >= 0 || errno == ENOENT ? KH_OK : KH_ESYS;
}

static enum kh_err
write_new(struct replacing *r, const void *p, size_t n)
{
	enum kh_err e;

	kh_output_temp_name(r->temp);
	r->fd = openat(r->dir_fd, r->temp,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (r->fd < 0) {
		r->temp[0] = '\0';
		return kh_io_error();
	}
	e = kh_write_all(r->fd, p, n);
	if (e == KH_OK && fsync(r->fd) != 0)
		e = kh_io_error();
	if (e == KH_OK && renameat(r->dir_fd, r->temp, r->dir_fd, r->name) != 0)
		e = kh_io_error();
	if (e == KH_OK) {
		r->temp[0] = '\0';
		if (fsync(r->dir_fd) != 0 && errno != EINVAL) /* FUSE */
			e = kh_io_error();
	}
	return e;
}

/* Zeros over all of it; it has no name any more. */
static void
overwrite(const struct replacing *r)
{
	static const uint8_t zeros[4096];
	struct stat sb;
	off_t left;
	size_t n;

	if (r->old_fd < 0 || fstat(r->old_fd, &sb) != 0 || !S_ISREG(sb.st_mode))
		return;
	if (sb.st_nlink > 0) {
		kh_say(r->path,
		    "the old file has another name (a hard link), and is "
		    "still there under that");
		return;
	}
	if (lseek(r->old_fd, 0, SEEK_SET) != 0)
		return;
	for (left = sb.st_size; left > 0; left -= (off_t)n) {
		n = left < (off_t)sizeof(zeros) ? (size_t)left : sizeof(zeros);
		if (kh_write_all(r->old_fd, zeros, n) != KH_OK)
			break;
	}
	if (left > 0 || fdatasync(r->old_fd) != 0)
		kh_say(r->path,
		    "warning: the old file could not be "
		    "overwritten: %s",
		    strerror(errno));
}

static void
end_replacing(struct replacing *r)
{
	int err = errno;

	if (r->temp[0] != '\0')
		(void)unlinkat(r->dir_fd, r->temp, 0);
	if (r->fd >= 0)
		close(r->fd);
	if (r->old_fd >= 0)
		close(r->old_fd);
	if (r->dir_fd >= 0)
		close(r->dir_fd);
	errno = err;
}

int
kh_replace_file(const char *path, const void *p, size_t n)
{
	struct replacing r = {
	    .path = path, .dir_fd = -1, .fd = -1, .old_fd = -1};
	enum kh_err e;
	bool made;
	int code;

	PRECOND(path != NULL && p != NULL);
	kh_signals_defer(true);
	e = locate(&r);
	if (e == KH_OK)
		e = hold_old(&r);
	if (e == KH_OK)
		e = write_new(&r, p, n);
	made = r.fd >= 0;
	if (e == KH_OK)
		overwrite(&r);
	end_replacing(&r);
	kh_signals_defer(false);
	if (e == KH_OK)
		return KH_EXIT_OK;
	code = kh_fail(KH_ON_OUTPUT, path, e);
	return made ? code : KH_EXIT_CREATE;
}

int
kh_replace_remove(const char *path)
{
	struct replacing r = {
	    .path = path, .dir_fd = -1, .fd = -1, .old_fd = -1};
	enum kh_err e;

	PRECOND(path != NULL);
	e = locate(&r);
	if (e == KH_OK)
		e = hold_old(&r);
	if (e == KH_OK && r.old_fd >= 0 &&
	    (unlinkat(r.dir_fd, r.name, 0) != 0 ||
		(fsync(r.dir_fd) != 0 && errno != EINVAL)))
		e = kh_io_error();
	if (e == KH_OK)
		overwrite(&r);
	end_replacing(&r);
	return e == KH_OK ? KH_EXIT_OK : kh_fail(KH_ON_OUTPUT, path, e);
}
