/*
 * What each role may do, in one table (docs/PRIVSEP.md says why).
 */
#include "server/role/confine.h"
#include "server/role/landlock.h"

const struct kh_rights kh_rights[KH_ROLE_N] = {
    [KH_ROLE_KEEPER] = {.name = "keeper", .forks = true, .writes = true},
    [KH_ROLE_DOOR] =
	{
	    .name = "door",
	    .forks = true,
	    .writes = true, /* its visits do */
	    .calls = KH_CALLS_BASE | KH_CALLS_TALK | KH_CALLS_WAIT |
		KH_CALLS_FILE | KH_CALLS_FORK | KH_CALLS_CONFINE,
	},
    [KH_ROLE_VISIT] =
	{
	    .name = "visit",
	    .writes = true,
	    .calls =
		KH_CALLS_BASE | KH_CALLS_TALK | KH_CALLS_WAIT | KH_CALLS_FILE,
	},
    [KH_ROLE_STORE] =
	{
	    .name = "store",
	    .writes = true,
	    .fs = KH_LANDLOCK_READ_FILE | KH_LANDLOCK_READ_DIR |
		KH_LANDLOCK_WRITE_FILE | KH_LANDLOCK_MAKE_REG |
		KH_LANDLOCK_MAKE_DIR | KH_LANDLOCK_REMOVE_FILE,
	    .calls = KH_CALLS_BASE | KH_CALLS_TALK | KH_CALLS_WAIT |
		KH_CALLS_FILE | KH_CALLS_STORE,
	},
    [KH_ROLE_COURIER] =
	{
	    .name = "courier",
	    .forks = true,
	    .writes = true, /* its errands do, to memory */
	    .calls = KH_CALLS_BASE | KH_CALLS_TALK | KH_CALLS_WAIT |
		KH_CALLS_FORK | KH_CALLS_CONFINE | KH_CALLS_SERVE,
	},
    [KH_ROLE_ERRAND] =
	{
	    .name = "errand",
	    .writes = true,
	    .calls =
		KH_CALLS_BASE | KH_CALLS_TALK | KH_CALLS_WAIT | KH_CALLS_SERVE,
	},
    /* All of it holds for gpg too, which this process starts. */
    [KH_ROLE_WRAP] =
	{
	    .name = "wrap",
	    .forks = true,
	    .fs = KH_LANDLOCK_READ_FILE | KH_LANDLOCK_READ_DIR,
	    .calls = KH_CALLS_BASE | KH_CALLS_TALK | KH_CALLS_WAIT |
		KH_CALLS_FORK | KH_CALLS_EXEC,
	},
};

const char *
kh_role_name(enum kh_role role)
{
	return kh_rights[role].name;
}
