/*
 * Replacing a card. Separate from client/output.c, which never replaces
 * anything.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/card/replace.h"
#include "client/output.h"
#include "knothole/io.h"
#include "knothole/limits.h"

/* The directory of `path`, and its last component. */
static enum kh_err
open_dir(const char *path, int *dir, const char **name)
{
	const char *slash = strrchr(path, '/');
	char parent[KH_PATH_MAX + 1];
	size_t n = slash == NULL ? 0 : (size_t)(slash - path) + 1;

	*dir = -1;
	*name = path + n;
	if (n >= sizeof(parent) || **name == '\0')
		return KH_ENAME;
	memcpy(parent, path, n);
	parent[n] = '\0';
	*dir = open(n > 0 ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *dir >= 0 ? KH_OK : KH_ESYS;
}

enum kh_err
kh_card_replace(const char *path, const void *p, size_t n)
{
	char temp[KH_OUTPUT_TEMP_LEN];
	const char *name;
	enum kh_err e;
	int dir, fd;

	e = open_dir(path, &dir, &name);
	if (e != KH_OK)
		return e;
	kh_output_temp_name(temp);
	fd = openat(dir, temp,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	e = fd < 0 ? KH_ESYS : kh_write_all(fd, p, n);
	if (e == KH_OK && (fchmod(fd, 0644) != 0 || fdatasync(fd) != 0))
		e = KH_ESYS;
	if (fd >= 0)
		close(fd);
	if (e == KH_OK && renameat(dir, temp, dir, name) != 0)
		e = KH_ESYS;
	if (e != KH_OK)
		(void)unlinkat(dir, temp, 0);
	else if (fsync(dir) != 0)
		e = KH_ESYS;
	close(dir);
	return e;
}
