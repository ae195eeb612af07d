/*
 * The messages between knotholed's processes: the table once more, written
 * down independently, and everything that is not in it, through a real socket.
 */
#include "tests/unit/tap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/ipc/ipc.h"
#include "tests/unit/aborts.h"
#include "tests/unit/ipc_table.h"

static int pair[2];

static int
open_pair(void **state)
{
	(void)state;
	return kh_ipc_pair(pair) == KH_OK ? 0 : -1;
}

static int
close_pair(void **state)
{
	(void)state;
	if (pair[0] >= 0)
		close(pair[0]);
	if (pair[1] >= 0)
		close(pair[1]);
	return 0;
}

static int
open_descriptors(void)
{
	struct dirent *de;
	int n = 0;
	DIR *d;

	d = opendir("/proc/self/fd");
	assert_non_null(d);
	while ((de = readdir(d)) != NULL)
		n += de->d_name[0] != '.';
	closedir(d);
	return n - 1;
}

static void
fill(struct kh_msg *m, enum kh_msg_type type)
{
	memset(m, 0x5a, sizeof(*m));
	m->type = type;
	m->zero = 0;
}

/* Any packet: what a compromised process would send. */
static void
send_raw(int sock, const void *p, size_t len, int n_fds)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(8 * sizeof(int))];
	} control;
	struct iovec iov = {.iov_base = (void *)(uintptr_t)p, .iov_len = len};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *c;
	int i;

	assert_true(n_fds <= 8);
	if (n_fds > 0) {
		memset(&control, 0, sizeof(control));
		mh.msg_control = control.buf;
		mh.msg_controllen = CMSG_SPACE((size_t)n_fds * sizeof(int));
		c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN((size_t)n_fds * sizeof(int));
		for (i = 0; i < n_fds; i++)
			memcpy(CMSG_DATA(c) + (size_t)i * sizeof(int), &pair[0],
			    sizeof(int));
	}
	assert_int_equal(sendmsg(sock, &mh, 0), len);
}

/* Received by `to` as if from `from`, it is refused: nothing of it is left,
 * not a byte and not a descriptor. */
static void
assert_refused(
    enum kh_role from, enum kh_role to, const void *p, size_t len, int n_fds)
{
	static const struct kh_msg zero;
	struct kh_msg m;
	int fd = 0, before = open_descriptors();

	send_raw(pair[0], p, len, n_fds);
	memset(&m, 0x77, sizeof(m));
	assert_int_equal(kh_ipc_recv(pair[1], from, to, &m, &fd), KH_EPROTO);
	assert_int_equal(fd, -1);
	assert_memory_equal(&m, &zero, sizeof(m));
	assert_int_equal(open_descriptors(), before);
}

static void
test_what_the_table_permits(void **state)
{
	const struct line *l;
	struct kh_msg m, got;
	struct stat a, b;
	int fd;

	(void)state;
	for (l = lines; l < lines + N_LINES; l++) {
		fill(&m, l->type);
		assert_int_equal(
		    kh_ipc_send(pair[0], &m, l->n_fds > 0 ? pair[0] : -1),
		    KH_OK);
		memset(&got, 0x77, sizeof(got));
		assert_int_equal(
		    kh_ipc_recv(pair[1], l->from, l->to, &got, &fd), KH_OK);
		assert_memory_equal(&got, &m, HEAD + l->body);
		/* What is not part of the message does not travel. */
		memset((uint8_t *)&m + HEAD + l->body, 0,
		    sizeof(m) - HEAD - l->body);
		assert_memory_equal(&got, &m, sizeof(m));
		assert_int_equal(fd >= 0, l->n_fds);
		if (fd < 0)
			continue;
		assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		assert_int_equal(fstat(fd, &a), 0);
		assert_int_equal(fstat(pair[0], &b), 0);
		assert_int_equal(a.st_ino, b.st_ino);
		close(fd);
	}
}

static bool
permitted(unsigned type, enum kh_role from, enum kh_role to)
{
	size_t i;

	for (i = 0; i < N_LINES; i++) {
		if (lines[i].type == type && lines[i].from == from &&
		    lines[i].to == to)
			return true;
	}
	return false;
}

static void
test_wrong_sender_or_receiver(void **state)
{
	const struct line *l;
	struct kh_msg m;
	unsigned from, to, refused = 0, granted = 0;

	(void)state;
	for (l = lines; l < lines + N_LINES; l++) {
		fill(&m, l->type);
		for (from = 0; from < N_ROLES; from++) {
			for (to = 0; to < N_ROLES; to++) {
				if (permitted(l->type, from, to))
					continue;
				assert_refused(
				    from, to, &m, HEAD + l->body, l->n_fds);
				refused++;
			}
		}
	}
	/* All directions but those that the table has. */
	for (l = lines; l < lines + N_LINES; l++) {
		for (from = 0; from < N_LINES; from++)
			granted += lines[from].type == l->type;
	}
	assert_int_equal(refused, N_LINES * N_ROLES * N_ROLES - granted);
}

static void
test_wrong_length(void **state)
{
	const struct line *l;
	struct kh_msg m;
	size_t n;

	(void)state;
	for (l = lines; l < lines + N_LINES; l++) {
		fill(&m, l->type);
		for (n = 0; n <= sizeof(m); n++) {
			if (n == HEAD + l->body)
				continue;
			assert_int_equal(
			    kh_ipc_check(&m, n, l->n_fds, l->from, l->to),
			    KH_EPROTO);
		}
		assert_refused(
		    l->from, l->to, &m, HEAD + l->body - 1, l->n_fds);
		if (HEAD + l->body < sizeof(m))
			assert_refused(
			    l->from, l->to, &m, HEAD + l->body + 1, l->n_fds);
		assert_refused(l->from, l->to, &m, 1, l->n_fds);
	}
}

/* A packet that is longer than any message, begins like a good one, and
 * would pass if its end were cut off. */
static void
test_oversize(void **state)
{
	static uint8_t big[3 * sizeof(struct kh_msg)];
	struct kh_msg m;

	(void)state;
	fill(&m, KH_MSG_OUTLET);
	assert_int_equal(HEAD + sizeof(m.u.outlet), sizeof(m));
	memcpy(big, &m, sizeof(m));
	assert_refused(K, D, big, sizeof(m) + 1, 0);
	assert_refused(K, D, big, sizeof(big), 0);
	assert_refused(K, D, big, sizeof(big), 1);
	assert_int_equal(kh_ipc_check(&m, sizeof(m) + 1, 0, K, D), KH_EPROTO);
	assert_int_equal(kh_ipc_check(&m, SIZE_MAX, 0, K, D), KH_EPROTO);
}

static void
test_wrong_number_of_descriptors(void **state)
{
	const struct line *l;
	struct kh_msg m;
	int n;

	(void)state;
	for (l = lines; l < lines + N_LINES; l++) {
		fill(&m, l->type);
		for (n = 0; n <= 5; n++) {
			if (n == l->n_fds)
				continue;
			assert_int_equal(
			    kh_ipc_check(&m, HEAD + l->body, n, l->from, l->to),
			    KH_EPROTO);
			assert_refused(l->from, l->to, &m, HEAD + l->body, n);
		}
	}
}

static void
test_types_that_do_not_exist(void **state)
{
	static const uint32_t types[] = {
	    0, KH_MSG_N, KH_MSG_N + 1, 255, INT32_MAX, UINT32_MAX};
	struct kh_msg m;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		fill(&m, KH_MSG_READY);
		m.type = types[i];
		assert_refused(D, K, &m, HEAD, 0);
		assert_refused(K, D, &m, sizeof(m), 1);
	}
}

static void
test_no_byte_is_undefined(void **state)
{
	struct kh_msg m;
	unsigned bit;

	(void)state;
	for (bit = 0; bit < 32; bit++) {
		fill(&m, KH_MSG_READY);
		m.zero = UINT32_C(1) << bit;
		assert_refused(D, K, &m, HEAD, 0);
	}
}

static void
test_peer_is_gone(void **state)
{
	struct kh_msg m, got;
	int fd = 0;

	(void)state;
	/* What it said before it went still arrives. */
	fill(&m, KH_MSG_ROOM);
	assert_int_equal(kh_ipc_send(pair[0], &m, -1), KH_OK);
	close(pair[0]);
	pair[0] = -1;
	assert_int_equal(kh_ipc_recv(pair[1], V, S, &got, &fd), KH_OK);
	assert_int_equal(kh_ipc_recv(pair[1], V, S, &got, &fd), KH_EPROTO);
	assert_int_equal(fd, -1);
	fill(&m, KH_MSG_ROOM_ANSWER);
	assert_int_equal(kh_ipc_send(pair[1], &m, -1), KH_EPROTO);
	fill(&m, KH_MSG_VISIT);
	assert_int_equal(kh_ipc_send(pair[1], &m, pair[1]), KH_EPROTO);
	fill(&m, KH_MSG_BEGIN);
	assert_int_equal(kh_ipc_ask(pair[1], V, S, &m, &fd), KH_EPROTO);
	assert_int_equal(fd, -1);
}

/* It goes while its own queue is not empty: the kernel says "reset". */
static void
test_peer_is_gone_with_a_reset(void **state)
{
	struct kh_msg m, got;
	int fd;

	(void)state;
	fill(&m, KH_MSG_ROOM_ANSWER);
	assert_int_equal(kh_ipc_send(pair[1], &m, -1), KH_OK);
	close(pair[0]);
	pair[0] = -1;
	assert_int_equal(kh_ipc_recv(pair[1], V, S, &got, &fd), KH_EPROTO);
}

static void
test_ask(void **state)
{
	struct kh_msg m, answer;
	int fd;

	(void)state;
	/* The answer lies ready before the question is asked. */
	fill(&answer, KH_MSG_ROOM_ANSWER);
	assert_int_equal(kh_ipc_send(pair[1], &answer, -1), KH_OK);
	fill(&m, KH_MSG_ROOM);
	assert_int_equal(kh_ipc_ask(pair[0], V, S, &m, &fd), KH_OK);
	assert_int_equal(m.type, KH_MSG_ROOM_ANSWER);
	assert_int_equal(kh_ipc_recv(pair[1], V, S, &m, &fd), KH_OK);
	assert_int_equal(m.type, KH_MSG_ROOM);
	/* An answer that the peer may not give. */
	fill(&answer, KH_MSG_BEGIN);
	assert_int_equal(kh_ipc_send(pair[1], &answer, -1), KH_OK);
	fill(&m, KH_MSG_ROOM);
	assert_int_equal(kh_ipc_ask(pair[0], V, S, &m, &fd), KH_EPROTO);
	assert_int_equal(fd, -1);
}

static void
test_busy_and_bad_sockets(void **state)
{
	enum kh_err e = KH_OK;
	struct kh_msg m, got;
	int fd;
	unsigned i;

	(void)state;
	fill(&m, KH_MSG_READY);
	assert_int_equal(fcntl(pair[0], F_SETFL, O_NONBLOCK), 0);
	for (i = 0; i < 100000 && e == KH_OK; i++)
		e = kh_ipc_send(pair[0], &m, -1);
	assert_int_equal(e, KH_EBUSY);
	assert_int_equal(kh_ipc_recv(pair[1], D, K, &got, &fd), KH_OK);
	assert_int_equal(kh_ipc_send(pair[0], &m, -1), KH_OK);

	assert_int_equal(kh_ipc_send(-1, &m, -1), KH_ESYS);
	assert_int_equal(kh_ipc_recv(-1, D, K, &got, &fd), KH_ESYS);
	assert_int_equal(fcntl(pair[0], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(kh_ipc_recv(pair[0], D, K, &got, &fd), KH_ESYS);
	fill(&m, KH_MSG_VISIT);
	assert_int_equal(kh_ipc_send(pair[1], &m, 9999), KH_ESYS);
}

static void
send_without_descriptor(void *ctx)
{
	struct kh_msg m = {.type = KH_MSG_VISIT};

	(void)ctx;
	if (kh_ipc_send(pair[0], &m, -1) == KH_OK)
		_exit(1);
}

static void
send_with_descriptor(void *ctx)
{
	struct kh_msg m = {.type = KH_MSG_READY};

	(void)ctx;
	if (kh_ipc_send(pair[0], &m, pair[0]) == KH_OK)
		_exit(1);
}

static void
send_type(void *ctx)
{
	struct kh_msg m = {.type = *(const uint32_t *)ctx};

	if (kh_ipc_send(pair[0], &m, -1) == KH_OK)
		_exit(1);
}

static void
send_not_zero(void *ctx)
{
	struct kh_msg m = {.type = KH_MSG_READY, .zero = 1};

	(void)ctx;
	if (kh_ipc_send(pair[0], &m, -1) == KH_OK)
		_exit(1);
}

static void
test_our_own_mistakes_abort(void **state)
{
	uint32_t none = 0, beyond = KH_MSG_N;

	(void)state;
	assert_true(aborts(send_without_descriptor, NULL));
	assert_true(aborts(send_with_descriptor, NULL));
	assert_true(aborts(send_type, &none));
	assert_true(aborts(send_type, &beyond));
	assert_true(aborts(send_not_zero, NULL));
}

static void
test_pair(void **state)
{
	int type = 0, i;
	socklen_t len = sizeof(type);

	(void)state;
	for (i = 0; i < 2; i++) {
		assert_true(fcntl(pair[i], F_GETFD) & FD_CLOEXEC);
		assert_int_equal(
		    getsockopt(pair[i], SOL_SOCKET, SO_TYPE, &type, &len), 0);
		assert_int_equal(type, SOCK_SEQPACKET);
	}
}

static void
test_pair_without_descriptors(void **state)
{
	struct rlimit old, few;
	int fds[2] = {7, 7};

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = old;
	few.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_int_equal(kh_ipc_pair(fds), KH_ESYS);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(fds[0], -1);
	assert_int_equal(fds[1], -1);
}

#define WITH_PAIR(t) cmocka_unit_test_setup_teardown(t, open_pair, close_pair)

static const struct CMUnitTest tests[] = {
    WITH_PAIR(test_what_the_table_permits),
    WITH_PAIR(test_wrong_sender_or_receiver),
    WITH_PAIR(test_wrong_length),
    WITH_PAIR(test_oversize),
    WITH_PAIR(test_wrong_number_of_descriptors),
    WITH_PAIR(test_types_that_do_not_exist),
    WITH_PAIR(test_no_byte_is_undefined),
    WITH_PAIR(test_peer_is_gone),
    WITH_PAIR(test_peer_is_gone_with_a_reset),
    WITH_PAIR(test_ask),
    WITH_PAIR(test_busy_and_bad_sockets),
    WITH_PAIR(test_our_own_mistakes_abort),
    WITH_PAIR(test_pair),
    cmocka_unit_test(test_pair_without_descriptors),
};

TAP_MAIN(tests)
