/*
 * Landlock: which files a role can name at all. Separate from seccomp, which
 * cannot tell one path from another.
 */
#include <errno.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "server/role/confine.h"
#include "server/role/landlock.h"

#define VERSION_FLAG 1U
#define PATH_BENEATH 1

/* What each version of the kernel's Landlock understands, from the first on.
 * A right that it does not know must not be named. */
static const struct {
	uint64_t fs, net, scoped;
	size_t size; /* of the ruleset */
} versions[] = {
    {(UINT64_C(1) << 13) - 1, 0, 0, 8},
    {(UINT64_C(1) << 14) - 1, 0, 0, 8},
    {(UINT64_C(1) << 15) - 1, 0, 0, 8},
    {(UINT64_C(1) << 15) - 1, KH_LANDLOCK_BIND_TCP | KH_LANDLOCK_CONNECT_TCP, 0,
	16},
    {(UINT64_C(1) << 16) - 1, KH_LANDLOCK_BIND_TCP | KH_LANDLOCK_CONNECT_TCP, 0,
	16},
    {(UINT64_C(1) << 16) - 1, KH_LANDLOCK_BIND_TCP | KH_LANDLOCK_CONNECT_TCP,
	KH_LANDLOCK_ABSTRACT_UNIX | KH_LANDLOCK_SIGNAL, 24},
};
#define N_VERSIONS (sizeof(versions) / sizeof(versions[0]))

_Static_assert(sizeof(struct kh_landlock_ruleset) == 24, "landlock.h, v6");
_Static_assert(sizeof(struct kh_landlock_path) == 12, "landlock.h");

/* Errors: KH_EUNSUP. */
static enum kh_err
find_version(size_t *index)
{
	long v;

	v = syscall(SYS_landlock_create_ruleset, NULL, 0, VERSION_FLAG);
	if (v < KH_LANDLOCK_VERSION_MIN)
		return KH_EUNSUP;
	*index = (size_t)v > N_VERSIONS ? N_VERSIONS - 1 : (size_t)v - 1;
	return KH_OK;
}

static enum kh_err
allow_below(int ruleset, int dir, uint64_t allowed)
{
	struct kh_landlock_path path = {.allowed = allowed, .dir = dir};

	return syscall(
		   SYS_landlock_add_rule, ruleset, PATH_BENEATH, &path, 0) == 0
	    ? KH_OK
	    : KH_ESYS;
}

enum kh_err
kh_confine_landlock(enum kh_role role, const struct kh_confine *c)
{
	struct kh_landlock_ruleset set = {0};
	enum kh_err e;
	size_t v = 0, i;
	long fd;

	e = find_version(&v);
	if (e != KH_OK)
		return e;
	set.fs = versions[v].fs;
	set.net = versions[v].net;
	set.scoped = versions[v].scoped;
	/* A door's signals go to its visits, which are within its domain. */
	fd = syscall(SYS_landlock_create_ruleset, &set, versions[v].size, 0);
	if (fd < 0)
		return KH_ESYS;
	if (c->dir >= 0)
		e = allow_below(
		    (int)fd, c->dir, kh_rights[role].fs & versions[v].fs);
	for (i = 0; i < c->n_also && e == KH_OK; i++) {
		if (c->also[i].fd >= 0)
			e = allow_below((int)fd, c->also[i].fd,
			    c->also[i].fs & versions[v].fs);
	}
	if (e == KH_OK && syscall(SYS_landlock_restrict_self, (int)fd, 0) != 0)
		e = KH_ESYS;
	close((int)fd);
	return e;
}
