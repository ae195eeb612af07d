/*
 * The listening socket: on loopback or the file system, nothing else can be
 * expressed (struct kh_listen).
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/precond.h"
#include "server/keeper/keeper.h"

#define BACKLOG 512

union address {
	struct sockaddr sa;
	struct sockaddr_un un;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static socklen_t
fill(const struct kh_listen *l, union address *a)
{
	memset(a, 0, sizeof(*a));
	switch (l->kind) {
	case KH_LISTEN_UNIX:
		PRECOND(strlen(l->path) < sizeof(a->un.sun_path));
		a->un.sun_family = AF_UNIX;
		memcpy(a->un.sun_path, l->path, strlen(l->path));
		return sizeof(a->un);
	case KH_LISTEN_TCP4:
		a->in.sin_family = AF_INET;
		a->in.sin_port = htons(l->port);
		memcpy(&a->in.sin_addr, l->addr, 4);
		return sizeof(a->in);
	case KH_LISTEN_TCP6:
		a->in6.sin6_family = AF_INET6;
		a->in6.sin6_port = htons(l->port);
		memcpy(&a->in6.sin6_addr, l->addr, 16);
		return sizeof(a->in6);
	}
	return 0;
}

/* A socket that a crash left behind answers nobody: remove it. */
static void
remove_stale(const union address *a, socklen_t len)
{
	struct stat sb;
	int fd;

	if (lstat(a->un.sun_path, &sb) != 0 || !S_ISSOCK(sb.st_mode))
		return;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (connect(fd, &a->sa, len) != 0 && errno == ECONNREFUSED)
		(void)unlink(a->un.sun_path);
	close(fd);
}

static void
describe(const struct kh_listen *l, int fd, char *text, size_t cap)
{
	union address a;
	socklen_t len = sizeof(a);
	unsigned port = l->port;

	memset(&a, 0, sizeof(a));
	/* The one that the kernel has chosen; 0 if it has not come to that. */
	if (port == 0 && getsockname(fd, &a.sa, &len) == 0)
		port = ntohs(l->kind == KH_LISTEN_TCP4 ? a.in.sin_port
						       : a.in6.sin6_port);
	switch (l->kind) {
	case KH_LISTEN_UNIX:
		(void)snprintf(text, cap, "unix:%s", l->path);
		return;
	case KH_LISTEN_TCP4:
		(void)snprintf(text, cap, "tcp:%u.%u.%u.%u:%u", l->addr[0],
		    l->addr[1], l->addr[2], l->addr[3], port);
		return;
	case KH_LISTEN_TCP6:
		(void)snprintf(text, cap, "tcp:[::1]:%u", port);
		return;
	}
}

/* Tor runs as another user: its group, that of the directory, may connect, from
 * the first moment on. Not by chmod(2) later, which goes to whatever is then
 * under that name. */
static int
bind_as_group(int fd, const union address *a, socklen_t len)
{
	const mode_t before = umask(0117);
	int r = bind(fd, &a->sa, len);

	umask(before);
	return r;
}

enum kh_exit
kh_listen_open(const struct kh_listen *l, int *fd, char *text, size_t cap)
{
	union address a;
	socklen_t len = fill(l, &a);
	int on = 1;

	*fd = socket(
	    a.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd < 0) {
		kh_say("cannot make a socket: %s", strerror(errno));
		return KH_EXIT_OSERR;
	}
	if (l->kind == KH_LISTEN_UNIX)
		remove_stale(&a, len);
	else if (setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)))
		goto fail;
	if (bind_as_group(*fd, &a, len) != 0)
		goto fail;
	if (listen(*fd, BACKLOG) != 0)
		goto fail;
	describe(l, *fd, text, cap);
	return KH_EXIT_OK;
fail:
	describe(l, *fd, text, cap);
	kh_say("cannot listen on %s: %s", text, strerror(errno));
	close(*fd);
	*fd = -1;
	return KH_EXIT_OSERR;
}
