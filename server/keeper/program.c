/*
 * Whether the service could change its own program: a role that was broken into
 * would be there for good (L39).
 */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/keeper/keeper.h"

/* Accounts below are the system's (Debian Policy, section 9.2.2); those above
 * are people's, who may try their own build. */
#define PEOPLE_UID 1000

static bool
is_role(uid_t id, const uid_t uids[static KH_ROLE_N])
{
	int i;

	for (i = 0; i < KH_ROLE_N; i++) {
		if (uids[i] != 0 && uids[i] == id)
			return true;
	}
	return false;
}

bool
kh_program_open(const struct stat *sb, const uid_t uids[static KH_ROLE_N],
    uid_t self, gid_t group)
{
	if ((sb->st_mode & S_IWOTH) != 0 && (sb->st_mode & S_ISVTX) == 0)
		return true;
	/* Who owns it can make it writable. */
	if (is_role(sb->st_uid, uids) ||
	    (sb->st_uid == self && self != 0 && self < PEOPLE_UID))
		return true;
	/* Roles have the group of their user's number. */
	return (sb->st_mode & S_IWGRP) != 0 &&
	    (is_role((uid_t)sb->st_gid, uids) ||
		(sb->st_gid == group && self != 0 && self < PEOPLE_UID));
}

enum kh_exit
kh_program_check(const uid_t uids[static KH_ROLE_N])
{
	char path[PATH_MAX];
	struct stat sb, above;
	char *slash;
	ssize_t n;

	n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	if (n <= 0 || stat("/proc/self/exe", &sb) != 0)
		return KH_EXIT_OK; /* no proc: the roles cannot start */
	path[n] = '\0';
	slash = strrchr(path, '/');
	if (slash == NULL)
		return KH_EXIT_OK;
	*slash = '\0';
	if (stat(*path != '\0' ? path : "/", &above) != 0)
		above = sb; /* it has been replaced meanwhile, or moved */
	*slash = '/';
	if (!kh_program_open(&sb, uids, geteuid(), getegid()) &&
	    !kh_program_open(&above, uids, geteuid(), getegid()))
		return KH_EXIT_OK;
	kh_say("%s can be changed by the users that it runs as, or its "
	       "directory can (chown root, chmod go-w)",
	    path);
	return KH_EXIT_CONFIG;
}
