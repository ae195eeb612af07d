/*
 * Reading --server and --proxy. Separate, and not left to libcurl, because it
 * accepts many spellings of an address and would ask a resolver about some.
 */
#include <arpa/inet.h>
#include <string.h>

#include "client/courier/address.h"
#include "lib/base/precond.h"

#define PORT_HTTP 80
#define PORT_MAX 65535
#define NAME_MAX_LEN 253 /* RFC 1035, 3.1 */

static const char not_a_server[] =
    "not a server; write http://ADDRESS.onion, unix:/PATH or "
    "http://127.0.0.1:PORT";
static const char not_a_proxy[] =
    "not a proxy; write socks5h://127.0.0.1:9050, or the address and port "
    "that tor listens at";

/* Digits of 1 to 65535, no zero in front, and nothing else. */
static bool
read_port(const char *p, size_t n, uint16_t *out)
{
	unsigned long v = 0;
	size_t i;

	if (n == 0 || n > 5 || p[0] == '0')
		return false;
	for (i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		v = v * 10 + (unsigned long)(p[i] - '0');
	}
	*out = (uint16_t)v;
	return v <= PORT_MAX;
}

/* Letters, digits, dashes and single dots; what ends in a number would be an
 * address in one of its odd spellings. */
static bool
is_name(const char *s)
{
	size_t i, n = strlen(s), label = 0;

	if (n == 0 || n > NAME_MAX_LEN)
		return false;
	for (i = 0; i < n; i++) {
		if (s[i] == '.') {
			if (i == label || i - label > 63 || i + 1 == n)
				return false;
			label = i + 1;
			continue;
		}
		if ((s[i] < 'a' || s[i] > 'z') && (s[i] < 'A' || s[i] > 'Z') &&
		    (s[i] < '0' || s[i] > '9') && s[i] != '-')
			return false;
	}
	return n - label <= 63 && (s[label] < '0' || s[label] > '9');
}

static bool
ends_with(const char *s, const char *tail)
{
	size_t n = strlen(s), m = strlen(tail);

	return n >= m && strcasecmp(s + n - m, tail) == 0;
}

static void
classify(const char *host, struct kh_address *a)
{
	struct in_addr four;

	a->family = AF_UNSPEC;
	if (inet_pton(AF_INET, host, &four) == 1) {
		a->family = AF_INET;
		memcpy(&a->addr, &four, sizeof(four));
		a->loopback = (ntohl(four.s_addr) >> 24) == 127;
	}
	a->onion = a->family == AF_UNSPEC && ends_with(host, ".onion");
}

/* "HOST[:PORT]" of `n` bytes; `port` when none is written, 0: one must be. */
static bool
read_host(const char *p, size_t n, uint16_t port, struct kh_address *a)
{
	char host[KH_HOST_LEN];
	const char *end, *colon;
	size_t len;

	if (n == 0 || n >= sizeof(host) || memchr(p, '\0', n) != NULL)
		return false;
	end = p + n;
	if (p[0] == '[') {
		colon = memchr(p, ']', n);
		if (colon == NULL)
			return false;
		len = (size_t)(++colon - p);
	} else {
		colon = memchr(p, ':', n);
		len = colon == NULL ? n : (size_t)(colon - p);
		colon = p + len;
	}
	memcpy(host, p, len);
	host[len] = '\0';
	a->port = port;
	if (colon != end &&
	    (*colon != ':' ||
		!read_port(colon + 1, (size_t)(end - colon) - 1, &a->port)))
		return false;
	if (host[0] == '[') {
		host[len - 1] = '\0';
		if (inet_pton(AF_INET6, host + 1, &a->addr) != 1)
			return false;
		a->family = AF_INET6;
		a->loopback = IN6_IS_ADDR_LOOPBACK(&a->addr) != 0;
	} else {
		classify(host, a);
		if (a->family == AF_UNSPEC && !is_name(host))
			return false;
	}
	memcpy(a->host, p, n);
	return a->port != 0;
}

static const char *
read_unix(const char *path, struct kh_address *out)
{
	size_t n = strlen(path);

	if (path[0] != '/')
		return "not a path; write unix: and a path that begins with /";
	if (n >= sizeof(out->path))
		return "longer than a socket's path can be; make a symbolic "
		       "link to it";
	memcpy(out->path, path, n + 1);
	memcpy(out->host, "localhost", sizeof("localhost"));
	return NULL;
}

const char *
kh_address_server(const char *text, struct kh_address *out)
{
	size_t n;

	PRECOND(text != NULL && out != NULL);
	memset(out, 0, sizeof(*out));
	if (strncmp(text, "unix:", 5) == 0)
		return read_unix(text + 5, out);
	if (strncmp(text, "https://", 8) == 0)
		return "https is not spoken; an onion service encrypts by "
		       "itself: write http://ADDRESS.onion";
	if (strncmp(text, "http://", 7) != 0)
		return not_a_server;
	text += 7;
	n = strlen(text);
	if (n > 0 && text[n - 1] == '/')
		n--;
	if (!read_host(text, n, PORT_HTTP, out))
		return not_a_server;
	return NULL;
}

const char *
kh_address_proxy(const char *text, struct kh_address *out)
{
	static const char scheme[] = "socks5h://";

	PRECOND(text != NULL && out != NULL);
	memset(out, 0, sizeof(*out));
	if (strncmp(text, "socks5://", 9) == 0 ||
	    strncmp(text, "socks4", 6) == 0 || strncmp(text, "http", 4) == 0)
		return "with this kind of proxy names may be resolved here; "
		       "write socks5h://127.0.0.1:9050";
	if (strncmp(text, scheme, sizeof(scheme) - 1) != 0)
		return not_a_proxy;
	text += sizeof(scheme) - 1;
	if (!read_host(text, strlen(text), 0, out))
		return not_a_proxy;
	if (out->family == AF_UNSPEC)
		return "a proxy's name would be resolved here; write its "
		       "address, such as socks5h://127.0.0.1:9050";
	return NULL;
}

const char *
kh_address_way(const struct kh_address *server, const struct kh_address *proxy)
{
	PRECOND(server != NULL);
	if (server->path[0] != '\0' || server->loopback)
		return NULL;
	if (server->family == AF_UNSPEC &&
	    (strncasecmp(server->host, "localhost", 9) == 0 ||
		ends_with(server->host, ".localhost")))
		return "names are not resolved here; write 127.0.0.1";
	if (proxy != NULL)
		return NULL;
	if (server->family == AF_UNSPEC)
		return "names are not resolved here: start tor and give "
		       "--proxy "
		       "socks5h://127.0.0.1:9050";
	return "not an address of this machine: it is reached only through "
	       "--proxy socks5h://127.0.0.1:9050";
}
