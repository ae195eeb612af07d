/*
 * Jail, drop, sandbox: the middle of every role's start, in the one order. Each
 * step is a file of its own beside this one, and what a role may do is a table
 * (table.c).
 */
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/precond.h"
#include "server/role/confine.h"

enum step {
	STEP_NAME,
	STEP_JAIL,
	STEP_LIMITS,
	STEP_PRIVILEGE,
	STEP_LANDLOCK,
	STEP_SECCOMP,
	STEP_N
};

static const char *const failures[STEP_N] = {
    [STEP_NAME] = "its process cannot be named",
    [STEP_JAIL] = "/dev/null cannot be opened",
    [STEP_LIMITS] = "its resource limits cannot be set",
    [STEP_PRIVILEGE] = "its privileges cannot be given up for good",
    [STEP_LANDLOCK] = "Landlock is not there (Linux 5.13; lsm=...,landlock)",
    [STEP_SECCOMP] = "seccomp filters are not there (CONFIG_SECCOMP_FILTER)",
};

const char *
kh_confine_failure(int status)
{
	if (status < KH_ROLE_UNCONFINED ||
	    status >= KH_ROLE_UNCONFINED + STEP_N)
		return NULL;
	return failures[status - KH_ROLE_UNCONFINED];
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

#ifndef KH_NO_SANDBOX
static enum kh_err
filter(enum kh_role role, const struct kh_filter *ready)
{
	struct kh_filter made;
	enum kh_err e;

	if (ready != NULL)
		return kh_filter_load(ready);
	e = kh_filter_make(role, &made);
	if (e != KH_OK)
		return e;
	e = kh_filter_load(&made);
	kh_filter_free(&made);
	return e;
}
#endif

static enum kh_err
take_step(enum step s, enum kh_role role, const struct kh_confine *c)
{
	/* A visit is a door's child, an errand a courier's: jail, user and
	 * Landlock domain, which is no file at all, are the parent's. */
	const bool inherits = role == KH_ROLE_VISIT || role == KH_ROLE_ERRAND;

	switch (s) {
	case STEP_NAME:
		return prctl(PR_SET_NAME, kh_rights[role].name, 0, 0, 0) == 0
		    ? KH_OK
		    : KH_ESYS;
	case STEP_JAIL:
		return inherits ? KH_OK : jail();
	case STEP_LIMITS:
		return kh_confine_limits(role);
	case STEP_PRIVILEGE:
		return inherits ? KH_OK : kh_confine_privilege(c->uid);
#ifdef KH_NO_SANDBOX /* sanitizers need what the kernel would forbid */
	case STEP_LANDLOCK:
	case STEP_SECCOMP:
		return KH_OK;
#else
	case STEP_LANDLOCK:
		return inherits ? KH_OK : kh_confine_landlock(role, c);
	case STEP_SECCOMP:
		return filter(role, c->filter);
#endif
	case STEP_N:
		break;
	}
	PRECOND(0);
	return KH_EPROTO;
}

int
kh_role_become(uid_t uid)
{
	return kh_confine_privilege(uid) == KH_OK
	    ? 0
	    : KH_ROLE_UNCONFINED + STEP_PRIVILEGE;
}

int
kh_role_confine(enum kh_role role, const struct kh_confine *c)
{
	int s;

	/* The keeper keeps its name, its voice, its directory and its user: it
	 * reads nothing from outside, and starts the others. */
	if (role == KH_ROLE_KEEPER)
		return kh_confine_limits(role) == KH_OK
		    ? 0
		    : KH_ROLE_UNCONFINED + STEP_LIMITS;
	for (s = 0; s < STEP_N; s++) {
		if (take_step((enum step)s, role, c) != KH_OK)
			return KH_ROLE_UNCONFINED + s;
	}
	return 0;
}
