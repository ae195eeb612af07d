/*
 * knothole show: a conversation from beginning to end. Separate from the inbox
 * because it opens the source's objects.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/cmd.h"
#include "client/desk/alias.h"
#include "client/desk/json_out.h"
#include "client/desk/options.h"
#include "client/desk/print.h"
#include "client/desk/show.h"
#include "client/desk/vault.h"
#include "client/exit.h"

static const char help[] =
    "usage: knothole [--vault DIR] show [--json] [--passphrase-fd N] "
    "THREAD\n\n"
    "Shows a whole conversation in order: messages and files of the source,\n"
    "answers of this newsroom. What is shown counts as read. THREAD is a\n"
    "source's alias (\"two words\" or two-words), or at least 8 digits that "
    "its\n"
    "mailbox begins with. `knothole extract` gives the files.\n\n"
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
    .min = 1,
    .max = 2,
    .wrong = "takes one THREAD; `knothole inbox` lists them",
};

/* A message or an answer. */
struct item {
	const char *day;
	uint64_t at;
	struct kh_desk_object *object; /* or NULL */
	const struct kh_desk_answer *answer;
};

struct show {
	struct kh_vault *v;
	size_t thread;
	struct item *items;
	size_t n;
	json_t *list; /* of --json, or NULL */
	bool bad;
};

static int
by_day(const void *pa, const void *pb)
{
	const struct item *a = pa, *b = pb;
	int order = strcmp(a->day, b->day);

	return order != 0 ? order : (a->at > b->at) - (a->at < b->at);
}

/* All of the thread, by the day it was sent or written; on one day as it came
 * to this vault. */
static enum kh_err
collect(struct show *s)
{
	struct kh_index *ix = s->v->ix;
	size_t i, max = ix->n_objects + ix->n_answers;

	s->items = calloc(max > 0 ? max : 1, sizeof(s->items[0]));
	if (s->items == NULL)
		return KH_ENOMEM;
	for (i = 0; i < ix->n_objects; i++)
		if (ix->objects[i].thread == s->thread)
			s->items[s->n++] = (struct item){ix->objects[i].day,
			    ix->objects[i].at, &ix->objects[i], NULL};
	for (i = 0; i < ix->n_answers; i++)
		if (ix->answers[i].thread == s->thread)
			s->items[s->n++] = (struct item){ix->answers[i].day,
			    ix->answers[i].at, NULL, &ix->answers[i]};
	qsort(s->items, s->n, sizeof(s->items[0]), by_day);
	return KH_OK;
}

static void
print_answer(const struct kh_desk_answer *a)
{
	const char *waits = a->exported ? "" : "  [to export]";

	if (a->kind == KH_KIND_RECEIVED) {
		printf("%s  received, said in place %" PRIu32 "%s\n", a->day,
		    a->number, waits);
		return;
	}
	printf(
	    "\n%s  answer in place %" PRIu32 "%s\n", a->day, a->number, waits);
	kh_print_text((const uint8_t *)a->text, a->text_len, "  > ");
}

static json_t *
answer_json(const struct show *s, const struct kh_desk_answer *a)
{
	char slot[KH_SLOT_NAME_LEN + 1];

	kh_slot_name(s->v->ix->threads[s->thread].slot_key, &s->v->ix->outlet,
	    a->number, slot);
	return json_pack("{s:s, s:I, s:s, s:b, s:s, s:s%}", "kind",
	    a->kind == KH_KIND_ANSWER ? "answer" : "received", "number",
	    (json_int_t)a->number, "day", a->day, "exported", a->exported,
	    "slot", slot, "text", a->text_len > 0 ? a->text : "", a->text_len);
}

/* One object; marks it read when it could be opened. */
static int
show_object(struct show *s, struct kh_desk_object *o, bool *changed)
{
	struct kh_shown_object *open;
	int code;

	code = kh_show_open(s->v, o, &open);
	if (code != KH_EXIT_OK)
		return code;
	if (s->list != NULL)
		kh_json_add(s->list, kh_show_json(open), &s->bad);
	else
		kh_show_print(open);
	kh_show_close(open);
	*changed = *changed || !o->read;
	o->read = true;
	return KH_EXIT_OK;
}

static enum kh_err
print_json(struct show *s, const char *alias)
{
	const struct kh_thread *t = &s->v->ix->threads[s->thread];

	if (s->bad)
		return KH_ENOMEM;
	return kh_json_print(json_pack("{s:s, s:o, s:s, s:I, s:O}", "alias",
	    alias, "mailbox", kh_json_hex(t->mailbox, sizeof(t->mailbox)),
	    "language", t->language, "slots_left",
	    (json_int_t)kh_desk_slots_left(t), "items", s->list));
}

static int
show_items(struct show *s, bool *changed)
{
	int code = KH_EXIT_OK, one;
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (s->items[i].object != NULL) {
			one = show_object(s, s->items[i].object, changed);
			if (code == KH_EXIT_OK)
				code = one;
		} else if (s->list != NULL) {
			kh_json_add(s->list, answer_json(s, s->items[i].answer),
			    &s->bad);
		} else {
			print_answer(s->items[i].answer);
		}
	}
	return code;
}

static int
show(struct show *s, const char *name)
{
	char alias[KH_ALIAS_MAX + 1];
	bool changed = false;
	enum kh_err e;
	int code, saved;

	code = kh_vault_find(s->v, name, &s->thread);
	if (code != KH_EXIT_OK)
		return code;
	kh_alias(s->v->ix->threads[s->thread].mailbox, alias);
	e = collect(s);
	if (e != KH_OK)
		return kh_fail(KH_ON_OUTPUT, NULL, e);
	if (s->list == NULL)
		printf("%s\n", alias);
	code = show_items(s, &changed);
	if (s->list != NULL && print_json(s, alias) != KH_OK)
		return kh_fail(KH_ON_OUTPUT, NULL, KH_ENOMEM);
	/* What did not get out was not read; main says so. */
	if (!changed || fflush(stdout) != 0)
		return code;
	saved = kh_vault_commit(s->v);
	return code != KH_EXIT_OK ? code : saved;
}

int
kh_cmd_show(int argc, char **argv)
{
	char name[KH_DESK_NAME_LEN];
	struct kh_desk_args a;
	struct kh_vault v;
	struct show s = {.v = &v};
	int code;

	code = kh_desk_args(&a, &usage, argc, argv);
	if (code != KH_EXIT_OK || a.help)
		return code;
	code = kh_desk_thread_name(argc - optind, argv + optind, name);
	if (code == KH_EXIT_OK)
		code = kh_vault_open(&v, a.keys.fd, true);
	if (code != KH_EXIT_OK)
		return code;
	s.list = a.json ? json_array() : NULL;
	if (a.json && s.list == NULL)
		code = kh_fail(KH_ON_OUTPUT, NULL, KH_ENOMEM);
	else
		code = show(&s, name);
	json_decref(s.list);
	free(s.items);
	kh_vault_close(&v);
	return code;
}
