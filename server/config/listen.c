/*
 * Addresses to listen on. Separate from the file's syntax because this is the
 * place that makes it impossible to be reached from elsewhere than this host.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>

#include "lib/base/precond.h"
#include "server/config/config.h"

#define SUN_PATH_MAX (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)

_Static_assert(SUN_PATH_MAX <= KH_PATH_MAX, "kh_listen.path holds any");

static enum kh_err
parse_unix(const char *path, struct kh_listen *out)
{
	size_t n = strlen(path);

	/* An absolute file: the daemon has no working directory of its own. */
	if (n < 2 || path[0] != '/' || path[n - 1] == '/')
		return KH_EFORMAT;
	if (n > SUN_PATH_MAX)
		return KH_ELIMIT;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)path[i] < 0x20 || path[i] == 0x7f)
			return KH_EFORMAT;
	out->kind = KH_LISTEN_UNIX;
	memcpy(out->path, path, n + 1);
	return KH_OK;
}

/* 0 to 65535 in decimal, without leading zeros. */
static enum kh_err
parse_port(const char *text, uint16_t *port)
{
	unsigned sum = 0;

	if (text[0] == '\0' || (text[0] == '0' && text[1] != '\0'))
		return KH_EFORMAT;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return KH_EFORMAT;
		sum = sum * 10 + (unsigned)(*text - '0');
		if (sum > UINT16_MAX)
			return KH_EFORMAT;
	}
	*port = (uint16_t)sum;
	return KH_OK;
}

/* The text between the brackets. */
static enum kh_err
parse_v6(const char *host, struct kh_listen *out)
{
	struct in6_addr a;

	if (inet_pton(AF_INET6, host, &a) != 1)
		return KH_EFORMAT;
	if (memcmp(&a, &in6addr_loopback, sizeof(a)) != 0)
		return KH_EUNSUP;
	out->kind = KH_LISTEN_TCP6;
	memcpy(out->addr, &a, sizeof(a));
	return KH_OK;
}

/* A dotted quad, or a name: names are for other machines' addresses, and what
 * they mean may change. */
static enum kh_err
parse_v4(const char *host, struct kh_listen *out)
{
	static const char name[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
	struct in_addr a;

	if (host[0] == '\0' || host[strspn(host, name)] != '\0')
		return KH_EFORMAT;
	if (inet_pton(AF_INET, host, &a) != 1 ||
	    (ntohl(a.s_addr) >> 24) != IN_LOOPBACKNET)
		return KH_EUNSUP;
	out->kind = KH_LISTEN_TCP4;
	memcpy(out->addr, &a, sizeof(a));
	return KH_OK;
}

static enum kh_err
parse_tcp(const char *text, struct kh_listen *out)
{
	char host[KH_PATH_MAX + 1];
	const char *colon = strrchr(text, ':');
	bool v6 = text[0] == '[';
	enum kh_err e;
	size_t n;

	if (colon == NULL || (size_t)(colon - text) >= sizeof(host))
		return KH_EFORMAT;
	e = parse_port(colon + 1, &out->port);
	if (e != KH_OK)
		return e;
	n = (size_t)(colon - text);
	if (v6) {
		if (n < 2 || text[n - 1] != ']')
			return KH_EFORMAT;
		text++;
		n -= 2;
	}
	memcpy(host, text, n);
	host[n] = '\0';
	return v6 ? parse_v6(host, out) : parse_v4(host, out);
}

enum kh_err
kh_listen_parse(const char *text, struct kh_listen *out)
{
	enum kh_err e = KH_EFORMAT;

	PRECOND(text != NULL && out != NULL);

	memset(out, 0, sizeof(*out));
	if (strncmp(text, "unix:", 5) == 0)
		e = parse_unix(text + 5, out);
	else if (strncmp(text, "tcp:", 4) == 0)
		e = parse_tcp(text + 4, out);
	if (e != KH_OK)
		memset(out, 0, sizeof(*out));
	return e;
}
