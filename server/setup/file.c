/*
 * Files of the setup: read whole, replaced whole. Separate from what stands in
 * them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "knothole/io.h"
#include "lib/base/precond.h"
#include "server/setup/setup.h"

#define OLD_MAX 100 /* copies of what was replaced; then somebody looks */

enum kh_err
kh_setup_read(const char *path, size_t max, char **text, size_t *n)
{
	enum kh_err e;
	int fd;

	PRECOND(path != NULL && text != NULL && n != NULL);

	*text = NULL;
	*n = 0;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return errno == ENOENT ? KH_ENOENT : KH_ESYS;
	*text = malloc(max + 2);
	e = *text == NULL ? KH_ENOMEM : kh_read_upto(fd, *text, max + 1, n);
	if (e == KH_OK && *n > max)
		e = KH_ELIMIT;
	if (e == KH_OK)
		(*text)[*n] = '\0';
	else {
		free(*text);
		*text = NULL;
	}
	close(fd);
	return e;
}

/* Another name for what is there, one that is free. */
static enum kh_err
put_by(const char *path)
{
	char old[KH_PATH_MAX + 16];
	int i;

	(void)snprintf(old, sizeof(old), "%s.old", path);
	for (i = 1; link(path, old) != 0; i++) {
		if (errno == ENOENT)
			return KH_OK;
		if (errno != EEXIST || i == OLD_MAX)
			return KH_ESYS;
		(void)snprintf(old, sizeof(old), "%s.old.%d", path, i);
	}
	return KH_OK;
}

static enum kh_err
sync_dir(const char *path)
{
	char dir[KH_PATH_MAX + 1];
	enum kh_err e;
	int fd;

	kh_setup_dir_of(path, dir);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return KH_ESYS;
	e = fsync(fd) == 0 ? KH_OK : KH_ESYS;
	close(fd);
	return e;
}

enum kh_err
kh_setup_replace(const char *path, const char *text, size_t n, bool keep)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
	char new[KH_PATH_MAX + 16];
	enum kh_err e;
	int fd;

	PRECOND(strlen(path) <= KH_PATH_MAX);

	(void)snprintf(new, sizeof(new), "%s.new", path);
	(void)unlink(new); /* of a run that was cut short */
	fd = open(new, flags, 0600);
	if (fd < 0)
		return KH_ESYS;
	e = kh_write_all(fd, text, n);
	if (e == KH_OK && (fchmod(fd, 0644) != 0 || fsync(fd) != 0))
		e = KH_ESYS;
	close(fd);
	if (e == KH_OK && keep)
		e = put_by(path);
	if (e == KH_OK && rename(new, path) != 0)
		e = KH_ESYS;
	if (e != KH_OK)
		(void)unlink(new);
	return e == KH_OK ? sync_dir(path) : e;
}

enum kh_err
kh_setup_mkdir(const char *path)
{
	char part[KH_PATH_MAX + 1];
	char *slash = part;

	if (strlen(path) > KH_PATH_MAX) {
		errno = ENAMETOOLONG;
		return KH_ESYS;
	}
	memcpy(part, path, strlen(path) + 1);
	while ((slash = strchr(slash + 1, '/')) != NULL) {
		*slash = '\0';
		if (mkdir(part, 0755) == 0)
			(void)!chmod(part, 0755); /* whatever the umask is */
		*slash = '/';
	}
	if (mkdir(part, 0755) == 0)
		return chmod(part, 0755) == 0 ? KH_OK : KH_ESYS;
	return errno == EEXIST ? KH_OK : KH_ESYS;
}

void
kh_setup_dir_of(const char *path, char out[static KH_PATH_MAX + 1])
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		(void)snprintf(out, KH_PATH_MAX + 1, ".");
	else
		(void)snprintf(out, KH_PATH_MAX + 1, "%.*s",
		    slash == path ? 1 : (int)(slash - path), path);
}
