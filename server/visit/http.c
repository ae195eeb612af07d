/*
 * The only file that talks to libmicrohttpd. Version 0.9.75 is used for one
 * connection and one request, without listener, threads, clock or messages;
 * what it is known to get wrong is kept away from it:
 *  - it accepts ambiguous heads: it sees only those that head.c passed;
 *  - a reply in the middle of a body cannot be queued: a refused body is
 *    read to its end and dropped, and what can be refused from the head is;
 *  - with epoll it notices some aborts late: select is used;
 *  - its completion code is not reliable: an object is committed before its
 *    receipt is queued, and a cut is told by what has not been called.
 */
#include <errno.h>
#include <microhttpd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/precond.h"
#include "server/visit/http.h"

/* Half of the pool is one read of the body. 64 KiB cost a tenth more of CPU
 * (each read wakes the sender up); more than 256 KiB gains nothing. */
#define POOL_LEN 262144
/* Without a door (it died) an idle connection ends all the same. Seconds. */
#define IDLE_MAX 1200

struct exchange {
	struct kh_visit *v;
	struct kh_reply *reply;
	const struct kh_intake *in; /* NULL: the reply is ready */
	bool begun;
	bool finished; /* the body was complete */
	bool closed;
};

static void
panic(void *cls, const char *file, unsigned line, const char *reason)
{
	(void)cls;
	(void)file;
	(void)line;
	(void)reason;
	_exit(1);
}

static enum MHD_Result
queue(struct exchange *x, struct MHD_Connection *c)
{
	struct MHD_Response *resp;
	enum MHD_Result ok;
	struct kh_header h;
	size_t i;

	resp = MHD_create_response_from_buffer(
	    x->reply->html.n, x->reply->html.p, MHD_RESPMEM_PERSISTENT);
	if (resp == NULL)
		return MHD_NO;
	ok = MHD_add_response_header(resp, "Connection", "close");
	for (i = 0; ok == MHD_YES && kh_reply_header(x->reply, i, &h); i++)
		ok = MHD_add_response_header(resp, h.name, h.value);
	if (ok == MHD_YES)
		ok = MHD_queue_response(c, x->reply->status, resp);
	MHD_destroy_response(resp);
	kh_visit_phase(x->v, KH_PHASE_REPLY);
	return ok;
}

/* libmicrohttpd's access handler: called once when the head is read, then for
 * each piece of the body, then once more at its end. */
static enum MHD_Result
on_request(void *cls, struct MHD_Connection *c, const char *url,
    const char *method, const char *version, const char *data, size_t *n,
    void **state)
{
	struct exchange *x = cls;

	(void)url;
	(void)method;
	(void)version;
	if (*state == NULL) {
		if (x->begun)
			return MHD_NO; /* a second request */
		x->begun = true;
		*state = x;
		return x->in == NULL ? queue(x, c) : MHD_YES;
	}
	if (*n > 0) {
		x->in->feed(x->in->ctx, (const uint8_t *)data, *n);
		*n = 0;
		return MHD_YES;
	}
	x->finished = true;
	x->in->finish(x->in->ctx, x->reply);
	return queue(x, c);
}

static void
on_connection(void *cls, struct MHD_Connection *c, void **state,
    enum MHD_ConnectionNotificationCode what)
{
	struct exchange *x = cls;

	(void)c;
	(void)state;
	if (what == MHD_CONNECTION_NOTIFY_CLOSED)
		x->closed = true;
}

static enum kh_err
loop(struct MHD_Daemon *d, struct exchange *x)
{
	MHD_UNSIGNED_LONG_LONG ms;
	fd_set r, w, ex;
	struct timeval tv;
	int max;

	while (!x->closed) {
		FD_ZERO(&r);
		FD_ZERO(&w);
		FD_ZERO(&ex);
		max = -1;
		if (MHD_get_fdset(d, &r, &w, &ex, &max) != MHD_YES)
			return KH_EPROTO;
		if (MHD_get_timeout(d, &ms) != MHD_YES || ms > 1000)
			ms = 1000;
		tv.tv_sec = (time_t)(ms / 1000);
		tv.tv_usec = (suseconds_t)(ms % 1000) * 1000;
		if (select(max + 1, &r, &w, &ex, &tv) < 0 && errno != EINTR)
			return KH_ESYS;
		if (MHD_run_from_select(d, &r, &w, &ex) != MHD_YES)
			return KH_EPROTO;
	}
	return KH_OK;
}

enum kh_err
kh_visit_http(
    struct kh_visit *v, struct kh_reply *r, const struct kh_intake *in)
{
	struct exchange x = {.v = v, .reply = r, .in = in};
	struct sockaddr_un peer = {.sun_family = AF_UNIX};
	struct MHD_Daemon *d;
	enum kh_err e = KH_ENOMEM;
	int fd;

	PRECOND(v->conn >= 0 && v->conn < FD_SETSIZE);
	MHD_set_panic_func(panic, NULL);
	d = MHD_start_daemon(
	    MHD_USE_NO_LISTEN_SOCKET | MHD_USE_SUPPRESS_DATE_NO_CLOCK, 0, NULL,
	    NULL, on_request, &x, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
	    (size_t)POOL_LEN, MHD_OPTION_CONNECTION_LIMIT, 1u,
	    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_MAX,
	    MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_CONNECTION,
	    on_connection, &x, MHD_OPTION_END);
	if (d == NULL)
		return KH_ENOMEM;
	fd = dup(v->conn); /* libmicrohttpd closes what it is given */
	if (fd < 0 ||
	    MHD_add_connection(d, fd, (struct sockaddr *)&peer, sizeof(peer)) !=
		MHD_YES)
		goto out;
	e = loop(d, &x);
	if (in != NULL && x.begun && !x.finished)
		in->cut(in->ctx);
out:
	MHD_stop_daemon(d);
	return e;
}
