/*
 * What a return code leads to. There is no unknown code: each leads to the
 * same number of slots, of which some may be taken. All of them are asked
 * for, always, and the answer goes out at a full half second that is fixed
 * before the first of them is looked at, so that neither work nor time tells
 * whether there was anything (L16).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <utf8proc.h>

#include "knothole/answer.h"
#include "knothole/io.h"
#include "knothole/secret.h"
#include "lib/base/clock.h"
#include "lib/base/precond.h"
#include "server/visit/sealing.h"
#include "server/visit/thread.h"

#define EVEN_MS 500
/* What slots and page may take: ten times what they need with 40 long answers.
 * The derivation takes 130 ms, or more when others are at it. */
#define SLOTS_MS 300
/* Answers that are held at once, in bytes of text. More than this only a
 * newsroom that has gone wrong writes; the newest stay. */
#define HELD_MAX (UINT64_C(8) << 20)

/* Everything that one visit to a thread holds. In locked memory. */
struct thread {
	struct kh_visit *v;
	struct kh_form form; /* of its token: code, and what was seen */
	struct kh_code_keys keys;
	struct kh_answer_opened **opened; /* `n` of them, with `said` */
	struct kh_said *said;
	size_t n, cap;
	uint64_t held;
	bool unsigned_too;
	bool failed;
	int64_t due; /* ms: when the answer goes out */
	char send[KH_TOKEN_LEN + 1];
	char status[KH_TOKEN_LEN + 1];
	char token[KH_TOKEN_LEN + 1];
	uint8_t sealed[KH_ANSWER_LEN_MAX];
};

static void
refuse(struct kh_visit *v, struct kh_reply *r, enum kh_reason why)
{
	r->status = kh_reason_status(why);
	kh_page_refusal(&r->html, &v->view, why);
}

/* A whole number of half seconds after `began`, with time for the slots. It
 * depends on the derivation alone, which is the same for every code. */
static int64_t
due(int64_t began)
{
	const int64_t ready = kh_clock_ms() + SLOTS_MS - began;

	return began + (ready / EVEN_MS + 1) * EVEN_MS;
}

/* Wait for that moment; if it has passed, for one half seconds later. */
static void
even_out(int64_t at)
{
	int64_t left = at - kh_clock_ms();
	struct timespec ts;

	if (left < 0)
		left = EVEN_MS - -left % EVEN_MS;
	ts = (struct timespec){left / 1000, (left % 1000) * 1000000};
	while (nanosleep(&ts, &ts) != 0 && errno == EINTR)
		;
}

static struct thread *
thread_new(struct kh_visit *v)
{
	struct thread *t = kh_secret_alloc(sizeof(*t));

	if (t == NULL)
		return NULL;
	memset(t, 0, sizeof(*t));
	t->v = v;
	t->cap = (size_t)v->site->conf.n_outlets * KH_SLOTS_MAX;
	t->opened = calloc(t->cap, sizeof(struct kh_answer_opened *));
	t->said = calloc(t->cap, sizeof(*t->said));
	t->failed = t->opened == NULL || t->said == NULL;
	return t;
}

static void
thread_free(struct thread *t)
{
	size_t i;

	if (t == NULL)
		return;
	for (i = 0; i < t->n; i++)
		kh_answer_free(t->opened[i]);
	free(t->opened);
	free(t->said);
	kh_secret_free(t);
}

/* What lies in a slot, opened; anything else is not shown but mentioned. */
static void
take(struct thread *t, int fd, uint32_t outlet, uint32_t number)
{
	const struct kh_answer *a;
	struct kh_said *s;
	enum kh_err e;
	size_t n = 0;

	t->form.seen[outlet] = (uint16_t)(number + 1) > t->form.seen[outlet]
	    ? (uint16_t)(number + 1)
	    : t->form.seen[outlet];
	if (t->held > HELD_MAX)
		return;
	e = kh_read_upto(fd, t->sealed, sizeof(t->sealed), &n);
	if (e == KH_OK)
		e = kh_answer_open(t->sealed, n, &t->keys.reply,
		    t->keys.mailbox,
		    &t->v->site->outlets[outlet].card.signing_key, number,
		    &t->opened[t->n]);
	if (e != KH_OK) {
		t->unsigned_too = true;
		return;
	}
	a = kh_answer_get(t->opened[t->n]);
	s = &t->said[t->n++];
	s->outlet = outlet;
	s->number = number;
	s->received = a->kind == KH_KIND_RECEIVED;
	memcpy(s->day, a->day, sizeof(s->day));
	s->text = (const char *)a->text;
	s->n = a->text_len;
	t->held += a->text_len;
}

static void
look(struct thread *t, uint32_t outlet, uint32_t number)
{
	struct kh_msg m = {.type = KH_MSG_SLOT};
	int fd;

	kh_slot_name(t->keys.slot_key,
	    &t->v->site->outlets[outlet].card.signing_key, number,
	    m.u.slot.name);
	if (kh_visit_ask(t->v, &m, &fd) != KH_OK ||
	    (m.type == KH_MSG_NO_ANSWER &&
		m.u.verdict.verdict != KH_VERDICT_YES)) {
		t->failed = true;
		return;
	}
	if (m.type != KH_MSG_ANSWER)
		return;
	take(t, fd, outlet, number);
	close(fd);
}

/* Newest first; on one day in the order of the newsrooms' own numbers. */
static int
newer(const void *a, const void *b)
{
	const struct kh_said *x = a, *y = b;
	int d = strcmp(y->day, x->day);

	if (d != 0)
		return d;
	if (x->outlet != y->outlet)
		return x->outlet < y->outlet ? -1 : 1;
	return x->number > y->number ? -1 : x->number < y->number;
}

/* All slots of all newsrooms, from the newest on. */
static void
collect(struct thread *t)
{
	uint32_t i, n;

	memset(t->form.seen, 0, sizeof(t->form.seen));
	for (n = KH_SLOTS_MAX; n-- > 0;) {
		for (i = 0; i < t->v->site->conf.n_outlets && !t->failed; i++)
			look(t, i, n);
	}
	if (t->n > 1)
		qsort(t->said, t->n, sizeof(*t->said), newer);
}

enum kh_err
kh_thread_tokens(const struct kh_site *site, const struct kh_code *code,
    char send[static KH_TOKEN_LEN + 1], char status[static KH_TOKEN_LEN + 1])
{
	struct kh_form *f = kh_secret_alloc(sizeof(*f));

	if (f == NULL)
		return KH_ENOMEM;
	kh_form_new(f);
	if (code != NULL)
		f->code = *code;
	kh_token_seal(site->keys, KH_TOKEN_SEND, f, send);
	kh_token_seal(site->keys, KH_TOKEN_STATUS, f, status);
	kh_secret_free(f);
	return KH_OK;
}

/* Decimal digits, at most four of them; anything else is page 1. */
static uint32_t
page_number(struct kh_slice s)
{
	uint32_t sum = 0;
	size_t i;

	for (i = 0; i < s.n && i < 4; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return 1;
		sum = sum * 10 + (uint32_t)(s.p[i] - '0');
	}
	return sum;
}

static void
show(struct thread *t, int64_t began, struct kh_slice page, struct kh_reply *r)
{
	struct kh_thread view = {.said = t->said,
	    .page = page_number(page),
	    .more = {t->send, t->status},
	    .token = t->token};

	if (!t->failed)
		t->failed =
		    kh_visit_derive(t->v, &t->form.code, &t->keys) != KH_OK;
	t->due = due(began);
	if (!t->failed)
		collect(t);
	if (t->failed ||
	    kh_thread_tokens(t->v->site, &t->form.code, t->send, t->status) !=
		KH_OK) {
		refuse(t->v, r, KH_REASON_FAILED);
		return;
	}
	kh_token_seal(t->v->site->keys, KH_TOKEN_THREAD, &t->form, t->token);
	view.n = t->n;
	view.unsigned_too = t->unsigned_too;
	r->status = 200;
	kh_page_thread(&r->html, &t->v->view, &view);
}

/* UTF-8 without NUL? */
static bool
is_text(struct kh_slice s)
{
	utf8proc_int32_t cp;
	utf8proc_ssize_t n;
	size_t at;

	for (at = 0; at < s.n; at += (size_t)n) {
		n = utf8proc_iterate((const utf8proc_uint8_t *)s.p + at,
		    (utf8proc_ssize_t)(s.n - at), &cp);
		if (n <= 0 || cp == 0)
			return false;
	}
	return true;
}

/* The code is not right: say how, and show it again to be corrected. */
static void
wrong(struct kh_visit *v, struct kh_slice typed, enum kh_err e, unsigned at,
    struct kh_reply *r)
{
	char word[KH_BAD_WORD_MAX + 1] = "";
	struct kh_entry entry = {.at = at, .word = word, .typed = ""};
	char *text;

	entry.fault = e == KH_EWORD ? KH_CODE_WORD
	    : e == KH_ECHECK        ? KH_CODE_CHECK
				    : KH_CODE_COUNT;
	if (e == KH_EWORD)
		kh_code_bad_word(typed.p, typed.n, word);
	/* Not when it cannot be shown as it stands. */
	text = kh_secret_alloc(KH_CODE_TEXT_MAX + 1);
	if (text != NULL && typed.n <= KH_CODE_TEXT_MAX && is_text(typed)) {
		memcpy(text, typed.p, typed.n);
		text[typed.n] = '\0';
		entry.typed = text;
	}
	r->status = 400;
	kh_page_return(&r->html, &v->view, &entry);
	kh_wipe(word, sizeof(word));
	kh_secret_free(text);
}

void
kh_thread_return(
    struct kh_visit *v, const struct kh_small_fields *f, struct kh_reply *r)
{
	const int64_t began = kh_clock_ms();
	struct thread *t = thread_new(v);
	enum kh_err e = KH_OK;
	unsigned at = 0;
	int64_t leave = 0;

	if (t == NULL) {
		refuse(v, r, KH_REASON_FAILED);
		return;
	}
	kh_visit_phase(v, KH_PHASE_STORE);
	/* A form has one or the other. */
	if (f->code.p != NULL)
		e = kh_code_parse(f->code.p, f->code.n, &t->form.code, &at);
	else
		e = kh_token_open(
		    v->site->keys, KH_TOKEN_THREAD, f->token, &t->form);
	if (e == KH_OK) {
		show(t, began, f->page, r);
		leave = t->due;
	} else if (f->code.p != NULL) {
		wrong(v, f->code, e, at, r);
	} else {
		refuse(v, r, KH_REASON_TOKEN);
	}
	thread_free(t); /* that takes longer with answers, too */
	if (e == KH_OK)
		even_out(leave);
}

/* Remove what had been seen when the token was made, and nothing else (L20).
 * The last message makes it durable. */
static void
forget(struct thread *t)
{
	const struct kh_site *site = t->v->site;
	struct kh_msg m;
	uint32_t i, n, last = 0;
	int fd;

	for (i = 0; i < site->conf.n_outlets; i++) {
		if (t->form.seen[i] > 0)
			last = i;
	}
	for (i = 0; i <= last && !t->failed; i++) {
		PRECOND(t->form.seen[i] <= KH_SLOTS_MAX);
		for (n = 0; n < t->form.seen[i] && !t->failed; n++) {
			m = (struct kh_msg){.type = KH_MSG_FORGET};
			kh_slot_name(t->keys.slot_key,
			    &site->outlets[i].card.signing_key, n,
			    m.u.slot.name);
			m.u.slot.last = i == last && n + 1U == t->form.seen[i];
			t->failed = kh_visit_ask(t->v, &m, &fd) != KH_OK ||
			    m.type != KH_MSG_FORGOTTEN ||
			    m.u.verdict.verdict != KH_VERDICT_YES;
		}
	}
}

void
kh_thread_forget(
    struct kh_visit *v, const struct kh_small_fields *f, struct kh_reply *r)
{
	struct thread *t = thread_new(v);

	if (t == NULL) {
		refuse(v, r, KH_REASON_FAILED);
		return;
	}
	kh_visit_phase(v, KH_PHASE_STORE);
	if (f->token.p == NULL ||
	    kh_token_open(v->site->keys, KH_TOKEN_THREAD, f->token, &t->form) !=
		KH_OK) {
		refuse(v, r, KH_REASON_TOKEN);
		thread_free(t);
		return;
	}
	if (!t->failed)
		t->failed =
		    kh_visit_derive(v, &t->form.code, &t->keys) != KH_OK;
	if (!t->failed)
		forget(t);
	if (t->failed) {
		refuse(v, r, KH_REASON_FAILED);
	} else {
		r->status = 200;
		kh_page_forgotten(&r->html, &v->view);
	}
	thread_free(t);
}
