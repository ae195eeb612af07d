/*
 * fork and exec of a role. Separate, because it decides what a role inherits:
 * one channel, an environment of one variable, and nothing else.
 */
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "server/keeper/keeper.h"
#include "server/role/role.h"

/* In the child, between fork and exec: only calls that are safe there. */
static void
become(const char *name, int control)
{
	/* A fixed zone: nobody looks for /etc/localtime later. */
	char *const env[] = {(char *)(uintptr_t) "TZ=UTC0", NULL};
	char *const argv[] = {(char *)(uintptr_t) "knotholed",
	    (char *)(uintptr_t) "--role", (char *)(uintptr_t)name, NULL};
	sigset_t none;

	sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL) != 0)
		_exit(1);
	if (control == KH_ROLE_CONTROL_FD) {
		if (fcntl(control, F_SETFD, 0) != 0)
			_exit(1);
	} else if (dup2(control, KH_ROLE_CONTROL_FD) < 0)
		_exit(1);
	if (close_range(KH_ROLE_CONTROL_FD + 1, ~0u, 0) != 0)
		_exit(1);
	execve("/proc/self/exe", argv, env);
	_exit(1);
}

enum kh_err
kh_role_spawn(enum kh_role role, pid_t *pid, int *control)
{
	enum kh_err e;
	int link[2];

	*pid = -1;
	*control = -1;
	e = kh_ipc_pair(link);
	if (e != KH_OK)
		return e;
	*pid = fork();
	if (*pid == 0)
		become(kh_role_name(role), link[1]);
	close(link[1]);
	if (*pid < 0) {
		close(link[0]);
		return KH_ESYS;
	}
	*control = link[0];
	return KH_OK;
}
