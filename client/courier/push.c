/*
 * push: what the desk put on the stick, to the server; cards in cards.c.
 *
 * Nothing is taken from the stick before the server has said that it has it,
 * or had it already: killed anywhere, the next run does the rest.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/courier/cards.h"
#include "client/courier/look.h"
#include "client/courier/sha256.h"
#include "client/courier/talk.h"
#include "client/exit.h"
#include "client/signals.h"
#include "knothole/answer.h"
#include "knothole/io.h"
#include "lib/base/precond.h"

/* {"ids":["…",…]} of a full batch: 35 bytes an id. */
#define BATCH_LEN (KH_PAGE_OBJECTS_MAX * (KH_ID_LEN + 3) + 16)

struct push {
	struct kh_courier *c;
	struct kh_replies replies;
	struct kh_collected collected;
	struct kh_cards cards;
	bool *sent; /* for each reply: the server has it */
	size_t stored, taken;
	bool accepted; /* collected.txt */
	int refused; /* exit status for what could not go, or 0 */
};

static void
refuse(struct push *p, const char *dir, const char *name, const char *what)
{
	p->refused = KH_EXIT_DATA;
	kh_progress_end(&p->c->progress);
	kh_stick_say(dir, name, what);
}

static const char *
reply_path(const char *name, char out[static KH_SUMS_PATH_MAX + 1])
{
	(void)snprintf(out, KH_SUMS_PATH_MAX + 1, "replies/%s", name);
	return out;
}

/*
 * Read a reply as the desk wrote it: a slot on the server takes one reply only,
 * and a damaged one would fill it for good.
 * Returns the exit status; *n is 0 when it was refused.
 */
static int
read_reply(struct push *p, const char *name, uint8_t *buf, size_t *n)
{
	char path[KH_SUMS_PATH_MAX + 1], hex[KH_SHA256_HEX_LEN];
	struct kh_courier *c = p->c;
	struct kh_sha256 hash;
	const char *want;
	enum kh_err e;
	int fd;

	*n = 0;
	fd = kh_stick_file(c->stick.replies_fd, name, NULL);
	if (fd < 0)
		return kh_stick_fail(&c->stick, KH_ESYS);
	e = kh_read_upto(fd, buf, KH_ANSWER_LEN_MAX + 1, n);
	close(fd);
	if (e != KH_OK)
		return kh_stick_fail(&c->stick, e);
	if (!kh_answer_len_valid(*n)) {
		refuse(p, "replies", name,
		    "not of the size of a reply; export it again");
		*n = 0;
		return KH_EXIT_OK;
	}
	kh_sha256_begin(&hash);
	kh_sha256_add(&hash, buf, *n);
	kh_sha256_end(&hash, hex);
	want = kh_sums_find(&c->sums, reply_path(name, path));
	if (want != NULL && strcmp(want, hex) != 0) {
		refuse(p, "replies", name,
		    "not what SHA256SUMS says, so damaged; export it again");
		*n = 0;
	}
	return KH_EXIT_OK;
}

/* What the server says to a reply. */
static int
judge(struct push *p, const struct kh_exchange *x, size_t i)
{
	switch (x->head.status) {
	case 201:
		p->stored++;
		p->sent[i] = true;
		return KH_EXIT_OK;
	case 409:
		p->taken++;
		p->sent[i] = true;
		kh_tell(p->c, "%s: was there already", p->replies.name[i]);
		return KH_EXIT_OK;
	case 400:
	case 413:
		refuse(p, "replies", p->replies.name[i],
		    "the server does not accept it");
		return KH_EXIT_OK;
	default:
		return kh_refused(p->c, x);
	}
}

static int
put_reply(struct push *p, size_t i, uint8_t *buf)
{
	struct kh_exchange x = {
	    .method = KH_PUT, .body = buf, .type = "application/octet-stream"};
	const char *name = p->replies.name[i];
	int code;

	code = read_reply(p, name, buf, &x.body_len);
	if (code != KH_EXIT_OK || x.body_len == 0)
		return code;
	(void)snprintf(
	    x.path, sizeof(x.path), "/v1/replies/%.*s", KH_SLOT_NAME_LEN, name);
	code = kh_talk(p->c, &x, NULL);
	return code == KH_EXIT_OK ? judge(p, &x, i) : code;
}

static int
put_replies(struct push *p)
{
	struct kh_courier *c = p->c;
	int code = KH_EXIT_OK;
	uint8_t *buf;
	size_t i;

	if (p->replies.n == 0)
		return KH_EXIT_OK;
	buf = malloc(KH_ANSWER_LEN_MAX + 1);
	if (buf == NULL)
		return kh_fail(KH_ON_OBJECT, c->stick.path, KH_ENOMEM);
	kh_progress_start(&c->progress, "pushing",
	    (uint64_t)p->replies.n * KH_ANSWER_LEN_MAX);
	kh_progress_files(&c->progress, p->replies.n, 0);
	c->progress.on = c->progress.on && !c->o.quiet;
	for (i = 0; i < p->replies.n && code == KH_EXIT_OK; i++) {
		c->progress.file = i + 1;
		code = kh_signals_caught() ? kh_interrupted()
					   : put_reply(p, i, buf);
		c->done += KH_ANSWER_LEN_MAX;
	}
	kh_progress_end(&c->progress);
	free(buf);
	return code;
}

/* {"ids":[…]} of `n` ids; returns its length. */
static size_t
batch_text(const char *lines, size_t n, char out[static BATCH_LEN])
{
	char *q = out;
	size_t i;

	memcpy(q, "{\"ids\":[", 8);
	q += 8;
	for (i = 0; i < n; i++) {
		*q++ = '"';
		memcpy(q, lines + i * KH_COLLECTED_LINE_LEN, KH_ID_LEN);
		q += KH_ID_LEN;
		*q++ = '"';
		*q++ = ',';
	}
	memcpy(q - 1, "]}", 2); /* over the last comma */
	return (size_t)(q + 1 - out);
}

static int
post_batch(struct push *p, size_t first, size_t n, char *text)
{
	struct kh_exchange x = {.method = KH_POST,
	    .path = "/v1/collected",
	    .body = text,
	    .type = "application/json"};
	enum kh_err e;
	int code;

	x.body_len = batch_text(
	    p->collected.text + first * KH_COLLECTED_LINE_LEN, n, text);
	code = kh_talk(p->c, &x, NULL);
	if (code != KH_EXIT_OK)
		return code;
	if (x.head.status != 200)
		return kh_refused(p->c, &x);
	e = kh_collected_read(x.text, x.text_len, n);
	return e == KH_OK ? KH_EXIT_OK : kh_nonsense(p->c, &x, e);
}

static int
post_collected(struct push *p)
{
	int code = KH_EXIT_OK;
	size_t i, n;
	char *text;

	text = malloc(BATCH_LEN);
	if (text == NULL)
		return kh_fail(KH_ON_OBJECT, p->c->stick.path, KH_ENOMEM);
	for (i = 0; i < p->collected.n && code == KH_EXIT_OK; i += n) {
		n = p->collected.n - i < KH_PAGE_OBJECTS_MAX
		    ? p->collected.n - i
		    : KH_PAGE_OBJECTS_MAX;
		code = kh_signals_caught() ? kh_interrupted()
					   : post_batch(p, i, n, text);
	}
	free(text);
	p->accepted = code == KH_EXIT_OK;
	return code;
}

/* Take what the server has from the stick: first the lines, then the files. */
static enum kh_err
take_away(struct push *p)
{
	char path[KH_SUMS_PATH_MAX + 1];
	struct kh_courier *c = p->c;
	bool any = false;
	enum kh_err e;
	size_t i;

	for (i = 0; i < p->replies.n; i++)
		if (p->sent[i])
			kh_sums_drop(
			    &c->sums, reply_path(p->replies.name[i], path));
	if (p->accepted)
		kh_sums_drop(&c->sums, "collected.txt");
	e = kh_sums_save(&c->sums, &c->stick);
	if (e != KH_OK)
		return e;
	for (i = 0; i < p->replies.n; i++) {
		if (!p->sent[i])
			continue;
		any = true;
		if (unlinkat(c->stick.replies_fd, p->replies.name[i], 0) != 0 &&
		    errno != ENOENT)
			return KH_ESYS;
	}
	e = any ? kh_stick_sync_dir(c->stick.replies_fd) : KH_OK;
	if (e != KH_OK || !p->accepted)
		return e;
	if (unlinkat(c->stick.top_fd, "collected.txt", 0) != 0 &&
	    errno != ENOENT)
		return KH_ESYS;
	return kh_stick_sync_dir(c->stick.top_fd);
}

/* What is there to be pushed. */
static int
look(struct push *p)
{
	struct kh_courier *c = p->c;
	enum kh_err e;

	e = kh_sums_load(&c->sums, &c->stick);
	if (e == KH_OK)
		e = kh_look_replies(&c->stick, &p->replies);
	if (e != KH_OK)
		return kh_stick_fail(&c->stick, e);
	if (p->replies.odd > 0)
		p->refused = KH_EXIT_DATA;
	p->sent = calloc(p->replies.n + 1, sizeof(*p->sent));
	if (p->sent == NULL)
		return kh_fail(KH_ON_OBJECT, c->stick.path, KH_ENOMEM);
	e = kh_look_collected(&c->stick, &p->collected);
	if (e == KH_EFORMAT || e == KH_ELIMIT)
		refuse(p, "", "collected.txt",
		    "not sorted lines of ids; export it again");
	else if (e != KH_OK)
		return kh_stick_fail(&c->stick, e);
	return KH_EXIT_OK;
}

static int
run(struct push *p)
{
	struct kh_courier *c = p->c;
	enum kh_err e;
	int code;

	code = look(p);
	if (code != KH_EXIT_OK)
		return code;
	code = put_replies(p);
	if (code == KH_EXIT_OK)
		code = kh_push_cards(c, &p->cards);
	if (code == KH_EXIT_OK && p->collected.text != NULL)
		code = post_collected(p);
	if (!c->o.keep) {
		e = take_away(p);
		if (e != KH_OK && code == KH_EXIT_OK)
			code = kh_stick_fail(&c->stick, e);
	}
	if (p->replies.n == 0 && p->collected.text == NULL)
		kh_tell(c,
		    "nothing waits on this stick; `knothole export` puts "
		    "answers there");
	kh_tell(c, "%zu of %zu replies pushed, %zu were there already%s",
	    p->stored, p->replies.n, p->taken,
	    code == KH_EXIT_OK ? "" : "; run it again for the rest");
	if (p->accepted)
		kh_tell(c, "%zu objects reported as collected", p->collected.n);
	if (p->refused == 0)
		p->refused = p->cards.refused;
	return code != KH_EXIT_OK ? code : p->refused;
}

int
kh_courier_push(struct kh_courier *c)
{
	struct push p = {.c = c};
	int code;

	PRECOND(c != NULL);
	code = kh_stick_open(&c->stick, c->o.stick, true);
	if (code == KH_EXIT_OK)
		code = run(&p);
	free(p.sent);
	free(p.collected.text);
	kh_replies_clear(&p.replies);
	return code;
}
