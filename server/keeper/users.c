/*
 * Which users the roles become when the service is started as root. Each has
 * one of its own, so that none can touch another's process or files.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "server/keeper/keeper.h"

/* Where there are no such users: numbers that no distribution gives out (they
 * lie between systemd's ranges for homes and for dynamic users). */
#define UID_BASE 61100

static const char *const users[KH_ROLE_N] = {
    [KH_ROLE_DOOR] = "knotholed-door",
    [KH_ROLE_STORE] = "knotholed-store",
    [KH_ROLE_COURIER] = "knotholed-courier",
    [KH_ROLE_WRAP] = "knotholed-wrap",
};

static enum kh_exit
choose(enum kh_role role, uid_t *uid)
{
	const struct passwd *pw;

	pw = getpwnam(users[role]);
	if (pw != NULL && pw->pw_uid != 0) {
		*uid = pw->pw_uid;
		return KH_EXIT_OK;
	}
	*uid = UID_BASE + (uid_t)role;
	if (getpwuid(*uid) == NULL)
		return KH_EXIT_OK;
	kh_say("no user %s to run as, and %u is somebody else's: create it "
	       "(adduser --system %s)",
	    users[role], (unsigned)*uid, users[role]);
	return KH_EXIT_CONFIG;
}

enum kh_exit
kh_users_choose(uid_t uids[static KH_ROLE_N])
{
	enum kh_exit x = KH_EXIT_OK;
	int i;

	memset(uids, 0, KH_ROLE_N * sizeof(uids[0]));
	if (geteuid() != 0)
		return KH_EXIT_OK;
	for (i = 0; i < KH_ROLE_N && x == KH_EXIT_OK; i++) {
		if (users[i] != NULL)
			x = choose((enum kh_role)i, &uids[i]);
	}
	return x;
}
