/*
 * Collecting shares. Separate from opening with them: here people make
 * mistakes, and each has to be named.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/ceremony/gather.h"
#include "client/exit.h"
#include "client/input.h"
#include "knothole/io.h"
#include "knothole/secret.h"
#include "lib/base/precond.h"

/* What was typed of one share. Secret. */
struct typing {
	int tty;
	char row[KH_CODE_TEXT_MAX + 1];
	size_t row_n;
	char all[KH_SHARE_ROWS * (KH_CODE_TEXT_MAX + 1)];
	size_t n;
};

struct kh_gather *
kh_gather_new(void)
{
	struct kh_gather *g = kh_secret_alloc((sizeof(*g) + 15) / 16 * 16);

	if (g != NULL)
		memset(g, 0, sizeof(*g));
	return g;
}

/* Say what kh_share_read found wrong. */
static int
say_fault(const char *subject, enum kh_err e, const struct kh_share_fault *f)
{
	char which[32] = "", row[32] = "";

	if (f->share > 1)
		(void)snprintf(which, sizeof(which), "share %u, ", f->share);
	if (f->row > 0)
		(void)snprintf(row, sizeof(row), "row %u, ", f->row);
	if (e == KH_EWORD)
		kh_say(subject,
		    "%s%sword %u, \"%s\", is not in the list; compare it with "
		    "the page",
		    which, row, f->word, f->text);
	else if (e == KH_ECHECK && f->row > 0)
		kh_say(subject,
		    "%srow %u does not fit its last word: a word of it is "
		    "another, or the rows are not in their order; compare it "
		    "with the page",
		    which, f->row);
	else if (e == KH_ECHECK)
		kh_say(subject,
		    "%sits check does not fit: it is damaged, or made of rows "
		    "of different pages; compare it with the page",
		    which);
	else if (e == KH_ETRUNC && f->words > 0)
		kh_say(subject,
		    "%u words, and a share has %d; some are missing, or too "
		    "many",
		    f->words, KH_SHARE_ROWS * KH_CODE_WORDS);
	else if (e == KH_EUNSUP)
		kh_say(subject,
		    "a share of a later version; a newer knothole "
		    "may read it");
	else if (e == KH_ETRUNC || e == KH_EFORMAT)
		kh_say(subject,
		    "holds no whole share; give a page, what a QR reader "
		    "prints, or the page's words");
	else
		return kh_fail(KH_ON_KEY, subject, e);
	return e == KH_ENOMEM ? KH_EXIT_IO : KH_EXIT_DATA;
}

static bool
same_set(const struct kh_share *a, const struct kh_share *b)
{
	return memcmp(a->set, b->set, sizeof(a->set)) == 0 &&
	    a->threshold == b->threshold && a->count == b->count;
}

/* One more. */
static int
take(struct kh_gather *g, const char *subject, const struct kh_share *s)
{
	char set[KH_SHARE_SET_TEXT_LEN], other[KH_SHARE_SET_TEXT_LEN];
	size_t i;

	if (g->n > 0 && !same_set(&g->share[0], s)) {
		kh_share_set_text(s->set, set);
		kh_share_set_text(g->share[0].set, other);
		kh_say(subject,
		    "a share of another set: of \"%s\", and those before it "
		    "are of \"%s\"; bring pages of one set",
		    set, other);
		return KH_EXIT_DATA;
	}
	for (i = 0; i < g->n; i++)
		if (g->share[i].number == s->number) {
			kh_say(subject,
			    "share %u is there already; bring a page with "
			    "another number",
			    (unsigned)s->number);
			return KH_EXIT_DATA;
		}
	PRECOND(g->n < KH_SHARES_MAX); /* numbers differ */
	g->share[g->n++] = *s;
	return KH_EXIT_OK;
}

static int
take_text(struct kh_gather *g, const char *subject, const char *text, size_t n)
{
	struct kh_share_fault fault;
	int code = KH_EXIT_OK;
	enum kh_err e;
	size_t i, got;

	e = kh_share_read(text, n, g->read, &got, &fault);
	if (e != KH_OK)
		code = say_fault(subject, e, &fault);
	for (i = 0; i < got && code == KH_EXIT_OK; i++)
		code = take(g, subject, &g->read[i]);
	kh_wipe(g->read, sizeof(g->read));
	kh_wipe(&fault, sizeof(fault));
	return code;
}

int
kh_gather_file(struct kh_gather *g, const char *path)
{
	char *text = NULL;
	enum kh_err e;
	size_t n = 0;
	int fd, code;

	PRECOND(g != NULL && path != NULL);
	code = kh_input_open(path, &fd);
	if (code != KH_EXIT_OK)
		return code;
	e = kh_input_all(fd, KH_SHARE_TEXT_MAX, &text, &n);
	code = e == KH_OK ? take_text(g, kh_input_name(path), text, n)
			  : kh_fail(KH_ON_KEY, kh_input_name(path), e);
	kh_secret_free(text);
	kh_input_close(fd);
	return code;
}

/* --- typing ------------------------------------------------------------------- */

/* A line from the terminal, shown as it is typed. */
static enum kh_err
read_row(struct typing *t, const char *prompt)
{
	size_t got;
	enum kh_err e;
	char c;

	e = kh_write_all(t->tty, prompt, strlen(prompt));
	for (t->row_n = 0; e == KH_OK;) {
		e = kh_read_upto(t->tty, &c, 1, &got);
		if (e == KH_OK && got == 0)
			return KH_ENOENT;
		if (e != KH_OK || c == '\n')
			break;
		if (t->row_n == KH_CODE_TEXT_MAX)
			return KH_ELIMIT;
		t->row[t->row_n++] = c;
	}
	t->row[t->row_n] = '\0';
	return e;
}

static int
no_more(enum kh_err e)
{
	if (e == KH_ENOENT || e == KH_ELIMIT) {
		kh_say("shares",
		    e == KH_ENOENT
			? "no more was typed; nothing was changed"
			: "that is longer than any row; nothing was changed");
		return KH_EXIT_DATA;
	}
	return kh_fail(KH_ON_KEY, "shares", e);
}

/* One row that fits, or the line of a QR code in place of all (*line). */
static int
ask_row(struct typing *t, size_t share, unsigned row, bool *line)
{
	struct kh_share_fault fault;
	char prompt[64];
	enum kh_err e;

	(void)snprintf(
	    prompt, sizeof(prompt), "Page %zu, row %u: ", share + 1, row + 1);
	for (;;) {
		e = read_row(t, prompt);
		if (e != KH_OK)
			return no_more(e);
		if (row == 0 && strstr(t->row, KH_SHARE_MARK) != NULL) {
			*line = true;
			return KH_EXIT_OK;
		}
		e = kh_share_row_check(t->row, t->row_n, row, &fault);
		if (e == KH_OK)
			return KH_EXIT_OK;
		if (e == KH_ETRUNC)
			kh_say("shares", "%u words, and a row has %d",
			    fault.words, KH_CODE_WORDS);
		else if (e == KH_ELIMIT)
			kh_say("shares", "more than the %d words of a row",
			    KH_CODE_WORDS);
		else if (e == KH_EFORMAT)
			kh_say("shares", "no words; type the row's %d words",
			    KH_CODE_WORDS);
		else if (say_fault("shares", e, &fault) == KH_EXIT_IO)
			return KH_EXIT_IO;
		kh_wipe(&fault, sizeof(fault));
	}
}

static int
ask_share(struct kh_gather *g, struct typing *t)
{
	unsigned row;
	bool line = false;
	int code = KH_EXIT_OK;

	t->n = 0;
	for (row = 0; row < KH_SHARE_ROWS && code == KH_EXIT_OK && !line;
	     row++) {
		code = ask_row(t, g->n, row, &line);
		memcpy(t->all + t->n, t->row, t->row_n);
		t->n += t->row_n;
		t->all[t->n++] = '\n';
	}
	if (code != KH_EXIT_OK)
		return code;
	(void)take_text(g, "shares", t->all, t->n); /* or asked for again */
	return KH_EXIT_OK;
}

static int
ask_all(struct kh_gather *g, struct typing *t)
{
	char set[KH_SHARE_SET_TEXT_LEN];
	int code = KH_EXIT_OK;
	size_t before;

	while (
	    code == KH_EXIT_OK && (g->n == 0 || g->n < g->share[0].threshold)) {
		before = g->n;
		code = ask_share(g, t);
		if (code != KH_EXIT_OK || g->n == before)
			continue;
		kh_share_set_text(g->share[0].set, set);
		kh_say(NULL, "share %u of set \"%s\"; %u of %u are there",
		    (unsigned)g->share[g->n - 1].number, set, (unsigned)g->n,
		    (unsigned)g->share[0].threshold);
	}
	return code;
}

int
kh_gather_ask(struct kh_gather *g)
{
	struct typing *t;
	int code;

	PRECOND(g != NULL);
	t = kh_secret_alloc((sizeof(*t) + 15) / 16 * 16);
	if (t == NULL)
		return kh_fail(KH_ON_KEY, NULL, KH_ENOMEM);
	t->tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (t->tty < 0) {
		code = kh_fail_usage("shares",
		    "none was given and there is no terminal to ask on; name "
		    "their files, or - for standard input");
	} else {
		kh_say(NULL,
		    "type each page's words, row by row; or, in place of a "
		    "page's first row, what a QR reader prints");
		code = ask_all(g, t);
		close(t->tty);
	}
	kh_secret_free(t);
	return code;
}

int
kh_gather_join(struct kh_gather *g)
{
	char set[KH_SHARE_SET_TEXT_LEN];
	enum kh_err e;

	PRECOND(g != NULL && g->n > 0);
	kh_share_set_text(g->share[0].set, set);
	e = kh_share_join(g->share, g->n, &g->key);
	if (e == KH_OK)
		return KH_EXIT_OK;
	if (e == KH_ENOENT) {
		kh_say("shares",
		    "too few: %u of set \"%s\" were given, and it takes %u; "
		    "bring %u more",
		    (unsigned)g->n, set, (unsigned)g->share[0].threshold,
		    (unsigned)(g->share[0].threshold - g->n));
		return KH_EXIT_NOKEY;
	}
	if (e == KH_EAUTH) {
		kh_say("shares",
		    "those of set \"%s\" do not give its key: one of the pages "
		    "is forged, though its checks fit; try others",
		    set);
		return KH_EXIT_DATA;
	}
	return kh_fail(KH_ON_KEY, "shares", e);
}
