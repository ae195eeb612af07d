/*
 * Final-name-only output (L9). Separate because every command that writes a
 * file goes through it, and the fallbacks for sticks (FAT, exFAT) are here.
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/output.h"
#include "client/signals.h"
#include "knothole/io.h"
#include "lib/base/precond.h"

#define PROC_FD_LEN 32

void
kh_output_temp_name(char out[static KH_OUTPUT_TEMP_LEN])
{
	static const char prefix[] = ".knothole-";
	uint8_t rnd[8];

	_Static_assert(sizeof(prefix) + 2 * sizeof(rnd) == KH_OUTPUT_TEMP_LEN,
	    "the temporary name fills its buffer");
	randombytes_buf(rnd, sizeof(rnd));
	memcpy(out, prefix, sizeof(prefix));
	sodium_bin2hex(
	    out + sizeof(prefix) - 1, 2 * sizeof(rnd) + 1, rnd, sizeof(rnd));
}

/* open(2): what a file system says that has no O_TMPFILE, or a kernel. */
static bool
no_tmpfile(int err)
{
	return err == EOPNOTSUPP || err == EISDIR || err == EINVAL ||
	    err == ENOSYS;
}

static enum kh_err
make_file(struct kh_output *o, mode_t mode)
{
	struct stat sb;

	if (fstatat(o->dir_fd, o->name, &sb, AT_SYMLINK_NOFOLLOW) == 0)
		return KH_EEXIST;
	if (errno != ENOENT)
		return KH_ESYS;
	o->fd = openat(o->dir_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, mode);
	if (o->fd >= 0)
		return KH_OK;
	if (!no_tmpfile(errno))
		return KH_ESYS;
	kh_output_temp_name(o->temp);
	o->fd = openat(o->dir_fd, o->temp,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (o->fd < 0) {
		o->temp[0] = '\0';
		return KH_ESYS;
	}
	kh_signals_unlink(o->dir_fd, o->temp);
	return KH_OK;
}

static bool
is_component(const char *name)
{
	size_t n = strlen(name);

	return n > 0 && n <= NAME_MAX && strchr(name, '/') == NULL &&
	    strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static void
reset(struct kh_output *o)
{
	memset(o, 0, sizeof(*o));
	o->dir_fd = -1;
	o->fd = -1;
}

enum kh_err
kh_output_open_at(
    struct kh_output *o, int dir_fd, const char *name, mode_t mode)
{
	enum kh_err e;
	int err;

	PRECOND(o != NULL && dir_fd >= 0 && name != NULL);
	reset(o);
	if (!is_component(name))
		return KH_ENAME;
	memcpy(o->name, name, strlen(name) + 1);
	o->dir_fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 3);
	if (o->dir_fd < 0)
		return KH_ESYS;
	e = make_file(o, mode);
	if (e != KH_OK) {
		err = errno;
		kh_output_abort(o);
		errno = err;
	}
	return e;
}

enum kh_err
kh_output_open(struct kh_output *o, const char *path, mode_t mode)
{
	char dir[PATH_MAX] = ".";
	const char *slash, *name = path;
	enum kh_err e;
	size_t n;
	int fd, err;

	PRECOND(o != NULL && path != NULL);
	reset(o);
	slash = strrchr(path, '/');
	if (slash != NULL) {
		name = slash + 1;
		n = slash == path ? 1 : (size_t)(slash - path);
		if (n >= sizeof(dir))
			return KH_ENAME;
		memcpy(dir, path, n);
		dir[n] = '\0';
	}
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return KH_ESYS;
	e = kh_output_open_at(o, fd, name, mode);
	err = errno;
	close(fd);
	errno = err;
	return e;
}

/* A name for what has none. */
static enum kh_err
link_unnamed(const struct kh_output *o)
{
	char proc[PROC_FD_LEN];

	/* open(2), O_TMPFILE: this way needs no capability. */
	(void)snprintf(proc, sizeof(proc), "/proc/self/fd/%d", o->fd);
	if (linkat(AT_FDCWD, proc, o->dir_fd, o->name, AT_SYMLINK_FOLLOW) == 0)
		return KH_OK;
	return errno == EEXIST ? KH_EEXIST : KH_ESYS;
}

/* Another name for what has a temporary one. */
static enum kh_err
rename_temp(struct kh_output *o)
{
	bool moved = renameat2(o->dir_fd, o->temp, o->dir_fd, o->name,
			 RENAME_NOREPLACE) == 0;

	/* Not every file system knows the flag; a link never replaces. */
	if (!moved && (errno == EINVAL || errno == ENOSYS) &&
	    linkat(o->dir_fd, o->temp, o->dir_fd, o->name, 0) == 0)
		moved = unlinkat(o->dir_fd, o->temp, 0) == 0;
	if (!moved)
		return errno == EEXIST ? KH_EEXIST : KH_ESYS;
	kh_signals_keep(o->temp);
	o->temp[0] = '\0';
	return KH_OK;
}

enum kh_err
kh_output_commit(struct kh_output *o)
{
	enum kh_err e = KH_ESYS;
	int err;

	PRECOND(o != NULL && o->fd >= 0);
	if (fsync(o->fd) != 0) {
		e = kh_io_error();
		goto out;
	}
	e = o->temp[0] != '\0' ? rename_temp(o) : link_unnamed(o);
	if (e != KH_OK)
		goto out;
	if (fsync(o->dir_fd) != 0 && errno != EINVAL) { /* FUSE may not */
		(void)unlinkat(o->dir_fd, o->name, 0);
		e = KH_ESYS;
	}
out:
	err = errno;
	kh_output_abort(o);
	errno = err;
	return e;
}

void
kh_output_abort(struct kh_output *o)
{
	if (o->temp[0] != '\0') {
		(void)unlinkat(o->dir_fd, o->temp, 0);
		kh_signals_keep(o->temp);
	}
	if (o->fd >= 0)
		close(o->fd);
	if (o->dir_fd >= 0)
		close(o->dir_fd);
	reset(o);
}

enum kh_err
kh_output_dir(const char *path, int *fd)
{
	PRECOND(path != NULL && fd != NULL);
	*fd = -1;
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return KH_ESYS;
	*fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *fd < 0 ? KH_ESYS : KH_OK;
}
