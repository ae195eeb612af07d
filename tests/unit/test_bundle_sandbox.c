/*
 * After kh_bundle_init a bundle can be written in a process that may open no
 * file and look at none: libarchive's and libc's habits (locale, time zone)
 * must not reach the file system then.
 */
#include "tests/unit/bundle.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DENY(nr)                                         \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (nr), 0, 1), \
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)

/* From here on, whoever opens, looks at or makes a file dies. */
static int
forbid_files(void)
{
	static struct sock_filter filter[] = {
	    BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
#ifdef SYS_open
	    DENY(SYS_open),
	    DENY(SYS_stat),
	    DENY(SYS_lstat),
	    DENY(SYS_access),
	    DENY(SYS_readlink),
#endif
	    DENY(SYS_openat),
	    DENY(SYS_newfstatat),
	    DENY(SYS_statx),
	    DENY(SYS_readlinkat),
	    DENY(SYS_memfd_create),
	    DENY(SYS_socket),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	static const struct sock_fprog prog = {
	    .len = sizeof(filter) / sizeof(filter[0]), .filter = filter};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}

static int
write_bundle(void)
{
	struct kh_bundle_writer *w;
	uint64_t sealed = 0;

	w = begin((struct kh_sink){count_write, &sealed}, 2);
	if (kh_bundle_message(w, (const uint8_t *)"m", 1) != KH_OK)
		return 1;
	add_file(w, "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d", "abc", 3);
	add_file(w, "report.pdf", "abc", 3);
	return finish(w) == sealed ? 0 : 1;
}

/* Runs `body` in a child without files; returns how it ended. */
static int
in_jail(int (*body)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(forbid_files() != 0 ? 99 : body());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static int
open_something(void)
{
	return access("/", F_OK);
}

static void
test_no_files_touched(void **state)
{
	int status;

	(void)state;
	unsetenv("TZ");
	newsroom();
	assert_int_equal(kh_bundle_init(), KH_OK);
	status = in_jail(open_something);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 99) {
		print_message("# no seccomp here\n");
		skip();
	}
	assert_true(WIFSIGNALED(status)); /* the control: the jail holds */
	status = in_jail(write_bundle);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_no_files_touched),
};

TAP_MAIN(tests)
