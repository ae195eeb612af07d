/*
 * The service manager is told at the socket that it names, and not otherwise.
 */
#include "tests/unit/tap.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/keeper/keeper.h"

static int manager = -1;

/* A manager's socket by this name, '@' for the abstract name space. */
static void
listen_as(const char *name)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	socklen_t len =
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));

	memcpy(a.sun_path, name, strlen(name));
	if (name[0] == '@')
		a.sun_path[0] = '\0';
	else
		(void)unlink(name);
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_true(manager >= 0);
	assert_int_equal(bind(manager, (struct sockaddr *)&a, len), 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
}

static void
expect(const char *text)
{
	char buf[64];
	ssize_t n = recv(manager, buf, sizeof(buf), 0);

	if (text == NULL) {
		assert_int_equal(n, -1);
		assert_int_equal(errno, EAGAIN);
		return;
	}
	assert_int_equal(n, strlen(text));
	assert_memory_equal(buf, text, strlen(text));
}

static void
end(struct kh_notify *n)
{
	kh_notify_close(n);
	close(manager);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

static void
test_said(void **state)
{
	char path[] = P_tmpdir "/knothole-notify-XXXXXX", abstract[64];
	const char *const names[] = {path, abstract};
	struct kh_notify n;
	size_t i;

	(void)state;
	assert_non_null(mkdtemp(path));
	snprintf(abstract, sizeof(abstract), "@%s", path);
	assert_int_equal(rmdir(path), 0);
	for (i = 0; i < 2; i++) {
		listen_as(names[i]);
		kh_notify_open(&n);
		kh_notify_say(&n, "READY=1");
		expect("READY=1");
		kh_notify_alive(&n, 1000); /* nobody waits for it */
		expect(NULL);
		end(&n);
	}
	assert_int_equal(unlink(path), 0);
}

static void
test_alive(void **state)
{
	char pid[32];
	struct kh_notify n;

	(void)state;
	listen_as("@knothole-test-notify-alive");
	snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	setenv("WATCHDOG_PID", pid, 1);
	setenv("WATCHDOG_USEC", "3000000", 1);
	kh_notify_open(&n);
	assert_int_equal(kh_notify_calm(&n, 500), 500); /* 0 + a third */
	kh_notify_alive(&n, 500);
	expect("WATCHDOG=1");
	assert_int_equal(kh_notify_calm(&n, 500), 1000);
	kh_notify_alive(&n, 1499);
	expect(NULL);
	kh_notify_alive(&n, 1500);
	expect("WATCHDOG=1");
	assert_int_equal(kh_notify_calm(&n, 9000), 0);
	end(&n);
}

static void
test_not_ours(void **state)
{
	static const char *const bad[] = {
	    "", "x", "-1", "0", "1e6", "99999999999999999999"};
	struct kh_notify n;
	size_t i;

	(void)state;
	for (i = 0; i <= sizeof(bad) / sizeof(bad[0]); i++) {
		listen_as("@knothole-test-notify-other");
		if (i < sizeof(bad) / sizeof(bad[0]))
			setenv("WATCHDOG_USEC", bad[i], 1);
		else {
			setenv("WATCHDOG_USEC", "1000000", 1);
			setenv("WATCHDOG_PID", "1", 1);
		}
		kh_notify_open(&n);
		kh_notify_alive(&n, 5000);
		expect(NULL);
		assert_true(kh_notify_calm(&n, 5000) == INT64_MAX);
		end(&n);
	}
}

static void
test_nobody(void **state)
{
	static const char *const names[] = {
	    "", "@", "relative", "vsock:2:1234", "/nonexistent/socket"};
	char longest[200];
	struct kh_notify n;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		setenv("NOTIFY_SOCKET", names[i], 1);
		kh_notify_open(&n);
		kh_notify_say(&n, "READY=1");
		kh_notify_close(&n);
	}
	memset(longest, 'x', sizeof(longest) - 1);
	longest[0] = '/';
	longest[sizeof(longest) - 1] = '\0';
	setenv("NOTIFY_SOCKET", longest, 1);
	kh_notify_open(&n);
	assert_int_equal(n.fd, -1);
	unsetenv("NOTIFY_SOCKET");
	kh_notify_open(&n);
	assert_int_equal(n.fd, -1);
	kh_notify_say(&n, "READY=1");
	kh_notify_close(&n);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_said),
    cmocka_unit_test(test_alive),
    cmocka_unit_test(test_not_ours),
    cmocka_unit_test(test_nobody),
};

TAP_MAIN(tests)
