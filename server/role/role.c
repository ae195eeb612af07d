/*
 * Jail, drop, sandbox: the middle of every role's start. In one file, so that
 * what a role may do after its start can be read in one place.
 */
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/role/role.h"

static const char *const names[] = {
    [KH_ROLE_KEEPER] = "keeper",
    [KH_ROLE_DOOR] = "door",
    [KH_ROLE_VISIT] = "visit",
    [KH_ROLE_STORE] = "store",
    [KH_ROLE_COURIER] = "courier",
};

const char *
kh_role_name(enum kh_role role)
{
	return names[role];
}

/* No directory to find files in, and nowhere to print: a role that has
 * started cannot log, because it holds nothing to log to. */
static enum kh_err
jail(void)
{
	int fd, i;

	umask(077);
	if (chdir("/") != 0)
		return KH_ESYS;
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return KH_ESYS;
	for (i = 0; i <= 2; i++) {
		if (dup2(fd, i) != i)
			return KH_ESYS;
	}
	if (fd > 2)
		close(fd);
	return KH_OK;
}

/* No core file, no debugger of the same user, no privilege through exec. */
static enum kh_err
drop(void)
{
	static const struct rlimit none = {0, 0};

	if (setrlimit(RLIMIT_CORE, &none) != 0)
		return KH_ESYS;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return KH_ESYS;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return KH_ESYS;
	return KH_OK;
}

enum kh_err
kh_role_confine(enum kh_role role)
{
	enum kh_err e;

	/* The keeper keeps its name, its voice and its directory: it reads
	 * nothing from outside. */
	if (role == KH_ROLE_KEEPER)
		return drop();
	if (prctl(PR_SET_NAME, names[role], 0, 0, 0) != 0)
		return KH_ESYS;
	/* A visit is a door's child: it inherits the jail. */
	if (role != KH_ROLE_VISIT) {
		e = jail();
		if (e != KH_OK)
			return e;
	}
	return drop();
}
