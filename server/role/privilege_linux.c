/*
 * Users and capabilities: given up, and then tried to get back.
 */
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "server/role/confine.h"

static enum kh_err
become(uid_t uid)
{
	const gid_t gid = (gid_t)uid;

	if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 ||
	    setresuid(uid, uid, uid) != 0)
		return KH_ESYS;
	return KH_OK;
}

/* Also from the bounding set: no program that we might execute has any. That
 * needs CAP_SETPCAP, and so comes before the change of user. */
static enum kh_err
empty_bounding_set(void)
{
	unsigned long cap;

	for (cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0 && errno != EPERM)
			return KH_ESYS;
	}
	return KH_OK;
}

static enum kh_err
drop_capabilities(void)
{
	struct __user_cap_header_struct head = {
	    .version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2];

	memset(none, 0, sizeof(none));
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
		return KH_ESYS;
	/* A service manager's filter may refuse the call itself, after it has
	 * taken all there was to take: prove() sees whether it has. */
	if (syscall(SYS_capset, &head, none) != 0 && errno != EPERM)
		return KH_ESYS;
	return KH_OK;
}

/* Every way back that there is must be shut. */
static enum kh_err
prove(uid_t uid)
{
	struct __user_cap_header_struct head = {
	    .version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct have[2];
	int i;

	memset(have, 0xff, sizeof(have));
	if (syscall(SYS_capget, &head, have) != 0)
		return KH_ESYS;
	for (i = 0; i < 2; i++) {
		if ((have[i].effective | have[i].permitted |
			have[i].inheritable) != 0)
			return KH_EAUTH;
		have[i].effective = have[i].permitted = 1;
	}
	if (syscall(SYS_capset, &head, have) == 0)
		return KH_EAUTH;
	if (uid != 0 && (setuid(0) == 0 || seteuid(0) == 0 || setgid(0) == 0))
		return KH_EAUTH;
	return KH_OK;
}

enum kh_err
kh_confine_privilege(uid_t uid)
{
	enum kh_err e = KH_OK;

	if (geteuid() == 0)
		e = empty_bounding_set();
	if (e == KH_OK && geteuid() == 0 && uid != 0)
		e = become(uid);
	if (e == KH_OK)
		e = drop_capabilities();
	if (e == KH_OK)
		e = prove(geteuid());
	if (e == KH_OK && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		e = KH_ESYS;
	return e;
}
