/*
 * The index in memory. Its JSON is next door, because reading it is the one
 * part that meets bytes which somebody may have changed.
 */
#include <string.h>

#include "client/desk/index.h"
#include "knothole/secret.h"
#include "lib/base/precond.h"

#define CAP_MIN 16
#define ALIGN 16 /* what follows guard pages is aligned only if its size is */

static size_t
aligned(size_t n)
{
	return (n + ALIGN - 1) / ALIGN * ALIGN;
}

enum kh_err
kh_desk_grow(void **array, size_t n, size_t *cap, size_t size, size_t max)
{
	size_t more;
	void *p;

	PRECOND(array != NULL && cap != NULL && n <= *cap && size > 0);
	if (n >= max)
		return KH_ELIMIT;
	if (n < *cap)
		return KH_OK;
	more = *cap == 0 ? CAP_MIN : *cap * 2;
	if (more > SIZE_MAX / size / 2)
		return KH_ENOMEM;
	p = kh_secret_alloc(aligned(more * size));
	if (p == NULL)
		return KH_ENOMEM;
	if (n > 0)
		memcpy(p, *array, n * size);
	kh_secret_free(*array);
	*array = p;
	*cap = more;
	return KH_OK;
}

enum kh_err
kh_index_new(const struct kh_sign_public *outlet, struct kh_index **out)
{
	PRECOND(outlet != NULL && out != NULL);
	*out = kh_secret_alloc(aligned(sizeof(**out)));
	if (*out == NULL)
		return KH_ENOMEM;
	memset(*out, 0, sizeof(**out));
	(*out)->outlet = *outlet;
	return KH_OK;
}

void
kh_index_free(struct kh_index *ix)
{
	size_t i;

	if (ix == NULL)
		return;
	for (i = 0; i < ix->n_answers; i++)
		kh_secret_free(ix->answers[i].text);
	kh_secret_free(ix->threads);
	kh_secret_free(ix->objects);
	kh_secret_free(ix->answers);
	kh_secret_free(ix->log.entries);
	kh_table_clear(&ix->by_mailbox);
	kh_table_clear(&ix->by_id);
	kh_table_clear(&ix->by_mark);
	kh_secret_free(ix);
}

size_t
kh_index_thread(
    const struct kh_index *ix, const uint8_t mailbox[static KH_MAILBOX_LEN])
{
	PRECOND(ix != NULL);
	return kh_table_get(&ix->by_mailbox, mailbox);
}

enum kh_err
kh_index_add_thread(struct kh_index *ix, const struct kh_thread *t, size_t *i)
{
	void *array = ix->threads;
	enum kh_err e;

	PRECOND(t != NULL && i != NULL && t->next <= KH_SLOTS_MAX);
	*i = ix->n_threads;
	e = kh_desk_grow(&array, ix->n_threads, &ix->cap_threads, sizeof(*t),
	    KH_VAULT_OBJECTS_MAX);
	ix->threads = array;
	if (e == KH_OK)
		e = kh_table_put(&ix->by_mailbox, t->mailbox, *i);
	if (e == KH_OK)
		ix->threads[ix->n_threads++] = *t;
	return e;
}

enum kh_err
kh_index_add_object(struct kh_index *ix, const struct kh_desk_object *o)
{
	void *array = ix->objects;
	enum kh_err e;

	PRECOND(o != NULL);
	PRECOND(o->thread == KH_NO_THREAD || o->thread < ix->n_threads);
	if (kh_table_get(&ix->by_id, o->id) != KH_TABLE_NONE ||
	    kh_table_get(&ix->by_mark, o->mark) != KH_TABLE_NONE)
		return KH_EEXIST;
	e = kh_desk_grow(&array, ix->n_objects, &ix->cap_objects, sizeof(*o),
	    KH_VAULT_OBJECTS_MAX);
	ix->objects = array;
	if (e == KH_OK)
		e = kh_table_put(&ix->by_id, o->id, ix->n_objects);
	if (e == KH_OK)
		e = kh_table_put(&ix->by_mark, o->mark, ix->n_objects);
	if (e != KH_OK)
		return e;
	ix->objects[ix->n_objects] = *o;
	ix->objects[ix->n_objects++].at = ix->at++;
	return KH_OK;
}

enum kh_err
kh_index_add_answer(struct kh_index *ix, const struct kh_desk_answer *a,
    const char *text, size_t n)
{
	void *array = ix->answers;
	struct kh_desk_answer *to;
	struct kh_thread *t;
	enum kh_err e;

	PRECOND(a != NULL && a->thread < ix->n_threads);
	PRECOND((a->kind == KH_KIND_ANSWER) == (n > 0));
	t = &ix->threads[a->thread];
	PRECOND(t->has_slot_key);
	if (t->next >= KH_SLOTS_MAX)
		return KH_EFULL;
	e = kh_desk_grow(&array, ix->n_answers, &ix->cap_answers, sizeof(*a),
	    (size_t)KH_VAULT_OBJECTS_MAX * 2);
	ix->answers = array;
	if (e != KH_OK)
		return e;
	to = &ix->answers[ix->n_answers];
	*to = *a;
	to->text = NULL;
	to->text_len = n;
	if (n > 0) {
		to->text = kh_secret_alloc(n);
		if (to->text == NULL)
			return KH_ENOMEM;
		memcpy(to->text, text, n);
	}
	to->number = t->next++;
	to->at = ix->at++;
	ix->n_answers++;
	return KH_OK;
}

uint32_t
kh_desk_slots_left(const struct kh_thread *t)
{
	PRECOND(t != NULL && t->next <= KH_SLOTS_MAX);
	return t->has_slot_key ? KH_SLOTS_MAX - t->next : 0;
}

bool
kh_desk_presealed(const struct kh_desk_object *o, size_t file)
{
	PRECOND(o != NULL && file < KH_FILES_MAX);
	return (o->presealed[file / 8] >> (file % 8) & 1) != 0;
}

void
kh_desk_set_presealed(struct kh_desk_object *o, size_t file)
{
	PRECOND(o != NULL && file < KH_FILES_MAX);
	o->presealed[file / 8] |= (uint8_t)(1U << (file % 8));
}

size_t
kh_desk_count_presealed(const struct kh_desk_object *o)
{
	size_t i, n = 0;

	for (i = 0; i < KH_FILES_MAX; i++)
		n += kh_desk_presealed(o, i);
	return n;
}
