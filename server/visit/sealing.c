/*
 * What a visit asks of the store, and the key derivation, around the bundle
 * writer. Separate from submit.c, which knows the form but no key.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "knothole/io.h"
#include "knothole/secret.h"
#include "lib/base/precond.h"
#include "server/visit/sealing.h"
#include "server/visit/turns.h"

#define BUSY_TRIES 50 /* times 100 ms */

enum kh_reason
kh_sealing_reason(enum kh_err e)
{
	switch (e) {
	case KH_OK:
		return KH_REASON_NONE;
	case KH_EFULL:
		return KH_REASON_FULL;
	case KH_ELIMIT: /* too many files, or names too long together */
		return KH_REASON_TOO_LARGE;
	case KH_EAGAIN:
	case KH_ENOMEM:
	case KH_ESYS:
	case KH_EFORMAT:
	case KH_ETRUNC:
	case KH_EAUTH:
	case KH_EKEY:
	case KH_ENOKEY:
	case KH_ENAME:
	case KH_EEXIST:
	case KH_ENOENT:
	case KH_EBUSY:
	case KH_EEXPIRED:
	case KH_EUNSUP:
	case KH_EPROTO:
	case KH_EWORD:
	case KH_ECHECK:
	case KH_ERR_N:
		break;
	}
	return KH_REASON_FAILED;
}

bool
kh_sealing_open(const struct kh_site *site)
{
	struct kh_recipient r;
	char day[KH_DAY_LEN + 1];
	uint32_t i;

	if (site->closed)
		return false;
	kh_day_today(day);
	for (i = 0; i < site->conf.n_outlets; i++) {
		if (kh_card_recipient_on(&site->outlets[i].card, day, &r) !=
		    KH_OK)
			return false;
	}
	return true;
}

/* Ask the store; the door's deadlines do not run meanwhile. */
static enum kh_err
ask(struct kh_visit *v, struct kh_msg *m, int *fd)
{
	enum kh_err e;

	kh_visit_phase(v, KH_PHASE_STORE);
	e = kh_visit_ask(v, m, fd);
	kh_visit_phase(v, KH_PHASE_BODY);
	return e;
}

enum kh_reason
kh_sealing_room(struct kh_visit *v, uint64_t bytes)
{
	struct kh_msg m = {.type = KH_MSG_ROOM};
	int fd;

	m.u.room.bytes = bytes;
	if (ask(v, &m, &fd) != KH_OK || m.type != KH_MSG_ROOM_ANSWER)
		return KH_REASON_FAILED;
	if (m.u.verdict.verdict == KH_VERDICT_YES)
		return KH_REASON_NONE;
	return m.u.verdict.verdict == KH_VERDICT_FULL ? KH_REASON_FULL
						      : KH_REASON_FAILED;
}

static enum kh_reason
ask_bridge(struct kh_visit *v, uint32_t place, struct kh_bridge *out)
{
	struct kh_msg m = {.type = KH_MSG_BRIDGE};
	enum kh_err e;
	int none;

	m.u.bridge.place = place;
	e = kh_ipc_ask(v->wrap, KH_ROLE_VISIT, KH_ROLE_WRAP, &m, &none);
	if (e != KH_OK || m.type != KH_MSG_BRIDGED ||
	    !kh_bridge_valid(&m.u.bridged))
		return KH_REASON_CLOSED;
	*out = m.u.bridged;
	return KH_REASON_NONE;
}

enum kh_reason
kh_sealing_bridges(struct kh_visit *v)
{
	const struct kh_site *site = v->site;
	enum kh_reason why = KH_REASON_NONE;
	uint32_t i;

	for (i = 0; i < site->conf.n_outlets && why == KH_REASON_NONE; i++) {
		if (site->outlets[i].card.openpgp_n == 0)
			continue;
		if (v->wrap < 0)
			return KH_REASON_CLOSED;
		if (v->bridges == NULL)
			v->bridges =
			    calloc(site->conf.n_outlets, sizeof(*v->bridges));
		if (v->bridges == NULL)
			return KH_REASON_FAILED;
		kh_visit_phase(v, KH_PHASE_STORE);
		why = ask_bridge(v, i, &v->bridges[i]);
		kh_visit_phase(v, KH_PHASE_BODY);
		if (why == KH_REASON_NONE)
			v->bridged |= UINT32_C(1) << i;
	}
	return why;
}

/* A browser that re-sends after a reset is faster than the end of its first
 * try: wait for that a little. */
static enum kh_reason
ask_draft(struct kh_visit *v, const struct kh_form *form, int *fd, bool *again)
{
	static const struct timespec pause = {0, 100000000};
	struct kh_msg m;
	unsigned i;

	for (i = 0; i < BUSY_TRIES; i++) {
		m = (struct kh_msg){.type = KH_MSG_BEGIN};
		memcpy(m.u.begin.upload, form->upload, KH_UPLOAD_ID_LEN);
		if (ask(v, &m, fd) != KH_OK)
			return KH_REASON_FAILED;
		if (m.type == KH_MSG_DRAFT)
			return KH_REASON_NONE;
		if (m.type != KH_MSG_NO_DRAFT)
			return KH_REASON_FAILED;
		if (m.u.verdict.verdict == KH_VERDICT_SEALED) {
			*again = true;
			return KH_REASON_NONE;
		}
		if (m.u.verdict.verdict != KH_VERDICT_BUSY)
			return m.u.verdict.verdict == KH_VERDICT_FULL
			    ? KH_REASON_FULL
			    : KH_REASON_FAILED;
		nanosleep(&pause, NULL);
	}
	return KH_REASON_BUSY;
}

enum kh_err
kh_visit_derive(
    struct kh_visit *v, const struct kh_code *code, struct kh_code_keys *out)
{
	struct kh_turn turn;
	enum kh_err e;

	e = kh_turns_take(v->turns, atomic_load(&v->counter->share), &turn);
	if (e != KH_OK)
		return e;
	e = kh_code_derive(code, v->site->conf.salt, out);
	kh_turns_give(v->turns, &turn);
	return e;
}

/* Who an object is for. */
struct chosen {
	struct kh_recipient to[KH_OUTLETS_MAX];
	size_t n, n_bridges;
};

/* Today's keys of the outlets chosen, and their bridges, which move to the
 * front; all of them or none. */
static enum kh_reason
choose(
    struct kh_visit *v, uint32_t outlets, const char *day, struct chosen *out)
{
	const struct kh_site *site = v->site;
	const struct kh_card *card;
	uint32_t i;

	out->n = out->n_bridges = 0;
	for (i = 0; i < site->conf.n_outlets; i++) {
		if (outlets != 0 && (outlets & (UINT32_C(1) << i)) == 0)
			continue;
		card = &site->outlets[i].card;
		if (kh_card_recipient_on(card, day, &out->to[out->n]) != KH_OK)
			return KH_REASON_CLOSED;
		out->n++;
		if (card->openpgp_n == 0)
			continue;
		if ((v->bridged & UINT32_C(1) << i) == 0)
			return KH_REASON_CLOSED;
		v->bridged &= ~(UINT32_C(1) << i); /* for one object only */
		if (out->n_bridges != i)
			v->bridges[out->n_bridges] = v->bridges[i];
		out->n_bridges++;
	}
	return out->n > 0 ? KH_REASON_NONE : KH_REASON_CLOSED;
}

static enum kh_reason
start_object(struct kh_sealing *g, struct kh_visit *v,
    const struct kh_form *form, uint32_t outlets)
{
	struct chosen chosen;
	struct kh_bundle_info info = {.language = kh_lang_codes[v->view.lang]};
	struct kh_code_keys *keys;
	char day[KH_DAY_LEN + 1];
	enum kh_reason why;
	enum kh_err e;

	kh_day_today(day);
	why = choose(v, outlets, day, &chosen);
	if (why != KH_REASON_NONE)
		return why;
	keys = kh_secret_alloc(sizeof(*keys));
	if (keys == NULL)
		return KH_REASON_FAILED;
	e = kh_visit_derive(v, &form->code, keys);
	if (e == KH_OK) {
		memcpy(info.mailbox, keys->mailbox, sizeof(info.mailbox));
		info.reply_to = keys->reply_to;
		memcpy(info.slot_key, keys->slot_key, sizeof(info.slot_key));
		info.day = day;
		info.bridges = v->bridges;
		info.n_bridges = chosen.n_bridges;
	}
	kh_secret_free(keys);
	if (e == KH_OK)
		e = kh_bundle_writer_new(
		    &g->w, chosen.to, chosen.n, &info, kh_sink_file(&g->file));
	kh_wipe(&info, sizeof(info));
	return kh_sealing_reason(e);
}

enum kh_reason
kh_sealing_begin(struct kh_sealing *g, struct kh_visit *v,
    const struct kh_form *form, uint32_t outlets, bool *again)
{
	enum kh_reason why;
	int fd = -1;

	PRECOND(g->w == NULL && g->file.fd < 0);
	*again = false;
	why = ask_draft(v, form, &fd, again);
	if (why != KH_REASON_NONE || *again)
		return why;
	g->file = (struct kh_file_sink){.fd = fd};
	why = start_object(g, v, form, outlets);
	if (why != KH_REASON_NONE)
		kh_sealing_drop(g);
	return why;
}

enum kh_reason
kh_sealing_commit(struct kh_sealing *g, struct kh_visit *v, bool complete,
    uint32_t files, uint32_t begun)
{
	struct kh_msg m = {.type = KH_MSG_COMMIT};
	enum kh_reason why;
	int fd;

	PRECOND(g->w != NULL && g->file.fd >= 0);
	why = kh_sealing_reason(kh_bundle_finish(g->w, complete, NULL));
	if (why != KH_REASON_NONE)
		return why;
	/* Here rather than in the store, which would wait for it with
	 * everyone else's request behind it. The store syncs again: what it
	 * acknowledges does not rest on a visit's word. */
	kh_visit_phase(v, KH_PHASE_STORE);
	if (fdatasync(g->file.fd) != 0)
		return kh_sealing_reason(kh_io_error());
	m.u.commit.complete = complete ? 1 : 0;
	m.u.commit.files = files;
	m.u.commit.begun = begun;
	/* A store that is gone may have been before or after the commit. */
	if (ask(v, &m, &fd) != KH_OK || m.type != KH_MSG_COMMITTED)
		return KH_REASON_UNSURE;
	if (m.u.verdict.verdict == KH_VERDICT_YES)
		return KH_REASON_NONE;
	return m.u.verdict.verdict == KH_VERDICT_FULL ? KH_REASON_FULL
						      : KH_REASON_FAILED;
}

void
kh_sealing_drop(struct kh_sealing *g)
{
	kh_bundle_writer_free(g->w);
	g->w = NULL;
	if (g->file.fd < 0)
		return;
	close(g->file.fd);
	g->file.fd = -1;
}
