/*
 * What tests of a role's ends share: a keeper to talk to, and a moment without
 * any descriptor left.
 */
#ifndef KH_TESTS_CONTROL_H
#define KH_TESTS_CONTROL_H

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "server/ipc/ipc.h"
#include "server/role/role.h"

/* The control channel of this process; returns the keeper's end. */
__attribute__((unused)) static int
open_control(void)
{
	int pair[2], keeper;

	assert_int_equal(kh_ipc_pair(pair), KH_OK);
	keeper = fcntl(pair[0], F_DUPFD_CLOEXEC, KH_ROLE_CONTROL_FD + 1);
	assert_true(keeper >= 0);
	assert_int_equal(dup2(pair[1], KH_ROLE_CONTROL_FD), KH_ROLE_CONTROL_FD);
	if (pair[0] != KH_ROLE_CONTROL_FD)
		close(pair[0]);
	if (pair[1] != KH_ROLE_CONTROL_FD)
		close(pair[1]);
	return keeper;
}

/* From here on none can be had that is not open; returns the limit before. */
static struct rlimit
begin_want(void)
{
	int lowest = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
	struct rlimit old, none;

	assert_true(lowest >= 0);
	close(lowest);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = (struct rlimit){(rlim_t)lowest, old.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	return old;
}

static void
end_want(struct rlimit old)
{
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
}

#endif
