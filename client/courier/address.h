/*
 * Where the server is, and the way there. The courier never asks a resolver:
 * what is neither a socket nor a literal loopback address goes through a SOCKS
 * proxy that resolves names itself, which is tor.
 */
#ifndef KNOTHOLE_COURIER_ADDRESS_H
#define KNOTHOLE_COURIER_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

/* A host of 253 characters (RFC 1035), brackets, colon and port, with NUL. */
#define KH_HOST_LEN 264
#define KH_UNIX_PATH_LEN 108 /* unix(7), with NUL */

struct kh_address {
	char path[KH_UNIX_PATH_LEN]; /* of a socket, or "" */
	char host[KH_HOST_LEN]; /* "name:80", "127.0.0.1:80", "[::1]:80" */
	bool loopback; /* a literal one */
	bool onion; /* a name that only tor knows */
	int family; /* AF_INET, AF_INET6 of a literal; AF_UNSPEC of a name */
	struct in6_addr addr; /* the first four bytes hold an AF_INET one */
	uint16_t port;
};

/*
 * Read --server: "unix:/PATH", or "http://HOST[:PORT][/]" with a name, a dotted
 * IPv4 address or an IPv6 address in brackets. One spelling each; no user, no
 * path. Returns NULL, or what is wrong and what to do (static text).
 */
const char *kh_address_server(const char *text, struct kh_address *out);

/* Read --proxy: "socks5h://ADDRESS:PORT", the address a literal one. Returns
 * as above. */
const char *kh_address_proxy(const char *text, struct kh_address *out);

/*
 * May `server` be reached without a proxy (`proxy` NULL), or through this one?
 * Returns NULL, or what is wrong and what to do.
 */
const char *kh_address_way(
    const struct kh_address *server, const struct kh_address *proxy);

#endif
