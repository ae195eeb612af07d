/*
 * collected.txt: which objects the server may let go of, one id a line,
 * sorted. Separate because what a stick already has of it is kept.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "client/desk/export.h"
#include "client/file.h"
#include "lib/base/precond.h"

#define ID_HEX (2 * KH_OBJECT_ID_LEN)
#define LINE_LEN (ID_HEX + 1)

static enum kh_err
add(struct kh_ids *ids, const uint8_t id[static KH_OBJECT_ID_LEN])
{
	size_t cap = ids->cap == 0 ? 256 : 2 * ids->cap;
	uint8_t *p;

	if (ids->n == ids->cap) {
		p = realloc(ids->p, cap * KH_OBJECT_ID_LEN);
		if (p == NULL)
			return KH_ENOMEM;
		ids->p = p;
		ids->cap = cap;
	}
	memcpy(ids->p + ids->n++ * KH_OBJECT_ID_LEN, id, KH_OBJECT_ID_LEN);
	return KH_OK;
}

static bool
get_id(const char *line, size_t n, uint8_t id[static KH_OBJECT_ID_LEN])
{
	size_t i, len;

	for (i = 0; i < n; i++)
		if (!((line[i] >= '0' && line[i] <= '9') ||
			(line[i] >= 'a' && line[i] <= 'f')))
			return false;
	return n == ID_HEX &&
	    sodium_hex2bin(id, KH_OBJECT_ID_LEN, line, n, NULL, &len, NULL) ==
	    0;
}

enum kh_err
kh_ids_parse(struct kh_ids *ids, const char *text, size_t n, bool *clean)
{
	uint8_t id[KH_OBJECT_ID_LEN];
	enum kh_err e = KH_OK;
	const char *end;
	size_t len;

	PRECOND(ids != NULL && clean != NULL);
	*clean = true;
	while (n > 0 && e == KH_OK) {
		end = memchr(text, '\n', n);
		len = end != NULL ? (size_t)(end - text) : n;
		if (end != NULL && get_id(text, len, id))
			e = add(ids, id);
		else
			*clean = false;
		if (end == NULL)
			break;
		text += len + 1;
		n -= len + 1;
	}
	return e;
}

static enum kh_err
read_old(struct kh_export *x, struct kh_ids *ids)
{
	char *text = NULL;
	bool clean = true;
	enum kh_err e;
	size_t n;

	e = kh_stick_read(x->stick.top_fd, KH_STICK_COLLECTED,
	    KH_STICK_COLLECTED_MAX, &text, &n);
	if (e == KH_OK)
		e = kh_ids_parse(ids, text, n, &clean);
	free(text);
	if (e == KH_ENOENT)
		return KH_OK;
	if (e == KH_EUNSUP || e == KH_ELIMIT || !clean) {
		kh_report_refuse(&x->report, NULL, KH_STICK_COLLECTED,
		    clean ? "not a regular file of ids; replaced"
			  : "has lines that are no ids; they were left out");
		return KH_OK;
	}
	return e;
}

static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, KH_OBJECT_ID_LEN);
}

/* Sorted, each once, as lines. */
static enum kh_err
write_ids(struct kh_export *x, struct kh_ids *ids)
{
	const uint8_t *id;
	enum kh_err e;
	size_t i, n = 0;
	char *text;

	text = malloc(ids->n * LINE_LEN + 1);
	if (text == NULL)
		return KH_ENOMEM;
	if (ids->n > 0)
		qsort(ids->p, ids->n, KH_OBJECT_ID_LEN, compare);
	for (i = 0; i < ids->n; i++) {
		id = ids->p + i * KH_OBJECT_ID_LEN;
		if (i > 0 && compare(id, id - KH_OBJECT_ID_LEN) == 0)
			continue;
		sodium_bin2hex(text + n, LINE_LEN, id, KH_OBJECT_ID_LEN);
		text[n + ID_HEX] = '\n';
		n += LINE_LEN;
	}
	e = kh_file_put(x->stick.top_fd, KH_PART_PREFIX KH_STICK_COLLECTED,
	    KH_STICK_COLLECTED, (struct kh_file_bytes){text, n});
	free(text);
	return e;
}

enum kh_err
kh_export_collected(struct kh_export *x)
{
	const struct kh_index *ix = x->v->ix;
	struct kh_ids ids = {NULL, 0, 0};
	enum kh_err e;
	size_t i;

	e = read_old(x, &ids);
	for (i = 0; i < ix->n_objects && e == KH_OK; i++) {
		if (ix->objects[i].exported && !x->all)
			continue;
		e = add(&ids, ix->objects[i].id);
		x->n_collected += !ix->objects[i].exported;
	}
	if (e == KH_OK && ids.n > 0)
		e = write_ids(x, &ids);
	free(ids.p);
	return e;
}
