/*
 * Epochs in the text of an identity file. Separate from reading the file: this
 * looks at comments, which age does not.
 */
#include <stdio.h>
#include <string.h>

#include "client/epochs.h"
#include "client/exit.h"
#include "knothole/secret.h"
#include "lib/base/precond.h"

#define EPOCH "# epoch "
#define BURNT "# burnt "
#define PUBLIC "# public key: "
/* What a burnt line is longer than the key's own line, which it replaces. */
#define BURNT_MAX 128

/* A line of the text. */
struct line {
	const char *p;
	size_t n; /* without its end */
	size_t whole; /* with it */
};

/* Going through the text. */
struct walk {
	const char *p;
	size_t left;
	struct kh_epoch epoch; /* that the next key belongs to */
	struct line line;
	struct kh_epoch_key key; /* of the line, if it is one of a key */
	bool has_key, is_label;
	enum kh_err e;
};

void
kh_epoch_lines(const struct kh_epoch *epoch, const struct kh_identity *id,
    char out[static KH_EPOCH_LINES_LEN])
{
	char to[KH_RECIPIENT_TEXT_LEN + 1];
	struct kh_recipient r;
	int n;

	PRECOND(epoch != NULL && id != NULL);
	kh_identity_recipient(id, &r);
	kh_recipient_format(&r, to);
	n = snprintf(out, KH_EPOCH_LINES_LEN - KH_IDENTITY_TEXT_LEN - 1,
	    EPOCH "%s %s %s\n" PUBLIC "%s\n", epoch->label, epoch->first,
	    epoch->last, to);
	PRECOND(n > 0 && n < KH_EPOCH_LINES_LEN - KH_IDENTITY_TEXT_LEN - 1);
	kh_identity_format(id, out + n);
	memcpy(out + n + KH_IDENTITY_TEXT_LEN, "\n", 2);
}

static struct line
next_line(const char *p, size_t left)
{
	const char *end = memchr(p, '\n', left);
	struct line l = {p, left, left};

	if (end != NULL) {
		l.n = (size_t)(end - p);
		l.whole = l.n + 1;
	}
	if (l.n > 0 && p[l.n - 1] == '\r')
		l.n--;
	return l;
}

static bool
begins(const struct line *l, const char *prefix)
{
	return l->n >= strlen(prefix) &&
	    memcmp(l->p, prefix, strlen(prefix)) == 0;
}

/* A day at `at` of the line, behind a blank. */
static bool
get_day(const struct line *l, size_t at, char out[static KH_DAY_LEN + 1])
{
	if (l->n < at + 1 + KH_DAY_LEN || l->p[at] != ' ')
		return false;
	memcpy(out, l->p + at + 1, KH_DAY_LEN);
	out[KH_DAY_LEN] = '\0';
	return kh_day_valid(out);
}

/* LABEL FIRST LAST behind a prefix of 8; *at becomes where they end. */
static bool
get_epoch(const struct line *l, struct kh_epoch *out, size_t *at)
{
	const size_t label = sizeof(EPOCH) - 1;
	struct kh_epoch e = {{0}, {0}, {0}};

	if (l->n < label + KH_EPOCH_LEN ||
	    !kh_epoch_valid(l->p + label, KH_EPOCH_LEN))
		return false;
	memcpy(e.label, l->p + label, KH_EPOCH_LEN);
	*at = label + KH_EPOCH_LEN;
	if (!get_day(l, *at, e.first) ||
	    !get_day(l, *at + 1 + KH_DAY_LEN, e.last) ||
	    strcmp(e.first, e.last) > 0)
		return false;
	*at += 2 * (1 + KH_DAY_LEN);
	*out = e;
	return true;
}

static bool
get_burnt(const struct line *l, struct kh_epoch_key *k)
{
	size_t at;

	memset(k, 0, sizeof(*k));
	if (!begins(l, BURNT) || !get_epoch(l, &k->epoch, &at) ||
	    !get_day(l, at, k->burnt))
		return false;
	at += 1 + KH_DAY_LEN;
	return l->n == at + 1 + KH_RECIPIENT_TEXT_LEN && l->p[at] == ' ' &&
	    kh_recipient_parse(l->p + at + 1, KH_RECIPIENT_TEXT_LEN, &k->to) ==
	    KH_OK;
}

static enum kh_err
get_key(const struct line *l, struct kh_recipient *to)
{
	struct kh_identity *id = kh_secret_alloc(sizeof(*id));
	enum kh_err e;

	if (id == NULL)
		return KH_ENOMEM;
	e = kh_identity_parse(l->p, l->n, id);
	if (e == KH_OK)
		kh_identity_recipient(id, to);
	kh_secret_free(id);
	return e == KH_OK ? KH_OK : KH_EFORMAT;
}

/* The next line; false at the end, or after an error. */
static bool
step(struct walk *w)
{
	struct kh_epoch label;
	size_t at;

	w->has_key = w->is_label = false;
	if (w->left == 0 || w->e != KH_OK)
		return false;
	w->line = next_line(w->p, w->left);
	w->p += w->line.whole;
	w->left -= w->line.whole;
	if (w->line.n == 0)
		return true;
	if (w->line.p[0] == '#') {
		w->has_key = get_burnt(&w->line, &w->key);
		w->is_label = begins(&w->line, EPOCH) &&
		    get_epoch(&w->line, &label, &at) && at == w->line.n;
		if (w->is_label)
			w->epoch = label;
		return true;
	}
	memset(&w->key, 0, sizeof(w->key));
	w->e = get_key(&w->line, &w->key.to);
	w->key.epoch = w->epoch;
	memset(&w->epoch, 0, sizeof(w->epoch));
	w->has_key = true;
	return w->e == KH_OK;
}

enum kh_err
kh_epochs_parse(const char *text, size_t n, struct kh_epochs *out)
{
	struct walk w = {.p = text, .left = n};

	PRECOND((text != NULL || n == 0) && out != NULL);
	out->n = 0;
	while (step(&w)) {
		if (!w.has_key)
			continue;
		if (out->n == sizeof(out->key) / sizeof(out->key[0]))
			w.e = KH_ELIMIT;
		else
			out->key[out->n++] = w.key;
	}
	if (w.e != KH_OK)
		out->n = 0;
	return w.e;
}

size_t
kh_epochs_count(const struct kh_epochs *e, const char *label, bool burnt)
{
	size_t i, n = 0;

	for (i = 0; i < e->n; i++)
		n += strcmp(e->key[i].epoch.label, label) == 0 &&
		    (e->key[i].burnt[0] != '\0') == burnt;
	return n;
}

static bool
is_of(const struct walk *w, const char *label)
{
	return w->has_key && w->key.burnt[0] == '\0' &&
	    strcmp(w->key.epoch.label, label) == 0;
}

static size_t
put_burnt(const struct kh_epoch_key *k, const char *day, char *out)
{
	char to[KH_RECIPIENT_TEXT_LEN + 1];
	int n;

	kh_recipient_format(&k->to, to);
	n = snprintf(out, BURNT_MAX, BURNT "%s %s %s %s %s\n", k->epoch.label,
	    k->epoch.first, k->epoch.last, day, to);
	PRECOND(n > 0 && n < BURNT_MAX);
	return (size_t)n;
}

/* Lines from the epoch's comment on wait in the output until it is known whose
 * they are; `held` is where they begin there. */
static size_t
copy_without(struct walk *w, const char *label, const char *day, char *out)
{
	size_t n = 0, held = 0;

	while (step(w)) {
		if (w->is_label)
			held = n;
		if (is_of(w, label)) {
			kh_wipe(out + held, n - held);
			n = held + put_burnt(&w->key, day, out + held);
			held = n;
			continue;
		}
		memcpy(out + n, w->line.p, w->line.whole);
		n += w->line.whole;
		if (w->has_key)
			held = n;
	}
	out[n] = '\0';
	return n;
}

enum kh_err
kh_epochs_burn(
    const char *text, size_t n, const char *label, const char *day, char **out)
{
	struct walk w = {.p = text, .left = n};
	struct kh_epochs *all;
	enum kh_err e;

	PRECOND(text != NULL && kh_epoch_valid(label, strlen(label)));
	PRECOND(kh_day_valid(day) && out != NULL);
	*out = NULL;
	all = kh_secret_alloc(sizeof(*all));
	if (all == NULL)
		return KH_ENOMEM;
	e = kh_epochs_parse(text, n, all);
	if (e == KH_OK && kh_epochs_count(all, label, false) == 0)
		e = KH_ENOENT;
	kh_secret_free(all);
	if (e != KH_OK)
		return e;
	*out = kh_secret_alloc(n + KH_IDENTITIES_MAX * BURNT_MAX + 1);
	if (*out == NULL)
		return KH_ENOMEM;
	(void)copy_without(&w, label, day, *out);
	PRECOND(w.e == KH_OK);
	return KH_OK;
}

enum kh_err
kh_epochs_split(const char *text, size_t n, const char *label,
    struct kh_keyring **in, struct kh_keyring **out)
{
	struct walk w = {.p = text, .left = n};
	enum kh_err e;

	PRECOND(text != NULL && label != NULL && in != NULL && out != NULL);
	*in = *out = NULL;
	e = kh_keyring_new(in);
	if (e == KH_OK)
		e = kh_keyring_new(out);
	while (e == KH_OK && step(&w)) {
		if (w.has_key && w.key.burnt[0] == '\0')
			e = kh_keyring_add_file(
			    is_of(&w, label) ? *in : *out, w.line.p, w.line.n);
	}
	if (e == KH_OK)
		e = w.e;
	if (e != KH_OK) {
		kh_keyring_free(*in);
		kh_keyring_free(*out);
		*in = *out = NULL;
	}
	return e;
}

enum kh_err
kh_epochs_secret(const char *text, size_t n, const struct kh_recipient *of,
    struct kh_identity *out)
{
	struct walk w = {.p = text, .left = n};

	PRECOND(text != NULL && of != NULL && out != NULL);
	while (step(&w)) {
		if (w.has_key && w.key.burnt[0] == '\0' &&
		    memcmp(&w.key.to, of, sizeof(*of)) == 0)
			return kh_identity_parse(w.line.p, w.line.n, out);
	}
	return w.e == KH_OK ? KH_ENOENT : w.e;
}

void
kh_epochs_note(const char *text, size_t n)
{
	struct walk w = {.p = text, .left = n};

	PRECOND(text != NULL || n == 0);
	while (step(&w)) {
		if (w.has_key && w.key.burnt[0] != '\0')
			kh_exit_burnt(w.key.epoch.label, w.key.burnt);
	}
}

const struct kh_epoch_key *
kh_epochs_find(
    const struct kh_epochs *e, bool burnt, const struct kh_recipient *to)
{
	size_t i;

	for (i = 0; i < e->n; i++) {
		if (memcmp(&e->key[i].to, to, sizeof(*to)) == 0 &&
		    (burnt || e->key[i].burnt[0] == '\0'))
			return &e->key[i];
	}
	return NULL;
}
