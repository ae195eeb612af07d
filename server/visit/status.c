/*
 * Progress, true to what has arrived. The visit that takes an upload writes
 * its line of the shared table; the visit that shows progress looks for that
 * line, and when it has gone without a word (its process was killed) asks the
 * store. Nobody else is asked, and nothing is kept.
 */
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/base/precond.h"
#include "server/visit/status.h"

#define TICK_MS 1000 /* between two ticks, always */
#define LOOK_MS 200 /* between two looks at the table */
/* After a cut, how long to watch for the browser's next try (ticks). */
#define AGAIN_TICKS 30

_Static_assert(KH_UPLOAD_ID_LEN == 2 * sizeof(uint64_t), "kh_counter.upload");

struct display {
	struct kh_visit *v;
	const struct kh_form *form;
	struct kh_reply *r;
	struct kh_progress now;
	bool followed; /* there was a line for it */
	bool coded; /* the return code has been shown */
	unsigned after; /* ticks since it was cut */
};

static bool
same_upload(const struct kh_counter *c, const uint64_t id[static 2])
{
	return atomic_load(&c->upload[0]) == id[0] &&
	    atomic_load(&c->upload[1]) == id[1];
}

bool
kh_status_look(const struct kh_counter *table, size_t n,
    const uint8_t upload[static KH_UPLOAD_ID_LEN], struct kh_progress *out,
    size_t *line)
{
	const struct kh_counter *c, *found = NULL;
	uint32_t state, best = 0;
	uint64_t id[2];
	size_t i;

	memcpy(id, upload, sizeof(id));
	for (i = 0; i < n; i++) {
		c = &table[i];
		state = atomic_load(&c->state);
		if (state == KH_PROGRESS_WAITING || !same_upload(c, id))
			continue;
		/* A try that goes on counts, then the one that came furthest. */
		if (found != NULL && state >= best)
			continue;
		found = c;
		best = state;
		*line = i;
	}
	if (found == NULL)
		return false;
	memset(out, 0, sizeof(*out));
	state = atomic_load(&found->state);
	out->state = state < KH_PROGRESS_ENDED ? (enum kh_progress_state)state
					       : KH_PROGRESS_ARRIVING;
	state = atomic_load(&found->why);
	out->why =
	    state < KH_REASON_N ? (enum kh_reason)state : KH_REASON_FAILED;
	out->done = atomic_load(&found->bytes);
	out->all = atomic_load(&found->all);
	out->files = atomic_load(&found->files);
	out->begun = atomic_load(&found->begun);
	return true;
}

/* The visit that we followed is gone, or we have come late. */
static void
ask_store(struct display *d)
{
	struct kh_msg m = {.type = KH_MSG_FATE};
	int fd;

	memcpy(m.u.begin.upload, d->form->upload, KH_UPLOAD_ID_LEN);
	if (kh_visit_ask(d->v, &m, &fd) != KH_OK ||
	    m.type != KH_MSG_FATE_ANSWER) {
		d->now.state = KH_PROGRESS_ENDED;
		return;
	}
	d->now.files = m.u.fate.files;
	d->now.begun = m.u.fate.begun;
	switch (m.u.fate.verdict) {
	case KH_VERDICT_SEALED:
		d->now.state = KH_PROGRESS_SEALED;
		return;
	case KH_VERDICT_YES:
		d->now.state = KH_PROGRESS_CUT;
		return;
	case KH_VERDICT_BUSY:
		return; /* it is seen again in a moment */
	default:
		d->now.state =
		    d->followed ? KH_PROGRESS_REFUSED : KH_PROGRESS_WAITING;
		d->now.why = KH_REASON_CUT;
	}
}

static void
look(struct display *d)
{
	struct kh_progress p;
	size_t line = 0;

	if (kh_status_look(
		d->v->table, d->v->n_table, d->form->upload, &p, &line)) {
		d->followed = true;
		d->now = p;
		if (p.state >= KH_PROGRESS_SEALED)
			atomic_store(&d->v->table[line].noted, 1);
		return;
	}
	if (d->now.state == KH_PROGRESS_ARRIVING ||
	    d->now.state == KH_PROGRESS_SEALING)
		ask_store(d);
}

/* One tick, and before the first that is about an upload the return code:
 * written first, shown after (L29). */
static enum kh_err
tick(struct display *d)
{
	struct kh_html *h = &d->r->html;
	const bool begun = d->now.state != KH_PROGRESS_WAITING &&
	    d->now.state != KH_PROGRESS_REFUSED &&
	    d->now.state != KH_PROGRESS_ENDED;
	enum kh_err e;

	h->n = 0;
	if (begun && !d->coded) {
		kh_progress_code(h, &d->v->view, &d->form->code);
		d->coded = true;
	}
	kh_progress_tick(h, &d->v->view, &d->now);
	e = kh_reply_chunk(d->v->conn, h->p, h->n);
	atomic_fetch_add(&d->v->counter->bytes, h->n);
	return e;
}

/* Was that the last tick? */
static bool
over(struct display *d)
{
	const bool cut = d->now.state == KH_PROGRESS_CUT ||
	    (d->now.state == KH_PROGRESS_REFUSED &&
		d->now.why == KH_REASON_CUT);

	if (cut)
		return ++d->after >= AGAIN_TICKS;
	d->after = 0;
	return d->now.state >= KH_PROGRESS_SEALED;
}

static enum kh_err
run(struct display *d)
{
	struct pollfd pfd = {.fd = d->v->conn, .events = POLLRDHUP};
	int64_t next = kh_clock_ms(), left;
	enum kh_err e;

	ask_store(d);
	for (;;) {
		look(d);
		left = next - kh_clock_ms();
		if (left <= 0) {
			e = tick(d);
			if (e != KH_OK || over(d))
				return e;
			next += TICK_MS;
			continue;
		}
		if (poll(&pfd, 1, (int)(left < LOOK_MS ? left : LOOK_MS)) > 0)
			return KH_EPROTO; /* closed, or something after a GET */
	}
}

/* Take the head off the socket, where it was only looked at. */
static enum kh_err
drop_head(struct kh_visit *v)
{
	size_t n = v->head.head_len;
	ssize_t r;

	PRECOND(n <= sizeof(v->head_bytes));
	while (n > 0) {
		r = recv(v->conn, v->head_bytes, n, 0);
		if (r <= 0)
			return KH_EPROTO;
		n -= (size_t)r;
	}
	return KH_OK;
}

/* Tell the uploads that somebody follows this one. */
static void
watch(struct kh_visit *v, const uint8_t upload[static KH_UPLOAD_ID_LEN])
{
	uint64_t id[2];

	memcpy(id, upload, sizeof(id));
	atomic_store(&v->counter->upload[0], id[0]);
	atomic_store(&v->counter->upload[1], id[1]);
	kh_visit_phase(v, KH_PHASE_STATUS);
}

enum kh_err
kh_status_show(
    struct kh_visit *v, const struct kh_form *form, struct kh_reply *r)
{
	struct display d = {.v = v, .form = form, .r = r};
	char token[KH_TOKEN_LEN + 1];
	enum kh_err e;

	e = drop_head(v);
	if (e != KH_OK)
		return e;
	watch(v, form->upload);
	v->view.framed = true;
	r->status = 200;
	e = kh_reply_stream(v->conn, r);
	if (e != KH_OK)
		return e;
	/* The same state under a new nonce, for the link that stops it. */
	kh_token_seal(v->site->keys, KH_TOKEN_STATUS, form, token);
	r->html.n = 0;
	kh_progress_begin(&r->html, &v->view, token);
	e = kh_reply_chunk(v->conn, r->html.p, r->html.n);
	if (e == KH_OK)
		e = run(&d);
	if (e != KH_OK)
		return e;
	r->html.n = 0;
	kh_progress_end(&r->html);
	e = kh_reply_chunk(v->conn, r->html.p, r->html.n);
	return e == KH_OK ? kh_reply_stream_end(v->conn) : e;
}

void
kh_upload_announce(
    struct kh_visit *v, const uint8_t upload[static KH_UPLOAD_ID_LEN])
{
	uint64_t id[2];

	memcpy(id, upload, sizeof(id));
	atomic_store(&v->counter->all, v->head.length);
	atomic_store(&v->counter->upload[0], id[0]);
	atomic_store(&v->counter->upload[1], id[1]);
	kh_upload_state(v, KH_PROGRESS_ARRIVING, KH_REASON_NONE);
}

void
kh_upload_state(
    struct kh_visit *v, enum kh_progress_state state, enum kh_reason why)
{
	atomic_store(&v->counter->why, (uint32_t)why);
	/* Last: who sees it sees the rest. */
	atomic_store(&v->counter->state, (uint32_t)state);
}
