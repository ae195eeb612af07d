/*
 * Files under temporary names. Separate from output.c, which never replaces
 * anything and takes unnamed files where it can.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "client/file.h"
#include "knothole/io.h"

enum kh_err
kh_file_begin(int dir_fd, const char *name, int *fd)
{
	*fd = -1;
	if (unlinkat(dir_fd, name, 0) != 0 && errno != ENOENT)
		return kh_io_error();
	*fd = openat(dir_fd, name,
	    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return *fd < 0 ? kh_io_error() : KH_OK;
}

enum kh_err
kh_file_put(
    int dir_fd, const char *temp, const char *name, struct kh_file_bytes bytes)
{
	enum kh_err e;
	int fd;

	e = kh_file_begin(dir_fd, temp, &fd);
	if (e != KH_OK)
		return e;
	e = kh_write_all(fd, bytes.p, bytes.n);
	if (e == KH_OK && fsync(fd) != 0)
		e = kh_io_error();
	if (close(fd) != 0 && e == KH_OK)
		e = kh_io_error();
	if (e == KH_OK && renameat(dir_fd, temp, dir_fd, name) != 0)
		e = kh_io_error();
	if (e != KH_OK)
		(void)unlinkat(dir_fd, temp, 0);
	return e;
}

enum kh_err
kh_file_sync_dir(int dir_fd)
{
	if (fsync(dir_fd) != 0 && errno != EINVAL) /* FUSE may not have it */
		return kh_io_error();
	return KH_OK;
}
