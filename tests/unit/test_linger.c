/*
 * Reading on after an answer, so that it is not lost in a reset.
 */
#include "lib/base/clock.h"
#include "tests/unit/tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/visit/reply.h"

#define ANSWER_MAX 65536

static struct kh_reply r;
static int conn[2];
static char answer[ANSWER_MAX + 1];

static int
setup(void **state)
{
	(void)state;
	memset(&r, 0, sizeof(r));
	if (kh_html_init(&r.html) != KH_OK)
		return -1;
	r.status = 200;
	kh_html_raw(&r.html, "<!DOCTYPE html>\n<p>something</p>\n");
	return socketpair(AF_UNIX, SOCK_STREAM, 0, conn);
}

static int
teardown(void **state)
{
	(void)state;
	kh_html_free(&r.html);
	close(conn[0]);
	close(conn[1]);
	return 0;
}

/* Run kh_reply_linger beside us. */
static pid_t
linger(unsigned seconds)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(conn[1]);
		kh_reply_linger(conn[0], seconds);
		_exit(0);
	}
	return pid;
}

static bool
ends_within(pid_t pid, int ms)
{
	int64_t end = kh_clock_ms() + ms;

	while (kh_clock_ms() < end) {
		if (waitpid(pid, NULL, WNOHANG) == pid)
			return true;
		usleep(2000);
	}
	return false;
}

static void
test_linger_ends_when_the_peer_closes(void **state)
{
	char data[100000] = {0}, c;
	pid_t pid = linger(60);
	size_t sent;

	(void)state;
	/* It says that it is done, and reads what is still sent. */
	assert_int_equal(recv(conn[1], &c, 1, 0), 0);
	for (sent = 0; sent < 50 * sizeof(data); sent += sizeof(data))
		assert_int_equal(
		    send(conn[1], data, sizeof(data), MSG_NOSIGNAL),
		    sizeof(data));
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	assert_int_equal(shutdown(conn[1], SHUT_WR), 0);
	assert_true(ends_within(pid, 50000));
}

static void
test_linger_ends_after_its_time(void **state)
{
	int64_t begin = kh_clock_ms();
	char c = 0;

	(void)state;
	/* A peer that never stops sending wins no time. */
	pid_t pid = linger(1);
	while (
	    waitpid(pid, NULL, WNOHANG) == 0 && kh_clock_ms() < begin + 60000) {
		(void)send(conn[1], &c, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	}
	assert_in_range(kh_clock_ms() - begin, 900, 50000);
}

static void
test_linger_ends_when_the_door_says_so(void **state)
{
	pid_t pid = linger(60);

	(void)state;
	assert_false(ends_within(pid, 50));
	assert_int_equal(shutdown(conn[0], SHUT_RDWR), 0);
	assert_true(ends_within(pid, 50000));
}

static void
test_linger_without_a_peer(void **state)
{
	int64_t begin = kh_clock_ms();

	(void)state;
	close(conn[1]);
	kh_reply_linger(conn[0], 60);
	kh_reply_linger(-1, 60);
	assert_true(kh_clock_ms() - begin < 50000);
	conn[1] = dup(conn[0]);
}

/* L26: over TCP, an answer to a body that nobody reads is lost in a reset,
 * unless the server reads on. The visitor here sends all it has before it
 * looks at the answer. */
static void
visitor(const struct sockaddr_in *to)
{
	static char data[1 << 16];
	ssize_t k, n = 0;
	int fd, i;

	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0 ||
	    connect(fd, (const struct sockaddr *)to, sizeof(*to)) != 0)
		_exit(2);
	for (i = 0; i < 200; i++) {
		if (send(fd, data, sizeof(data), MSG_NOSIGNAL) < 0)
			_exit(3);
	}
	usleep(100000);
	do {
		k = recv(fd, answer + n, ANSWER_MAX - (size_t)n, 0);
		if (k < 0)
			_exit(4);
		n += k;
	} while (k > 0);
	_exit(strstr(answer, "something") != NULL ? 0 : 5);
}

static void
test_l26_answer_survives_a_body_in_flight(void **state)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	socklen_t len = sizeof(sin);
	int listener, fd, status;
	pid_t pid;

	(void)state;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&sin, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(
	    getsockname(listener, (struct sockaddr *)&sin, &len), 0);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		visitor(&sin);
	fd = accept(listener, NULL, NULL);
	assert_true(fd >= 0);
	r.status = 413;
	assert_int_equal(kh_reply_send(fd, &r), KH_OK);
	kh_reply_linger(fd, 20);
	close(fd);
	close(listener);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

#define WITH_CONN(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

static const struct CMUnitTest tests[] = {
    WITH_CONN(test_linger_ends_when_the_peer_closes),
    WITH_CONN(test_linger_ends_after_its_time),
    WITH_CONN(test_linger_ends_when_the_door_says_so),
    WITH_CONN(test_linger_without_a_peer),
    WITH_CONN(test_l26_answer_survives_a_body_in_flight),
};

TAP_MAIN(tests)
