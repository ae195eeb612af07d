/*
 * The course of a visit: from the request's head to the end of its answer.
 */

#include "server/visit/visit.h"
#include "knothole/secret.h"
#include "server/role/role.h"
#include "server/visit/http.h"
#include "server/visit/peek.h"
#include "server/visit/route.h"
#include "server/visit/sealing.h"
#include "server/visit/share.h"
#include "server/visit/small.h"
#include "server/visit/status.h"
#include "server/visit/submit.h"
#include "server/visit/thread.h"

/* After a refusal, how long to read on (seconds): the peer may have megabytes
 * on their way before it looks at our answer. */
#define LINGER 30

static void
refusal(struct kh_visit *v, struct kh_reply *r, enum kh_reason why)
{
	r->status = kh_reason_status(why);
	kh_page_refusal(&r->html, &v->view, why);
}

/* Answer a head that was refused, with its own status. */
static void
refuse_head(struct kh_visit *v, struct kh_reply *r, enum kh_head_fault fault)
{
	refusal(v, r,
	    fault == KH_HEAD_METHOD       ? KH_REASON_METHOD
		: fault == KH_HEAD_TARGET ? KH_REASON_NOT_FOUND
					  : KH_REASON_REQUEST);
	r->status = kh_head_status(fault);
	r->head_only = kh_head_wants_none(v->head_bytes, sizeof(v->head_bytes));
}

static enum kh_err
form(struct kh_visit *v, struct kh_reply *r, bool plain)
{
	char send[KH_TOKEN_LEN + 1], status[KH_TOKEN_LEN + 1];
	const struct kh_form_tokens t = {send, plain ? NULL : status};
	enum kh_err e;

	if (!kh_sealing_open(v->site)) {
		refusal(v, r, KH_REASON_CLOSED);
		return KH_OK;
	}
	e = kh_thread_tokens(v->site, NULL, send, status);
	if (e == KH_OK)
		kh_page_form(&r->html, &v->view, &t);
	return e;
}

/* What was answered before the form; 0 when all is well. */
static unsigned
unsafe(const struct kh_route *to)
{
	const struct {
		struct kh_slice answer;
		const char *safe;
		unsigned bit;
	} asked[] = {{to->device, "own", KH_UNSAFE_DEVICE},
	    {to->network, "own", KH_UNSAFE_NETWORK},
	    {to->browser, "tor", KH_UNSAFE_BROWSER}};
	unsigned bits = 0, given = 0;
	size_t i;

	for (i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		if (asked[i].answer.n == 0)
			continue;
		given++;
		if (!kh_slice_is(asked[i].answer, asked[i].safe))
			bits |= asked[i].bit;
	}
	/* All of them, or none: then the form was asked for itself. */
	if (given > 0 && given < sizeof(asked) / sizeof(asked[0]))
		bits |= KH_UNSAFE_MISSING;
	return bits;
}

static enum kh_err
key_file(struct kh_visit *v, struct kh_reply *r, const struct kh_route *to)
{
	char day[KH_DAY_LEN + 1];

	kh_day_today(day);
	r->text = true;
	if (to->openpgp)
		return kh_page_openpgp(&r->html, v->site, to->outlet);
	kh_page_key(&r->html, v->site, to->outlet, day);
	return KH_OK;
}

static enum kh_err
get(struct kh_visit *v, struct kh_reply *r, const struct kh_route *to)
{
	const struct kh_entry none = {.word = "", .typed = ""};
	unsigned bits;

	r->status = 200;
	switch (to->to) {
	case KH_TO_LANGUAGES:
		kh_page_languages(&r->html, v->site);
		return KH_OK;
	case KH_TO_CHECK:
		kh_page_check(&r->html, &v->view);
		return KH_OK;
	case KH_TO_SEND:
		bits = unsafe(to);
		if (bits == 0)
			return form(v, r, to->plain.n > 0);
		kh_page_stop(&r->html, &v->view, bits);
		return KH_OK;
	case KH_TO_STATUS: /* stopped, or without an upload */
		kh_page_stopped(&r->html, &v->view);
		return KH_OK;
	case KH_TO_RETURN:
		kh_page_return(&r->html, &v->view, &none);
		return KH_OK;
	case KH_TO_LEAVE:
		r->clear = true;
		kh_page_leave(&r->html, &v->view);
		return KH_OK;
	case KH_TO_HELP:
		kh_page_help(&r->html, &v->view);
		return KH_OK;
	case KH_TO_KEY:
		return key_file(v, r, to);
	case KH_TO_FORGET:
	case KH_TO_NOTHING:
		break;
	}
	return KH_EPROTO;
}

/* What can be said against a submission before its first byte. */
static enum kh_reason
preflight(struct kh_visit *v)
{
	enum kh_reason why;

	if (v->head.length > v->site->conf.max_upload)
		return KH_REASON_TOO_LARGE;
	if (!kh_share_claim(v, v->head.length))
		return KH_REASON_LOAD;
	if (!kh_sealing_open(v->site))
		return KH_REASON_CLOSED;
	why = kh_sealing_room(v, v->head.length);
	return why == KH_REASON_NONE ? kh_sealing_bridges(v) : why;
}

/* A submission. The address may name its upload, so that progress can be shown
 * from the first byte on, and a refusal from the head. */
static enum kh_err
take_submission(struct kh_visit *v, struct kh_reply *r,
    const struct kh_route *to, struct kh_intake *in)
{
	struct kh_form named;
	enum kh_reason why;
	enum kh_err e;

	v->view.framed = to->u.n > 0;
	if (v->view.framed &&
	    kh_token_open(v->site->keys, KH_TOKEN_STATUS, to->u, &named) !=
		KH_OK) {
		refusal(v, r, KH_REASON_TOKEN);
		return KH_OK;
	}
	if (v->view.framed)
		kh_upload_announce(v, named.upload);
	kh_wipe(&named.code, sizeof(named.code));
	why = preflight(v);
	if (why != KH_REASON_NONE) {
		kh_upload_state(v, KH_PROGRESS_REFUSED, why);
		refusal(v, r, why);
		return KH_OK;
	}
	e = kh_submit_new(v, v->view.framed ? named.upload : NULL, in);
	if (e == KH_EFORMAT) {
		kh_upload_state(v, KH_PROGRESS_REFUSED, KH_REASON_FORM);
		refusal(v, r, KH_REASON_FORM);
		e = KH_OK;
	}
	return e;
}

static enum kh_err
take_small(struct kh_visit *v, struct kh_reply *r, enum kh_target to,
    struct kh_intake *in)
{
	enum kh_err e;

	v->view.back = true;
	if (v->head.length > KH_SMALL_FORM_MAX) {
		refusal(v, r, KH_REASON_TOO_LARGE);
		return KH_OK;
	}
	if (!kh_share_claim(v, v->head.length)) {
		refusal(v, r, KH_REASON_LOAD);
		return KH_OK;
	}
	e = kh_small_new(
	    v, to == KH_TO_RETURN ? kh_thread_return : kh_thread_forget, in);
	if (e == KH_EFORMAT) {
		refusal(v, r, KH_REASON_FORM);
		e = KH_OK;
	}
	return e;
}

/* Decide from the head. Either the reply is ready (status not 0), or *in takes
 * the body in. */
static enum kh_err
decide(struct kh_visit *v, struct kh_reply *r, const struct kh_route *to,
    struct kh_intake *in)
{
	const bool post = v->head.method == KH_POST;

	if (kh_route_proxied(&v->head, v->site, v->view.address)) {
		v->view.framed = true; /* no links: they lead back to it */
		refusal(v, r, KH_REASON_PROXY);
		return KH_OK;
	}
	if (to->to == KH_TO_NOTHING) {
		refusal(v, r, KH_REASON_NOT_FOUND);
		return KH_OK;
	}
	if (post ? !to->post : !to->get) {
		refusal(v, r, KH_REASON_METHOD);
		return KH_OK;
	}
	if (!post)
		return get(v, r, to);
	return to->to == KH_TO_SEND ? take_submission(v, r, to, in)
				    : take_small(v, r, to->to, in);
}

/* Is it the display of progress? Then show it, until it ends. */
static bool
display(struct kh_visit *v, struct kh_reply *r, const struct kh_route *to,
    enum kh_err *e)
{
	struct kh_form *f;
	bool ours = false;

	if (to->to != KH_TO_STATUS || to->u.n == 0 || v->head.old ||
	    v->head.method != KH_GET ||
	    kh_route_proxied(&v->head, v->site, v->view.address))
		return false;
	f = kh_secret_alloc(sizeof(*f));
	if (f != NULL &&
	    kh_token_open(v->site->keys, KH_TOKEN_STATUS, to->u, f) == KH_OK) {
		*e = kh_status_show(v, f, r);
		ours = true;
	}
	kh_secret_free(f);
	return ours;
}

/* The answer to a request that was refused from its head. Its body need not
 * be read for that, only read on for a while behind the answer. */
static enum kh_err
answer_at_once(struct kh_visit *v, struct kh_reply *r)
{
	enum kh_err e;

	kh_visit_phase(v, KH_PHASE_REPLY);
	e = kh_reply_send(v->conn, r);
	kh_visit_phase(v, KH_PHASE_LINGER);
	if (e == KH_OK)
		kh_reply_linger(v->conn, LINGER);
	return e;
}

/* A request with a body that is refused from its head is answered by us, and
 * so is the display of progress; everything else by libmicrohttpd. */
static enum kh_err
serve(struct kh_visit *v, struct kh_reply *r)
{
	struct kh_intake in = {0};
	struct kh_route to;
	enum kh_head_fault fault;
	enum kh_err e;

	e = kh_visit_peek(v, &fault);
	if (e == KH_EFORMAT || e == KH_ELIMIT) {
		refuse_head(v, r, fault);
		return answer_at_once(v, r);
	}
	if (e != KH_OK)
		return e;
	kh_visit_phase(v, KH_PHASE_BODY);
	kh_route_find(&v->head, v->site, &to);
	v->view.lang = to.lang;
	if (display(v, r, &to, &e))
		return e;
	r->head_only = v->head.method == KH_HEAD;
	e = decide(v, r, &to, &in);
	if (e != KH_OK)
		refusal(v, r, KH_REASON_FAILED);
	if (v->head.method == KH_POST && in.ctx == NULL)
		e = answer_at_once(v, r);
	else
		e = kh_visit_http(v, r, in.ctx != NULL ? &in : NULL);
	if (in.ctx != NULL)
		in.free(in.ctx);
	kh_html_free(&r->html); /* it may show a return code */
	return e;
}

int
kh_visit_run(struct kh_visit *v)
{
	const struct kh_confine confine = {.dir = -1, .filter = v->filter};
	struct kh_reply r = {0};
	struct kh_header first;
	int status = 1;

	(void)kh_reply_header(&r, 0, &first);
	if (kh_html_init(&r.html) != KH_OK)
		goto out;
	status = kh_role_confine(KH_ROLE_VISIT, &confine);
	if (status == 0 && serve(v, &r) != KH_OK)
		status = 1;
out:
	kh_html_free(&r.html);
	return status;
}
