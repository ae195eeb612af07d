/*
 * What visits ask of the store: room, a draft, its commit, the fate of an
 * upload, answers. Separate from the loop, because here is decided what an
 * upload id stands for.
 */
#include <string.h>
#include <sys/stat.h>

#include "lib/base/precond.h"
#include "server/store/answers.h"
#include "server/store/server.h"

/* Bytes at rest that are granted from what is free, whatever was promised: who
 * announces large uploads must not keep the others' messages out (L24). The
 * reserve bears it: a thousand of these are no larger. */
#define SMALL_MAX (UINT64_C(1) << 20)

static enum kh_err
answer(struct kh_client *c, enum kh_msg_type type, enum kh_verdict v)
{
	struct kh_msg m = {.type = type};

	m.u.verdict.verdict = v;
	return kh_ipc_send(c->fd, &m, -1);
}

/* What was promised to visits and has not been written yet: an upload that
 * was let in must not run into the end of the disk because of the next one. */
uint64_t
kh_server_outstanding(const struct kh_server *s)
{
	const struct kh_client *c;
	uint64_t sum = 0, written;
	struct stat sb;

	for (c = s->clients; c != NULL; c = c->next) {
		written = 0;
		if (c->draft != NULL && fstat(kh_draft_fd(c->draft), &sb) == 0)
			written = (uint64_t)sb.st_size;
		if (c->promised > written)
			sum += c->promised - written;
	}
	return sum;
}

static enum kh_err
on_room(struct kh_server *s, struct kh_client *c, const struct kh_msg_room *m)
{
	uint64_t room, need, taken;

	c->promised = 0;
	if (kh_store_room(s->store, &room) != KH_OK)
		return answer(c, KH_MSG_ROOM_ANSWER, KH_VERDICT_FAILED);
	if (m->bytes > KH_OBJECT_LEN_MAX)
		return answer(c, KH_MSG_ROOM_ANSWER, KH_VERDICT_FULL);
	/* Sealing and padding add less than an eighth (Padmé: 12 %). */
	need = m->bytes + m->bytes / 8 + KH_OBJECT_LEN_MIN;
	taken = need > SMALL_MAX ? kh_server_outstanding(s) : 0;
	if (taken > room || need > room - taken)
		return answer(c, KH_MSG_ROOM_ANSWER, KH_VERDICT_FULL);
	c->promised = need;
	return answer(c, KH_MSG_ROOM_ANSWER, KH_VERDICT_YES);
}

static enum kh_verdict
verdict_of(enum kh_err e)
{
	if (e == KH_OK)
		return KH_VERDICT_YES;
	return e == KH_EFULL ? KH_VERDICT_FULL : KH_VERDICT_FAILED;
}

/* May this upload begin, and under which record? */
static enum kh_verdict
admit(struct kh_server *s, const uint8_t id[static KH_UPLOAD_ID_LEN],
    struct kh_upload **up)
{
	*up = kh_uploads_find(s->uploads, id);
	if (*up == NULL && kh_uploads_add(s->uploads, id, up) != KH_OK)
		return KH_VERDICT_FAILED;
	switch ((*up)->state) {
	case KH_UPLOAD_SEALED:
		return KH_VERDICT_SEALED;
	case KH_UPLOAD_ARRIVING:
		return KH_VERDICT_BUSY;
	case KH_UPLOAD_NONE:
	case KH_UPLOAD_INCOMPLETE:
		break;
	}
	return KH_VERDICT_YES;
}

static enum kh_err
on_begin(struct kh_server *s, struct kh_client *c, const struct kh_msg_begin *m)
{
	struct kh_msg out = {.type = KH_MSG_DRAFT};
	struct kh_upload *up;
	enum kh_verdict v;

	if (c->draft != NULL)
		return KH_EPROTO;
	v = admit(s, m->upload, &up);
	if (v == KH_VERDICT_YES)
		v = verdict_of(kh_store_draft(s->store, &c->draft));
	if (v != KH_VERDICT_YES)
		return answer(c, KH_MSG_NO_DRAFT, v);
	memcpy(c->upload, m->upload, sizeof(c->upload));
	up->before = up->state;
	up->state = KH_UPLOAD_ARRIVING;
	return kh_ipc_send(c->fd, &out, kh_draft_fd(c->draft));
}

/*
 * A cut upload that was kept before, and a cut one now: only the longer stays.
 * Returns whether the new one is to be kept.
 */
static bool
outlives(const struct kh_upload *up, uint64_t len, bool complete)
{
	return complete || up->before != KH_UPLOAD_INCOMPLETE ||
	    len > up->object_len;
}

/* It may have been collected meanwhile; and if it cannot be removed it stays,
 * which makes what has replaced it no less sealed. */
static void
remove_half(struct kh_server *s, const struct kh_upload *up)
{
	if (kh_store_remove(s->store, up->object) != KH_OK)
		return;
}

/* Commit the draft and settle what the upload id stands for. */
static enum kh_err
commit(struct kh_server *s, struct kh_client *c, const struct kh_msg_commit *m)
{
	const bool complete = m->complete == 1;
	uint8_t id[KH_OBJECT_ID_LEN];
	struct kh_upload *up = kh_uploads_find(s->uploads, c->upload);
	struct kh_draft *d = c->draft;
	struct stat sb;
	enum kh_err e;

	PRECOND(up != NULL && up->state == KH_UPLOAD_ARRIVING);
	c->draft = NULL;
	c->promised = 0;
	up->state = up->before;
	if (fstat(kh_draft_fd(d), &sb) != 0 || sb.st_size <= 0) {
		kh_store_abort(d);
		return KH_ESYS;
	}
	if (!outlives(up, (uint64_t)sb.st_size, complete)) {
		kh_store_abort(d);
		return KH_OK;
	}
	e = kh_store_commit(s->store, d, id);
	if (e != KH_OK)
		return e;
	/* The old half goes only now that the new one is durable. */
	if (up->before == KH_UPLOAD_INCOMPLETE)
		remove_half(s, up);
	up->state = complete ? KH_UPLOAD_SEALED : KH_UPLOAD_INCOMPLETE;
	memcpy(up->object, id, sizeof(up->object));
	up->object_len = (uint64_t)sb.st_size;
	up->files = m->files;
	up->begun = m->begun;
	return KH_OK;
}

static enum kh_err
on_commit(
    struct kh_server *s, struct kh_client *c, const struct kh_msg_commit *m)
{
	if (c->draft == NULL || m->complete > 1 || m->begun > KH_FILES_MAX ||
	    m->files > m->begun)
		return KH_EPROTO;
	return answer(c, KH_MSG_COMMITTED, verdict_of(commit(s, c, m)));
}

/* For the display of progress, once the visit that it followed has ended. */
static enum kh_err
on_fate(struct kh_server *s, struct kh_client *c, const struct kh_msg_begin *m)
{
	struct kh_upload *up = kh_uploads_find(s->uploads, m->upload);
	struct kh_msg out = {.type = KH_MSG_FATE_ANSWER};

	out.u.fate.verdict = KH_VERDICT_FAILED;
	if (up == NULL || up->state == KH_UPLOAD_NONE)
		return kh_ipc_send(c->fd, &out, -1);
	out.u.fate.verdict = up->state == KH_UPLOAD_SEALED ? KH_VERDICT_SEALED
	    : up->state == KH_UPLOAD_ARRIVING              ? KH_VERDICT_BUSY
							   : KH_VERDICT_YES;
	out.u.fate.files = up->files;
	out.u.fate.begun = up->begun;
	return kh_ipc_send(c->fd, &out, -1);
}

enum kh_err
kh_server_visit(
    struct kh_server *s, struct kh_client *c, const struct kh_msg *m)
{
	if (m->type == KH_MSG_ROOM)
		return on_room(s, c, &m->u.room);
	if (m->type == KH_MSG_BEGIN)
		return on_begin(s, c, &m->u.begin);
	if (m->type == KH_MSG_COMMIT)
		return on_commit(s, c, &m->u.commit);
	if (m->type == KH_MSG_FATE)
		return on_fate(s, c, &m->u.begin);
	if (m->type == KH_MSG_SLOT)
		return kh_answers_slot(s->store, c->fd, &m->u.slot);
	if (m->type == KH_MSG_FORGET)
		return kh_answers_forget(s->store, c->fd, &m->u.slot);
	return KH_EPROTO;
}
