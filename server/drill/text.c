/*
 * The report for people: what is held, what each lets its holder do, and what
 * is wrong with it.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "server/drill/print.h"

#define LABEL 12 /* columns of labels */
#define LINE_MAX_LEN 16384 /* of a paragraph; sizes: 640 that there can be */

/* A paragraph being put together; what does not fit is left out, visibly. */
struct text {
	char s[LINE_MAX_LEN];
	size_t n;
};

__attribute__((format(printf, 2, 3))) static void
add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = vsnprintf(t->s + t->n, sizeof(t->s) - t->n, fmt, ap);
	va_end(ap);
	if (r < 0)
		return;
	t->n += (size_t)r;
	if (t->n < sizeof(t->s))
		return;
	t->n = sizeof(t->s) - 1;
	memcpy(t->s + t->n - 3, "...", 3);
}

static enum kh_err
para(FILE *to, const char *label, const char *text)
{
	return kh_drill_wrap(to, label, LABEL, text);
}

static enum kh_err
plain(FILE *to, const char *text)
{
	return kh_drill_wrap(to, "", 0, text);
}

/* With text from outside between two of ours. */
static enum kh_err
raw(FILE *to, const char *label, const char *before, const char *outside)
{
	char *s = kh_drill_escape(outside);
	struct text t = {.n = 0};

	if (s == NULL)
		return KH_ENOMEM;
	add(&t, "%s%s", before, s);
	free(s);
	return para(to, label, t.s);
}

static enum kh_err
print_span(FILE *to, const char *label, const struct kh_span *s)
{
	char first[KH_DAY_LEN + 1], last[KH_DAY_LEN + 1];
	struct text t = {.n = 0};

	if (!s->any)
		return KH_OK;
	kh_drill_day(s->first, first);
	kh_drill_day(s->last, last);
	if (strcmp(first, last) == 0)
		add(&t, "%s", first);
	else
		add(&t, "%s to %s", first, last);
	return para(to, label, t.s);
}

static enum kh_err
print_sizes(FILE *to, const struct kh_tally *y)
{
	struct text t = {.n = 0};
	size_t i;

	for (i = 0; i < y->sizes.n; i++)
		add(&t, "%s%" PRIu64 " of %" PRIu64, i > 0 ? ", " : "",
		    y->sizes.at[i].count, y->sizes.at[i].size);
	return t.n == 0 ? KH_OK : para(to, "  sizes", t.s);
}

static enum kh_err
print_keys(FILE *to, const struct kh_tally *y)
{
	struct text t = {.n = 0};
	size_t i;

	for (i = 0; i <= KH_DRILL_KEYS_MAX; i++) {
		if (y->keys[i] > 0)
			add(&t, "%s%" PRIu64 " sealed to %zu",
			    t.n > 0 ? ", " : "", y->keys[i], i);
	}
	return t.n == 0 ? KH_OK : para(to, "  keys", t.s);
}

static enum kh_err
print_tally(FILE *to, const struct kh_tally *y)
{
	enum kh_err e;

	e = print_sizes(to, y);
	if (e == KH_OK)
		e = print_keys(to, y);
	if (e == KH_OK)
		e = print_span(to, "  modified", &y->modified);
	if (e == KH_OK)
		e = print_span(to, "  changed", &y->changed);
	if (e == KH_OK)
		e = print_span(to, "  born", &y->born);
	return e == KH_OK ? print_span(to, "  read", &y->accessed) : e;
}

static enum kh_err
print_cards(FILE *to, const struct kh_report *r)
{
	enum kh_err e = KH_OK;
	char before[KH_CARD_ID_MAX + KH_DAY_LEN + 16];
	size_t i;

	for (i = 0; i < r->n_cards && e == KH_OK; i++) {
		(void)snprintf(before, sizeof(before),
		    "%s, until %s: ", r->card[i].id, r->card[i].last);
		e = raw(to, "  who", before, r->card[i].name);
	}
	return e;
}

static enum kh_err
print_trace(FILE *to, const struct kh_report *r, enum kh_trace i)
{
	const struct kh_trace_row *row = &kh_traces[i];
	const struct kh_tally *y = &r->tally[i];
	struct text t = {.n = 0};
	enum kh_err e;

	add(&t, "%" PRIu64, y->n);
	if (y->sizes.n > 0)
		add(&t, "%s%" PRIu64 " bytes",
		    y->n == 1 ? " file of " : " files, together ", y->bytes);
	e = para(to, row->id, t.s);
	t.n = 0;
	add(&t, "%s, mode %s", row->name, row->mode);
	if (e == KH_OK)
		e = para(to, "  form", t.s);
	if (e == KH_OK)
		e = print_tally(to, y);
	if (e == KH_OK && i == KH_TRACE_CARD)
		e = print_cards(to, r);
	if (e == KH_OK)
		e = para(to, "  tells", row->tells);
	if (e == KH_OK)
		e = para(to, "  not", row->hides);
	return e == KH_OK ? plain(to, "") : e;
}

/* Kinds of which there is nothing, in one line. */
static enum kh_err
print_absent(FILE *to, const struct kh_report *r)
{
	struct text t = {.n = 0};
	enum kh_err e;
	size_t i;

	for (i = 0; i < KH_TRACE_N; i++) {
		if (r->tally[i].n == 0)
			add(&t, "%s%s", t.n > 0 ? ", " : "", kh_traces[i].id);
	}
	if (t.n == 0)
		return KH_OK;
	e = para(to, "none of", t.s);
	return e == KH_OK ? plain(to, "") : e;
}

static enum kh_err
print_head(FILE *to, const struct kh_report *r)
{
	enum kh_err e;

	e = plain(to, "WHAT WHOEVER TAKES THIS HOST NOW WOULD HOLD");
	if (e == KH_OK)
		e = plain(to, "");
	if (e == KH_OK)
		e = raw(to, "FILE", "", r->config_path);
	if (e == KH_OK)
		e = raw(to, "STORE", "", r->config->store);
	if (e == KH_OK)
		e = raw(to, "STATE", "", r->config->state);
	if (e == KH_OK)
		e = raw(to, "NEWSROOMS", "", r->config->newsrooms);
	if (e == KH_OK)
		e = raw(to, "site", "", r->config->site_name);
	if (e == KH_OK && r->config->onion[0] != '\0')
		e = raw(to, "address", "", r->config->onion);
	if (e == KH_OK && r->fs != NULL)
		e = para(to, "disk", r->fs);
	if (e == KH_OK)
		e = para(to, "times",
		    "Days here, nanoseconds on the disk. Modified: what "
		    "knotholed sets, in the store always 1980-01-01. Changed "
		    "and born: what the file system sets: in the store, when "
		    "something came or was last rewritten, and in which order. "
		    "Read: when something else last read it.");
	return e == KH_OK ? plain(to, "") : e;
}

static enum kh_err
print_elsewhere(FILE *to)
{
	struct text t;
	enum kh_err e;
	size_t i;

	e = plain(to, "NOT KNOTHOLE'S, AND NOT LOOKED AT");
	for (i = 0; i < KH_ELSEWHERE_N && e == KH_OK; i++) {
		t.n = 0;
		add(&t, "%s. %s", kh_elsewheres[i].what,
		    kh_elsewheres[i].tells);
		e = para(to, kh_elsewheres[i].id, t.s);
	}
	return e == KH_OK ? plain(to, "") : e;
}

static enum kh_err
print_oddity(FILE *to, const struct kh_oddity *o)
{
	const struct kh_odd_row *row = &kh_odds[o->what];
	struct text t = {.n = 0};
	enum kh_err e;

	e = raw(to, row->id, "", o->where);
	add(&t, "%s%s%s", row->what, o->detail[0] != '\0' ? ": " : "",
	    o->detail);
	if (e == KH_OK)
		e = para(to, "  what", t.s);
	return e == KH_OK ? para(to, "  do", row->remedy) : e;
}

static enum kh_err
print_beyond(FILE *to, const struct kh_report *r)
{
	struct text t = {.n = 0};
	enum kh_err e = KH_OK;
	size_t i;

	if (r->n_odd == 0)
		return plain(to,
		    "NOTHING BEYOND THE LIST of docs/THREATS.md was found.");
	add(&t, "BEYOND THE LIST of docs/THREATS.md: %" PRIu64 " found",
	    (uint64_t)r->n_odd + r->more);
	e = plain(to, t.s);
	for (i = 0; i < r->n_odd && e == KH_OK; i++)
		e = print_oddity(to, &r->odd[i]);
	if (e != KH_OK || r->more == 0)
		return e;
	t.n = 0;
	add(&t, "and %" PRIu64 " more", r->more);
	return plain(to, t.s);
}

enum kh_err
kh_drill_text(FILE *to, const struct kh_report *r)
{
	enum kh_err e;
	size_t i;

	e = print_head(to, r);
	if (e == KH_OK)
		e = plain(to, "ON THE LIST");
	for (i = 0; i < KH_TRACE_N && e == KH_OK; i++) {
		if (r->tally[i].n > 0)
			e = print_trace(to, r, (enum kh_trace)i);
	}
	if (e == KH_OK)
		e = print_absent(to, r);
	if (e == KH_OK)
		e = print_elsewhere(to);
	return e == KH_OK ? print_beyond(to, r) : e;
}
