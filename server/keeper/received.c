/*
 * Cards that newsrooms renewed themselves: what couriers brought lies in the
 * store's directory, and takes the place of the administrator's card if that
 * permits it. Separate from reading those: what is read here has come over the
 * network, through two confined processes, and is believed no more for that.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "knothole/card.h"
#include "knothole/store.h"
#include "lib/base/precond.h"
#include "server/keeper/keeper.h"

#define SCHEME "dir:"

static void
say_unused(const struct kh_msg_outlet *o, const char *why)
{
	char name[KH_STORE_CARD_NAME_LEN + 1];
	uint8_t who[KH_COLLECTOR_LEN];

	kh_collector_id(o->card.signing_key.pk, who);
	kh_store_card_name(who, name);
	kh_say("warning: the card that a courier brought for %s (cards/%s in "
	       "the store) is not used: %s",
	    o->id, name, why);
}

/* Is it there, and does it renew what is used? Then it takes its place. */
static bool
take(int store, struct kh_msg_outlet *o, struct kh_card *card,
    char text[static KH_CARD_MAX])
{
	char day[KH_DAY_LEN + 1];
	uint8_t who[KH_COLLECTOR_LEN];
	unsigned line;
	enum kh_err e;
	size_t n;

	kh_collector_id(o->card.signing_key.pk, who);
	e = kh_store_card_get(store, who, text, &n);
	if (e == KH_ENOENT)
		return false;
	if (e == KH_OK)
		e = kh_card_read(text, n, card, &line);
	if (e != KH_OK) {
		say_unused(o, e == KH_ESYS ? strerror(errno) : kh_err_text(e));
		return false;
	}
	kh_day_today(day);
	switch (kh_card_compare(&o->card, card, day)) {
	case KH_CARD_RENEWS:
		o->card = *card;
		return true;
	case KH_CARD_SAME:
	case KH_CARD_OLDER: /* the administrator's is newer */
	case KH_CARD_ENDED:
		break;
	case KH_CARD_OTHER:
		say_unused(o,
		    "the one in newsrooms has another name or courier's "
		    "token, and that is the administrator's to decide");
		break;
	}
	return false;
}

uint32_t
kh_outlets_renew(int store, struct kh_msg_outlet *outlets, uint32_t n)
{
	struct kh_card *card = malloc(sizeof(*card));
	char *text = malloc(KH_CARD_MAX);
	uint32_t i, renewed = 0;

	PRECOND(store >= 0 && n <= KH_OUTLETS_MAX);
	for (i = 0; card != NULL && text != NULL && i < n; i++) {
		if (take(store, &outlets[i], card, text))
			renewed |= UINT32_C(1) << i;
	}
	free(card);
	free(text);
	return renewed;
}

void
kh_outlets_received(
    const char *where, struct kh_msg_outlet *outlets, uint32_t n)
{
	int fd;

	if (strncmp(where, SCHEME, sizeof(SCHEME) - 1) == 0)
		where += sizeof(SCHEME) - 1;
	fd = open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return; /* not made yet; or it is told when it is opened */
	(void)kh_outlets_renew(fd, outlets, n);
	close(fd);
}

enum kh_exit
kh_outlets_valid(
    const char *dir, const struct kh_msg_outlet *outlets, uint32_t n)
{
	char day[KH_DAY_LEN + 1];
	struct kh_recipient r;
	unsigned left;
	uint32_t i;

	kh_day_today(day);
	for (i = 0; i < n; i++) {
		if (kh_card_recipient_on(&outlets[i].card, day, &r) != KH_OK) {
			kh_say("%s/%s.card: no key on this card is valid "
			       "today (%s): ask the newsroom for a new card",
			    dir, outlets[i].id, day);
			return KH_EXIT_CONFIG;
		}
		left = kh_card_days_left(&outlets[i].card, day, KH_DAYS_WARNED);
		if (left < KH_DAYS_WARNED)
			kh_say("warning: %s/%s.card: the newsroom's keys end "
			       "in %u day%s, and then nothing can be sent: "
			       "have it renew its card (knothole card renew)",
			    dir, outlets[i].id, left, left == 1 ? "" : "s");
	}
	return KH_EXIT_OK;
}

/* What is due to a role that runs; one that starts is told all of it. */
static void
tell(struct kh_watch *w, enum kh_which which)
{
	struct kh_msg m = {.type = KH_MSG_OUTLET};
	uint32_t i, bit;

	for (i = 0; i < w->k->site.n_outlets; i++) {
		bit = UINT32_C(1) << i;
		if ((w->renewed[which] & bit) == 0)
			continue;
		m.u.outlet = w->k->outlets[i];
		/* The courier does not know who gave no token. */
		if ((which == KH_WHICH_COURIER &&
			!m.u.outlet.card.has_courier) ||
		    (w->child[which].control >= 0 &&
			kh_ipc_send(w->child[which].control, &m, -1) == KH_OK))
			w->renewed[which] &= ~bit;
	}
}

void
kh_watch_cards(struct kh_watch *w, int64_t now)
{
	const int64_t second = 1000; /* ms: whatever the store says */
	uint32_t renewed, i;

	if (w->cards_due && (w->looked == 0 || now - w->looked >= second)) {
		w->cards_due = false;
		w->looked = now;
		renewed = kh_outlets_renew(
		    w->k->store_dir, w->k->outlets, w->k->site.n_outlets);
		for (i = 0; i < w->k->site.n_outlets; i++) {
			if ((renewed & UINT32_C(1) << i) != 0)
				kh_say("%s: the newsroom has renewed its card, "
				       "which lasts to %s now",
				    w->k->outlets[i].id,
				    kh_card_last_day(&w->k->outlets[i].card));
		}
		w->renewed[KH_WHICH_DOOR] |= renewed;
		if (w->n > KH_WHICH_COURIER)
			w->renewed[KH_WHICH_COURIER] |= renewed;
	}
	tell(w, KH_WHICH_DOOR);
	if (w->n > KH_WHICH_COURIER)
		tell(w, KH_WHICH_COURIER);
}

bool
kh_watch_cards_wait(const struct kh_watch *w)
{
	return w->cards_due || w->renewed[KH_WHICH_DOOR] != 0 ||
	    w->renewed[KH_WHICH_COURIER] != 0;
}
