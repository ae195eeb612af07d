/*
 * Is a network in reach? Separate because it is Linux's own way to tell, and
 * has to be over before the first secret is read.
 *
 * The test is IFF_UP of every interface but loopback, as netlink tells it
 * (getifaddrs; /sys/class/net shows those of the namespace that mounted it).
 * IFF_RUNNING is not asked for: an interface that is up without a cable is one
 * cable, or one access point, away from the network. One that is down stays
 * down until somebody with the right to do so takes it up.
 */
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/desk/airgap.h"
#include "client/exit.h"

#define MAP_LEN 48 /* "4294967295 4294967295 1", with NUL */

static const char cut_off[] =
    "this network interface is up, and secrets are opened only where none is; "
    "take it down (`ip link set dev NAME down`), or, for a rehearsal without "
    "real secrets, put --i-am-online before the command";

static bool
is_up(const struct ifaddrs *i)
{
	return (i->ifa_flags & IFF_UP) != 0 &&
	    (i->ifa_flags & IFF_LOOPBACK) == 0;
}

/* An interface is listed once itself and once for each of its addresses. */
static bool
named_before(const struct ifaddrs *first, const struct ifaddrs *i)
{
	for (; first != i; first = first->ifa_next)
		if (is_up(first) && strcmp(first->ifa_name, i->ifa_name) == 0)
			return true;
	return false;
}

/* Say of each interface that is up what that means. Returns how many, or -1
 * when it cannot be told. */
static int
say_interfaces(const char *text)
{
	struct ifaddrs *all = NULL, *i;
	int n = 0;

	if (getifaddrs(&all) != 0)
		return -1;
	for (i = all; i != NULL; i = i->ifa_next)
		if (is_up(i) && !named_before(all, i)) {
			kh_say(i->ifa_name, "%s", text);
			n++;
		}
	freeifaddrs(all);
	return n;
}

static void
write_map(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) < 0)
		errno = 0; /* without a map, ids only look odd */
	close(fd);
}

/*
 * Whatever runs in this process later then has no interface to use. Root goes
 * alone; others need a user namespace for it, in which they stay who they
 * are. (Root in one would lose its rights over the files of others.)
 */
static void
leave_the_network(void)
{
	char map[MAP_LEN];
	unsigned uid = (unsigned)geteuid(), gid = (unsigned)getegid();

	if (unshare(CLONE_NEWNET) == 0 || uid == 0)
		return;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
		return;
	/* user_namespaces(7): setgroups first, or gid_map is refused. */
	write_map("/proc/self/setgroups", "deny");
	(void)snprintf(map, sizeof(map), "%u %u 1", uid, uid);
	write_map("/proc/self/uid_map", map);
	(void)snprintf(map, sizeof(map), "%u %u 1", gid, gid);
	write_map("/proc/self/gid_map", map);
}

int
kh_airgap_check(enum kh_airgap what, bool lifted)
{
	int n;

	if (what == KH_AIRGAP_NONE)
		return KH_EXIT_OK;
	if (what == KH_AIRGAP_WARN) {
		if (say_interfaces("WARNING: THIS MACHINE IS ON A NETWORK. "
				   "Keys made here may be taken from here; "
				   "make real ones on the offline machine") < 0)
			kh_say(NULL,
			    "WARNING: cannot see whether this "
			    "machine is on a network");
		return KH_EXIT_OK;
	}
	if (lifted) {
		kh_say("--i-am-online",
		    "WARNING: THE AIR GAP IS NOT CHECKED. "
		    "Whoever reaches this machine reaches the secrets; for "
		    "rehearsals only");
	} else {
		n = say_interfaces(cut_off);
		if (n < 0)
			kh_say(NULL,
			    "cannot see whether this machine is on a network "
			    "(%s), so no secret is opened",
			    strerror(errno));
		if (n != 0)
			return KH_EXIT_ONLINE;
	}
	leave_the_network();
	return KH_EXIT_OK;
}
