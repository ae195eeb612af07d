/*
 * Answers for returning sources. Separate from uploads: nothing here depends
 * on what was sent before, only on names that a visit derived from a code.
 */
#include <string.h>
#include <unistd.h>

#include "server/store/answers.h"

static bool
well_formed(const struct kh_msg_slot *m)
{
	return memchr(m->name, '\0', sizeof(m->name)) ==
	    m->name + KH_SLOT_NAME_LEN &&
	    m->last <= 1 && m->zero[0] == 0 && m->zero[1] == 0;
}

static enum kh_err
verdict(int channel, enum kh_msg_type type, enum kh_verdict v)
{
	struct kh_msg m = {.type = type};

	m.u.verdict.verdict = v;
	return kh_ipc_send(channel, &m, -1);
}

enum kh_err
kh_answers_slot(struct kh_store *st, int channel, const struct kh_msg_slot *m)
{
	struct kh_msg out = {.type = KH_MSG_ANSWER};
	enum kh_err e;
	int fd = -1;

	if (!well_formed(m))
		return KH_EPROTO;
	e = kh_store_answer_open(st, m->name, &fd);
	if (e == KH_ENAME)
		return KH_EPROTO;
	/* What is in a slot and is no answer is none. */
	if (e == KH_ENOENT || e == KH_EFORMAT)
		return verdict(channel, KH_MSG_NO_ANSWER, KH_VERDICT_YES);
	if (e != KH_OK)
		return verdict(channel, KH_MSG_NO_ANSWER, KH_VERDICT_FAILED);
	e = kh_ipc_send(channel, &out, fd);
	close(fd);
	return e;
}

enum kh_err
kh_answers_forget(struct kh_store *st, int channel, const struct kh_msg_slot *m)
{
	enum kh_err e;

	if (!well_formed(m))
		return KH_EPROTO;
	e = kh_store_answer_remove(st, m->name);
	if (e == KH_ENAME)
		return KH_EPROTO;
	if (e == KH_ENOENT)
		e = KH_OK;
	if (e == KH_OK && m->last == 1)
		e = kh_store_answers_sync(st);
	return verdict(channel, KH_MSG_FORGOTTEN,
	    e == KH_OK ? KH_VERDICT_YES : KH_VERDICT_FAILED);
}
