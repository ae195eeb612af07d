/*
 * What the store remembers of uploads: nothing but the latest, never losing
 * one that is arriving.
 */
#include "tests/unit/tap.h"

#include "server/store/uploads.h"
#include "tests/unit/aborts.h"

static void
make_id(uint32_t i, uint8_t id[static KH_UPLOAD_ID_LEN])
{
	memset(id, 0, KH_UPLOAD_ID_LEN);
	/* Spread over the buckets as random ids are. */
	id[0] = (uint8_t)i;
	id[1] = (uint8_t)(i >> 8);
	memcpy(id + 8, &i, sizeof(i));
}

static struct kh_upload *
find(struct kh_uploads *u, uint32_t i)
{
	uint8_t id[KH_UPLOAD_ID_LEN];

	make_id(i, id);
	return kh_uploads_find(u, id);
}

static void
add(struct kh_uploads *u, uint32_t i, enum kh_upload_state s)
{
	uint8_t id[KH_UPLOAD_ID_LEN];
	struct kh_upload *up = NULL;

	make_id(i, id);
	assert_int_equal(kh_uploads_add(u, id, &up), KH_OK);
	assert_non_null(up);
	assert_memory_equal(up->id, id, sizeof(id));
	assert_int_equal(up->state, KH_UPLOAD_NONE);
	assert_int_equal(up->before, KH_UPLOAD_NONE);
	assert_int_equal(up->object_len, 0);
	up->state = s;
	up->object_len = i + 1;
}

static int
setup(void **state)
{
	struct kh_uploads *u;

	if (kh_uploads_new(&u) != KH_OK)
		return -1;
	*state = u;
	return 0;
}

static int
teardown(void **state)
{
	kh_uploads_free(*state);
	return 0;
}

static void
test_add_and_find(void **state)
{
	struct kh_uploads *u = *state;

	assert_null(find(u, 1));
	add(u, 1, KH_UPLOAD_SEALED);
	add(u, 2, KH_UPLOAD_INCOMPLETE);
	assert_null(find(u, 3));
	assert_int_equal(find(u, 1)->state, KH_UPLOAD_SEALED);
	assert_int_equal(find(u, 1)->object_len, 2);
	assert_int_equal(find(u, 2)->state, KH_UPLOAD_INCOMPLETE);
	find(u, 2)->state = KH_UPLOAD_ARRIVING;
	assert_int_equal(find(u, 2)->state, KH_UPLOAD_ARRIVING);
	assert_ptr_equal(find(u, 2), find(u, 2));
}

/* Ids that share a bucket, and differ in one bit at any place. */
static void
test_ids_that_look_alike(void **state)
{
	struct kh_uploads *u = *state;
	uint8_t id[KH_UPLOAD_ID_LEN];
	struct kh_upload *up;
	unsigned bit;

	memset(id, 0x33, sizeof(id));
	assert_int_equal(kh_uploads_add(u, id, &up), KH_OK);
	for (bit = 0; bit < 8 * sizeof(id); bit++) {
		id[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_null(kh_uploads_find(u, id));
		assert_int_equal(kh_uploads_add(u, id, &up), KH_OK);
		up->object_len = bit;
		id[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (bit = 0; bit < 8 * sizeof(id); bit++) {
		id[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(kh_uploads_find(u, id)->object_len, bit);
		id[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static void
test_the_oldest_make_room(void **state)
{
	struct kh_uploads *u = *state;
	uint32_t i, more = 1000;

	for (i = 0; i < KH_UPLOADS_KEPT; i++)
		add(u, i, KH_UPLOAD_SEALED);
	for (i = 0; i < KH_UPLOADS_KEPT; i++)
		assert_non_null(find(u, i));
	for (i = 0; i < more; i++) {
		add(u, KH_UPLOADS_KEPT + i, KH_UPLOAD_SEALED);
		assert_null(find(u, i));
		assert_non_null(find(u, i + 1));
	}
	for (i = more; i < KH_UPLOADS_KEPT + more; i++)
		assert_int_equal(find(u, i)->object_len, i + 1);
}

/* Several times round: chains stay whole. */
static void
test_round_and_round(void **state)
{
	struct kh_uploads *u = *state;
	uint32_t i, n = 3 * KH_UPLOADS_KEPT + 17;

	for (i = 0; i < n; i++)
		add(u, i * UINT32_C(2654435761), KH_UPLOAD_SEALED);
	for (i = 0; i < n; i++)
		assert_int_equal(find(u, i * UINT32_C(2654435761)) != NULL,
		    i >= n - KH_UPLOADS_KEPT);
}

static void
test_arriving_is_never_forgotten(void **state)
{
	struct kh_uploads *u = *state;
	uint32_t i;

	for (i = 0; i < KH_UPLOADS_KEPT; i++)
		add(u, i, i % 2 == 0 ? KH_UPLOAD_ARRIVING : KH_UPLOAD_SEALED);
	/* As many as there are of the others, three times over. */
	for (i = 0; i < 3 * KH_UPLOADS_KEPT / 2; i++)
		add(u, KH_UPLOADS_KEPT + i, KH_UPLOAD_SEALED);
	for (i = 0; i < KH_UPLOADS_KEPT; i++) {
		assert_int_equal(find(u, i) != NULL, i % 2 == 0);
		if (i % 2 == 0)
			assert_int_equal(find(u, i)->state, KH_UPLOAD_ARRIVING);
	}
}

static void
test_all_are_arriving(void **state)
{
	struct kh_uploads *u = *state;
	uint8_t id[KH_UPLOAD_ID_LEN];
	struct kh_upload *up = (struct kh_upload *)u;
	uint32_t i;

	for (i = 0; i < KH_UPLOADS_KEPT; i++)
		add(u, i, KH_UPLOAD_ARRIVING);
	make_id(KH_UPLOADS_KEPT, id);
	assert_int_equal(kh_uploads_add(u, id, &up), KH_EFULL);
	assert_null(up);
	assert_null(kh_uploads_find(u, id));
	for (i = 0; i < KH_UPLOADS_KEPT; i++)
		assert_non_null(find(u, i));
	/* One of them ends: there is room for one. */
	find(u, 777)->state = KH_UPLOAD_NONE;
	add(u, KH_UPLOADS_KEPT, KH_UPLOAD_ARRIVING);
	assert_null(find(u, 777));
	make_id(KH_UPLOADS_KEPT + 1, id);
	assert_int_equal(kh_uploads_add(u, id, &up), KH_EFULL);
}

static void
add_again(void *ctx)
{
	uint8_t id[KH_UPLOAD_ID_LEN];
	struct kh_upload *up;

	make_id(5, id);
	if (kh_uploads_add(ctx, id, &up) == KH_OK)
		_exit(1);
}

static void
test_twice_is_a_mistake(void **state)
{
	struct kh_uploads *u = *state;

	add(u, 5, KH_UPLOAD_NONE);
	assert_true(aborts(add_again, u));
	kh_uploads_free(NULL);
}

#define WITH_TABLE(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

static const struct CMUnitTest tests[] = {
    WITH_TABLE(test_add_and_find),
    WITH_TABLE(test_ids_that_look_alike),
    WITH_TABLE(test_the_oldest_make_room),
    WITH_TABLE(test_round_and_round),
    WITH_TABLE(test_arriving_is_never_forgotten),
    WITH_TABLE(test_all_are_arriving),
    WITH_TABLE(test_twice_is_a_mistake),
};

TAP_MAIN(tests)
