/*
 * The one role that may start a program, confined: what it can start, and that
 * neither it nor what it starts can do more (L33, L34). Every attempt is made in
 * a process of its own.
 */
#include "tests/unit/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/role/confine.h"
#include "server/wrap/wrap.h"

#define GPG "/usr/bin/gpg"
#define PAGE 4096

/* Exit statuses of an attempt. */
enum {
	REFUSED = 10,
	DONE,
	UNCONFINED
};

static char base[] = P_tmpdir "/knothole-test-XXXXXX";
static int dir = -1;

static int
setup(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(base));
	dir = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(dir >= 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	close(dir);
	return rmdir(base);
}

/* How an attempt ended, as wait(2) gives it. */
static int
try(int (*attempt)(void))
{
	struct kh_grant also[KH_WRAP_GRANTS];
	struct kh_confine c = {
	    .dir = dir, .also = also, .n_also = KH_WRAP_GRANTS};
	struct kh_filter filter;
	int status;
	pid_t pid;

	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		c.filter = &filter;
		if (kh_filter_make(KH_ROLE_WRAP, &filter) != KH_OK ||
		    kh_wrap_grants(GPG, also) != KH_OK ||
		    kh_role_confine(KH_ROLE_WRAP, &c) != 0)
			_exit(UNCONFINED);
		_exit(attempt() < 0 ? REFUSED : DONE);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
assert_exit(const char *what, int (*attempt)(void), int expect)
{
	int status = try(attempt);

	if (!WIFEXITED(status) || WEXITSTATUS(status) != expect)
		fail_msg("%s: %x, not %d", what, (unsigned)status, expect);
}

static void
assert_killed(const char *what, int (*attempt)(void))
{
	int status = try(attempt);

	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
		fail_msg("%s: not killed (%x)", what, (unsigned)status);
}

static int
start(const char *path, const char *argument)
{
	char *argv[] = {
	    (char *)(uintptr_t)path, (char *)(uintptr_t)argument, NULL};
	int status;
	pid_t pid;

	pid = fork();
	if (pid == 0) {
		execve(path, argv, argv + 2);
		_exit(errno == EACCES ? 99 : 98);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status) == 0 ? 1 : -1;
}

static int
gpg(void)
{
	return start(GPG, "--version");
}

static int
another_program(void)
{
	return start("/bin/true", NULL);
}

static int
a_shell(void)
{
	return start("/bin/sh", NULL);
}

static int
gpg_agent(void)
{
	return start("/usr/bin/gpg-agent", "--version");
}

static int
passwd(void)
{
	return open("/etc/passwd", O_RDONLY);
}

static int
home(void)
{
	return open(getenv("HOME") != NULL ? getenv("HOME") : "/root",
	    O_RDONLY | O_DIRECTORY);
}

static int
parents(void)
{
	return open(P_tmpdir, O_RDONLY | O_DIRECTORY);
}

static int
own_directory(void)
{
	return open(base, O_RDONLY | O_DIRECTORY);
}

static int
a_new_file(void)
{
	return openat(dir, "new", O_WRONLY | O_CREAT, 0600);
}

static int
a_library(void)
{
	return open("/usr/lib", O_RDONLY | O_DIRECTORY);
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
executable_memory(void)
{
	return mmap(NULL, PAGE, PROT_READ | PROT_EXEC,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED
	    ? 1
	    : -1;
}

static int
writable_code(void)
{
	return mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE,
		   dir, 0) != MAP_FAILED
	    ? 1
	    : -1;
}

static int
made_executable(void)
{
	void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p != MAP_FAILED ? mprotect(p, PAGE, PROT_READ | PROT_EXEC) : -1;
}

static void
test_l33_starts_gpg_and_nothing_else(void **state)
{
	(void)state;
	assert_exit("gpg", gpg, DONE);
	assert_exit("another program", another_program, REFUSED);
	assert_exit("a shell", a_shell, REFUSED);
	assert_exit("gpg-agent", gpg_agent, REFUSED);
}

static void
test_l33_reads_only_what_gpg_needs(void **state)
{
	(void)state;
	assert_exit("its directory", own_directory, DONE);
	assert_exit("libraries", a_library, DONE);
	assert_exit("/etc/passwd", passwd, REFUSED);
	assert_exit("a home", home, REFUSED);
	assert_exit("the directory above", parents, REFUSED);
	assert_exit("a new file", a_new_file, REFUSED);
}

static void
test_l34_wrap_is_held(void **state)
{
	(void)state;
	assert_exit("a unix socket", a_socket, REFUSED);
	assert_exit("an inet socket", an_inet_socket, REFUSED);
	assert_killed("executable memory", executable_memory);
	assert_killed("writable code", writable_code);
	assert_killed("memory made executable", made_executable);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_l33_starts_gpg_and_nothing_else),
    cmocka_unit_test(test_l33_reads_only_what_gpg_needs),
    cmocka_unit_test(test_l34_wrap_is_held),
};

int
main(void)
{
	cmocka_set_message_output(CM_OUTPUT_TAP);
#ifdef KH_NO_SANDBOX
	puts("1..0 # skip built without the sandbox");
	return 0;
#endif
	return cmocka_run_group_tests(tests, setup, teardown);
}
