/*
 * The beginning and the end of a program. Separate because the desk's tool and
 * the courier begin and end alike.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "client/exit.h"
#include "client/start.h"

/* gcc and clang say differently that they sanitize. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define SANITIZED
#endif

int
kh_start_fds(void)
{
	int fd, got;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
			continue;
		got = open(
		    "/dev/null", fd == STDOUT_FILENO ? O_RDONLY : O_WRONLY);
		if (got != fd)
			return -1;
	}
	return 0;
}

void
kh_start_hide(void)
{
	const struct rlimit none = {0, 0};

	(void)setrlimit(RLIMIT_CORE, &none);
#ifndef SANITIZED
	/* LeakSanitizer looks at the process through ptrace. */
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

int
kh_start_finish(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	kh_say("standard output", "%s", strerror(errno));
	return code == KH_EXIT_OK ? KH_EXIT_IO : code;
}
