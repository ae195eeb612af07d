/*
 * knothole reply: an answer, signed and sealed, into the outbox. What was
 * written is kept in the index, because nobody here can open it again.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/cmd.h"
#include "client/desk/alias.h"
#include "client/desk/options.h"
#include "client/desk/vault.h"
#include "client/exit.h"
#include "client/input.h"
#include "client/signals.h"
#include "knothole/name.h"
#include "knothole/secret.h"

#define FEW_SLOTS 16 /* left: worth a warning */

static const char help[] =
    "usage: knothole [--vault DIR] reply [-m TEXT | --file FILE]\n"
    "                [--passphrase-fd N] THREAD\n\n"
    "Answers a source: the text is signed by this newsroom, sealed to the\n"
    "source, and waits for `knothole export`. A text is UTF-8 of at most\n"
    "64904 bytes, and comes from standard input if it is not given. THREAD\n"
    "is a source's alias (\"two words\" or two-words), or at least 8 digits\n"
    "that its mailbox begins with.\n\n"
    "  -m, --message TEXT     the text; others on this machine may see it in\n"
    "                         the list of processes\n"
    "  -f, --file FILE        the text is in FILE; - is standard input\n"
    "      --passphrase-fd N  read the passphrase, one line, from descriptor\n"
    "                         N instead of asking on the terminal\n"
    "  -h, --help             this text\n";

static const struct option options[] = {
    {"message", required_argument, NULL, 'm'},
    {"file", required_argument, NULL, 'f'},
    KH_DESK_OPTIONS_COMMON,
};

static const struct kh_desk_usage usage = {
    .help = help,
    .shorts = ":m:f:h",
    .longs = options,
    .min = 1,
    .max = 2,
    .wrong = "takes one THREAD; `knothole inbox` lists them",
};

/* What is to be said; `copy` is locked memory, or NULL. */
struct text {
	const char *p;
	char *copy;
	size_t n;
	const char *where; /* for messages */
};

static int
too_long(const char *where)
{
	kh_say(where,
	    "is longer than an answer can be: %d bytes are the most; write "
	    "two",
	    KH_ANSWER_TEXT_MAX);
	return KH_EXIT_DATA;
}

static int
read_file(const char *path, struct text *t)
{
	enum kh_err e;
	int fd, code;

	code = kh_input_open(path, &fd);
	if (code != KH_EXIT_OK)
		return code;
	t->where = kh_input_name(path);
	e = kh_input_all(fd, KH_ANSWER_TEXT_MAX, &t->copy, &t->n);
	if (e == KH_ELIMIT)
		code = too_long(t->where);
	else if (e != KH_OK)
		code = kh_fail(KH_ON_OBJECT, t->where, e);
	kh_input_close(fd);
	t->p = t->copy;
	return code;
}

static bool
from_stdin(const struct kh_desk_args *a)
{
	return a->text == NULL &&
	    (a->file == NULL || strcmp(a->file, "-") == 0);
}

/* Blanks and line ends alone say nothing, and would take a place. */
static bool
blank(const struct text *t)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (memchr(" \t\r\n", t->p[i], 4) == NULL)
			return false;
	return true;
}

static int
get_text(const struct kh_desk_args *a, struct text *t)
{
	int code = KH_EXIT_OK;

	t->where = "-m";
	t->p = a->text;
	if (from_stdin(a) && isatty(STDIN_FILENO))
		kh_say(NULL,
		    "write the answer; Ctrl-D at the beginning of a line ends "
		    "it, Ctrl-C drops it");
	if (a->text != NULL)
		t->n = strlen(a->text);
	else
		code = read_file(a->file, t);
	if (code != KH_EXIT_OK)
		return code;
	if (t->n > KH_ANSWER_TEXT_MAX)
		return too_long(t->where);
	if (t->n == 0 && a->text == NULL && a->file == NULL)
		return kh_fail_usage("reply",
		    "no text; give -m TEXT or --file FILE, or the text on "
		    "standard input");
	if (blank(t)) {
		kh_say(t->where, "is empty; an answer says something");
		return KH_EXIT_DATA;
	}
	if (kh_utf8_valid((const uint8_t *)t->p, t->n))
		return KH_EXIT_OK;
	kh_say(t->where,
	    "is not UTF-8 text (or has a NUL byte in it); save it as UTF-8");
	return KH_EXIT_DATA;
}

static enum kh_err
put(struct kh_vault *v, size_t thread, const char *alias, const struct text *t)
{
	struct kh_desk_answer a = {.thread = thread, .kind = KH_KIND_ANSWER};
	size_t first = v->ix->n_answers;
	enum kh_err e;

	memcpy(a.day, v->today, sizeof(a.day));
	e = kh_index_add_answer(v->ix, &a, t->p, t->n);
	if (e == KH_OK)
		e = kh_vault_seal_answer(v, &v->ix->answers[first]);
	if (e == KH_OK)
		e = kh_vault_settle(v, NULL, 0, first);
	if (e == KH_OK)
		e = kh_log_add(&v->ix->log, KH_LOG_REPLY, v->today, alias, 1);
	return e;
}

/* Is there a place for an answer to this source? Says what is wrong. */
static int
place(const struct kh_vault *v, const char *name, size_t *thread,
    char alias[static KH_ALIAS_MAX + 1])
{
	int code = kh_vault_find(v, name, thread);

	if (code != KH_EXIT_OK)
		return code;
	kh_alias(v->ix->threads[*thread].mailbox, alias);
	if (!v->ix->threads[*thread].has_slot_key) {
		kh_say(alias,
		    "wrote through a server that had no answers yet; "
		    "it can be answered once it has written again");
		return KH_EXIT_DATA;
	}
	if (v->ix->threads[*thread].next == KH_SLOTS_MAX) {
		kh_say(alias,
		    "has no place left for another answer (%d are all there "
		    "are); ask the source to write again with a new return "
		    "code",
		    KH_SLOTS_MAX);
		return KH_EXIT_CREATE;
	}
	return KH_EXIT_OK;
}

/* Standard input is read last, so that nobody types an answer for nothing. */
static int
reply(struct kh_vault *v, const struct kh_desk_args *a, const char *name,
    struct text *t)
{
	char alias[KH_ALIAS_MAX + 1];
	size_t thread;
	uint32_t left;
	enum kh_err e;
	int code;

	code = place(v, name, &thread, alias);
	if (code == KH_EXIT_OK && from_stdin(a))
		code = get_text(a, t);
	if (code != KH_EXIT_OK)
		return code;
	e = put(v, thread, alias, t);
	if (e != KH_OK)
		return kh_fail(KH_ON_OUTPUT, v->path, e);
	code = kh_vault_commit(v);
	if (code != KH_EXIT_OK)
		return code;
	printf("%s  answer %" PRIu32 "  %zu bytes\n", alias,
	    v->ix->answers[v->ix->n_answers - 1].number, t->n);
	left = KH_SLOTS_MAX - v->ix->threads[thread].next;
	if (left < FEW_SLOTS)
		kh_say(alias,
		    "warning: %" PRIu32 " more answers, then it is "
		    "full",
		    left);
	return KH_EXIT_OK;
}

int
kh_cmd_reply(int argc, char **argv)
{
	char name[KH_DESK_NAME_LEN];
	struct kh_desk_args a;
	struct text t = {0};
	struct kh_vault v;
	int code;

	code = kh_desk_args(&a, &usage, argc, argv);
	if (code != KH_EXIT_OK || a.help)
		return code;
	code = kh_desk_thread_name(argc - optind, argv + optind, name);
	if (code != KH_EXIT_OK)
		return code;
	if (a.text != NULL && a.file != NULL)
		return kh_fail_usage(
		    "reply", "give one of -m TEXT and --file FILE, not both");
	if (!from_stdin(&a))
		code = get_text(&a, &t);
	if (code == KH_EXIT_OK)
		code = kh_vault_open(&v, a.keys.fd, true);
	if (code == KH_EXIT_OK) {
		code = reply(&v, &a, name, &t);
		kh_vault_close(&v);
	}
	kh_secret_free(t.copy);
	return code;
}
