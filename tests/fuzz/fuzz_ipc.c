/*
 * Messages between the processes: whatever packet arrives, kh_ipc_check and
 * kh_ipc_recv agree, only what is complete and known is taken, and no
 * descriptor is leaked.
 *
 *	roles[1]  descriptors[1]  packet ...
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/ipc/ipc.h"

#define HEAD_LEN offsetof(struct kh_msg, u)
#define FDS_MAX 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool x)
{
	if (!x)
		abort();
}

static void
send_packet(int sock, const uint8_t *p, size_t n, int n_fds)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control;
	struct iovec iov = {.iov_base = (void *)(uintptr_t)p, .iov_len = n};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *c;
	int i;

	if (n_fds > 0) {
		memset(&control, 0, sizeof(control));
		mh.msg_control = control.buf;
		mh.msg_controllen = CMSG_SPACE((size_t)n_fds * sizeof(int));
		c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN((size_t)n_fds * sizeof(int));
		for (i = 0; i < n_fds; i++)
			memcpy(CMSG_DATA(c) + (size_t)i * sizeof(int), &sock,
			    sizeof(int));
	}
	must(sendmsg(sock, &mh, 0) == (ssize_t)n);
}

/* The lowest free descriptor: the same before and after if none is leaked. */
static int
lowest_free(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	must(fd >= 0);
	close(fd);
	return fd;
}

/* Roles that others talk to; no two of the others talk to each other. */
static bool
serves(enum kh_role role)
{
	return role == KH_ROLE_KEEPER || role == KH_ROLE_STORE ||
	    role == KH_ROLE_WRAP;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kh_msg m = {0}, got, again;
	enum kh_role from, to;
	enum kh_err e, r;
	int pair[2], n_fds, fd, before;
	size_t n;

	if (size < 2 || size > 2 * sizeof(m))
		return 0;
	from = (enum kh_role)(data[0] % KH_ROLE_N);
	to = (enum kh_role)(data[0] / KH_ROLE_N % KH_ROLE_N);
	n_fds = data[1] % (FDS_MAX + 1);
	n = size - 2;
	memcpy(&m, data + 2, n < sizeof(m) ? n : sizeof(m));
	e = kh_ipc_check(&m, n, n_fds, from, to);
	must(e == KH_OK || e == KH_EPROTO);
	if (e == KH_OK) {
		must(m.type > 0 && m.type < KH_MSG_N && m.zero == 0);
		must(n >= HEAD_LEN && n <= sizeof(m) && n_fds <= 1);
		must(from != to);
		/* Visits are told by store and wrap alone, errands by the
		 * store; door and courier by the keeper alone; wrap by the
		 * keeper, by visits and by the door that brings them. */
		must(serves(from) || serves(to));
		must(to != KH_ROLE_VISIT || from == KH_ROLE_STORE ||
		    from == KH_ROLE_WRAP);
		must(to != KH_ROLE_ERRAND || from == KH_ROLE_STORE);
		must(to != KH_ROLE_WRAP || from == KH_ROLE_KEEPER ||
		    from == KH_ROLE_VISIT ||
		    (from == KH_ROLE_DOOR && m.type == KH_MSG_WRAP_VISIT));
		must((to != KH_ROLE_DOOR && to != KH_ROLE_COURIER) ||
		    from == KH_ROLE_KEEPER);
	}

	must(kh_ipc_pair(pair) == KH_OK);
	before = lowest_free();
	send_packet(pair[0], data + 2, n, n_fds);
	r = kh_ipc_recv(pair[1], from, to, &got, &fd);
	must(r == e);
	must((fd >= 0) == (r == KH_OK && n_fds == 1));
	if (fd >= 0)
		close(fd);
	must(lowest_free() == before);
	if (r == KH_OK) {
		/* What was taken can be said again, and is the same. */
		must(memcmp(&got, &m, sizeof(m)) == 0);
		must(kh_ipc_send(pair[0], &got, n_fds == 1 ? pair[0] : -1) ==
		    KH_OK);
		must(kh_ipc_recv(pair[1], from, to, &again, &fd) == KH_OK);
		must(memcmp(&got, &again, sizeof(got)) == 0);
		if (fd >= 0)
			close(fd);
	} else {
		memset(&again, 0, sizeof(again));
		must(memcmp(&got, &again, sizeof(got)) == 0);
	}
	close(pair[0]);
	close(pair[1]);
	return 0;
}
