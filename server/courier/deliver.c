/*
 * The routes that change something: what was collected, and answers.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "knothole/answer.h"
#include "knothole/io.h"
#include "lib/base/precond.h"
#include "server/courier/errand.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* The status for what the store says. */
static unsigned
status_of(const struct kh_msg *m, enum kh_msg_type type, unsigned good)
{
	if (m->type != (uint32_t)type)
		return 500;
	switch ((enum kh_verdict)m->u.verdict.verdict) {
	case KH_VERDICT_YES:
		return good;
	case KH_VERDICT_TAKEN:
		return 409;
	case KH_VERDICT_FULL:
		return 507;
	case KH_VERDICT_SEALED:
	case KH_VERDICT_BUSY:
	case KH_VERDICT_FAILED:
	case KH_VERDICT_NONE:
	case KH_VERDICT_N:
		break;
	}
	return 500;
}

/* In as many messages as it takes; the first that fails ends it, and the
 * courier says all of it again. Returns the status. */
static unsigned
tell(struct kh_errand *x, const struct kh_courier_ids *ids)
{
	struct kh_msg m;
	unsigned status = 200;
	uint32_t at, n;
	int fd;

	for (at = 0; at < ids->n && status == 200; at += n) {
		n = ids->n - at;
		if (n > KH_OBJECT_PAGE_MAX)
			n = KH_OBJECT_PAGE_MAX;
		memset(&m, 0, sizeof(m));
		m.type = KH_MSG_COLLECT;
		m.u.collect.newsroom = x->newsroom;
		m.u.collect.ids.n = n;
		memcpy(m.u.collect.ids.id, ids->id[at],
		    (size_t)n * KH_OBJECT_ID_LEN);
		status = kh_errand_ask(x, &m, -1, &fd) == KH_OK
		    ? status_of(&m, KH_MSG_COLLECTED, 200)
		    : 500;
		if (fd >= 0)
			close(fd);
	}
	return status;
}

static enum kh_err
take_collected(struct kh_errand *x, const uint8_t *body, size_t n)
{
	struct kh_courier_ids *ids;
	char text[64];
	unsigned status = 500;
	enum kh_err e;
	int len;

	ids = malloc(sizeof(*ids));
	if (ids == NULL)
		return kh_errand_error(x, 500, "");
	e = kh_courier_ids_parse(body, n, ids);
	if (e == KH_OK)
		status = tell(x, ids);
	else
		status = e == KH_ELIMIT ? 413 : 400;
	len = snprintf(text, sizeof(text), "{\"collected\":%u}", ids->n);
	free(ids);
	PRECOND(len > 0 && (size_t)len < sizeof(text));
	if (status != 200)
		return kh_errand_error(x, status, "");
	return kh_errand_json(x, 200, "", text, (size_t)len);
}

enum kh_err
kh_errand_collected(struct kh_errand *x)
{
	enum kh_err e;
	uint8_t *body;

	if (x->head.length > KH_COURIER_BODY_MAX)
		return kh_errand_error(x, 413, "");
	body = malloc(KH_COURIER_BODY_MAX);
	if (body == NULL)
		return kh_errand_error(x, 500, "");
	e = kh_errand_body(x, body);
	if (e == KH_OK)
		e = take_collected(x, body, (size_t)x->head.length);
	free(body);
	return e;
}

int
kh_errand_seal(const uint8_t *p, size_t n)
{
	int fd = memfd_create("errand", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd >= 0 &&
	    (kh_write_all(fd, p, n) != KH_OK ||
		fcntl(fd, F_ADD_SEALS, SEALS) != 0)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static enum kh_err
take_reply(struct kh_errand *x, const struct kh_courier_route *to,
    const uint8_t *body, size_t n)
{
	static const char text[] = "{\"stored\":true}";
	struct kh_msg m = {.type = KH_MSG_PUT};
	unsigned status = 500;
	int with, fd = -1;

	memcpy(m.u.put.name, to->name, sizeof(m.u.put.name));
	m.u.put.length = (uint32_t)n;
	with = kh_errand_seal(body, n);
	if (with >= 0 && kh_errand_ask(x, &m, with, &fd) == KH_OK)
		status = status_of(&m, KH_MSG_STORED, 201);
	if (with >= 0)
		close(with);
	if (fd >= 0)
		close(fd);
	if (status != 201)
		return kh_errand_error(x, status, "");
	return kh_errand_json(x, 201, "", text, sizeof(text) - 1);
}

enum kh_err
kh_errand_reply(struct kh_errand *x, const struct kh_courier_route *to)
{
	enum kh_err e;
	uint8_t *body;

	if (x->head.length > KH_ANSWER_LEN_MAX)
		return kh_errand_error(x, 413, "");
	if (!kh_answer_len_valid((size_t)x->head.length))
		return kh_errand_error(x, 400, "");
	body = malloc(KH_ANSWER_LEN_MAX);
	if (body == NULL)
		return kh_errand_error(x, 500, "");
	e = kh_errand_body(x, body);
	if (e == KH_OK)
		e = take_reply(x, to, body, (size_t)x->head.length);
	free(body);
	return e;
}
