/*
 * The routes that read: the list of objects, one of them, and how it is.
 */
#include <inttypes.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/precond.h"
#include "server/courier/errand.h"
#include "server/ipc/fault.h"

#define ID_TEXT_LEN (2 * KH_OBJECT_ID_LEN)
/* {"id":"","size":}, and the id, a size of 20 digits, a comma. */
#define ENTRY_MAX (ID_TEXT_LEN + 48)
#define AROUND_MAX 128
#define HEALTH_MAX 256
/* "some" ends here. What is said of the store is coarse, because it may end up
 * in somebody's monitoring. */
#define SOME_MAX 100

/* The list as it is written. */
struct text {
	char *p;
	size_t cap, n;
};

__attribute__((format(printf, 2, 3))) static void
put(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->p + t->n, t->cap - t->n, fmt, ap);
	va_end(ap);
	PRECOND(n >= 0 && (size_t)n < t->cap - t->n);
	t->n += (size_t)n;
}

enum kh_err
kh_errand_ask(struct kh_errand *x, struct kh_msg *m, int with, int *fd)
{
	enum kh_err e;

	*fd = -1;
	atomic_store(&x->counter->phase, (uint32_t)KH_PHASE_STORE);
	e = kh_ipc_send(x->store, m, with);
	if (e == KH_OK)
		e = kh_ipc_recv(x->store, KH_ROLE_STORE, KH_ROLE_ERRAND, m, fd);
	return e;
}

/* A page of the store's, behind `after`. */
static enum kh_err
ask_page(
    struct kh_errand *x, const uint8_t *after, uint32_t limit, struct kh_msg *m)
{
	enum kh_err e;
	int fd;

	memset(m, 0, sizeof(*m));
	m->type = KH_MSG_LIST;
	m->u.list.limit =
	    limit < KH_OBJECT_PAGE_MAX ? limit : KH_OBJECT_PAGE_MAX;
	limit = m->u.list.limit;
	if (after != NULL) {
		m->u.list.has_after = 1;
		memcpy(m->u.list.after, after, KH_OBJECT_ID_LEN);
	}
	e = kh_errand_ask(x, m, -1, &fd);
	if (e == KH_OK && (m->type != KH_MSG_OBJECTS || m->u.objects.n > limit))
		e = KH_EPROTO;
	return e;
}

static void
put_page(struct text *t, const struct kh_object_page *p, bool first)
{
	char id[ID_TEXT_LEN + 1];
	uint32_t i;

	for (i = 0; i < p->n; i++) {
		sodium_bin2hex(
		    id, sizeof(id), p->object[i].id, KH_OBJECT_ID_LEN);
		put(t, "%s{\"id\":\"%s\",\"size\":%" PRIu64 "}",
		    first && i == 0 ? "" : ",", id, p->object[i].size);
	}
}

/* Pages of the store's until there are enough for one of ours. */
static enum kh_err
gather(struct kh_errand *x, const struct kh_courier_route *to, struct text *t)
{
	const uint8_t *after = to->has_after ? to->id : NULL;
	char next[ID_TEXT_LEN + 1];
	uint8_t last[KH_OBJECT_ID_LEN];
	uint32_t left = to->limit;
	struct kh_msg m;
	enum kh_err e;

	put(t, "{\"objects\":[");
	do {
		e = ask_page(x, after, left, &m);
		if (e != KH_OK)
			return e;
		put_page(t, &m.u.objects, left == to->limit);
		left -= m.u.objects.n;
		memcpy(last, m.u.objects.last, sizeof(last));
		after = last;
	} while (m.u.objects.more == 1 && left > 0);
	sodium_bin2hex(next, sizeof(next), last, sizeof(last));
	if (m.u.objects.more == 1)
		put(t, "],\"next\":\"%s\"}", next);
	else
		put(t, "],\"next\":null}");
	return KH_OK;
}

enum kh_err
kh_errand_list(struct kh_errand *x, const struct kh_courier_route *to)
{
	struct text t = {.cap = (size_t)to->limit * ENTRY_MAX + AROUND_MAX};
	enum kh_err e;

	t.p = malloc(t.cap);
	e = t.p == NULL ? KH_ENOMEM : gather(x, to, &t);
	if (e == KH_OK)
		e = kh_errand_json(x, 200, "", t.p, t.n);
	else
		e = kh_errand_error(x, 500, "");
	free(t.p);
	return e;
}

static enum kh_err
send_object(struct kh_errand *x, int fd)
{
	char extra[64];
	uint64_t from, n, size;
	struct stat sb;

	if (fstat(fd, &sb) != 0 || sb.st_size < 0)
		return kh_errand_error(x, 500, "");
	size = (uint64_t)sb.st_size;
	/* RFC 9110 14.2: ranges are for GET alone. */
	if (x->head.method == KH_HEAD)
		return kh_errand_file(x, fd, 0, size, size);
	switch (kh_courier_range(x->head.range, size, &from, &n)) {
	case KH_RANGE_ALL:
	case KH_RANGE_PART:
		return kh_errand_file(x, fd, from, n, size);
	case KH_RANGE_NONE:
		break;
	}
	(void)snprintf(extra, sizeof(extra),
	    "Content-Range: bytes */%" PRIu64 "\r\n", size);
	return kh_errand_error(x, 416, extra);
}

enum kh_err
kh_errand_object(struct kh_errand *x, const struct kh_courier_route *to)
{
	struct kh_msg m = {.type = KH_MSG_OPEN};
	enum kh_err e;
	int fd;

	memcpy(m.u.open.id, to->id, sizeof(m.u.open.id));
	if (kh_errand_ask(x, &m, -1, &fd) != KH_OK)
		return kh_errand_error(x, 500, "");
	if (m.type == KH_MSG_OBJECT)
		e = send_object(x, fd);
	else if (m.type == KH_MSG_NO_OBJECT &&
	    m.u.verdict.verdict == KH_VERDICT_NONE)
		e = kh_errand_error(x, 404, "");
	else
		e = kh_errand_error(x, 500, "");
	if (fd >= 0)
		close(fd);
	return e;
}

enum kh_err
kh_errand_health(struct kh_errand *x)
{
	const struct kh_msg_health *h = x->health;
	const char *objects = "some";
	struct kh_msg m;
	char text[HEALTH_MAX];
	int n;

	if (ask_page(x, NULL, SOME_MAX, &m) != KH_OK)
		return kh_errand_error(x, 500, "");
	if (m.u.objects.more == 1)
		objects = "many";
	else if (m.u.objects.n == 0)
		objects = "none";
	n = snprintf(text, sizeof(text),
	    "{\"version\":\"" KH_VERSION "\",\"up\":true,\"objects\":\"%s\","
	    "\"selftest\":\"%s\",\"disk_quarters_free\":%" PRIu32
	    ",\"key_weeks_left\":%" PRIu32 ",\"key_epochs_left\":%" PRIu32
	    ",\"crash_loop\":%s",
	    objects, kh_fault_word(h->fault), h->quarters, h->weeks, h->epochs,
	    h->looping != 0 ? "true" : "false");
	PRECOND(n > 0 && (size_t)n < sizeof(text));
	if (h->openpgp != KH_OPENPGP_NONE)
		n += snprintf(text + n, sizeof(text) - (size_t)n,
		    ",\"openpgp_keys\":\"%s\"", kh_openpgp_word(h->openpgp));
	PRECOND((size_t)n + 1 < sizeof(text));
	text[n++] = '}';
	return kh_errand_json(x, 200, "", text, (size_t)n);
}
