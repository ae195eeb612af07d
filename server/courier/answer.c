/*
 * What a courier is answered: status, a few fields, JSON or a piece of a file.
 *
 * Our own writer and not libmicrohttpd: an object goes from file to socket
 * inside the kernel, nothing of a request is parsed a second time, and a
 * library less sees bytes from outside. No Date, no Server, no validators.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include "lib/base/precond.h"
#include "server/courier/errand.h"

#define HEAD_CAP 512 /* bytes of a head: ours take 250 */
#define EXTRA_MAX 128
/* At once from file to socket. The deadline counts silence between two of
 * them: with 64 KiB and 120 s a circuit may be as slow as 550 bytes a second. */
#define PIECE 65536

static const struct {
	unsigned status;
	const char *reason;
	const char *word;
} statuses[] = {
    {200, "OK", NULL},
    {201, "Created", NULL},
    {206, "Partial Content", NULL},
    {400, "Bad Request", "malformed"},
    {401, "Unauthorized", "unauthorized"},
    {403, "Forbidden", "forbidden"},
    {404, "Not Found", "not_found"},
    {405, "Method Not Allowed", "method"},
    {409, "Conflict", "taken"},
    {411, "Length Required", "length_required"},
    {413, "Content Too Large", "too_large"},
    {416, "Range Not Satisfiable", "range"},
    {417, "Expectation Failed", "expectation"},
    {431, "Request Header Fields Too Large", "head_too_large"},
    {500, "Internal Server Error", "failed"},
    {501, "Not Implemented", "transfer_coding"},
    {503, "Service Unavailable", "busy"},
    {505, "HTTP Version Not Supported", "version"},
    {507, "Insufficient Storage", "full"},
};

static size_t
find_status(unsigned status)
{
	size_t i;

	for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		if (statuses[i].status == status)
			return i;
	}
	PRECOND(0);
	return 0;
}

static size_t
write_head(char out[static HEAD_CAP], unsigned status, const char *fields,
    uint64_t length, bool keep)
{
	int n;

	n = snprintf(out, HEAD_CAP,
	    "HTTP/1.1 %u %s\r\n"
	    "Connection: %s\r\n"
	    "Content-Length: %" PRIu64 "\r\n"
	    "%s"
	    "Cache-Control: no-store\r\n"
	    "X-Content-Type-Options: nosniff\r\n"
	    "\r\n",
	    status, statuses[find_status(status)].reason,
	    keep ? "keep-alive" : "close", length, fields);
	PRECOND(n > 0 && n < HEAD_CAP);
	return (size_t)n;
}

/* The counter tells the process that watches us that it goes on. */
static void
moved(struct kh_errand *x, size_t n)
{
	atomic_fetch_add(&x->counter->bytes, n);
}

static enum kh_err
send_all(struct kh_errand *x, const char *p, size_t n, int flags)
{
	ssize_t r;

	while (n > 0) {
		r = send(x->conn, p, n, flags | MSG_NOSIGNAL);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return KH_EPROTO;
		moved(x, (size_t)r);
		p += r;
		n -= (size_t)r;
	}
	return KH_OK;
}

static void
phase(struct kh_errand *x, enum kh_phase p)
{
	atomic_store(&x->counter->phase, (uint32_t)p);
}

enum kh_err
kh_errand_json(struct kh_errand *x, unsigned status, const char *extra,
    const char *json, size_t n)
{
	char head[HEAD_CAP], fields[EXTRA_MAX + 64];
	const bool head_only = x->head.method == KH_HEAD;
	enum kh_err e;
	size_t len;

	PRECOND(strlen(extra) <= EXTRA_MAX);
	phase(x, KH_PHASE_REPLY);
	(void)snprintf(fields, sizeof(fields),
	    "Content-Type: application/json\r\n%s", extra);
	len = write_head(head, status, fields, n, x->keep);
	e = send_all(x, head, len, head_only ? 0 : MSG_MORE);
	if (e == KH_OK && !head_only)
		e = send_all(x, json, n, 0);
	return e;
}

static size_t
error_text(const char *word, char out[static EXTRA_MAX])
{
	int n;

	n = snprintf(out, EXTRA_MAX, "{\"error\":\"%s\"}", word);
	PRECOND(n > 0 && n < EXTRA_MAX);
	return (size_t)n;
}

enum kh_err
kh_errand_error(struct kh_errand *x, unsigned status, const char *extra)
{
	char text[EXTRA_MAX];
	size_t n = error_text(statuses[find_status(status)].word, text);

	if (x->head.length > 0)
		x->keep = false;
	return kh_errand_json(x, status, extra, text, n);
}

enum kh_err
kh_errand_refuse(struct kh_errand *x, unsigned status, const char *word)
{
	char text[EXTRA_MAX];
	size_t n = error_text(word, text);

	if (x->head.length > 0)
		x->keep = false;
	return kh_errand_json(x, status, "", text, n);
}

enum kh_err
kh_errand_file(
    struct kh_errand *x, int fd, uint64_t from, uint64_t n, uint64_t size)
{
	char head[HEAD_CAP], fields[EXTRA_MAX + 64], range[EXTRA_MAX] = "";
	off_t at = (off_t)from;
	enum kh_err e;
	size_t len;
	ssize_t r;

	PRECOND(from <= size && n <= size - from && size <= INT64_MAX);
	phase(x, KH_PHASE_REPLY);
	if (n < size)
		(void)snprintf(range, sizeof(range),
		    "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64
		    "\r\n",
		    from, from + n - 1, size);
	(void)snprintf(fields, sizeof(fields),
	    "Content-Type: application/octet-stream\r\n"
	    "Accept-Ranges: bytes\r\n%s",
	    range);
	len = write_head(head, n < size ? 206 : 200, fields, n, x->keep);
	if (x->head.method == KH_HEAD)
		return send_all(x, head, len, 0);
	e = send_all(x, head, len, MSG_MORE);
	while (e == KH_OK && n > 0) {
		r = sendfile(x->conn, fd, &at, n < PIECE ? n : PIECE);
		if (r < 0 && errno == EINTR)
			continue;
		/* The head has promised more than there is: nothing can be
		 * said any more but the end. */
		if (r <= 0)
			return KH_EPROTO;
		moved(x, (size_t)r);
		n -= (uint64_t)r;
	}
	return e;
}

size_t
kh_errand_busy(char *out, size_t cap)
{
	char text[EXTRA_MAX];
	size_t n = error_text(statuses[find_status(503)].word, text), len;

	PRECOND(cap >= HEAD_CAP + EXTRA_MAX);
	len = write_head(
	    out, 503, "Content-Type: application/json\r\n", n, false);
	memcpy(out + len, text, n);
	return len + n;
}
