/*
 * What the visits of one circuit share: bodies under way, told from the table
 * that others write too.
 */
#include "tests/unit/tap.h"

#include <string.h>

#include "server/visit/share.h"

#define VISITS 6
#define MOST 1000 /* max_upload */

static struct kh_counter table[VISITS];
static struct kh_site site;
static struct kh_visit v[VISITS];

static int
setup(void **state)
{
	size_t i;

	(void)state;
	memset(table, 0, sizeof(table));
	memset(v, 0, sizeof(v));
	site.conf.max_upload = MOST;
	for (i = 0; i < VISITS; i++) {
		v[i].site = &site;
		v[i].table = table;
		v[i].n_table = VISITS;
		v[i].counter = &table[i];
	}
	return 0;
}

static void
test_without_circuits_nothing_is_shared(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < VISITS; i++) {
		assert_true(kh_share_claim(&v[i], MOST));
		assert_int_equal(atomic_load(&table[i].form), 1);
	}
}

static void
test_l22_two_of_the_largest(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < VISITS; i++)
		atomic_store(&table[i].share, i < 4 ? 77 : 78);
	assert_true(kh_share_claim(&v[0], MOST));
	assert_true(kh_share_claim(&v[1], MOST));
	assert_false(kh_share_claim(&v[2], 1));
	/* What was refused does not count, and nor does another circuit's. */
	assert_int_equal(atomic_load(&table[2].claim), 0);
	assert_true(kh_share_claim(&v[4], MOST));
	assert_true(kh_share_claim(&v[2], 0));
	/* One ends, and its line is empty. */
	memset(&table[0], 0, sizeof(table[0]));
	assert_true(kh_share_claim(&v[3], MOST));
	assert_false(kh_share_claim(&v[2], 1));
}

static void
test_what_others_write_does_no_harm(void **state)
{
	(void)state;
	atomic_store(&table[0].share, 77);
	atomic_store(&table[1].share, 77);
	atomic_store(&table[2].share, 77);
	atomic_store(&table[1].claim, UINT64_MAX);
	atomic_store(&table[2].claim, UINT64_MAX);
	assert_false(kh_share_claim(&v[0], 10));
}

static void
test_a_circuit_without_forms(void **state)
{
	(void)state;
	v[0].formless = true;
	assert_false(kh_share_claim(&v[0], 1));
	/* It was tried, so it is not given back. */
	assert_int_equal(atomic_load(&table[0].form), 1);
	assert_int_equal(atomic_load(&table[0].claim), 0);
}

#define T(f) cmocka_unit_test_setup(f, setup)

static const struct CMUnitTest tests[] = {
    T(test_without_circuits_nothing_is_shared),
    T(test_l22_two_of_the_largest),
    T(test_what_others_write_does_no_harm),
    T(test_a_circuit_without_forms),
};

TAP_MAIN(tests)
