/*
 * The report for programs: one JSON object. Its members are described in
 * knotholed(8).
 */
#include <jansson.h>
#include <stdlib.h>

#include "server/drill/print.h"

/* A member, or nothing of it at all. */
static enum kh_err
set(json_t *to, const char *key, json_t *value)
{
	return json_object_set_new(to, key, value) == 0 ? KH_OK : KH_ENOMEM;
}

static enum kh_err
set_raw(json_t *to, const char *key, const char *outside)
{
	char *s = kh_drill_escape(outside);
	enum kh_err e = KH_ENOMEM;

	if (s != NULL)
		e = set(to, key, json_string(s));
	free(s);
	return e;
}

static json_t *
number(uint64_t n)
{
	return json_integer((json_int_t)n);
}

static json_t *
span(const struct kh_span *s)
{
	char first[KH_DAY_LEN + 1], last[KH_DAY_LEN + 1];

	if (!s->any)
		return json_null();
	kh_drill_day(s->first, first);
	kh_drill_day(s->last, last);
	return json_pack("[s, s]", first, last);
}

/* [[size, how many], ...] */
static json_t *
sizes(const struct kh_sizes *s)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (json_array_append_new(list,
			json_pack("[I, I]", (json_int_t)s->at[i].size,
			    (json_int_t)s->at[i].count)) != 0)
			break;
	}
	if (i < s->n) {
		json_decref(list);
		return NULL;
	}
	return list;
}

/* [[keys, how many objects], ...] */
static json_t *
keys(const struct kh_tally *y)
{
	struct kh_size at[KH_DRILL_KEYS_MAX + 1];
	struct kh_sizes s = {.at = at};
	size_t i;

	for (i = 0; i <= KH_DRILL_KEYS_MAX; i++) {
		if (y->keys[i] > 0)
			at[s.n++] = (struct kh_size){i, y->keys[i]};
	}
	return sizes(&s);
}

static enum kh_err
fill_row(json_t *o, const struct kh_trace_row *row)
{
	enum kh_err e;

	e = set(o, "id", json_string(row->id));
	if (e == KH_OK)
		e = set(o, "name", json_string(row->name));
	if (e == KH_OK)
		e = set(o, "mode", json_string(row->mode));
	if (e == KH_OK)
		e = set(o, "size", json_string(row->size));
	if (e == KH_OK)
		e = set(o, "tells", json_string(row->tells));
	return e == KH_OK ? set(o, "hides", json_string(row->hides)) : e;
}

static enum kh_err
fill_tally(json_t *o, const struct kh_tally *y)
{
	enum kh_err e;

	e = set(o, "count", number(y->n));
	if (e == KH_OK)
		e = set(o, "bytes", number(y->bytes));
	if (e == KH_OK)
		e = set(o, "sizes", sizes(&y->sizes));
	if (e == KH_OK)
		e = set(o, "keys", keys(y));
	if (e == KH_OK)
		e = set(o, "modified", span(&y->modified));
	if (e == KH_OK)
		e = set(o, "changed", span(&y->changed));
	if (e == KH_OK)
		e = set(o, "born", span(&y->born));
	return e == KH_OK ? set(o, "read", span(&y->accessed)) : e;
}

/* A new object at the end of a list that is there; the list's. */
static json_t *
append(json_t *list)
{
	json_t *o = json_object();

	return json_array_append_new(list, o) == 0 ? o : NULL;
}

static enum kh_err
fill_list(json_t *list, const struct kh_report *r)
{
	enum kh_err e = KH_OK;
	json_t *o;
	size_t i;

	for (i = 0; i < KH_TRACE_N && e == KH_OK; i++) {
		o = append(list);
		e = fill_row(o, &kh_traces[i]);
		if (e == KH_OK)
			e = fill_tally(o, &r->tally[i]);
	}
	return e;
}

static enum kh_err
fill_elsewhere(json_t *list, const struct kh_report *r)
{
	enum kh_err e = KH_OK;
	json_t *o;
	size_t i;

	(void)r;
	for (i = 0; i < KH_ELSEWHERE_N && e == KH_OK; i++) {
		o = append(list);
		e = set(o, "id", json_string(kh_elsewheres[i].id));
		if (e == KH_OK)
			e = set(o, "what", json_string(kh_elsewheres[i].what));
		if (e == KH_OK)
			e = set(
			    o, "tells", json_string(kh_elsewheres[i].tells));
	}
	return e;
}

static enum kh_err
fill_cards(json_t *list, const struct kh_report *r)
{
	enum kh_err e = KH_OK;
	json_t *o;
	size_t i;

	for (i = 0; i < r->n_cards && e == KH_OK; i++) {
		o = append(list);
		e = set_raw(o, "id", r->card[i].id);
		if (e == KH_OK)
			e = set_raw(o, "name", r->card[i].name);
		if (e == KH_OK)
			e = set_raw(o, "until", r->card[i].last);
	}
	return e;
}

static enum kh_err
fill_beyond(json_t *list, const struct kh_report *r)
{
	const struct kh_odd_row *row;
	enum kh_err e = KH_OK;
	json_t *o;
	size_t i;

	for (i = 0; i < r->n_odd && e == KH_OK; i++) {
		row = &kh_odds[r->odd[i].what];
		o = append(list);
		e = set(o, "id", json_string(row->id));
		if (e == KH_OK)
			e = set_raw(o, "where", r->odd[i].where);
		if (e == KH_OK)
			e = set_raw(o, "detail", r->odd[i].detail);
		if (e == KH_OK)
			e = set(o, "what", json_string(row->what));
		if (e == KH_OK)
			e = set(o, "do", json_string(row->remedy));
	}
	return e;
}

static enum kh_err
set_list(json_t *top, const char *key, const struct kh_report *r,
    enum kh_err (*fill)(json_t *list, const struct kh_report *r))
{
	json_t *list = json_array();
	enum kh_err e = set(top, key, list);

	return e == KH_OK ? fill(list, r) : e;
}

static enum kh_err
fill_top(json_t *top, const struct kh_report *r)
{
	enum kh_err e;

	e = set(top, "knothole_drill", json_integer(1));
	if (e == KH_OK)
		e = set_raw(top, "file", r->config_path);
	if (e == KH_OK)
		e = set_raw(top, "store", r->config->store);
	if (e == KH_OK)
		e = set_raw(top, "state", r->config->state);
	if (e == KH_OK)
		e = set_raw(top, "newsrooms", r->config->newsrooms);
	if (e == KH_OK)
		e = set(top, "disk",
		    r->fs == NULL ? json_null() : json_string(r->fs));
	if (e == KH_OK)
		e = set_list(top, "list", r, fill_list);
	if (e == KH_OK)
		e = set_list(top, "cards", r, fill_cards);
	if (e == KH_OK)
		e = set_list(top, "elsewhere", r, fill_elsewhere);
	if (e == KH_OK)
		e = set_list(top, "beyond", r, fill_beyond);
	return e == KH_OK ? set(top, "beyond_more", number(r->more)) : e;
}

enum kh_err
kh_drill_json(FILE *to, const struct kh_report *r)
{
	json_t *top = json_object();
	enum kh_err e = fill_top(top, r);

	if (e == KH_OK &&
	    (json_dumpf(top, to, JSON_INDENT(1)) != 0 || putc('\n', to) == EOF))
		e = KH_ESYS;
	json_decref(top);
	return e;
}
