/*
 * Answers in the store's directory, one file for each slot that is taken.
 * Separate from the objects because here the name is the caller's: it decides
 * who can find it, and nothing may ever be overwritten.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "knothole/io.h"
#include "lib/base/precond.h"
#include "lib/store/dir.h"

bool
kh_dir_is_slot(const char *name)
{
	return strnlen(name, KH_SLOT_NAME_LEN + 1) == KH_SLOT_NAME_LEN &&
	    strspn(name, "0123456789abcdef") == KH_SLOT_NAME_LEN;
}

/* linkat(2) replaces nothing. */
static enum kh_err
link_answer(const struct kh_store *st, int fd, const char *name)
{
	char path[KH_PROC_FD_LEN];

	kh_dir_proc_path(fd, path);
	if (linkat(AT_FDCWD, path, st->replies_fd, name, AT_SYMLINK_FOLLOW) !=
	    0)
		return errno == EEXIST ? KH_EEXIST : kh_io_error();
	kh_dir_hide_times(st->replies_fd);
	if (fsync(st->replies_fd) != 0) {
		kh_dir_take_back(st->replies_fd, name);
		return kh_io_error();
	}
	return KH_OK;
}

enum kh_err
kh_store_answer_put(
    struct kh_store *st, const char *name, const uint8_t *bytes, size_t n)
{
	enum kh_err e;
	int fd;

	PRECOND(st != NULL && name != NULL && (bytes != NULL || n == 0));
	if (!kh_dir_is_slot(name))
		return KH_ENAME;
	if (n > KH_ANSWER_LEN_MAX)
		return KH_ELIMIT;
	fd = kh_dir_nameless(st->replies_fd);
	if (fd < 0)
		return kh_io_error();
	e = kh_write_all(fd, bytes, n);
	if (e == KH_OK)
		e = kh_dir_make_durable(fd);
	if (e == KH_OK)
		e = link_answer(st, fd, name);
	kh_dir_shut(fd); /* without a name it is gone; with one it stays */
	st->unsettled |= e == KH_OK;
	return e;
}

/* Whatever else may have got there is not waited for, followed or read. */
enum kh_err
kh_store_answer_open(struct kh_store *st, const char *name, int *fd)
{
	const int flags =
	    O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOATIME;
	enum kh_err e = KH_OK;
	struct stat sb;

	PRECOND(st != NULL && name != NULL && fd != NULL);
	*fd = -1;
	if (!kh_dir_is_slot(name))
		return KH_ENAME;
	*fd = openat(st->replies_fd, name, flags);
	if (*fd < 0 && errno == ENOENT)
		return KH_ENOENT;
	if (*fd < 0) /* a link; a socket; not ours */
		return errno == ELOOP || errno == ENXIO || errno == EPERM ||
			errno == EACCES
		    ? KH_EFORMAT
		    : KH_ESYS;
	if (fstat(*fd, &sb) != 0)
		e = KH_ESYS;
	else if (!S_ISREG(sb.st_mode) || sb.st_size > KH_ANSWER_LEN_MAX)
		e = KH_EFORMAT;
	if (e != KH_OK) {
		kh_dir_shut(*fd);
		*fd = -1;
	}
	return e;
}

enum kh_err
kh_store_answer_remove(struct kh_store *st, const char *name)
{
	PRECOND(st != NULL && name != NULL);
	if (!kh_dir_is_slot(name))
		return KH_ENAME;
	return kh_dir_remove(st->replies_fd, name);
}

enum kh_err
kh_store_answers_sync(struct kh_store *st)
{
	PRECOND(st != NULL);
	kh_dir_hide_times(st->replies_fd);
	return fsync(st->replies_fd) == 0 ? KH_OK : KH_ESYS;
}
