/*
 * Answers on the wire: the same header fields on each of them, nothing that
 * tells a clock or a version.
 */
#include "tests/unit/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sodium.h>
#include <sys/socket.h>

#include "server/page/page.h"
#include "server/visit/reply.h"
#include "tests/unit/aborts.h"

#define ANSWER_MAX (2 * KH_HTML_MAX)

static struct kh_reply r;
static int conn[2];
static char answer[ANSWER_MAX + 1];

static int
setup(void **state)
{
	(void)state;
	memset(&r, 0, sizeof(r));
	if (kh_html_init(&r.html) != KH_OK)
		return -1;
	r.status = 200;
	kh_html_raw(&r.html, "<!DOCTYPE html>\n<p>something</p>\n");
	return socketpair(AF_UNIX, SOCK_STREAM, 0, conn);
}

static int
teardown(void **state)
{
	(void)state;
	kh_html_free(&r.html);
	close(conn[0]);
	close(conn[1]);
	return 0;
}

/* Everything that the peer gets, up to the end; as text. */
static size_t
receive(void)
{
	size_t n = 0;
	ssize_t k;

	while (n < ANSWER_MAX) {
		k = recv(conn[1], answer + n, ANSWER_MAX - n, 0);
		assert_true(k >= 0);
		if (k == 0)
			break;
		n += (size_t)k;
	}
	answer[n] = '\0';
	return n;
}

/* The value of a header field of the answer, which must be there once. */
static void
field(const char *name, char *value, size_t cap)
{
	char line[64];
	const char *p, *end;

	snprintf(line, sizeof(line), "\r\n%s: ", name);
	p = strstr(answer, line);
	if (p == NULL)
		fail_msg("no %s", name);
	p += strlen(line);
	assert_null(strstr(p, line));
	end = strstr(p, "\r\n");
	assert_non_null(end);
	assert_true((size_t)(end - p) < cap);
	memcpy(value, p, (size_t)(end - p));
	value[end - p] = '\0';
}

static void
assert_field(const char *name, const char *expect)
{
	char value[1024];

	field(name, value, sizeof(value));
	assert_string_equal(value, expect);
}

static void
assert_page_headers(void)
{
	assert_field("Connection", "close");
	assert_field("Content-Type", "text/html; charset=utf-8");
	assert_field("Cache-Control", "no-store");
	assert_field("Referrer-Policy", "no-referrer");
	assert_field("X-Content-Type-Options", "nosniff");
	assert_field("X-Frame-Options", "SAMEORIGIN");
	assert_field("Cross-Origin-Opener-Policy", "same-origin");
	assert_field("Cross-Origin-Resource-Policy", "same-origin");
	assert_field("Cross-Origin-Embedder-Policy", "require-corp");
}

static void
assert_no_field(const char *name)
{
	char line[64], *p;

	snprintf(line, sizeof(line), "\r\n%s:", name);
	for (p = answer; (p = strstr(p, "\r\n")) != NULL; p += 2)
		assert_int_not_equal(strncasecmp(p, line, strlen(line)), 0);
}

/* L27: the same fields on the answer to everything, errors too. */
static void
test_l27_headers_on_every_answer(void **state)
{
	static const char *const never[] = {"Date", "Server", "ETag",
	    "Last-Modified", "Set-Cookie", "Expires", "Age", "Via", "Location",
	    "Content-Disposition", "Refresh", "Link", "Transfer-Encoding",
	    "X-Powered-By", "Clear-Site-Data"};
	char length[32], line[64], *body;
	unsigned status, seen = 0;
	size_t i, n;

	(void)state;
	for (i = 0; i < KH_REASON_N; i++) {
		status = i == 0 ? 200 : kh_reason_status((enum kh_reason)i);
		r.status = status;
		assert_int_equal(kh_reply_send(conn[0], &r), KH_OK);
		assert_int_equal(shutdown(conn[0], SHUT_WR), 0);
		n = receive();
		snprintf(line, sizeof(line), "HTTP/1.1 %u ", status);
		assert_int_equal(strncmp(answer, line, strlen(line)), 0);
		body = strstr(answer, "\r\n\r\n");
		assert_non_null(body);
		body[2] = '\0'; /* field() sees the head alone */
		body += 4;
		assert_page_headers();
		snprintf(length, sizeof(length), "%zu", r.html.n);
		assert_field("Content-Length", length);
		for (size_t k = 0; k < sizeof(never) / sizeof(never[0]); k++)
			assert_no_field(never[k]);
		assert_int_equal(n - (size_t)(body - answer), r.html.n);
		assert_memory_equal(body, r.html.p, r.html.n);
		seen++;
		close(conn[0]);
		close(conn[1]);
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, conn), 0);
	}
	assert_int_equal(seen, KH_REASON_N);
}

/* Exactly these fields, in both ways of answering. */
static void
test_the_list(void **state)
{
	static const char *const names[] = {"Content-Type", "Cache-Control",
	    "Content-Security-Policy", "Referrer-Policy",
	    "X-Content-Type-Options", "X-Frame-Options", "X-Robots-Tag",
	    "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy",
	    "Cross-Origin-Embedder-Policy", "Permissions-Policy",
	    "Clear-Site-Data"};
	const size_t n = sizeof(names) / sizeof(names[0]);
	struct kh_header h, again;
	size_t i;

	(void)state;
	for (r.clear = false;; r.clear = true) {
		for (i = 0; kh_reply_header(&r, i, &h); i++) {
			assert_true(i < n);
			assert_string_equal(h.name, names[i]);
			assert_true(strlen(h.value) > 0);
			assert_null(strpbrk(h.value, "\r\n"));
			assert_true(kh_reply_header(&r, i, &again));
			assert_ptr_equal(h.value, again.value);
		}
		assert_int_equal(i, r.clear ? n : n - 1);
		assert_false(kh_reply_header(&r, i + 1, &h));
		assert_false(kh_reply_header(&r, SIZE_MAX, &h));
		if (r.clear)
			break;
	}
	assert_string_equal(again.value, "\"*\"");
}

/* A key file is no page: a browser is told not to take it for one. */
static void
test_text(void **state)
{
	(void)state;
	r.text = true;
	r.html.n = 0;
	kh_html_raw(&r.html, "# a key\n");
	assert_int_equal(kh_reply_send(conn[0], &r), KH_OK);
	shutdown(conn[0], SHUT_WR);
	receive();
	assert_field("Content-Type", "text/plain; charset=utf-8");
	assert_field("X-Content-Type-Options", "nosniff");
	assert_field("Content-Length", "8");
}

/* The end of the visit's answers: the page for leaving, and no other. */
static void
test_leaving_clears(void **state)
{
	(void)state;
	r.clear = true;
	assert_int_equal(kh_reply_send(conn[0], &r), KH_OK);
	shutdown(conn[0], SHUT_WR);
	receive();
	assert_field("Clear-Site-Data", "\"*\"");
}

/* A stream has the fields of every answer, and its own framing. */
static void
test_stream(void **state)
{
	static const char body[] = "1\r\na\r\n1a\r\nabcdefghijklmnopqrstuvwxyz"
				   "\r\n0\r\n\r\n";
	char *begin;

	(void)state;
	assert_int_equal(kh_reply_stream(conn[0], &r), KH_OK);
	assert_int_equal(kh_reply_chunk(conn[0], "a", 1), KH_OK);
	assert_int_equal(
	    kh_reply_chunk(conn[0], "abcdefghijklmnopqrstuvwxyz", 26), KH_OK);
	assert_int_equal(kh_reply_stream_end(conn[0]), KH_OK);
	shutdown(conn[0], SHUT_WR);
	receive();
	begin = strstr(answer, "\r\n\r\n");
	assert_non_null(begin);
	assert_string_equal(begin + 4, body);
	begin[2] = '\0';
	assert_page_headers();
	assert_field("Transfer-Encoding", "chunked");
	assert_no_field("Content-Length");
	assert_no_field("Date");
}

static void
send_empty_chunk(void *ctx)
{
	(void)ctx;
	if (kh_reply_chunk(conn[0], "", 0) == KH_OK) /* would end it */
		_exit(1);
}

/* The policy allows the one style sheet that is on the pages, by the hash of
 * what stands there, and scripts by nothing. */
static void
test_policy(void **state)
{
	uint8_t hash[crypto_hash_sha256_BYTES];
	char b64[64], source[128];
	const char *begin, *end, *csp = NULL;
	struct kh_header h;
	struct kh_site *site = calloc(1, sizeof(*site));
	const struct kh_view v = {.site = site, .lang = KH_LANG_EN};
	size_t i;

	(void)state;
	assert_non_null(site);
	for (i = 0; kh_reply_header(&r, i, &h); i++) {
		if (strcmp(h.name, "Content-Security-Policy") == 0)
			csp = h.value;
	}
	assert_non_null(csp);
	assert_non_null(strstr(csp, "default-src 'none'"));
	assert_non_null(strstr(csp, "form-action 'self'"));
	assert_non_null(strstr(csp, "frame-ancestors 'self'"));
	assert_non_null(strstr(csp, "base-uri 'none'"));
	assert_non_null(strstr(csp, "sandbox allow-forms"));
	assert_null(strstr(csp, "script"));
	assert_null(strstr(csp, "unsafe"));
	assert_null(strstr(csp, "*"));
	assert_null(strstr(csp, "http"));

	r.html.n = 0;
	kh_page_leave(&r.html, &v);
	kh_html_raw(&r.html, "\n");
	r.html.p[r.html.n - 1] = '\0';
	begin = strstr(r.html.p, "<style>");
	end = strstr(r.html.p, "</style>");
	assert_non_null(begin);
	assert_non_null(end);
	begin += 7;
	crypto_hash_sha256(hash, (const uint8_t *)begin, (size_t)(end - begin));
	sodium_bin2base64(b64, sizeof(b64), hash, sizeof(hash),
	    sodium_base64_VARIANT_ORIGINAL);
	snprintf(source, sizeof(source), "style-src 'sha256-%s';", b64);
	assert_non_null(strstr(csp, source));
	free(site);
}

static void
test_answer_to_head_has_no_body(void **state)
{
	char length[32];
	size_t n;

	(void)state;
	r.head_only = true;
	assert_int_equal(kh_reply_send(conn[0], &r), KH_OK);
	shutdown(conn[0], SHUT_WR);
	n = receive();
	assert_memory_equal(answer + n - 4, "\r\n\r\n", 4);
	assert_ptr_equal(strstr(answer, "\r\n\r\n"), answer + n - 4);
	snprintf(length, sizeof(length), "%zu", r.html.n);
	assert_field("Content-Length", length);
}

/* A peer that reads late, on a connection that does not block. */
static void
test_send_waits(void **state)
{
	int small = 1, status;
	size_t n;
	pid_t pid;

	(void)state;
	while (r.html.n < KH_HTML_MAX - 16)
		kh_html_raw(&r.html, "0123456789abcdef");
	assert_int_equal(
	    setsockopt(conn[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)),
	    0);
	assert_int_equal(fcntl(conn[0], F_SETFL, O_NONBLOCK), 0);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(conn[1]);
		_exit(kh_reply_send(conn[0], &r) == KH_OK ? 0 : 1);
	}
	close(conn[0]);
	usleep(50000);
	n = receive();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(n > r.html.n);
	assert_memory_equal(answer + n - r.html.n, r.html.p, r.html.n);
	conn[0] = dup(conn[1]); /* for teardown */
}

static void
test_peer_is_gone(void **state)
{
	(void)state;
	close(conn[1]);
	assert_int_equal(kh_reply_send(conn[0], &r), KH_EPROTO);
	assert_int_equal(kh_reply_offer(conn[0], &r), KH_EPROTO);
	assert_int_equal(kh_reply_stream(conn[0], &r), KH_EPROTO);
	assert_int_equal(kh_reply_chunk(conn[0], "a", 1), KH_EPROTO);
	assert_int_equal(kh_reply_stream_end(conn[0]), KH_EPROTO);
	conn[1] = dup(conn[0]);
}

static void
test_offer(void **state)
{
	char line[64];
	size_t n;

	(void)state;
	r.status = 503;
	assert_int_equal(fcntl(conn[0], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(kh_reply_offer(conn[0], &r), KH_OK);
	shutdown(conn[0], SHUT_WR);
	n = receive();
	assert_true(n > 13);
	memcpy(line, answer, 13);
	line[13] = '\0';
	assert_string_equal(line, "HTTP/1.1 503 ");
	assert_page_headers();
	assert_memory_equal(answer + n - r.html.n, r.html.p, r.html.n);
}

/* Nobody reads: it does not wait, whatever the flags of the connection. */
static void
test_offer_never_waits(void **state)
{
	static const char junk[4096];

	(void)state;
	while (send(conn[0], junk, sizeof(junk), MSG_DONTWAIT) > 0)
		continue;
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(kh_reply_offer(conn[0], &r), KH_EPROTO);
}

static void
send_odd_status(void *ctx)
{
	(void)ctx;
	r.status = 299;
	if (kh_reply_send(conn[0], &r) == KH_OK)
		_exit(1);
}

static void
test_preconditions(void **state)
{
	(void)state;
	assert_true(aborts(send_odd_status, NULL));
	assert_true(aborts(send_empty_chunk, NULL));
}

#define WITH_CONN(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

static const struct CMUnitTest tests[] = {
    WITH_CONN(test_l27_headers_on_every_answer),
    WITH_CONN(test_the_list),
    WITH_CONN(test_text),
    WITH_CONN(test_leaving_clears),
    WITH_CONN(test_stream),
    WITH_CONN(test_policy),
    WITH_CONN(test_answer_to_head_has_no_body),
    WITH_CONN(test_send_waits),
    WITH_CONN(test_peer_is_gone),
    WITH_CONN(test_offer),
    WITH_CONN(test_offer_never_waits),
    WITH_CONN(test_preconditions),
};

TAP_MAIN(tests)
