/*
 * Is it the directory on the stick, instead of the stick? Separate because
 * desk and courier must both ask, and alike.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "client/exit.h"
#include "client/sticktop.h"
#include "lib/base/precond.h"

static bool
holds(int fd, const char *name)
{
	struct stat sb;

	return fstatat(fd, name, &sb, AT_SYMLINK_NOFOLLOW) == 0;
}

bool
kh_sticktop_is(int fd, const char *path)
{
	char real[PATH_MAX];
	const char *last;

	PRECOND(fd >= 0 && path != NULL);
	if (realpath(path, real) == NULL)
		return false;
	last = strrchr(real, '/');
	if (last == NULL || strcmp(last + 1, KH_STICK_TOP) != 0 ||
	    holds(fd, KH_STICK_TOP) ||
	    (!holds(fd, "objects") && !holds(fd, "replies")))
		return false;
	kh_say(path,
	    "is the directory " KH_STICK_TOP
	    " itself; give the one that it is in, where the stick is mounted");
	return true;
}
