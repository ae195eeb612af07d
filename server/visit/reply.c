/*
 * Header fields and the plain sending of an answer. Separate, so that there
 * is one list of fields, whichever way an answer goes out.
 */
#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "knothole/secret.h"
#include "lib/base/clock.h"
#include "lib/base/precond.h"
#include "server/page/page.h"
#include "server/visit/reply.h"

#define HASH_TEXT_LEN \
	sodium_base64_ENCODED_LEN(32, sodium_base64_VARIANT_ORIGINAL)

#define HEAD_CAP 4096 /* bytes of a head: ours take 1,200 */

static char csp[512];

/* No Date, no Server, no validators, no cookie; what is here is the same on
 * every page and every error. */
static const struct kh_header headers[] = {
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

bool
kh_reply_header(const struct kh_reply *r, size_t i, struct kh_header *out)
{
	const size_t n = sizeof(headers) / sizeof(headers[0]);

	if (csp[0] == '\0')
		fill_csp();
	if (i == 0)
		*out = (struct kh_header){"Content-Type",
		    r->text ? "text/plain; charset=utf-8"
			    : "text/html; charset=utf-8"};
	else if (i <= n)
		*out = headers[i - 1];
	else if (i == n + 1 && r->clear)
		*out = (struct kh_header){"Clear-Site-Data", "\"*\""};
	else
		return false;
	return true;
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

/* Append to `buf`, which is large enough for every answer. */
__attribute__((format(printf, 3, 4))) static void
put(char *buf, size_t *used, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf + *used, HEAD_CAP - *used, fmt, ap);
	va_end(ap);
	PRECOND(n > 0 && (size_t)n < HEAD_CAP - *used);
	*used += (size_t)n;
}

/* Status line and header fields into `buf`; returns the length. */
static size_t
write_head(const struct kh_reply *r, char buf[static HEAD_CAP], bool stream)
{
	struct kh_header f;
	size_t used = 0, i;

	put(buf, &used, "HTTP/1.1 %u %s\r\nConnection: close\r\n", r->status,
	    reason_text(r->status));
	if (stream)
		put(buf, &used, "Transfer-Encoding: chunked\r\n");
	else
		put(buf, &used, "Content-Length: %zu\r\n", r->html.n);
	for (i = 0; kh_reply_header(r, i, &f); i++)
		put(buf, &used, "%s: %s\r\n", f.name, f.value);
	put(buf, &used, "\r\n");
	return used;
}

enum kh_err
kh_reply_send(int conn, const struct kh_reply *r)
{
	char head[HEAD_CAP];
	enum kh_err e;
	size_t n;

	n = write_head(r, head, false);
	e = send_all(conn, head, n);
	if (e == KH_OK && !r->head_only)
		e = send_all(conn, r->html.p, r->html.n);
	return e;
}

enum kh_err
kh_reply_offer(int conn, const struct kh_reply *r)
{
	char head[HEAD_CAP];
	struct iovec iov[2];
	struct msghdr mh = {.msg_iov = iov, .msg_iovlen = 2};

	iov[0].iov_base = head;
	iov[0].iov_len = write_head(r, head, false);
	iov[1].iov_base = r->html.p;
	iov[1].iov_len = r->html.n;
	if (sendmsg(conn, &mh, MSG_NOSIGNAL | MSG_DONTWAIT) !=
	    (ssize_t)(iov[0].iov_len + iov[1].iov_len))
		return KH_EPROTO;
	return KH_OK;
}

enum kh_err
kh_reply_stream(int conn, const struct kh_reply *r)
{
	char head[HEAD_CAP];

	return send_all(conn, head, write_head(r, head, true));
}

enum kh_err
kh_reply_chunk(int conn, const char *p, size_t n)
{
	char size[24];
	enum kh_err e;
	int len;

	PRECOND(n > 0);
	len = snprintf(size, sizeof(size), "%zx\r\n", n);
	PRECOND(len > 0 && (size_t)len < sizeof(size));
	e = send_all(conn, size, (size_t)len);
	if (e == KH_OK)
		e = send_all(conn, p, n);
	if (e == KH_OK)
		e = send_all(conn, "\r\n", 2);
	return e;
}

enum kh_err
kh_reply_stream_end(int conn)
{
	return send_all(conn, "0\r\n\r\n", 5);
}

void
kh_reply_linger(int conn, unsigned seconds)
{
	struct pollfd pfd = {.fd = conn, .events = POLLIN};
	int64_t end = kh_clock_ms() + (int64_t)seconds * 1000, left;
	uint8_t drop[16384];
	ssize_t r = 0;

	if (shutdown(conn, SHUT_WR) != 0)
		return;
	for (;;) {
		left = end - kh_clock_ms();
		if (left <= 0 || poll(&pfd, 1, (int)left) <= 0)
			break;
		r = recv(conn, drop, sizeof(drop), MSG_DONTWAIT);
		if (r == 0 || (r < 0 && errno != EAGAIN && errno != EINTR))
			break;
	}
	kh_wipe(drop, sizeof(drop));
}
