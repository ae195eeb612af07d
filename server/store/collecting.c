/*
 * What couriers ask: lists, objects, what was collected, answers to put. The
 * counterpart of visits' questions in store.c, and separate from them: a visit
 * that asks for any of this is dropped, and so is a courier that asks for a
 * draft.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "knothole/card.h"
#include "lib/base/clock.h"
#include "server/store/collecting.h"

#define DAY 86400 /* seconds */
#define EXPIRE_MS 3600000 /* between two looks at how old objects are */
#define EXPIRE_AGAIN_MS 60000 /* when one has failed */
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

enum kh_err
kh_collecting_init(struct kh_collecting *c, const struct kh_msg_store_dir *m)
{
	if (m->collectors.n > KH_OUTLETS_MAX ||
	    m->retention_days > KH_RETENTION_MAX)
		return KH_EPROTO;
	c->all = m->collectors;
	c->retention_days = m->retention_days;
	return KH_OK;
}

enum kh_err
kh_collecting_open(const struct kh_collecting *c, struct kh_store *st)
{
	return kh_store_sweep(st, &c->all);
}

int
kh_collecting_expire(struct kh_collecting *c, struct kh_store *st)
{
	const int64_t age = (int64_t)c->retention_days * DAY;
	int64_t now = kh_clock_ms();

	if (c->retention_days == 0)
		return -1;
	if (now >= c->expire_at) {
		c->expire_at = now + EXPIRE_MS;
		if (kh_store_expire(st, (int64_t)time(NULL) - age) != KH_OK)
			c->expire_at = now + EXPIRE_AGAIN_MS;
	}
	return (int)(c->expire_at - now);
}

static enum kh_err
verdict(int channel, enum kh_msg_type type, enum kh_err e)
{
	struct kh_msg m = {.type = type};

	m.u.verdict.verdict = KH_VERDICT_FAILED;
	if (e == KH_OK)
		m.u.verdict.verdict = KH_VERDICT_YES;
	else if (e == KH_EFULL)
		m.u.verdict.verdict = KH_VERDICT_FULL;
	else if (e == KH_EEXIST)
		m.u.verdict.verdict = KH_VERDICT_TAKEN;
	else if (e == KH_ENOENT)
		m.u.verdict.verdict = KH_VERDICT_NONE;
	return kh_ipc_send(channel, &m, -1);
}

static enum kh_err
on_list(struct kh_store *st, int channel, const struct kh_msg_list *m)
{
	struct kh_msg out = {.type = KH_MSG_OBJECTS};

	if (m->limit == 0 || m->limit > KH_OBJECT_PAGE_MAX || m->has_after > 1)
		return KH_EPROTO;
	if (kh_store_list(st, m->has_after == 1 ? m->after : NULL, m->limit,
		&out.u.objects) != KH_OK)
		return verdict(channel, KH_MSG_NO_OBJECTS, KH_ESYS);
	return kh_ipc_send(channel, &out, -1);
}

static enum kh_err
on_open(struct kh_store *st, int channel, const struct kh_msg_open *m)
{
	struct kh_msg out = {.type = KH_MSG_OBJECT};
	enum kh_err e;
	int fd;

	e = kh_store_object_open(st, m->id, &fd);
	if (e != KH_OK)
		return verdict(channel, KH_MSG_NO_OBJECT, e);
	e = kh_ipc_send(channel, &out, fd);
	close(fd);
	return e;
}

static enum kh_err
on_collect(const struct kh_collecting *c, struct kh_store *st, int channel,
    const struct kh_msg_collect *m)
{
	if (m->newsroom >= c->all.n || m->ids.n > KH_OBJECT_PAGE_MAX)
		return KH_EPROTO;
	return verdict(channel, KH_MSG_COLLECTED,
	    kh_store_collect(st, &c->all, m->newsroom, &m->ids));
}

/* Bytes out of sealed memory of exactly that size. Anything else,
 * a pipe for instance, could make us wait. */
static enum kh_err
read_sealed(int fd, uint8_t *p, size_t n)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat sb;
	ssize_t r;

	if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &sb) != 0 ||
	    sb.st_size != (off_t)n)
		return KH_EPROTO;
	r = pread(fd, p, n, 0);
	return r == (ssize_t)n ? KH_OK : KH_ESYS;
}

static enum kh_err
on_put(struct kh_store *st, int channel, const struct kh_msg_put *m, int fd)
{
	enum kh_err e;
	uint8_t *p;

	if (m->length > KH_ANSWER_LEN_MAX || m->zero[0] != 0 ||
	    m->zero[1] != 0 || m->zero[2] != 0 ||
	    memchr(m->name, '\0', sizeof(m->name)) !=
		m->name + KH_SLOT_NAME_LEN)
		return KH_EPROTO;
	p = malloc(KH_ANSWER_LEN_MAX);
	if (p == NULL)
		return verdict(channel, KH_MSG_STORED, KH_ENOMEM);
	e = read_sealed(fd, p, m->length);
	if (e == KH_OK)
		e = kh_store_answer_put(st, m->name, p, m->length);
	free(p);
	if (e == KH_EPROTO || e == KH_ENAME)
		return KH_EPROTO;
	return verdict(channel, KH_MSG_STORED, e);
}

/* What is kept already, if it is a card of the same newsroom that would be
 * replaced by an older one: that one stays. */
static enum kh_err
check_kept(const struct kh_collecting *c, const uint8_t *who,
    const struct kh_card *offered)
{
	char day[KH_DAY_LEN + 1], *text = malloc(KH_CARD_MAX);
	struct kh_card *kept = malloc(sizeof(*kept));
	enum kh_card_change change = KH_CARD_RENEWS;
	enum kh_err e = KH_ENOMEM;
	unsigned line;
	size_t n;

	if (text == NULL || kept == NULL)
		goto out;
	kh_day_today(day);
	e = kh_store_card_get(c->root, who, text, &n);
	if (e == KH_OK)
		e = kh_card_read(text, n, kept, &line);
	if (e == KH_OK)
		change = kh_card_compare(kept, offered, day);
	/* What cannot be used keeps nobody out. */
	if (e != KH_ESYS && e != KH_ENOMEM)
		e = change == KH_CARD_OLDER || change == KH_CARD_ENDED
		    ? KH_EEXIST
		    : KH_OK;
out:
	free(text);
	free(kept);
	return e;
}

/* The errand has looked at it; it may be anybody's. KH_ENOENT: it is not a card
 * of the newsroom whose token came with it. */
static enum kh_err
keep_card(struct kh_collecting *c, struct kh_store *st, uint32_t newsroom,
    const uint8_t *bytes, size_t n)
{
	struct kh_card *card = malloc(sizeof(*card));
	uint8_t who[KH_COLLECTOR_LEN];
	enum kh_err e = KH_ENOMEM;
	unsigned line;

	if (card == NULL)
		return e;
	e = kh_card_read((const char *)bytes, n, card, &line);
	if (e == KH_OK) {
		kh_collector_id(card->signing_key.pk, who);
		if (memcmp(who, c->all.id[newsroom], sizeof(who)) != 0)
			e = KH_ENOENT;
	} else {
		e = KH_ENOENT;
	}
	if (e == KH_OK)
		e = check_kept(c, who, card);
	if (e == KH_OK)
		e = kh_store_card_put(st, who, bytes, n);
	free(card);
	c->cards |= e == KH_OK;
	return e;
}

static enum kh_err
on_card(struct kh_collecting *c, struct kh_store *st, int channel,
    const struct kh_msg_card *m, int fd)
{
	enum kh_err e;
	uint8_t *p;

	if (m->length == 0 || m->length > KH_CARD_MAX ||
	    m->newsroom >= c->all.n)
		return KH_EPROTO;
	p = malloc(KH_CARD_MAX);
	if (p == NULL)
		return verdict(channel, KH_MSG_CARD_STORED, KH_ENOMEM);
	e = read_sealed(fd, p, m->length);
	if (e == KH_OK)
		e = keep_card(c, st, m->newsroom, p, m->length);
	free(p);
	if (e == KH_EPROTO)
		return KH_EPROTO;
	return verdict(channel, KH_MSG_CARD_STORED, e);
}

enum kh_err
kh_collecting_answer(struct kh_collecting *c, struct kh_store *st, int channel,
    const struct kh_msg *m, int fd)
{
	enum kh_err e = KH_EPROTO;

	if (m->type == KH_MSG_LIST)
		e = on_list(st, channel, &m->u.list);
	else if (m->type == KH_MSG_OPEN)
		e = on_open(st, channel, &m->u.open);
	else if (m->type == KH_MSG_COLLECT)
		e = on_collect(c, st, channel, &m->u.collect);
	else if (m->type == KH_MSG_PUT)
		e = on_put(st, channel, &m->u.put, fd);
	else if (m->type == KH_MSG_CARD)
		e = on_card(c, st, channel, &m->u.card, fd);
	if (fd >= 0)
		close(fd);
	return e;
}
