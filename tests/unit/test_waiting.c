/*
 * Connections that wait for tor's line: taken to the byte, never waited for,
 * few at once and not for long.
 */
#include "tests/unit/tap.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/door/waiting.h"

#define LINE "PROXY TCP6 fc00:dead:beef:4dad::0:1d ::1 29 80\r\n"
#define START 5000

static struct kh_waiting w;
static int ep = -1;

static int
setup(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	ep = epoll_create1(EPOLL_CLOEXEC);
	return ep >= 0 ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	kh_waiting_deadline(&w, INT64_MAX);
	close(ep);
	return 0;
}

static void
link_up(int s[2])
{
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s), 0);
}

static void
say(int fd, const char *text)
{
	assert_int_equal(
	    send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static bool
closed(int fd)
{
	char b;
	ssize_t r = recv(fd, &b, 1, MSG_DONTWAIT);

	return r == 0 || (r < 0 && errno == ECONNRESET);
}

static int
ready(void)
{
	struct epoll_event ev;
	int n = epoll_wait(ep, &ev, 1, 0);

	assert_true(n >= 0);
	return n == 1 ? ev.data.fd : -1;
}

static void
test_taken_to_the_byte(void **state)
{
	uint32_t circuit = 0;
	char rest[32] = "";
	int s[2];

	(void)state;
	link_up(s);
	say(s[1], LINE "GET / HTTP/1.1");
	assert_int_equal(kh_waiting_take(s[0], &circuit), KH_OK);
	assert_int_equal(circuit, 0x1d);
	assert_int_equal(recv(s[0], rest, sizeof(rest), MSG_DONTWAIT), 14);
	assert_memory_equal(rest, "GET / HTTP/1.1", 14);
	close(s[0]);
	close(s[1]);
}

static void
test_in_pieces(void **state)
{
	uint32_t circuit = 7;
	size_t i;
	int s[2];

	(void)state;
	link_up(s);
	assert_int_equal(kh_waiting_take(s[0], &circuit), KH_EAGAIN);
	assert_int_equal(circuit, 0);
	assert_int_equal(kh_waiting_add(&w, ep, s[0], START), KH_OK);
	for (i = 0; i < strlen(LINE); i++) {
		assert_int_equal(ready(), -1);
		assert_int_equal(send(s[1], &LINE[i], 1, 0), 1);
		/* Each byte is news once. */
		assert_int_equal(ready(), s[0]);
		if (i + 1 < strlen(LINE))
			assert_int_equal(
			    kh_waiting_take(s[0], &circuit), KH_EAGAIN);
	}
	assert_true(kh_waiting_has(&w, s[0]));
	assert_int_equal(kh_waiting_add(&w, ep, s[0], START), KH_OK);
	assert_int_equal(w.n, 1);
	assert_int_equal(kh_waiting_take(s[0], &circuit), KH_OK);
	assert_int_equal(circuit, 0x1d);
	kh_waiting_remove(&w, ep, s[0]);
	assert_int_equal(w.n, 0);
	assert_false(kh_waiting_has(&w, s[0]));
	/* The caller's again, and not watched. */
	say(s[1], "x");
	assert_int_equal(ready(), -1);
	kh_waiting_remove(&w, ep, s[0]);
	close(s[0]);
	close(s[1]);
}

static void
test_another_line(void **state)
{
	uint32_t circuit;
	int s[2];

	(void)state;
	link_up(s);
	say(s[1], "GET / HTTP/1.1\r\n\r\n");
	assert_int_equal(kh_waiting_take(s[0], &circuit), KH_EFORMAT);
	assert_int_equal(circuit, 0);
	close(s[1]);
	close(s[0]);
	link_up(s);
	close(s[1]);
	assert_int_equal(kh_waiting_take(s[0], &circuit), KH_EPROTO);
	close(s[0]);
	assert_int_equal(kh_waiting_take(-1, &circuit), KH_EPROTO);
}

static void
test_not_for_long(void **state)
{
	int a[2], b[2];

	(void)state;
	link_up(a);
	link_up(b);
	assert_int_equal(kh_waiting_add(&w, ep, a[0], START), KH_OK);
	assert_int_equal(kh_waiting_add(&w, ep, b[0], START + 1000), KH_OK);
	kh_waiting_deadline(&w, START + KH_PROXY_SECONDS * 1000);
	assert_int_equal(w.n, 2);
	/* A byte now and then is no reason to wait longer. */
	say(a[1], "PROXY");
	kh_waiting_deadline(&w, START + KH_PROXY_SECONDS * 1000 + 1);
	assert_int_equal(w.n, 1);
	assert_true(closed(a[1]));
	assert_false(closed(b[1]));
	kh_waiting_deadline(&w, INT64_MAX);
	assert_int_equal(w.n, 0);
	assert_true(closed(b[1]));
	close(a[1]);
	close(b[1]);
}

static void
test_not_many(void **state)
{
	int s[KH_PROXY_WAITING_MAX + 2][2], i;

	(void)state;
	for (i = 0; i < KH_PROXY_WAITING_MAX + 2; i++)
		link_up(s[i]);
	for (i = 0; i < KH_PROXY_WAITING_MAX + 2; i++)
		assert_int_equal(
		    kh_waiting_add(&w, ep, s[i][0], START + i), KH_OK);
	assert_int_equal(w.n, KH_PROXY_WAITING_MAX);
	/* Who has waited longest makes room. */
	for (i = 0; i < KH_PROXY_WAITING_MAX + 2; i++) {
		assert_int_equal(closed(s[i][1]), i < 2);
		assert_int_equal(kh_waiting_has(&w, s[i][0]), i >= 2);
	}
	kh_waiting_deadline(&w, INT64_MAX);
	for (i = 0; i < KH_PROXY_WAITING_MAX + 2; i++)
		close(s[i][1]);
}

static void
test_cannot_be_watched(void **state)
{
	int s[2];

	(void)state;
	link_up(s);
	assert_int_equal(kh_waiting_add(&w, -1, s[0], START), KH_ESYS);
	assert_int_equal(w.n, 0);
	assert_true(closed(s[1]));
	close(s[1]);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static const struct CMUnitTest tests[] = {
    T(test_taken_to_the_byte),
    T(test_in_pieces),
    T(test_another_line),
    T(test_not_for_long),
    T(test_not_many),
    T(test_cannot_be_watched),
};

TAP_MAIN(tests)
