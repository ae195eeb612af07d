/*
 * Trying again, and the answers that are the same for every request. Separate
 * so that every command gives up in the same way and in the same words.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "client/courier/talk.h"
#include "client/exit.h"
#include "client/signals.h"
#include "lib/base/precond.h"

#define PAUSE_FIRST 1 /* seconds; doubled each time */
#define PAUSE_MAX 60
#define SLICE_NS 100000000L /* a signal is noticed so soon */

int
kh_interrupted(void)
{
	kh_say(NULL, "interrupted; run it again to go on where it was");
	return KH_EXIT_AGAIN;
}

void
kh_tell(struct kh_courier *c, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	kh_progress_end(&c->progress);
	if (c->o.quiet)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	kh_say(NULL, "%s", text);
}

/* false: a signal came. */
static bool
wait_for(unsigned seconds)
{
	const struct timespec slice = {0, SLICE_NS};
	unsigned i;

	for (i = 0; i < seconds * 10; i++) {
		if (kh_signals_caught())
			return false;
		(void)nanosleep(&slice, NULL);
	}
	return !kh_signals_caught();
}

int
kh_refused(const struct kh_courier *c, const struct kh_exchange *x)
{
	char word[KH_WORD_LEN];
	const char *advice = "is --server the courier's address?";

	kh_error_word(x->text, x->text_len, word);
	if (x->head.status == 429 || x->head.status >= 500)
		advice = "try again later; its administrator may know more";
	if (x->head.status == 507)
		advice = "it has no room; tell its administrator";
	kh_say(c->o.server_text, "the server answers %u%s%s; %s",
	    x->head.status, word[0] == '\0' ? "" : " ", word, advice);
	return x->head.status < 400 ? KH_EXIT_DATA : KH_EXIT_UNREACHED;
}

int
kh_nonsense(
    const struct kh_courier *c, const struct kh_exchange *x, enum kh_err e)
{
	if (e == KH_ENOMEM)
		return kh_fail(KH_ON_OBJECT, c->o.server_text, e);
	kh_say(c->o.server_text,
	    "the answer to %s is none of a courier's server (%s)", x->path,
	    kh_err_text(e));
	return KH_EXIT_DATA;
}

/* What an answer means that means the same everywhere; -1: ask the caller;
 * -2: try again. */
static int
judge(const struct kh_courier *c, const struct kh_exchange *x)
{
	unsigned status = x->head.status;

	if (status == 401) {
		kh_say(c->o.token_file,
		    "the server does not know this token; "
		    "its newsroom's card must be on the server, as "
		    "`knothole keygen` made it together with the token");
		return KH_EXIT_TOKEN;
	}
	if (status >= 300 && status < 400) {
		kh_say(c->o.server_text,
		    "the server answers with a redirect "
		    "(%u), which is never followed; check --server",
		    status);
		return KH_EXIT_DATA;
	}
	if (status == 500 || (status >= 502 && status <= 504))
		return -2;
	return -1;
}

/* Say why there is no answer. Returns the exit status. */
static int
give_up(const struct kh_courier *c, const struct kh_exchange *x)
{
	if (x->head.status >= 500)
		return kh_refused(c, x);
	kh_say(c->o.server_text, "not reached: %s", kh_http_why(c->http));
	return KH_EXIT_UNREACHED;
}

/* One try. Returns -2 to try again, else what kh_talk returns. */
static int
attempt(struct kh_courier *c, struct kh_exchange *x)
{
	int code;

	switch (kh_http_exchange(c->http, x)) {
	case KH_END_ANSWERED:
		code = judge(c, x);
		return code == -1 ? KH_EXIT_OK : code;
	case KH_END_CUT:
		x->head.status = 0;
		return -2;
	case KH_END_NONSENSE:
		kh_say(c->o.server_text, "the server answers nonsense: %s",
		    kh_http_why(c->http));
		return KH_EXIT_DATA;
	case KH_END_OURS:
		return KH_TALK_OURS;
	case KH_END_STOPPED:
		return kh_interrupted();
	case KH_END_NOMEM:
		break;
	}
	return kh_fail(KH_ON_OBJECT, c->o.server_text, KH_ENOMEM);
}

int
kh_talk(struct kh_courier *c, struct kh_exchange *x,
    int (*prepare)(void *ctx, struct kh_exchange *x))
{
	unsigned tries = 0, pause = PAUSE_FIRST;
	int code;

	PRECOND(c != NULL && c->http != NULL && x != NULL);
	for (;;) {
		code = prepare == NULL ? 0 : prepare(x->ctx, x);
		if (code != 0)
			return code;
		code = attempt(c, x);
		if (code != -2)
			return code;
		if (x->moved > 0) {
			tries = 0;
			pause = PAUSE_FIRST;
		}
		if (tries++ == c->o.retries) {
			kh_progress_end(&c->progress);
			return give_up(c, x);
		}
		kh_tell(c, "%s; trying again in %u s (%u of %u)",
		    x->head.status >= 500 ? "the server is in trouble"
					  : kh_http_why(c->http),
		    pause, tries, c->o.retries);
		if (!wait_for(pause))
			return kh_interrupted();
		pause = pause * 2 > PAUSE_MAX ? PAUSE_MAX : pause * 2;
	}
}

/* One page, after id `after` ("": from the start). */
static int
get_page(
    struct kh_courier *c, struct kh_list *l, const char *after, unsigned limit)
{
	struct kh_exchange x = {.method = KH_GET};
	enum kh_err e;
	int code;

	(void)snprintf(x.path, sizeof(x.path), "/v1/objects?%s%s%slimit=%u",
	    after[0] == '\0' ? "" : "after=", after,
	    after[0] == '\0' ? "" : "&", limit);
	code = kh_talk(c, &x, NULL);
	if (code != KH_EXIT_OK)
		return code;
	if (x.head.status != 200)
		return kh_refused(c, &x);
	e = kh_list_page(l, x.text, x.text_len);
	return e == KH_OK ? KH_EXIT_OK : kh_nonsense(c, &x, e);
}

int
kh_get_list(struct kh_courier *c, struct kh_list *l)
{
	int code;

	PRECOND(c != NULL && l != NULL);
	memset(l, 0, sizeof(*l));
	do {
		code = get_page(c, l, l->n > 0 ? l->object[l->n - 1].id : "",
		    KH_PAGE_OBJECTS_MAX);
	} while (code == KH_EXIT_OK && l->more);
	if (code != KH_EXIT_OK)
		kh_list_clear(l);
	return code;
}

/* The id before this one; "" before the first. */
static void
predecessor(const char *id, char out[static KH_ID_LEN + 1])
{
	size_t i = KH_ID_LEN;

	memcpy(out, id, KH_ID_LEN + 1);
	while (i > 0 && out[i - 1] == '0')
		out[--i] = 'f';
	if (i == 0)
		out[0] = '\0';
	else
		out[i - 1] = out[i - 1] == 'a' ? '9' : (char)(out[i - 1] - 1);
}

int
kh_get_entry(struct kh_courier *c, struct kh_object *o)
{
	char after[KH_ID_LEN + 1];
	struct kh_list l = {0};
	int code;

	PRECOND(c != NULL && o != NULL);
	predecessor(o->id, after);
	code = get_page(c, &l, after, 1);
	if (code == KH_EXIT_OK) {
		o->gone = l.n == 0 || strcmp(l.object[0].id, o->id) != 0;
		if (!o->gone)
			o->size = l.object[0].size;
	}
	kh_list_clear(&l);
	return code;
}
