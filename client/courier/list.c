/*
 * The object list. Separate from http.c because it is a parser of outside
 * bytes, and has a fuzzer.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "client/courier/json.h"
#include "client/courier/list.h"
#include "lib/base/precond.h"

#define GROW 1024 /* objects, when there is no room; doubled from there */

bool
kh_id_valid(const char *id, size_t n)
{
	return n == KH_ID_LEN && strspn(id, "0123456789abcdef") >= n;
}

/* An id that follows all those before it. */
static bool
read_id(const json_t *v, const char *last, char out[static KH_ID_LEN + 1])
{
	const char *id = json_string_value(v);

	if (id == NULL || !kh_id_valid(id, json_string_length(v)) ||
	    strcmp(id, last) <= 0)
		return false;
	memcpy(out, id, KH_ID_LEN + 1);
	return true;
}

static enum kh_err
read_object(const json_t *o, const char *last, struct kh_object *out)
{
	const json_t *size = json_object_get(o, "size");

	memset(out, 0, sizeof(*out));
	if (!json_is_object(o) || json_object_size(o) != 2 ||
	    !read_id(json_object_get(o, "id"), last, out->id) ||
	    !json_is_integer(size) || json_integer_value(size) < 1)
		return KH_EFORMAT;
	out->size = (uint64_t)json_integer_value(size);
	return out->size > KH_OBJECT_LEN_MAX ? KH_ELIMIT : KH_OK;
}

static enum kh_err
make_room(struct kh_list *l, size_t n)
{
	struct kh_object *p;
	size_t room = l->room == 0 ? GROW : l->room;

	if (n > KH_PAGE_OBJECTS_MAX || n > KH_LIST_MAX - l->n)
		return KH_ELIMIT;
	while (room - l->n < n)
		room *= 2;
	if (room == l->room)
		return KH_OK;
	p = realloc(l->object, room * sizeof(*p));
	if (p == NULL)
		return KH_ENOMEM;
	l->object = p;
	l->room = room;
	return KH_OK;
}

static enum kh_err
read_page(const json_t *o, struct kh_list *l)
{
	const json_t *a = json_object_get(o, "objects");
	const json_t *next = json_object_get(o, "next");
	size_t i, n = json_array_size(a);
	const char *last;
	enum kh_err e;

	if (json_object_size(o) != 2 || !json_is_array(a) || next == NULL)
		return KH_EFORMAT;
	e = make_room(l, n);
	if (e != KH_OK)
		return e;
	last = l->n > 0 ? l->object[l->n - 1].id : "";
	for (i = 0; i < n && e == KH_OK; i++) {
		e = read_object(
		    json_array_get(a, i), last, &l->object[l->n + i]);
		last = l->object[l->n + i].id;
	}
	if (e != KH_OK)
		return e;
	if (!json_is_null(next) &&
	    (n == 0 || json_string_length(next) != KH_ID_LEN ||
		strcmp(json_string_value(next), last) != 0))
		return KH_EFORMAT;
	l->more = !json_is_null(next);
	l->n += n;
	return KH_OK;
}

enum kh_err
kh_list_page(struct kh_list *l, const char *json, size_t n)
{
	json_t *o = NULL;
	enum kh_err e;

	PRECOND(l != NULL && (json != NULL || n == 0));
	e = kh_json_load(json, n, KH_PAGE_LEN_MAX, &o);
	if (e == KH_OK)
		e = read_page(o, l);
	json_decref(o);
	return e;
}

static int
compare_id(const void *id, const void *object)
{
	return memcmp(id, ((const struct kh_object *)object)->id, KH_ID_LEN);
}

struct kh_object *
kh_list_find(struct kh_list *l, const char *id)
{
	PRECOND(l != NULL && id != NULL);
	if (l->n == 0)
		return NULL;
	return bsearch(id, l->object, l->n, sizeof(*l->object), compare_id);
}

void
kh_list_clear(struct kh_list *l)
{
	free(l->object);
	memset(l, 0, sizeof(*l));
}
