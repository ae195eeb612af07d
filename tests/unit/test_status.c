/*
 * What the shared table says of an upload.
 */
#include "tests/unit/tap.h"

#include "server/visit/status.h"

#define LINES 5

static struct kh_counter table[LINES];
static struct kh_visit v;
static uint8_t id[KH_UPLOAD_ID_LEN], other[KH_UPLOAD_ID_LEN];

static int
setup(void **state)
{
	(void)state;
	memset(table, 0, sizeof(table));
	memset(&v, 0, sizeof(v));
	memset(id, 0x11, sizeof(id));
	memset(other, 0x11, sizeof(other));
	other[KH_UPLOAD_ID_LEN - 1] = 0x12;
	v.table = table;
	v.n_table = LINES;
	v.counter = &table[2];
	return 0;
}

/* Line `i` is an upload's, and has come so far. */
static void
upload(size_t i, const uint8_t *which, enum kh_progress_state s)
{
	v.counter = &table[i];
	v.head.length = 1000 + i;
	kh_upload_announce(&v, which);
	kh_upload_state(&v, s, KH_REASON_NONE);
}

static void
display(size_t i, const uint8_t *which)
{
	uint64_t halves[2];

	memcpy(halves, which, sizeof(halves));
	atomic_store(&table[i].upload[0], halves[0]);
	atomic_store(&table[i].upload[1], halves[1]);
	atomic_store(&table[i].phase, KH_PHASE_STATUS);
}

static bool
look(struct kh_progress *p, size_t *line)
{
	memset(p, 0x77, sizeof(*p));
	*line = LINES;
	return kh_status_look(table, LINES, id, p, line);
}

static void
test_nobody(void **state)
{
	struct kh_progress p;
	size_t line;

	(void)state;
	assert_false(look(&p, &line));
	upload(1, other, KH_PROGRESS_ARRIVING);
	assert_false(look(&p, &line));
	display(3, id); /* a display is no upload */
	assert_false(look(&p, &line));
	/* Nor is an id of zeros one that has not been written. */
	memset(id, 0, sizeof(id));
	assert_false(look(&p, &line));
}

static void
test_what_it_says(void **state)
{
	struct kh_progress p;
	size_t line;

	(void)state;
	upload(4, id, KH_PROGRESS_ARRIVING);
	atomic_store(&table[4].bytes, 77);
	atomic_store(&table[4].files, 2);
	atomic_store(&table[4].begun, 3);
	assert_true(look(&p, &line));
	assert_int_equal(line, 4);
	assert_int_equal(p.state, KH_PROGRESS_ARRIVING);
	assert_int_equal(p.why, KH_REASON_NONE);
	assert_int_equal(p.done, 77);
	assert_int_equal(p.all, 1004);
	assert_int_equal(p.files, 2);
	assert_int_equal(p.begun, 3);
	kh_upload_state(&v, KH_PROGRESS_REFUSED, KH_REASON_FULL);
	assert_true(look(&p, &line));
	assert_int_equal(p.state, KH_PROGRESS_REFUSED);
	assert_int_equal(p.why, KH_REASON_FULL);
}

/* A browser that sends again: the try that goes on counts, whether its line
 * is before or behind that of the one that has ended. */
static void
test_a_running_try_counts(void **state)
{
	static const enum kh_progress_state ended[] = {KH_PROGRESS_SEALED,
	    KH_PROGRESS_CUT, KH_PROGRESS_REFUSED, KH_PROGRESS_ENDED};
	static const enum kh_progress_state running[] = {
	    KH_PROGRESS_ARRIVING, KH_PROGRESS_SEALING};
	struct kh_progress p;
	size_t line, i, k;

	(void)state;
	for (i = 0; i < 4; i++) {
		for (k = 0; k < 2; k++) {
			setup(NULL);
			upload(1, id, ended[i]);
			upload(3, id, running[k]);
			assert_true(look(&p, &line));
			assert_int_equal(line, 3);
			assert_int_equal(p.state, running[k]);
			setup(NULL);
			upload(1, id, running[k]);
			upload(3, id, ended[i]);
			assert_true(look(&p, &line));
			assert_int_equal(line, 1);
			assert_int_equal(p.state, running[k]);
			/* When none goes on, one that has ended. */
			upload(1, id, ended[i]);
			assert_true(look(&p, &line));
			assert_true(p.state >= KH_PROGRESS_SEALED ||
			    ended[i] == KH_PROGRESS_ENDED);
		}
	}
}

/* A visit that was taken over writes what it likes into its line: nothing of
 * that is used as an index. */
static void
test_values_that_do_not_exist(void **state)
{
	static const uint32_t values[] = {KH_PROGRESS_ENDED,
	    KH_PROGRESS_ENDED + 1, KH_REASON_N, KH_REASON_N + 1, 255, INT32_MAX,
	    UINT32_MAX};
	struct kh_progress p;
	size_t line, i;

	(void)state;
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		upload(0, id, KH_PROGRESS_ARRIVING);
		atomic_store(&table[0].state, values[i]);
		assert_true(look(&p, &line));
		assert_true(p.state < KH_PROGRESS_ENDED);
		atomic_store(&table[0].why, values[i]);
		assert_true(look(&p, &line));
		assert_true(p.why < KH_REASON_N);
		if (values[i] >= KH_REASON_N)
			assert_int_equal(p.why, KH_REASON_FAILED);
	}
}

/* The line of a try that has ended stays for a while: a later one is not hidden
 * by it, whichever of them is found first. */
static void
test_the_try_that_came_furthest(void **state)
{
	static const enum kh_progress_state order[] = {
	    KH_PROGRESS_SEALED, KH_PROGRESS_CUT, KH_PROGRESS_REFUSED};
	struct kh_progress p;
	size_t line, i, k;

	(void)state;
	for (i = 0; i < 3; i++) {
		for (k = 0; k < 3; k++) {
			setup(NULL);
			upload(1, id, order[i]);
			upload(3, id, order[k]);
			assert_true(look(&p, &line));
			assert_int_equal(p.state, order[i < k ? i : k]);
			assert_int_equal(line, i <= k ? 1 : 3);
		}
	}
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup(test_nobody, setup),
    cmocka_unit_test_setup(test_what_it_says, setup),
    cmocka_unit_test_setup(test_a_running_try_counts, setup),
    cmocka_unit_test_setup(test_values_that_do_not_exist, setup),
    cmocka_unit_test_setup(test_the_try_that_came_furthest, setup),
};

TAP_MAIN(tests)
