/*
 * What the tests of settling share: a store with objects of all sizes and some
 * answers, and the check that all of it is there and nothing else.
 */
#ifndef KH_TESTS_SETTLE_H
#define KH_TESTS_SETTLE_H

#include "tests/unit/store_faults.h"

#define N 9
#define BIG (3 * 1048576 + 77) /* several steps, and not a whole one */

static uint8_t ids[N][KH_OBJECT_ID_LEN];
static const size_t sizes[N] = {
    65536, 1, BIG, 65536, 70000, PIECE, PIECE + 1, 1 << 20, 65536};

static void
path_of_id(unsigned i, char path[static 256])
{
	char name[KH_OBJECT_NAME_LEN + 1];

	kh_object_name(ids[i], name);
	snprintf(path, 256, "%s/%s", objects, name);
}

/* Object i: sizes[i] bytes, all of them i. */
static void
put_object(struct kh_store *st, unsigned i)
{
	uint8_t *p = malloc(sizes[i]);
	struct kh_draft *d;

	assert_non_null(p);
	memset(p, (int)i, sizes[i]);
	assert_int_equal(kh_store_draft(st, &d), KH_OK);
	assert_int_equal(kh_write_all(kh_draft_fd(d), p, sizes[i]), KH_OK);
	assert_int_equal(kh_store_commit(st, d, ids[i]), KH_OK);
	free(p);
}

static void
slot(unsigned i, char name[static KH_SLOT_NAME_LEN + 1])
{
	memset(name, '0' + (int)i, KH_SLOT_NAME_LEN);
	name[KH_SLOT_NAME_LEN] = '\0';
}

static void
put_answer(struct kh_store *st, unsigned i)
{
	char name[KH_SLOT_NAME_LEN + 1];
	uint8_t p[4096];

	slot(i, name);
	memset(p, (int)i, sizeof(p));
	assert_int_equal(kh_store_answer_put(st, name, p, sizeof(p)), KH_OK);
}

static struct kh_store *
filled(void)
{
	struct kh_store *st = open_store();
	unsigned i;

	assert_int_equal(kh_settle_sweep(st), KH_OK);
	assert_false(kh_settle_due(st));
	for (i = 0; i < N; i++)
		put_object(st, i);
	for (i = 0; i < 3; i++)
		put_answer(st, i);
	assert_true(kh_settle_due(st));
	return st;
}

static void
check_file(const char *path, uint8_t value, size_t size)
{
	uint8_t *p = malloc(size + 1);
	struct stat sb;
	size_t n, i;
	int fd;

	assert_non_null(p);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail_msg("%s is gone", path);
	assert_int_equal(fstat(fd, &sb), 0);
	assert_int_equal(sb.st_mode, S_IFREG | 0400);
	assert_int_equal(sb.st_nlink, 1);
	assert_int_equal(kh_read_upto(fd, p, size + 1, &n), KH_OK);
	assert_int_equal(n, size);
	for (i = 0; i < n; i++) {
		if (p[i] != value)
			fail_msg("%s is damaged at %zu", path, i);
	}
	close(fd);
	free(p);
	check_fixed_mtime(path);
}

/* All of it is there, whole, and nothing else is. */
static void
check_all(void)
{
	char path[256], name[KH_SLOT_NAME_LEN + 1];
	unsigned i;

	for (i = 0; i < N; i++) {
		path_of_id(i, path);
		check_file(path, (uint8_t)i, sizes[i]);
	}
	assert_int_equal(count_objects(), N);
	for (i = 0; i < 3; i++) {
		slot(i, name);
		snprintf(path, sizeof(path), "%s/%s", replies, name);
		check_file(path, (uint8_t)i, 4096);
	}
}

static enum kh_err
settle(struct kh_store *st, bool mix)
{
	struct kh_settle *s;
	enum kh_err e;

	e = kh_settle_begin(st, mix, &s);
	if (e != KH_OK) {
		assert_null(s);
		return e;
	}
	do
		e = kh_settle_step(s, 0);
	while (e == KH_EAGAIN);
	kh_settle_free(s);
	return e;
}

static int
set_up_in_memory(void **state)
{
	in_memory = true;
	return set_up(state);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up_in_memory, tear_down)

#endif
