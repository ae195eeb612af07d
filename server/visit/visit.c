/*
 * The course of a visit, and the routes: everything that is not listed here
 * does not exist.
 */
#include <string.h>

#include "knothole/secret.h"
#include "server/role/role.h"
#include "server/visit/http.h"
#include "server/visit/peek.h"
#include "server/visit/sealing.h"
#include "server/visit/submit.h"
#include "server/visit/visit.h"

/* After a refusal, how long to read on (seconds): the peer may have megabytes
 * on their way before it looks at our answer. */
#define LINGER 30

enum page {
	PAGE_LANGUAGES,
	PAGE_HOME,
	PAGE_SEND
};

static const struct {
	const char *path;
	enum page page;
	bool post; /* does it take a submission? */
} routes[] = {
    {"/", PAGE_LANGUAGES, false},
    {"/en/", PAGE_HOME, false},
    {"/en/send", PAGE_SEND, true},
};

#define N_ROUTES (sizeof(routes) / sizeof(routes[0]))

static size_t
route(const struct kh_head *h)
{
	size_t i;

	for (i = 0; i < N_ROUTES; i++) {
		if (h->query.n == 0 && strlen(routes[i].path) == h->path.n &&
		    memcmp(routes[i].path, h->path.p, h->path.n) == 0)
			break;
	}
	return i;
}

static void
refusal(struct kh_visit *v, struct kh_reply *r, enum kh_reason why)
{
	r->status = kh_reason_status(why);
	kh_page_refusal(&r->html, v->site, why);
}

/* Answer a head that was refused, with its own status. */
static void
refuse_head(struct kh_visit *v, struct kh_reply *r, enum kh_head_fault fault)
{
	static const char head[] = "HEAD ";
	static const unsigned status[] = {
	    [KH_HEAD_FINE] = 400,
	    [KH_HEAD_MALFORMED] = 400,
	    [KH_HEAD_METHOD] = 405,
	    [KH_HEAD_TARGET] = 404,
	    [KH_HEAD_LENGTH] = 411,
	    [KH_HEAD_CODING] = 501,
	    [KH_HEAD_EXPECT] = 417,
	    [KH_HEAD_VERSION] = 505,
	    [KH_HEAD_LARGE] = 431,
	};

	refusal(v, r,
	    fault == KH_HEAD_METHOD       ? KH_REASON_METHOD
		: fault == KH_HEAD_TARGET ? KH_REASON_NOT_FOUND
					  : KH_REASON_REQUEST);
	r->status = status[fault];
	/* RFC 9110 9.3.2: no content, whatever else is wrong. The parser gives
	 * no method for a head that it refuses. */
	r->head_only = memcmp(v->head_bytes, head, sizeof(head) - 1) == 0;
}

static enum kh_err
form(struct kh_visit *v, struct kh_reply *r)
{
	char token[KH_TOKEN_LEN + 1];
	struct kh_form *f;

	f = kh_secret_alloc(sizeof(*f));
	if (f == NULL)
		return KH_ENOMEM;
	kh_form_new(f);
	kh_token_seal(v->site->keys, f, token);
	kh_secret_free(f);
	kh_page_form(&r->html, v->site, token);
	return KH_OK;
}

static enum kh_err
get(struct kh_visit *v, struct kh_reply *r, enum page page)
{
	r->status = 200;
	switch (page) {
	case PAGE_LANGUAGES:
		kh_page_languages(&r->html, v->site);
		return KH_OK;
	case PAGE_HOME:
		kh_page_home(&r->html, v->site);
		return KH_OK;
	case PAGE_SEND:
		if (kh_sealing_open(v->site))
			return form(v, r);
		refusal(v, r, KH_REASON_CLOSED);
		return KH_OK;
	}
	return KH_EPROTO;
}

/* What can be said against a submission before its first byte. */
static enum kh_reason
preflight(struct kh_visit *v)
{
	if (v->head.length > v->site->conf.max_upload)
		return KH_REASON_TOO_LARGE;
	if (!kh_sealing_open(v->site))
		return KH_REASON_CLOSED;
	return kh_sealing_room(v, v->head.length);
}

/* Decide from the head. Either the reply is ready (status not 0), or *s is a
 * submission to take in. */
static enum kh_err
decide(struct kh_visit *v, struct kh_reply *r, struct kh_submit **s)
{
	size_t i = route(&v->head);
	enum kh_reason why;
	enum kh_err e;

	if (i == N_ROUTES) {
		refusal(v, r, KH_REASON_NOT_FOUND);
		return KH_OK;
	}
	if (v->head.method != KH_POST)
		return get(v, r, routes[i].page);
	if (!routes[i].post) {
		refusal(v, r, KH_REASON_METHOD);
		return KH_OK;
	}
	why = preflight(v);
	if (why != KH_REASON_NONE) {
		refusal(v, r, why);
		return KH_OK;
	}
	e = kh_submit_new(v, s);
	if (e == KH_EFORMAT) {
		refusal(v, r, KH_REASON_FORM);
		e = KH_OK;
	}
	return e;
}

/* A request with a body that is refused from its head is answered by us, so
 * that its body need not be read; everything else by libmicrohttpd. */
static enum kh_err
serve(struct kh_visit *v, struct kh_reply *r)
{
	struct kh_submit *s = NULL;
	enum kh_head_fault fault;
	enum kh_err e;
	bool plain;

	e = kh_visit_peek(v, &fault);
	plain = e != KH_OK;
	if (e == KH_EFORMAT || e == KH_ELIMIT)
		refuse_head(v, r, fault);
	else if (e != KH_OK)
		return e;
	else {
		kh_visit_phase(v, KH_PHASE_BODY);
		r->head_only = v->head.method == KH_HEAD;
		e = decide(v, r, &s);
		if (e != KH_OK)
			refusal(v, r, KH_REASON_FAILED);
		plain = v->head.method == KH_POST && s == NULL;
	}
	if (!plain) {
		e = kh_visit_http(v, r, s);
		kh_submit_free(s);
		return e;
	}
	kh_visit_phase(v, KH_PHASE_REPLY);
	e = kh_reply_send(v->conn, r);
	kh_visit_phase(v, KH_PHASE_LINGER);
	if (e == KH_OK)
		kh_reply_linger(v->conn, LINGER);
	return e;
}

int
kh_visit_run(struct kh_visit *v)
{
	struct kh_reply r = {0};
	size_t n;
	int status = 1;

	(void)kh_reply_headers(&n);
	if (kh_html_init(&r.html) != KH_OK)
		goto out;
	if (kh_role_confine(KH_ROLE_VISIT) != KH_OK)
		goto out;
	if (serve(v, &r) == KH_OK)
		status = 0;
out:
	kh_html_free(&r.html);
	return status;
}
