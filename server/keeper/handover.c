/*
 * Giving the store's directory to the user that the store runs as: once, when
 * the service is first started as root, or as root again after it was not.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/keeper/keeper.h"

static int
give(int dir, const char *name, uid_t uid)
{
	return fchownat(
	    dir, name, uid, (gid_t)uid, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH);
}

/* What is in a directory, and the directory itself last: if this is cut short
 * it is begun again at the next start. */
static int
give_all(int dir, uid_t uid, unsigned depth)
{
	const struct dirent *de;
	int fd, sub, r = 0;
	DIR *d;

	fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = fd < 0 ? NULL : fdopendir(fd);
	if (d == NULL) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	while (r == 0 && (de = readdir(d)) != NULL) {
		if (strcmp(de->d_name, ".") == 0 ||
		    strcmp(de->d_name, "..") == 0)
			continue;
		sub = depth == 0
		    ? -1
		    : openat(fd, de->d_name,
			  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (sub >= 0) {
			r = give_all(sub, uid, depth - 1);
			close(sub);
		} else {
			r = give(fd, de->d_name, uid);
		}
	}
	closedir(d);
	return r == 0 ? give(dir, "", uid) : r;
}

enum kh_exit
kh_hand_over(int dir, uid_t uid)
{
	struct stat sb;

	if (fstat(dir, &sb) != 0)
		return KH_EXIT_OSERR;
	if (uid == 0 || sb.st_uid == uid)
		return KH_EXIT_OK;
	if (give_all(dir, uid, 1) == 0)
		return KH_EXIT_OK;
	kh_say("cannot give the store's directory to user %u: %s",
	    (unsigned)uid, strerror(errno));
	return KH_EXIT_CONFIG;
}
