/*
 * A ring of the latest uploads with a hash index over it. Separate from the
 * store process's loop, because it is the whole of what knotholed remembers.
 */
#include <stdlib.h>
#include <string.h>

#include "knothole/secret.h"
#include "lib/base/precond.h"
#include "server/store/uploads.h"

#define NONE UINT32_MAX
#define BUCKETS 16384

struct kh_uploads {
	uint32_t bucket[BUCKETS];
	uint32_t used;
	uint32_t oldest;
	struct kh_upload ring[KH_UPLOADS_KEPT];
};

/* Ids are random and come out of a sealed token: no one can aim them at one
 * bucket, so their first bytes are hash enough. */
static uint32_t
bucket_of(const uint8_t id[static KH_UPLOAD_ID_LEN])
{
	return ((uint32_t)id[0] | (uint32_t)id[1] << 8) % BUCKETS;
}

enum kh_err
kh_uploads_new(struct kh_uploads **out)
{
	struct kh_uploads *u;
	size_t i;

	u = calloc(1, sizeof(*u));
	*out = u;
	if (u == NULL)
		return KH_ENOMEM;
	for (i = 0; i < BUCKETS; i++)
		u->bucket[i] = NONE;
	return KH_OK;
}

void
kh_uploads_free(struct kh_uploads *u)
{
	if (u == NULL)
		return;
	kh_wipe(u, sizeof(*u));
	free(u);
}

struct kh_upload *
kh_uploads_find(struct kh_uploads *u, const uint8_t id[static KH_UPLOAD_ID_LEN])
{
	uint32_t i;

	for (i = u->bucket[bucket_of(id)]; i != NONE; i = u->ring[i].next) {
		if (kh_equal(u->ring[i].id, id, KH_UPLOAD_ID_LEN))
			return &u->ring[i];
	}
	return NULL;
}

static void
unlink_from_bucket(struct kh_uploads *u, uint32_t slot)
{
	uint32_t *p = &u->bucket[bucket_of(u->ring[slot].id)];

	while (*p != slot) {
		PRECOND(*p != NONE);
		p = &u->ring[*p].next;
	}
	*p = u->ring[slot].next;
}

/* A slot to write into: a new one, or the oldest that is not arriving. */
static uint32_t
free_slot(struct kh_uploads *u)
{
	uint32_t i, slot;

	if (u->used < KH_UPLOADS_KEPT)
		return u->used++;
	for (i = 0; i < KH_UPLOADS_KEPT; i++) {
		slot = (u->oldest + i) % KH_UPLOADS_KEPT;
		if (u->ring[slot].state == KH_UPLOAD_ARRIVING)
			continue;
		u->oldest = (slot + 1) % KH_UPLOADS_KEPT;
		unlink_from_bucket(u, slot);
		return slot;
	}
	return NONE;
}

enum kh_err
kh_uploads_add(struct kh_uploads *u, const uint8_t id[static KH_UPLOAD_ID_LEN],
    struct kh_upload **out)
{
	struct kh_upload *up;
	uint32_t slot, b;

	*out = NULL;
	PRECOND(kh_uploads_find(u, id) == NULL);
	slot = free_slot(u);
	if (slot == NONE)
		return KH_EFULL;
	up = &u->ring[slot];
	memset(up, 0, sizeof(*up));
	memcpy(up->id, id, KH_UPLOAD_ID_LEN);
	b = bucket_of(id);
	up->next = u->bucket[b];
	u->bucket[b] = slot;
	*out = up;
	return KH_OK;
}
