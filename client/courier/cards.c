/*
 * Pushing cards. Separate from replies: a card is signed by itself, so nothing
 * beside it on the stick has to vouch for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/courier/cards.h"
#include "client/courier/talk.h"
#include "client/exit.h"
#include "client/signals.h"
#include "knothole/card.h"
#include "knothole/io.h"
#include "lib/base/precond.h"

#define SUFFIX ".card"
#define NAME_LEN (KH_CARD_ID_MAX + sizeof(SUFFIX)) /* with NUL */
#define OWN_MAX 8 /* a newsroom has one */

struct cards {
	struct kh_courier *c;
	struct kh_cards *out;
	int fd; /* of the directory */
	char own[OWN_MAX][NAME_LEN];
	size_t n;
	char text[KH_CARD_MAX + 1];
	size_t len;
	struct kh_card card;
};

static void
refuse(struct cards *p, const char *name, const char *what)
{
	p->out->refused = KH_EXIT_DATA;
	kh_progress_end(&p->c->progress);
	kh_stick_say("cards", name, what);
}

/* Errors: KH_ESYS; KH_EFORMAT not a card. */
static enum kh_err
read_card(struct cards *p, const char *name)
{
	enum kh_err e;
	unsigned line;
	int fd;

	fd = kh_stick_file(p->fd, name, NULL);
	if (fd < 0)
		return errno == ENOTSUP || errno == ELOOP ? KH_EFORMAT
							  : KH_ESYS;
	e = kh_read_upto(fd, p->text, sizeof(p->text), &p->len);
	close(fd);
	if (e != KH_OK)
		return e;
	e = kh_card_read(p->text, p->len, &p->card, &line);
	return e == KH_OK || e == KH_ENOMEM ? e : KH_EFORMAT;
}

/* One of ours? What is read here is read again when it is sent. */
static bool
entry(void *ctx, const char *name)
{
	struct cards *p = ctx;
	const size_t suffix = sizeof(SUFFIX) - 1;
	size_t n = strlen(name);
	enum kh_err e;

	/* Signatures and notes of people's may lie beside them. */
	if (n <= suffix || strcmp(name + n - suffix, SUFFIX) != 0 ||
	    !kh_card_id_valid(name, n - suffix))
		return true;
	e = read_card(p, name);
	if (e != KH_OK) {
		refuse(p, name, "not a newsroom's card, or damaged; not sent");
		return true;
	}
	if (!p->card.has_courier ||
	    memcmp(p->card.courier_hash, p->c->token_hash,
		sizeof(p->c->token_hash)) != 0)
		return true;
	if (p->n == OWN_MAX)
		refuse(p, name, "one card too many of this newsroom");
	else
		memcpy(p->own[p->n++], name, n + 1);
	return true;
}

static int
take_away(struct cards *p, const char *name)
{
	enum kh_err e = KH_OK;

	if (p->c->o.keep)
		return KH_EXIT_OK;
	if (unlinkat(p->fd, name, 0) != 0 && errno != ENOENT)
		e = KH_ESYS;
	if (e == KH_OK)
		e = kh_stick_sync_dir(p->fd);
	return e == KH_OK ? KH_EXIT_OK : kh_stick_fail(&p->c->stick, e);
}

/* What the server says to a card. */
static int
judge(struct cards *p, const struct kh_exchange *x, const char *name)
{
	switch (x->head.status) {
	case 201:
		p->out->sent++;
		kh_tell(p->c, "%s: the server uses it from now on", name);
		return take_away(p, name);
	case 200:
		kh_tell(p->c, "%s: was there already", name);
		return take_away(p, name);
	case 403:
		refuse(p, name,
		    "has another signing key, name, courier's token or OpenPGP "
		    "key than the card on the server: only its administrator "
		    "can put it there");
		return KH_EXIT_OK;
	case 404:
		refuse(p, name,
		    "the server has no newsroom of that name, or takes no "
		    "cards: give it to its administrator");
		return KH_EXIT_OK;
	case 409:
		refuse(p, name,
		    "is not newer than the card on the server, or has no key "
		    "for today: renew it once more");
		return KH_EXIT_OK;
	case 400:
	case 413:
		refuse(p, name, "the server does not accept it");
		return KH_EXIT_OK;
	default:
		return kh_refused(p->c, x);
	}
}

static int
send_card(struct cards *p, const char *name)
{
	struct kh_exchange x = {
	    .method = KH_PUT, .body = p->text, .type = "text/plain"};
	enum kh_err e;
	int code;

	e = read_card(p, name);
	if (e != KH_OK)
		return kh_stick_fail(&p->c->stick, e);
	x.body_len = p->len;
	(void)snprintf(x.path, sizeof(x.path), "/v1/cards/%.*s",
	    (int)(strlen(name) - sizeof(SUFFIX) + 1), name);
	code = kh_talk(p->c, &x, NULL);
	return code == KH_EXIT_OK ? judge(p, &x, name) : code;
}

static int
send_all(struct cards *p)
{
	int code = KH_EXIT_OK;
	enum kh_err e;
	size_t i;

	e = kh_stick_scan(p->fd, entry, p);
	if (e != KH_OK)
		return kh_stick_fail(&p->c->stick, e);
	for (i = 0; i < p->n && code == KH_EXIT_OK; i++)
		code = kh_signals_caught() ? kh_interrupted()
					   : send_card(p, p->own[i]);
	return code;
}

int
kh_push_cards(struct kh_courier *c, struct kh_cards *out)
{
	struct cards *p;
	int code;

	PRECOND(c != NULL && out != NULL && c->stick.top_fd >= 0);
	memset(out, 0, sizeof(*out));
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return kh_fail(KH_ON_OBJECT, c->stick.path, KH_ENOMEM);
	p->c = c;
	p->out = out;
	p->fd = openat(c->stick.top_fd, "cards",
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (p->fd >= 0) {
		code = send_all(p);
		close(p->fd);
	} else if (errno == ENOENT) {
		code = KH_EXIT_OK;
	} else if (errno == ENOTDIR || errno == ELOOP) {
		refuse(p, "", "not a directory; remove it from the stick");
		code = KH_EXIT_OK;
	} else {
		code = kh_stick_fail(&c->stick, KH_ESYS);
	}
	free(p);
	return code;
}
