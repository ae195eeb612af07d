/*
 * Run a program on a kernel that lacks something: each named system call
 * answers ENOSYS. For tests of what happens without the sandbox's mechanisms.
 *
 *	withhold CALL[,CALL...] PROGRAM [ARGUMENT]...
 */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	scmp_filter_ctx ctx;
	char *name;
	int nr;

	if (argc < 3) {
		fprintf(stderr, "usage: withhold CALL[,CALL...] PROGRAM ...\n");
		return 64;
	}
	ctx = seccomp_init(SCMP_ACT_ALLOW);
	if (ctx == NULL)
		return 71;
	while ((name = strsep(&argv[1], ",")) != NULL) {
		nr = seccomp_syscall_resolve_name(name);
		if (nr == __NR_SCMP_ERROR ||
		    seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), nr, 0) != 0) {
			fprintf(stderr, "withhold: no such call: %s\n", name);
			return 64;
		}
	}
	if (seccomp_load(ctx) != 0) {
		perror("withhold: seccomp_load");
		return 71;
	}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 72;
}
