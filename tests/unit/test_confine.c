/*
 * Each role, confined, tries what it must not be able to do (L33, L34). Every
 * attempt is made in a process of its own.
 */
#include "tests/unit/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/role/confine.h"

#define REFUSED 10 /* exit statuses of an attempt */
#define DONE 11
#define UNCONFINED 12

static char base[] = P_tmpdir "/knothole-test-XXXXXX";
static int dir = -1;

static int
setup(void **state)
{
	int fd;

	(void)state;
	memcpy(base + sizeof(base) - 7, "XXXXXX", 6);
	assert_non_null(mkdtemp(base));
	dir = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(dir >= 0);
	fd = openat(dir, "inside", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	(void)unlinkat(dir, "inside", 0);
	(void)unlinkat(dir, "new", 0);
	close(dir);
	return rmdir(base);
}

/* Confine as `role`, then `attempt`. Returns how that process ended. */
static int
try(enum kh_role role, int (*attempt)(void))
{
	const struct kh_confine c = {.dir = role == KH_ROLE_STORE ? dir : -1};
	/* A visit has its Landlock domain from the door, an errand from the
	 * courier. */
	const struct kh_confine parents = {.dir = -1};
	const bool forked = role == KH_ROLE_VISIT || role == KH_ROLE_ERRAND;
	const enum kh_role parent =
	    role == KH_ROLE_VISIT ? KH_ROLE_DOOR : KH_ROLE_COURIER;
	struct kh_filter filter;
	int status;
	pid_t pid;

	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (forked &&
		    (kh_filter_make(role, &filter) != KH_OK ||
			kh_role_confine(parent, &parents) != 0))
			_exit(UNCONFINED);
		if (forked) {
			const struct kh_confine v = {
			    .dir = -1, .filter = &filter};
			if (kh_role_confine(role, &v) != 0)
				_exit(UNCONFINED);
		} else if (kh_role_confine(role, &c) != 0) {
			_exit(UNCONFINED);
		}
		_exit(attempt() < 0 ? REFUSED : DONE);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
assert_killed(enum kh_role role, const char *what, int (*attempt)(void))
{
	int status = try(role, attempt);

	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
		fail_msg("%s: %s: not killed (status %x)", kh_role_name(role),
		    what, (unsigned)status);
}

static void
assert_exit(
    enum kh_role role, const char *what, int (*attempt)(void), int expect)
{
	int status = try(role, attempt);

	if (!WIFEXITED(status) || WEXITSTATUS(status) != expect)
		fail_msg("%s: %s: status %x, not %d", kh_role_name(role), what,
		    (unsigned)status, expect);
}

static int
a_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0);
}

static int
an_inet_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static int
an_inet_pair(void)
{
	int fds[2];

	return socketpair(AF_INET, SOCK_STREAM, 0, fds);
}

static int
an_exec(void)
{
	char *argv[] = {(char *)(uintptr_t) "true", NULL};

	return execve("/bin/true", argv, argv + 1);
}

static int
a_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid;
}

static int
a_thread(void)
{
	return (int)syscall(SYS_clone,
	    CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD,
	    NULL, NULL, NULL, NULL);
}

static int
a_namespace(void)
{
	return (int)syscall(
	    SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);
}

static int
an_unshare(void)
{
	return unshare(CLONE_NEWUSER);
}

static int
a_signal(void)
{
	return kill(getppid(), 0);
}

static int
a_trace(void)
{
	return (int)ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static int
a_look(void)
{
	char c;
	struct iovec here = {&c, 1}, there = {&c, 1};

	return (int)process_vm_readv(getppid(), &here, 1, &there, 1, 0);
}

static int
an_open(void)
{
	return open("/etc/passwd", O_RDONLY);
}

static int
executable_memory(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
	    ? -1
	    : 0;
}

static int
made_executable(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(p, 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
}

static int
a_ring(void)
{
	return (int)syscall(SYS_io_uring_setup, 1, NULL);
}

static int
a_program(void)
{
	return (int)syscall(SYS_bpf, 0, NULL, 0);
}

static int
another_user(void)
{
	return setuid(0);
}

static int
a_mount(void)
{
	return (int)syscall(SYS_mount, "x", "/", "tmpfs", 0, NULL);
}

static const struct {
	const char *what;
	int (*attempt)(void);
	bool parent, child, store; /* is it killed for that? */
} attempts[] = {
    {"a socket", a_socket, true, true, true},
    {"an internet socket", an_inet_socket, true, true, true},
    {"a pair that is not unix", an_inet_pair, true, true, true},
    {"another program", an_exec, true, true, true},
    {"a process", a_fork, false, true, true},
    {"a thread", a_thread, true, true, true},
    {"a namespace", a_namespace, true, true, true},
    {"unshare", an_unshare, true, true, true},
    {"a signal", a_signal, false, true, true},
    {"ptrace", a_trace, true, true, true},
    {"others' memory", a_look, true, true, true},
    {"a file by its path", an_open, true, true, false},
    {"executable memory", executable_memory, true, true, true},
    {"memory made executable", made_executable, true, true, true},
    {"io_uring", a_ring, true, true, true},
    {"bpf", a_program, true, true, true},
    {"another user", another_user, true, true, true},
    {"a mount", a_mount, true, true, true},
};

static void
test_l34_killed(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		if (attempts[i].parent) {
			assert_killed(KH_ROLE_DOOR, attempts[i].what,
			    attempts[i].attempt);
			assert_killed(KH_ROLE_COURIER, attempts[i].what,
			    attempts[i].attempt);
		}
		if (attempts[i].child) {
			assert_killed(KH_ROLE_VISIT, attempts[i].what,
			    attempts[i].attempt);
			assert_killed(KH_ROLE_ERRAND, attempts[i].what,
			    attempts[i].attempt);
		}
		if (attempts[i].store)
			assert_killed(KH_ROLE_STORE, attempts[i].what,
			    attempts[i].attempt);
	}
}

/* The same things are possible for who is not confined: the attempts are
 * real ones. */
static void
test_attempts_are_real(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(a_socket() < 0 || a_fork() < 0 || a_signal() < 0 ||
			    an_open() < 0 || executable_memory() < 0 ||
			    made_executable() < 0
			? 1
			: 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static int
outside(void)
{
	return an_open();
}

static int
up(void)
{
	return openat(dir, "../../etc/passwd", O_RDONLY);
}

static int
make_link(void)
{
	return (int)syscall(SYS_symlinkat, "/etc/passwd", dir, "new");
}

static int
make_fifo(void)
{
	return (int)syscall(SYS_mknodat, dir, "new", S_IFIFO | 0600, 0);
}

static int
inside(void)
{
	int fd = openat(dir, "new", O_WRONLY | O_CREAT | O_EXCL, 0600);

	return fd < 0 || write(fd, "x", 1) != 1 ? -1 : 0;
}

static int
inside_again(void)
{
	return openat(dir, "inside", O_RDONLY) < 0 ||
		unlinkat(dir, "inside", 0) != 0
	    ? -1
	    : 0;
}

/* L33: of all files, the store's own. */
static void
test_l33_only_the_store(void **state)
{
	(void)state;
	assert_exit(KH_ROLE_STORE, "a file elsewhere", outside, REFUSED);
	assert_exit(KH_ROLE_STORE, "a file above", up, REFUSED);
	assert_killed(KH_ROLE_STORE, "a link", make_link);
	assert_killed(KH_ROLE_STORE, "a fifo", make_fifo);
	assert_exit(KH_ROLE_STORE, "a file of its own", inside, DONE);
	assert_exit(KH_ROLE_STORE, "its files", inside_again, DONE);
}

static int
no_capability(void)
{
	struct __user_cap_header_struct head = {
	    .version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct have[2];

	memset(have, 0xff, sizeof(have));
	if (syscall(SYS_capget, &head, have) != 0)
		return 0;
	return have[0].effective || have[1].effective || have[0].permitted ||
		have[1].permitted
	    ? 0
	    : -1;
}

static void
test_l34_no_capability(void **state)
{
	(void)state;
	assert_exit(KH_ROLE_DOOR, "capabilities", no_capability, REFUSED);
}

static int
who(void)
{
	return getuid() == 61199 && geteuid() == 61199 && getgid() == 61199
	    ? 0
	    : -1;
}

static void
test_another_user_for_good(void **state)
{
	const struct kh_confine c = {.uid = 61199, .dir = -1};
	int status;
	pid_t pid;

	(void)state;
	if (geteuid() != 0)
		skip();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(kh_role_confine(KH_ROLE_DOOR, &c) == 0 && who() == 0
			? DONE
			: UNCONFINED);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), DONE);
}

static void
test_failures_have_a_text(void **state)
{
	int i;

	(void)state;
	assert_null(kh_confine_failure(0));
	assert_null(kh_confine_failure(1));
	assert_null(kh_confine_failure(KH_ROLE_UNCONFINED - 1));
	for (i = 0; kh_confine_failure(KH_ROLE_UNCONFINED + i) != NULL; i++)
		assert_true(
		    strlen(kh_confine_failure(KH_ROLE_UNCONFINED + i)) > 10);
	assert_int_equal(i, 6);
}

#define WITH_DIR(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

static const struct CMUnitTest tests[] = {
#ifndef KH_NO_SANDBOX
    WITH_DIR(test_l34_killed),
    WITH_DIR(test_l33_only_the_store),
    WITH_DIR(test_l34_no_capability),
#endif
    cmocka_unit_test(test_attempts_are_real),
    cmocka_unit_test(test_another_user_for_good),
    cmocka_unit_test(test_failures_have_a_text),
};

TAP_MAIN(tests)
