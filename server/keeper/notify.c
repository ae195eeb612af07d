/*
 * Telling a service manager how the service is: sd_notify(3)'s protocol, which
 * is one datagram, "KEY=VALUE" lines, to the socket that NOTIFY_SOCKET names.
 * Separate, because it is the keeper's one socket to somebody else; and our
 * own, because libsystemd would bring compression and more into the process
 * that is the parent of all.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/precond.h"
#include "server/keeper/keeper.h"

/* sd_notify(3): a path, or '@' for the abstract name space. Other families
 * (vsock, for virtual machines) are none of ours. */
static socklen_t
address_of(const char *name, struct sockaddr_un *a)
{
	size_t n = strlen(name);

	memset(a, 0, sizeof(*a));
	if ((name[0] != '/' && name[0] != '@') || n < 2 ||
	    n >= sizeof(a->sun_path))
		return 0;
	a->sun_family = AF_UNIX;
	memcpy(a->sun_path, name, n);
	if (name[0] == '@')
		a->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
}

/* Decimal digits, not 0, at most a day: what is not that is no watchdog. */
static int64_t
interval_ms(const char *usec)
{
	int64_t sum = 0;

	if (usec == NULL || usec[0] == '\0')
		return 0;
	for (; *usec != '\0'; usec++) {
		if (*usec < '0' || *usec > '9' || sum > INT64_C(86400000000))
			return 0;
		sum = sum * 10 + (*usec - '0');
	}
	return sum / 1000;
}

/* sd_watchdog_enabled(3): WATCHDOG_PID says whose interval it is. */
static bool
is_ours(const char *pid)
{
	char own[24];

	(void)snprintf(own, sizeof(own), "%ld", (long)getpid());
	return pid == NULL || strcmp(pid, own) == 0;
}

void
kh_notify_open(struct kh_notify *n)
{
	const char *name = getenv("NOTIFY_SOCKET");

	PRECOND(n != NULL);

	memset(n, 0, sizeof(*n));
	n->fd = -1;
	if (name == NULL)
		return;
	n->len = address_of(name, &n->to);
	if (n->len == 0)
		return;
	n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (n->fd >= 0 && is_ours(getenv("WATCHDOG_PID")))
		n->every = interval_ms(getenv("WATCHDOG_USEC")) / 3;
}

void
kh_notify_say(struct kh_notify *n, const char *what)
{
	PRECOND(n != NULL && what != NULL);

	if (n->fd < 0)
		return;
	/* Who does not listen is not told: the service is none the worse. */
	(void)!sendto(n->fd, what, strlen(what), MSG_NOSIGNAL,
	    (const struct sockaddr *)&n->to, n->len);
}

void
kh_notify_alive(struct kh_notify *n, int64_t now)
{
	if (n->every == 0 || (n->said != 0 && now - n->said < n->every))
		return;
	n->said = now;
	kh_notify_say(n, "WATCHDOG=1");
}

int64_t
kh_notify_calm(const struct kh_notify *n, int64_t now)
{
	if (n->every == 0)
		return INT64_MAX;
	return n->said + n->every > now ? n->said + n->every - now : 0;
}

void
kh_notify_close(struct kh_notify *n)
{
	if (n->fd >= 0)
		close(n->fd);
	n->fd = -1;
	n->every = 0;
}
