/*
 * Errors to exit statuses and to sentences, in one table, so that a script can
 * rely on the first and a person on the second: what happened; what to do.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client/exit.h"
#include "knothole/name.h"

struct outcome {
	int code;
	const char *advice; /* or NULL */
};

static const char *program = "knothole";

static char burnt[512]; /* "2026-03 on 2026-05-02, ..." */

static const char again[] = "copy it again from where it came";
static const char room[] = "make room on the disk";
static const char memory[] = "close other programs";

/* Columns: KH_ON_OBJECT, KH_ON_KEY, KH_ON_OUTPUT. What is not listed cannot
 * be told better than as a failure of input or output. */
static const struct outcome outcomes[KH_ERR_N][KH_ON_N] = {
    [KH_ENOMEM] = {{KH_EXIT_IO, memory}, {KH_EXIT_IO, memory},
	{KH_EXIT_IO, memory}},
    [KH_EFORMAT] = {{KH_EXIT_DATA, again},
	{KH_EXIT_DATA, "check that it is the right file"},
	{KH_EXIT_DATA, NULL}},
    [KH_ETRUNC] = {{KH_EXIT_DATA, again}, {KH_EXIT_DATA, again},
	{KH_EXIT_DATA, NULL}},
    [KH_EAUTH] = {{KH_EXIT_DATA, again},
	{KH_EXIT_DATA, "get it again, from its owner"}, {KH_EXIT_DATA, NULL}},
    [KH_ELIMIT] = {{KH_EXIT_DATA, "no object of ours is like that"},
	{KH_EXIT_DATA, "check that it is the right file"},
	{KH_EXIT_DATA, NULL}},
    [KH_EUNSUP] = {{KH_EXIT_DATA, "a newer knothole may open it"},
	{KH_EXIT_DATA, "a newer knothole may read it"},
	{KH_EXIT_CREATE, "use another file system"}},
    [KH_EKEY] = {{KH_EXIT_DATA, NULL},
	{KH_EXIT_DATA, "get it again, from its owner"}, {KH_EXIT_DATA, NULL}},
    [KH_ENOKEY] = {{KH_EXIT_NOKEY,
		       "give the identity (-i) of a newsroom "
		       "that it was sealed for"},
	{KH_EXIT_NOKEY, "check the passphrase"}, {KH_EXIT_NOKEY, NULL}},
    [KH_ENAME] = {{KH_EXIT_DATA, NULL}, {KH_EXIT_USAGE, "choose a plain name"},
	{KH_EXIT_CREATE, "choose a plain name"}},
    [KH_EEXIST] = {{KH_EXIT_CREATE, NULL}, {KH_EXIT_CREATE, NULL},
	{KH_EXIT_CREATE,
	    "nothing was replaced: move it away or choose "
	    "another name"}},
    [KH_ENOENT] = {{KH_EXIT_NOINPUT, NULL}, {KH_EXIT_NOINPUT, NULL},
	{KH_EXIT_CREATE, NULL}},
    [KH_EFULL] = {{KH_EXIT_IO, room}, {KH_EXIT_IO, room}, {KH_EXIT_IO, room}},
    [KH_EEXPIRED] = {{KH_EXIT_CONFIG, NULL},
	{KH_EXIT_CONFIG,
	    "ask the newsroom for its present card, and "
	    "check this machine's date"},
	{KH_EXIT_CONFIG, NULL}},
};

int
kh_exit_code(enum kh_on on, enum kh_err e)
{
	if (e == KH_OK)
		return KH_EXIT_OK;
	if ((unsigned)e >= KH_ERR_N || (unsigned)on >= KH_ON_N ||
	    outcomes[e][on].code == 0)
		return KH_EXIT_IO;
	return outcomes[e][on].code;
}

void
kh_say_as(const char *name)
{
	program = name;
}

const char *
kh_shown(const char *s, char out[static KH_SHOWN_MAX])
{
	kh_text_escape((const uint8_t *)s, strlen(s), out, KH_SHOWN_MAX);
	return out;
}

void
kh_say(const char *subject, const char *fmt, ...)
{
	char shown[KH_SHOWN_MAX];
	va_list ap;

	fprintf(stderr, "%s: ", program);
	if (subject != NULL)
		fprintf(stderr, "%s: ", kh_shown(subject, shown));
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

void
kh_exit_burnt(const char *label, const char *day)
{
	size_t n = strlen(burnt);
	char one[64];

	(void)snprintf(
	    one, sizeof(one), "%s%s on %s", n > 0 ? ", " : "", label, day);
	/* The first few are enough of a hint. */
	if (strlen(one) < sizeof(burnt) - n && strstr(burnt, one + 2) == NULL)
		memcpy(burnt + n, one, strlen(one) + 1);
}

int
kh_fail(enum kh_on on, const char *subject, enum kh_err e)
{
	const char *what = e == KH_ESYS ? strerror(errno) : kh_err_text(e);
	const char *advice = NULL;

	if ((unsigned)e < KH_ERR_N)
		advice = outcomes[e][on].advice;
	if (advice != NULL)
		kh_say(subject, "%s; %s", what, advice);
	else
		kh_say(subject, "%s", what);
	if (e == KH_ENOKEY && on == KH_ON_OBJECT && burnt[0] != '\0')
		kh_say(subject,
		    "or it was sealed in an epoch whose key was burnt (%s): "
		    "then nothing opens it any more",
		    burnt);
	return kh_exit_code(on, e);
}

int
kh_fail_open(const char *subject)
{
	kh_say(subject, "%s; check the name", strerror(errno));
	return KH_EXIT_NOINPUT;
}

int
kh_fail_usage(const char *subject, const char *text)
{
	kh_say(subject, "%s", text);
	return KH_EXIT_USAGE;
}
