/*
 * knothole inbox: the sources, one line for each, from the index alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/cmd.h"
#include "client/desk/alias.h"
#include "client/desk/json_out.h"
#include "client/desk/options.h"
#include "client/desk/vault.h"
#include "client/exit.h"
#include "client/progress.h"

static const char help[] =
    "usage: knothole [--vault DIR] inbox [--json] [--passphrase-fd N]\n\n"
    "Lists the sources: how much is new, how much came, what was answered, "
    "when\n"
    "the last of it was. Those with something new come first. A source is\n"
    "called by two words that follow from its mailbox.\n\n"
    "      --json             one JSON object (docs/json.md)\n"
    "      --passphrase-fd N  read the passphrase, one line, from descriptor\n"
    "                         N instead of asking on the terminal\n"
    "  -h, --help             this text\n";

static const struct option options[] = {
    {"json", no_argument, NULL, 'j'},
    KH_DESK_OPTIONS_COMMON,
};

static const struct kh_desk_usage usage = {
    .help = help,
    .shorts = ":h",
    .longs = options,
    .wrong = "takes options only",
};

/* A thread, added up. */
struct row {
	const struct kh_thread *t;
	char alias[KH_ALIAS_MAX + 1];
	size_t objects, unread, cut, files, presealed, differ;
	size_t answers, received, waiting;
	uint64_t size, bytes;
	char first[KH_DAY_LEN + 1], last[KH_DAY_LEN + 1];
};

struct inbox {
	struct row *rows;
	size_t n, sealed, unread;
};

static void
count_day(struct row *r, const char *day)
{
	if (r->first[0] == '\0' || strcmp(day, r->first) < 0)
		memcpy(r->first, day, sizeof(r->first));
	if (strcmp(day, r->last) > 0)
		memcpy(r->last, day, sizeof(r->last));
}

static void
count_object(struct row *r, const struct kh_desk_object *o)
{
	r->objects++;
	r->unread += !o->read;
	r->cut += !o->complete;
	r->differ += o->keys_differ;
	r->files += o->n_files;
	r->presealed += kh_desk_count_presealed(o);
	r->size += o->size;
	r->bytes += o->bytes;
	count_day(r, o->day);
}

static void
count_answer(struct row *r, const struct kh_desk_answer *a)
{
	if (a->kind == KH_KIND_ANSWER) {
		r->answers++;
		count_day(r, a->day);
	} else {
		r->received++;
	}
	r->waiting += !a->exported;
}

static int
by_news(const void *pa, const void *pb)
{
	const struct row *a = pa, *b = pb;
	int order;

	if ((a->unread > 0) != (b->unread > 0))
		return a->unread > 0 ? -1 : 1;
	order = strcmp(b->last, a->last);
	if (order == 0)
		order = strcmp(a->alias, b->alias);
	if (order == 0)
		order = memcmp(a->t->mailbox, b->t->mailbox, KH_MAILBOX_LEN);
	return order;
}

static enum kh_err
add_up(struct inbox *in, const struct kh_index *ix)
{
	const struct kh_desk_object *o;
	size_t i;

	in->n = ix->n_threads;
	in->rows = calloc(in->n > 0 ? in->n : 1, sizeof(in->rows[0]));
	if (in->rows == NULL)
		return KH_ENOMEM;
	for (i = 0; i < in->n; i++) {
		in->rows[i].t = &ix->threads[i];
		kh_alias(ix->threads[i].mailbox, in->rows[i].alias);
	}
	for (i = 0; i < ix->n_objects; i++) {
		o = &ix->objects[i];
		if (o->thread == KH_NO_THREAD) {
			in->sealed++;
			continue;
		}
		in->unread += !o->read;
		count_object(&in->rows[o->thread], o);
	}
	for (i = 0; i < ix->n_answers; i++)
		count_answer(&in->rows[ix->answers[i].thread], &ix->answers[i]);
	qsort(in->rows, in->n, sizeof(in->rows[0]), by_news);
	return KH_OK;
}

static json_t *
row_json(const struct row *r)
{
	json_t *v = json_object();
	bool bad = v == NULL;

	kh_json_set(v, "alias", json_string(r->alias), &bad);
	kh_json_set(v, "mailbox",
	    kh_json_hex(r->t->mailbox, sizeof(r->t->mailbox)), &bad);
	kh_json_set(v, "language", json_string(r->t->language), &bad);
	kh_json_set(v, "objects", json_integer((json_int_t)r->objects), &bad);
	kh_json_set(v, "unread", json_integer((json_int_t)r->unread), &bad);
	kh_json_set(v, "complete", json_boolean(r->cut == 0), &bad);
	kh_json_set(v, "size", json_integer((json_int_t)r->size), &bad);
	kh_json_set(v, "files", json_integer((json_int_t)r->files), &bad);
	kh_json_set(v, "bytes", json_integer((json_int_t)r->bytes), &bad);
	kh_json_set(
	    v, "presealed", json_integer((json_int_t)r->presealed), &bad);
	kh_json_set(v, "keys_differ", json_boolean(r->differ > 0), &bad);
	kh_json_set(v, "answers", json_integer((json_int_t)r->answers), &bad);
	kh_json_set(v, "received", json_integer((json_int_t)r->received), &bad);
	kh_json_set(
	    v, "not_exported", json_integer((json_int_t)r->waiting), &bad);
	kh_json_set(
	    v, "slots_left", json_integer(kh_desk_slots_left(r->t)), &bad);
	kh_json_set(v, "first_day", json_string(r->first), &bad);
	kh_json_set(v, "last_day", json_string(r->last), &bad);
	if (!bad)
		return v;
	json_decref(v);
	return NULL;
}

static enum kh_err
print_json(const struct kh_vault *v, const struct inbox *in)
{
	json_t *threads = json_array();
	bool bad = threads == NULL;
	size_t i;

	for (i = 0; i < in->n; i++)
		kh_json_add(threads, row_json(&in->rows[i]), &bad);
	if (bad) {
		json_decref(threads);
		return KH_ENOMEM;
	}
	return kh_json_print(json_pack("{s:o, s:o, s:I, s:I}", "newsroom",
	    kh_json_text((const uint8_t *)v->room->name, strlen(v->room->name)),
	    "threads", threads, "unread", (json_int_t)in->unread,
	    "sealed_for_others", (json_int_t)in->sealed));
}

static void
print_row(const struct row *r)
{
	char amount[KH_AMOUNT_LEN];

	kh_amount(r->size, amount);
	printf("%c %-*s  %3zu new  %3zu came  %3zu answered  %10s  %s",
	    r->unread > 0 ? '*' : ' ', KH_ALIAS_MAX, r->alias, r->unread,
	    r->objects, r->answers, amount, r->last);
	if (r->cut > 0)
		printf("  [CUT OFF]");
	if (r->presealed > 0)
		printf("  [sealed by the source]");
	if (r->differ > 0)
		printf("  [OTHER KEYS]");
	if (r->waiting > 0)
		printf("  [to export]");
	putchar('\n');
}

static int
inbox(const struct kh_vault *v, bool json)
{
	struct inbox in = {0};
	enum kh_err e;
	size_t i;

	e = add_up(&in, v->ix);
	if (e == KH_OK && json)
		e = print_json(v, &in);
	for (i = 0; e == KH_OK && !json && i < in.n; i++)
		print_row(&in.rows[i]);
	if (e == KH_OK && !json && in.sealed > 0)
		kh_say(NULL, "%zu objects are sealed for others", in.sealed);
	free(in.rows);
	return e == KH_OK ? KH_EXIT_OK : kh_fail(KH_ON_OUTPUT, NULL, e);
}

int
kh_cmd_inbox(int argc, char **argv)
{
	struct kh_desk_args a;
	struct kh_vault v;
	int code;

	code = kh_desk_args(&a, &usage, argc, argv);
	if (code != KH_EXIT_OK || a.help)
		return code;
	code = kh_vault_open(&v, a.keys.fd, false);
	if (code != KH_EXIT_OK)
		return code;
	code = inbox(&v, a.json);
	kh_vault_close(&v);
	return code;
}
