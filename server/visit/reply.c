/*
 * Header fields and the plain sending of an answer. Separate, so that there
 * is one list of fields, whichever way an answer goes out.
 */
#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#include "knothole/secret.h"
#include "lib/base/precond.h"
#include "server/visit/page.h"
#include "server/visit/reply.h"

#define HASH_TEXT_LEN \
	sodium_base64_ENCODED_LEN(32, sodium_base64_VARIANT_ORIGINAL)

static char csp[512];

/* No Date, no Server, no validators, no cookie; what is here is the same on
 * every page and every error. */
static const struct kh_header headers[] = {
    {"Content-Type", "text/html; charset=utf-8"},
    {"Cache-Control", "no-store"},
    {"Content-Security-Policy", csp},
    {"Referrer-Policy", "no-referrer"},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "SAMEORIGIN"},
    {"X-Robots-Tag", "noindex, nofollow"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Cross-Origin-Embedder-Policy", "require-corp"},
    {"Permissions-Policy",
	"accelerometer=(), camera=(), clipboard-read=(), display-capture=(), "
	"fullscreen=(), geolocation=(), gyroscope=(), hid=(), "
	"magnetometer=(), microphone=(), midi=(), payment=(), serial=(), "
	"usb=(), xr-spatial-tracking=()"},
};

static const struct {
	unsigned status;
	const char *text;
} reasons[] = {
    {200, "OK"},
    {400, "Bad Request"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {409, "Conflict"},
    {411, "Length Required"},
    {413, "Content Too Large"},
    {417, "Expectation Failed"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

static void
fill_csp(void)
{
	uint8_t hash[crypto_hash_sha256_BYTES];
	char text[HASH_TEXT_LEN];
	const char *s = kh_page_style();
	int n;

	crypto_hash_sha256(hash, (const uint8_t *)s, strlen(s));
	sodium_bin2base64(text, sizeof(text), hash, sizeof(hash),
	    sodium_base64_VARIANT_ORIGINAL);
	n = snprintf(csp, sizeof(csp),
	    "sandbox allow-forms allow-same-origin; default-src 'none'; "
	    "style-src 'sha256-%s'; img-src data:; form-action 'self'; "
	    "frame-src 'self'; frame-ancestors 'self'; base-uri 'none'",
	    text);
	PRECOND(n > 0 && (size_t)n < sizeof(csp));
}

const struct kh_header *
kh_reply_headers(size_t *n)
{
	if (csp[0] == '\0')
		fill_csp();
	*n = sizeof(headers) / sizeof(headers[0]);
	return headers;
}

static const char *
reason_text(unsigned status)
{
	size_t i;

	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (reasons[i].status == status)
			return reasons[i].text;
	}
	PRECOND(0);
	return "";
}

static enum kh_err
send_all(int conn, const char *p, size_t n)
{
	struct pollfd pfd = {.fd = conn, .events = POLLOUT};
	ssize_t r;

	while (n > 0) {
		r = send(conn, p, n, MSG_NOSIGNAL);
		if (r < 0 && errno == EAGAIN) {
			(void)poll(&pfd, 1, -1);
			continue;
		}
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return KH_EPROTO;
		p += r;
		n -= (size_t)r;
	}
	return KH_OK;
}

/* Status line and header fields into `buf`; returns the length. */
static size_t
write_head(const struct kh_reply *r, char *buf, size_t cap)
{
	const struct kh_header *h;
	size_t n_headers, used, i;
	int n;

	n = snprintf(buf, cap,
	    "HTTP/1.1 %u %s\r\nConnection: close\r\nContent-Length: %zu\r\n",
	    r->status, reason_text(r->status), r->html.n);
	PRECOND(n > 0 && (size_t)n < cap);
	used = (size_t)n;
	h = kh_reply_headers(&n_headers);
	for (i = 0; i < n_headers; i++) {
		n = snprintf(buf + used, cap - used, "%s: %s\r\n", h[i].name,
		    h[i].value);
		PRECOND(n > 0 && (size_t)n < cap - used);
		used += (size_t)n;
	}
	PRECOND(cap - used > 2);
	memcpy(buf + used, "\r\n", 2);
	return used + 2;
}

enum kh_err
kh_reply_send(int conn, const struct kh_reply *r)
{
	char head[4096];
	enum kh_err e;
	size_t n;

	n = write_head(r, head, sizeof(head));
	e = send_all(conn, head, n);
	if (e == KH_OK && !r->head_only)
		e = send_all(conn, r->html.p, r->html.n);
	return e;
}

enum kh_err
kh_reply_offer(int conn, const struct kh_reply *r)
{
	char head[4096];
	struct iovec iov[2];
	struct msghdr mh = {.msg_iov = iov, .msg_iovlen = 2};

	iov[0].iov_base = head;
	iov[0].iov_len = write_head(r, head, sizeof(head));
	iov[1].iov_base = r->html.p;
	iov[1].iov_len = r->html.n;
	if (sendmsg(conn, &mh, MSG_NOSIGNAL | MSG_DONTWAIT) !=
	    (ssize_t)(iov[0].iov_len + iov[1].iov_len))
		return KH_EPROTO;
	return KH_OK;
}

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void
kh_reply_linger(int conn, unsigned seconds)
{
	struct pollfd pfd = {.fd = conn, .events = POLLIN};
	int64_t end = now_ms() + (int64_t)seconds * 1000, left;
	uint8_t drop[16384];
	ssize_t r = 0;

	if (shutdown(conn, SHUT_WR) != 0)
		return;
	for (;;) {
		left = end - now_ms();
		if (left <= 0 || poll(&pfd, 1, (int)left) <= 0)
			break;
		r = recv(conn, drop, sizeof(drop), MSG_DONTWAIT);
		if (r == 0 || (r < 0 && errno != EAGAIN && errno != EINTR))
			break;
	}
	kh_wipe(drop, sizeof(drop));
}
