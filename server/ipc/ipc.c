/*
 * The message table and the only sendmsg and recvmsg of knotholed. Separate,
 * because this is the boundary between the processes: a compromised one can
 * say nothing here that the table does not list for it.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "knothole/secret.h"
#include "lib/base/precond.h"
#include "server/ipc/ipc.h"

#define ROLE(r) (1u << (r))
#define BODY(m) sizeof(((struct kh_msg *)0)->u.m)
#define HEAD_LEN offsetof(struct kh_msg, u)

static const struct {
	unsigned from; /* mask of roles */
	unsigned to;
	size_t len; /* of the body */
	int n_fds;
} table[KH_MSG_N] = {
    [KH_MSG_SITE] = {ROLE(KH_ROLE_KEEPER), ROLE(KH_ROLE_DOOR), BODY(site), 1},
    [KH_MSG_OUTLET] = {ROLE(KH_ROLE_KEEPER),
	ROLE(KH_ROLE_DOOR) | ROLE(KH_ROLE_COURIER), BODY(outlet), 0},
    [KH_MSG_STORE_LINK] = {ROLE(KH_ROLE_KEEPER),
	ROLE(KH_ROLE_DOOR) | ROLE(KH_ROLE_COURIER), 0, 1},
    [KH_MSG_STORE_DIR] = {ROLE(KH_ROLE_KEEPER), ROLE(KH_ROLE_STORE),
	BODY(store_dir), 1},
    [KH_MSG_DOOR_LINK] = {ROLE(KH_ROLE_KEEPER),
	ROLE(KH_ROLE_STORE) | ROLE(KH_ROLE_WRAP), 0, 1},
    [KH_MSG_READY] = {ROLE(KH_ROLE_DOOR) | ROLE(KH_ROLE_STORE) |
	    ROLE(KH_ROLE_COURIER) | ROLE(KH_ROLE_WRAP),
	ROLE(KH_ROLE_KEEPER), 0, 0},
    [KH_MSG_VISIT] = {ROLE(KH_ROLE_DOOR) | ROLE(KH_ROLE_COURIER),
	ROLE(KH_ROLE_STORE), 0, 1},
    [KH_MSG_ROOM] = {ROLE(KH_ROLE_VISIT), ROLE(KH_ROLE_STORE), BODY(room), 0},
    [KH_MSG_ROOM_ANSWER] = {ROLE(KH_ROLE_STORE), ROLE(KH_ROLE_VISIT),
	BODY(verdict), 0},
    [KH_MSG_BEGIN] = {ROLE(KH_ROLE_VISIT), ROLE(KH_ROLE_STORE), BODY(begin), 0},
    [KH_MSG_DRAFT] = {ROLE(KH_ROLE_STORE), ROLE(KH_ROLE_VISIT), 0, 1},
    [KH_MSG_NO_DRAFT] = {ROLE(KH_ROLE_STORE), ROLE(KH_ROLE_VISIT),
	BODY(verdict), 0},
    [KH_MSG_COMMIT] = {ROLE(KH_ROLE_VISIT), ROLE(KH_ROLE_STORE), BODY(commit),
	0},
    [KH_MSG_COMMITTED] = {ROLE(KH_ROLE_STORE), ROLE(KH_ROLE_VISIT),
	BODY(verdict), 0},
    [KH_MSG_FATE] = {ROLE(KH_ROLE_VISIT), ROLE(KH_ROLE_STORE), BODY(begin), 0},
    [KH_MSG_FATE_ANSWER] = {ROLE(KH_ROLE_STORE), ROLE(KH_ROLE_VISIT),
	BODY(fate), 0},
    [KH_MSG_SLOT] = {ROLE(KH_ROLE_VISIT), ROLE(KH_ROLE_STORE), BODY(slot), 0},
    [KH_MSG_ANSWER] = {ROLE(KH_ROLE_STORE), ROLE(KH_ROLE_VISIT), 0, 1},
    [KH_MSG_NO_ANSWER] = {ROLE(KH_ROLE_STORE), ROLE(KH_ROLE_VISIT),
	BODY(verdict), 0},
    [KH_MSG_FORGET] = {ROLE(KH_ROLE_VISIT), ROLE(KH_ROLE_STORE), BODY(slot), 0},
    [KH_MSG_FORGOTTEN] = {ROLE(KH_ROLE_STORE), ROLE(KH_ROLE_VISIT),
	BODY(verdict), 0},
    [KH_MSG_TOKENS] = {ROLE(KH_ROLE_KEEPER), ROLE(KH_ROLE_COURIER),
	BODY(tokens), 1},
    [KH_MSG_COURIER_LINK] = {ROLE(KH_ROLE_KEEPER), ROLE(KH_ROLE_STORE), 0, 1},
    [KH_MSG_LIST] = {ROLE(KH_ROLE_ERRAND), ROLE(KH_ROLE_STORE), BODY(list), 0},
    [KH_MSG_OBJECTS] = {ROLE(KH_ROLE_STORE), ROLE(KH_ROLE_ERRAND),
	BODY(objects), 0},
    [KH_MSG_NO_OBJECTS] = {ROLE(KH_ROLE_STORE), ROLE(KH_ROLE_ERRAND),
	BODY(verdict), 0},
    [KH_MSG_OPEN] = {ROLE(KH_ROLE_ERRAND), ROLE(KH_ROLE_STORE), BODY(open), 0},
    [KH_MSG_OBJECT] = {ROLE(KH_ROLE_STORE), ROLE(KH_ROLE_ERRAND), 0, 1},
    [KH_MSG_NO_OBJECT] = {ROLE(KH_ROLE_STORE), ROLE(KH_ROLE_ERRAND),
	BODY(verdict), 0},
    [KH_MSG_COLLECT] = {ROLE(KH_ROLE_ERRAND), ROLE(KH_ROLE_STORE),
	BODY(collect), 0},
    [KH_MSG_COLLECTED] = {ROLE(KH_ROLE_STORE), ROLE(KH_ROLE_ERRAND),
	BODY(verdict), 0},
    [KH_MSG_PUT] = {ROLE(KH_ROLE_ERRAND), ROLE(KH_ROLE_STORE), BODY(put), 1},
    [KH_MSG_STORED] = {ROLE(KH_ROLE_STORE), ROLE(KH_ROLE_ERRAND), BODY(verdict),
	0},
    [KH_MSG_REPORT] = {ROLE(KH_ROLE_DOOR) | ROLE(KH_ROLE_STORE) |
	    ROLE(KH_ROLE_WRAP),
	ROLE(KH_ROLE_KEEPER), BODY(report), 0},
    [KH_MSG_HEALTH] = {ROLE(KH_ROLE_KEEPER),
	ROLE(KH_ROLE_DOOR) | ROLE(KH_ROLE_COURIER), BODY(health), 0},
    [KH_MSG_FORM_KEYS] = {ROLE(KH_ROLE_KEEPER), ROLE(KH_ROLE_DOOR),
	BODY(form_keys), 1},
    [KH_MSG_TABLE] = {ROLE(KH_ROLE_KEEPER), ROLE(KH_ROLE_DOOR), 0, 1},
    [KH_MSG_CRASHED] = {ROLE(KH_ROLE_DOOR) | ROLE(KH_ROLE_COURIER),
	ROLE(KH_ROLE_KEEPER), 0, 0},
    [KH_MSG_WRAP_HOME] = {ROLE(KH_ROLE_KEEPER), ROLE(KH_ROLE_WRAP),
	BODY(wrap_home), 1},
    [KH_MSG_WRAP_KEY] = {ROLE(KH_ROLE_WRAP), ROLE(KH_ROLE_KEEPER),
	BODY(wrap_key), 0},
    [KH_MSG_WRAP_LINK] = {ROLE(KH_ROLE_KEEPER), ROLE(KH_ROLE_DOOR), 0, 1},
    [KH_MSG_BRIDGE] = {ROLE(KH_ROLE_VISIT), ROLE(KH_ROLE_WRAP), BODY(bridge),
	0},
    [KH_MSG_BRIDGED] = {ROLE(KH_ROLE_WRAP), ROLE(KH_ROLE_VISIT), BODY(bridged),
	0},
    [KH_MSG_NO_BRIDGE] = {ROLE(KH_ROLE_WRAP), ROLE(KH_ROLE_VISIT),
	BODY(verdict), 0},
    [KH_MSG_RETIRE] = {ROLE(KH_ROLE_KEEPER),
	ROLE(KH_ROLE_DOOR) | ROLE(KH_ROLE_COURIER), 0, 0},
    [KH_MSG_CARD] = {ROLE(KH_ROLE_ERRAND), ROLE(KH_ROLE_STORE), BODY(card), 1},
    [KH_MSG_CARD_STORED] = {ROLE(KH_ROLE_STORE), ROLE(KH_ROLE_ERRAND),
	BODY(verdict), 0},
    [KH_MSG_CARDS] = {ROLE(KH_ROLE_STORE), ROLE(KH_ROLE_KEEPER), 0, 0},
    [KH_MSG_WRAP_VISIT] = {ROLE(KH_ROLE_DOOR), ROLE(KH_ROLE_WRAP), 0, 1},
};

/* Room for one descriptor more than any message has, to see a surplus. */
#define FDS_MAX 2
union control {
	struct cmsghdr align;
	char buf[CMSG_SPACE(FDS_MAX * sizeof(int))];
};

enum kh_err
kh_ipc_pair(int fds[static 2])
{
	fds[0] = fds[1] = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
		return KH_ESYS;
	return KH_OK;
}

enum kh_err
kh_ipc_check(const struct kh_msg *m, size_t len, int n_fds, enum kh_role from,
    enum kh_role to)
{
	if (len < HEAD_LEN || len > sizeof(*m))
		return KH_EPROTO;
	if (m->type == 0 || m->type >= KH_MSG_N || m->zero != 0)
		return KH_EPROTO;
	if (len != HEAD_LEN + table[m->type].len)
		return KH_EPROTO;
	if ((table[m->type].from & ROLE(from)) == 0 ||
	    (table[m->type].to & ROLE(to)) == 0)
		return KH_EPROTO;
	if (n_fds != table[m->type].n_fds)
		return KH_EPROTO;
	return KH_OK;
}

enum kh_err
kh_ipc_send(int sock, const struct kh_msg *m, int fd)
{
	union control control;
	struct iovec iov;
	struct msghdr mh = {0};
	struct cmsghdr *c;
	ssize_t r;

	PRECOND(m->type > 0 && m->type < KH_MSG_N && m->zero == 0);
	PRECOND((fd >= 0) == (table[m->type].n_fds == 1));

	iov.iov_base = (void *)(uintptr_t)m;
	iov.iov_len = HEAD_LEN + table[m->type].len;
	mh.msg_iov = &iov;
	mh.msg_iovlen = 1;
	if (fd >= 0) {
		memset(&control, 0, sizeof(control));
		mh.msg_control = control.buf;
		mh.msg_controllen = CMSG_SPACE(sizeof(int));
		c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
	}
	do
		r = sendmsg(sock, &mh, MSG_NOSIGNAL);
	while (r < 0 && errno == EINTR);
	if (r < 0 && (errno == EPIPE || errno == ECONNRESET))
		return KH_EPROTO;
	if (r < 0 && (errno == EAGAIN || errno == ETOOMANYREFS))
		return KH_EBUSY;
	return r == (ssize_t)iov.iov_len ? KH_OK : KH_ESYS;
}

/* Take the descriptors out of a received message; returns how many. */
static int
take_fds(struct msghdr *mh, int fds[static FDS_MAX])
{
	struct cmsghdr *c;
	int n = 0, fd;
	size_t i, k;

	for (c = CMSG_FIRSTHDR(mh); c != NULL; c = CMSG_NXTHDR(mh, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		k = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < k; i++) {
			memcpy(
			    &fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (n < FDS_MAX)
				fds[n++] = fd;
			else
				close(fd);
		}
	}
	return n;
}

/* A descriptor that we have no room for is dropped by the kernel, which says so
 * in the same way as when there are too many. */
static enum kh_err
check(const struct msghdr *mh, const struct kh_msg *m, size_t len, int n_fds,
    enum kh_role from, enum kh_role to)
{
	const bool cut = (mh->msg_flags & MSG_CTRUNC) != 0;
	enum kh_err e;

	if ((mh->msg_flags & MSG_TRUNC) != 0 || (cut && n_fds > 0))
		return KH_EPROTO;
	e = kh_ipc_check(m, len, cut ? 1 : n_fds, from, to);
	return e == KH_OK && cut ? KH_EBUSY : e;
}

enum kh_err
kh_ipc_recv(
    int sock, enum kh_role from, enum kh_role to, struct kh_msg *m, int *fd)
{
	union control control;
	struct iovec iov = {.iov_base = m, .iov_len = sizeof(*m)};
	struct msghdr mh = {0};
	int fds[FDS_MAX], n, i;
	enum kh_err e;
	ssize_t r;

	*fd = -1;
	memset(m, 0, sizeof(*m));
	mh.msg_iov = &iov;
	mh.msg_iovlen = 1;
	mh.msg_control = control.buf;
	mh.msg_controllen = sizeof(control.buf);
	do
		r = recvmsg(sock, &mh, MSG_CMSG_CLOEXEC);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return errno == ECONNRESET ? KH_EPROTO : KH_ESYS;
	n = take_fds(&mh, fds);
	e = check(&mh, m, (size_t)r, n, from, to);
	if (e == KH_OK && n == 1) {
		*fd = fds[0];
		return KH_OK;
	}
	for (i = 0; i < n; i++)
		close(fds[i]);
	if (e != KH_OK)
		kh_wipe(m, sizeof(*m));
	return e;
}

enum kh_err
kh_ipc_ask(
    int sock, enum kh_role me, enum kh_role peer, struct kh_msg *m, int *fd)
{
	enum kh_err e;

	*fd = -1;
	e = kh_ipc_send(sock, m, -1);
	if (e == KH_OK)
		e = kh_ipc_recv(sock, peer, me, m, fd);
	return e;
}
