/*
 * The table: open addressing, at most half full. Separate because three kinds
 * of keys need the same.
 */
#include <string.h>

#include "client/desk/table.h"
#include "knothole/secret.h"
#include "lib/base/precond.h"

#define SLOTS_MIN 64

static size_t
place_of(const struct kh_table *t, const uint8_t *key)
{
	uint8_t h[crypto_shorthash_BYTES];
	uint64_t v;
	size_t i;

	crypto_shorthash(h, key, KH_TABLE_KEY_LEN, t->secret);
	memcpy(&v, h, sizeof(v));
	i = (size_t)v & (t->cap - 1);
	while (t->slots[i].value != KH_TABLE_NONE &&
	    memcmp(t->slots[i].key, key, KH_TABLE_KEY_LEN) != 0)
		i = (i + 1) & (t->cap - 1);
	return i;
}

static enum kh_err
enlarge(struct kh_table *t)
{
	struct kh_table bigger = {.cap = t->cap == 0 ? SLOTS_MIN : t->cap * 2};
	size_t i, k;

	PRECOND(bigger.cap <= SIZE_MAX / sizeof(bigger.slots[0]) / 2);
	bigger.slots = kh_secret_alloc(bigger.cap * sizeof(bigger.slots[0]));
	if (bigger.slots == NULL)
		return KH_ENOMEM;
	randombytes_buf(bigger.secret, sizeof(bigger.secret));
	for (i = 0; i < bigger.cap; i++)
		bigger.slots[i].value = KH_TABLE_NONE;
	for (i = 0; i < t->cap; i++) {
		if (t->slots[i].value == KH_TABLE_NONE)
			continue;
		k = place_of(&bigger, t->slots[i].key);
		bigger.slots[k] = t->slots[i];
	}
	bigger.n = t->n;
	kh_secret_free(t->slots);
	*t = bigger;
	return KH_OK;
}

size_t
kh_table_get(
    const struct kh_table *t, const uint8_t key[static KH_TABLE_KEY_LEN])
{
	PRECOND(t != NULL);
	return t->cap == 0 ? KH_TABLE_NONE : t->slots[place_of(t, key)].value;
}

enum kh_err
kh_table_put(struct kh_table *t, const uint8_t key[static KH_TABLE_KEY_LEN],
    size_t value)
{
	struct kh_table_slot *s;
	enum kh_err e;

	PRECOND(t != NULL && value != KH_TABLE_NONE);
	if (t->n >= t->cap / 2) {
		e = enlarge(t);
		if (e != KH_OK)
			return e;
	}
	s = &t->slots[place_of(t, key)];
	if (s->value != KH_TABLE_NONE)
		return KH_EEXIST;
	memcpy(s->key, key, KH_TABLE_KEY_LEN);
	s->value = value;
	t->n++;
	return KH_OK;
}

void
kh_table_clear(struct kh_table *t)
{
	PRECOND(t != NULL);
	kh_secret_free(t->slots);
	kh_wipe(t, sizeof(*t));
}
