/*
 * The store process: sole owner of the store's directory. It parses nothing
 * that came from the network; it is asked by visits, over one channel each,
 * for room, for a draft and for its commit, and it answers. Couriers ask in
 * the same way for other things: collecting.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "knothole/secret.h"
#include "knothole/store.h"
#include "lib/base/precond.h"
#include "server/ipc/ipc.h"
#include "server/role/confine.h"
#include "server/store/answers.h"
#include "server/store/collecting.h"
#include "server/store/uploads.h"

#define EVENTS_MAX 64
/* Bytes at rest that are granted from what is free, whatever was promised: who
 * announces large uploads must not keep the others' messages out (L24). The
 * reserve bears it: a thousand of these are no larger. */
#define SMALL_MAX (UINT64_C(1) << 20)

/* One visit or errand, as the store sees it. */
struct client {
	struct client *next, *prev; /* in the list of all */
	enum kh_role role;
	int fd;
	uint64_t promised; /* room that it was told there is, bytes */
	struct kh_draft *draft; /* handed out, not committed */
	uint8_t upload[KH_UPLOAD_ID_LEN];
};

/* A process that announces clients. */
struct link {
	int fd; /* -1 when there is none at the moment */
	enum kh_role role; /* its own */
	enum kh_role clients; /* those of its clients */
};

struct server {
	int epoll;
	struct link door, courier;
	bool keeper_gone;
	struct kh_collecting collecting;
	struct client *clients;
	size_t n_clients;
	size_t clients_max;
	uid_t uid; /* to become */
	int dir; /* the store's directory, st's */
	struct kh_store *store;
	struct kh_uploads *uploads;
};

/* A name for what epoll reports besides clients and links. */
static char tag_control;

static enum kh_err
watch(struct server *s, int fd, void *tag)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = tag};

	return epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &ev) == 0 ? KH_OK
								: KH_ESYS;
}

/* Close a watched descriptor. Closing alone is not enough: as long as another
 * process has a copy of it, epoll would go on reporting a client that is no
 * more. */
static void
unwatch(struct server *s, int fd)
{
	epoll_ctl(s->epoll, EPOLL_CTL_DEL, fd, NULL);
	close(fd);
}

/* A visit is gone: what it had not committed never was. */
static void
client_drop(struct server *s, struct client *c)
{
	struct kh_upload *up;

	if (c->draft != NULL) {
		kh_store_abort(c->draft);
		up = kh_uploads_find(s->uploads, c->upload);
		if (up != NULL)
			up->state = up->before;
	}
	unwatch(s, c->fd);
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		s->clients = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	kh_wipe(c, sizeof(*c));
	free(c);
	s->n_clients--;
}

static enum kh_err
answer(struct client *c, enum kh_msg_type type, enum kh_verdict v)
{
	struct kh_msg m = {.type = type};

	m.u.verdict.verdict = v;
	return kh_ipc_send(c->fd, &m, -1);
}

/* What was promised to visits and has not been written yet: an upload that
 * was let in must not run into the end of the disk because of the next one. */
static uint64_t
outstanding(const struct server *s)
{
	const struct client *c;
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
on_room(struct server *s, struct client *c, const struct kh_msg_room *m)
{
	uint64_t room, need, taken;

	c->promised = 0;
	if (kh_store_room(s->store, &room) != KH_OK)
		return answer(c, KH_MSG_ROOM_ANSWER, KH_VERDICT_FAILED);
	if (m->bytes > KH_OBJECT_LEN_MAX)
		return answer(c, KH_MSG_ROOM_ANSWER, KH_VERDICT_FULL);
	/* Sealing and padding add less than an eighth (Padmé: 12 %). */
	need = m->bytes + m->bytes / 8 + KH_OBJECT_LEN_MIN;
	taken = need > SMALL_MAX ? outstanding(s) : 0;
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
admit(struct server *s, const uint8_t id[static KH_UPLOAD_ID_LEN],
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
on_begin(struct server *s, struct client *c, const struct kh_msg_begin *m)
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
remove_half(struct server *s, const struct kh_upload *up)
{
	if (kh_store_remove(s->store, up->object) != KH_OK)
		return;
}

/* Commit the draft and settle what the upload id stands for. */
static enum kh_err
commit(struct server *s, struct client *c, const struct kh_msg_commit *m)
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
on_commit(struct server *s, struct client *c, const struct kh_msg_commit *m)
{
	if (c->draft == NULL || m->complete > 1 || m->begun > KH_FILES_MAX ||
	    m->files > m->begun)
		return KH_EPROTO;
	return answer(c, KH_MSG_COMMITTED, verdict_of(commit(s, c, m)));
}

/* For the display of progress, once the visit that it followed has ended. */
static enum kh_err
on_fate(struct server *s, struct client *c, const struct kh_msg_begin *m)
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

static void
client_input(struct server *s, struct client *c)
{
	struct kh_msg m;
	enum kh_err e;
	int fd;

	e = kh_ipc_recv(c->fd, c->role, KH_ROLE_STORE, &m, &fd);
	if (e == KH_OK && c->role == KH_ROLE_ERRAND)
		e = kh_collecting_answer(
		    &s->collecting, s->store, c->fd, &m, fd);
	else if (e == KH_OK && m.type == KH_MSG_ROOM)
		e = on_room(s, c, &m.u.room);
	else if (e == KH_OK && m.type == KH_MSG_BEGIN)
		e = on_begin(s, c, &m.u.begin);
	else if (e == KH_OK && m.type == KH_MSG_COMMIT)
		e = on_commit(s, c, &m.u.commit);
	else if (e == KH_OK && m.type == KH_MSG_FATE)
		e = on_fate(s, c, &m.u.begin);
	else if (e == KH_OK && m.type == KH_MSG_SLOT)
		e = kh_answers_slot(s->store, c->fd, &m.u.slot);
	else if (e == KH_OK && m.type == KH_MSG_FORGET)
		e = kh_answers_forget(s->store, c->fd, &m.u.slot);
	if (e != KH_OK)
		client_drop(s, c);
}

/* A visit is announced. When it can't be served its channel is closed, which
 * the visit takes for "the store failed". */
static void
link_input(struct server *s, struct link *l)
{
	struct client *c = NULL;
	struct kh_msg m;
	int fd;

	if (kh_ipc_recv(l->fd, l->role, KH_ROLE_STORE, &m, &fd) != KH_OK) {
		unwatch(s, l->fd);
		l->fd = -1;
		return;
	}
	if (s->n_clients < s->clients_max)
		c = calloc(1, sizeof(*c));
	if (c == NULL) {
		close(fd);
		return;
	}
	c->fd = fd;
	c->role = l->clients;
	/* A visit that asks and does not read must not be waited for: with
	 * its queue full, it is dropped. */
	if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0 || watch(s, fd, c) != KH_OK) {
		close(fd);
		free(c);
		return;
	}
	c->next = s->clients;
	if (c->next != NULL)
		c->next->prev = c;
	s->clients = c;
	s->n_clients++;
}

/* The keeper brings a new door or courier, or is gone. */
static void
control_input(struct server *s)
{
	struct link *l = NULL;
	struct kh_msg m;
	int fd;

	if (kh_ipc_recv(KH_ROLE_CONTROL_FD, KH_ROLE_KEEPER, KH_ROLE_STORE, &m,
		&fd) != KH_OK) {
		epoll_ctl(s->epoll, EPOLL_CTL_DEL, KH_ROLE_CONTROL_FD, NULL);
		s->keeper_gone = true;
		return;
	}
	if (m.type == KH_MSG_DOOR_LINK)
		l = &s->door;
	else if (m.type == KH_MSG_COURIER_LINK)
		l = &s->courier;
	if (l == NULL || watch(s, fd, l) != KH_OK) {
		close(fd);
		return;
	}
	if (l->fd >= 0)
		unwatch(s, l->fd);
	l->fd = fd;
}

static void
event(struct server *s, void *tag)
{
	if (tag == &tag_control)
		control_input(s);
	else if (tag == &s->door || tag == &s->courier)
		link_input(s, tag);
	else
		client_input(s, tag);
}

/* Serve until the keeper is gone and the last visit with it. */
static int
serve(struct server *s)
{
	struct epoll_event ev[EVENTS_MAX];
	int i, n;

	while (!s->keeper_gone || s->door.fd >= 0 || s->courier.fd >= 0 ||
	    s->n_clients > 0) {
		n = epoll_wait(s->epoll, ev, EVENTS_MAX,
		    kh_collecting_expire(&s->collecting, s->store));
		if (n < 0 && errno != EINTR)
			return 1;
		for (i = 0; i < n; i++)
			event(s, ev[i].data.ptr);
	}
	return 0;
}

/* The "open" of the store role: its directory comes from the keeper. */
static enum kh_err
receive_dir(struct server *s)
{
	struct kh_msg m;
	enum kh_err e;
	int fd;

	e = kh_ipc_recv(
	    KH_ROLE_CONTROL_FD, KH_ROLE_KEEPER, KH_ROLE_STORE, &m, &fd);
	if (e != KH_OK)
		return e;
	if (m.type != KH_MSG_STORE_DIR) {
		close(fd);
		return KH_EPROTO;
	}
	/* Twice the visits at once: those of a door that died live on while
	 * the next door's begin. */
	s->clients_max =
	    2 * ((size_t)m.u.store_dir.max_visits + KH_COURIER_VISITS_MAX);
	s->uid = (uid_t)m.u.store_dir.uid;
	s->dir = fd;
	return kh_collecting_init(&s->collecting, &m.u.store_dir);
}

static enum kh_err
open_store(struct server *s)
{
	enum kh_err e;

	e = kh_store_open_at(s->dir, &s->store);
	if (e == KH_OK)
		e = kh_collecting_open(&s->collecting, s->store);
	if (e != KH_OK)
		return e;
	e = kh_uploads_new(&s->uploads);
	if (e != KH_OK)
		return e;
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll < 0)
		return KH_ESYS;
	return watch(s, KH_ROLE_CONTROL_FD, &tag_control);
}

int
kh_store_main(void)
{
	struct server s = {.epoll = -1,
	    .door = {-1, KH_ROLE_DOOR, KH_ROLE_VISIT},
	    .courier = {-1, KH_ROLE_COURIER, KH_ROLE_ERRAND}};
	struct kh_msg ready = {.type = KH_MSG_READY};
	struct kh_confine confine;
	int status = 1;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN); /* it ends when its peers have */
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if (receive_dir(&s) != KH_OK)
		goto out;
	/* As who it will be: what it makes is its own. */
	status = kh_role_become(s.uid);
	if (status != 0)
		goto out;
	status = 1;
	if (open_store(&s) != KH_OK)
		goto out;
	confine = (struct kh_confine){.uid = s.uid, .dir = s.dir};
	status = kh_role_confine(KH_ROLE_STORE, &confine);
	if (status != 0)
		goto out;
	status = 1;
	if (kh_ipc_send(KH_ROLE_CONTROL_FD, &ready, -1) != KH_OK)
		goto out;
	status = serve(&s);
out:
	while (s.clients != NULL) {
		PRECOND(s.clients->prev == NULL);
		client_drop(&s, s.clients);
	}
	kh_uploads_free(s.uploads);
	kh_store_close(s.store);
	return status;
}
