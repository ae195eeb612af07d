/*
 * Resource limits and the dumpable flag: what needs no policy language.
 */
#include <sys/prctl.h>
#include <sys/resource.h>

#include "server/role/confine.h"

static enum kh_err
none_of(__rlimit_resource_t what)
{
	static const struct rlimit none = {0, 0};

	return setrlimit(what, &none) == 0 ? KH_OK : KH_ESYS;
}

enum kh_err
kh_confine_limits(enum kh_role role)
{
	enum kh_err e;

	e = none_of(RLIMIT_CORE);
	if (e == KH_OK && !kh_rights[role].forks)
		e = none_of(RLIMIT_NPROC);
	if (e == KH_OK && !kh_rights[role].writes)
		e = none_of(RLIMIT_FSIZE);
	if (e == KH_OK && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		e = KH_ESYS;
	return e;
}
