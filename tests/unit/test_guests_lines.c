/*
 * The line of an upload whose visit has gone stays in the table until its display
 * has seen how it ended, and is in nobody's way.
 */
#include "tests/unit/tap.h"

#include "server/page/page.h"
#include "tests/unit/guests.h"

static void
is_upload(size_t i, uint64_t id, uint32_t state)
{
	atomic_store(&g.counter[i].upload[0], 7);
	atomic_store(&g.counter[i].upload[1], id);
	atomic_store(&g.counter[i].state, state);
	atomic_store(&g.counter[i].claim, 5);
	atomic_store(&g.counter[i].share, 3);
}

static void
is_display(size_t i, uint64_t id)
{
	atomic_store(&g.counter[i].upload[0], 7);
	atomic_store(&g.counter[i].upload[1], id);
	phase(i, KH_PHASE_STATUS);
}

static bool
line_is_free(size_t i)
{
	return atomic_load(&g.counter[i].taken) == 0 &&
	    atomic_load(&g.counter[i].state) == 0 &&
	    atomic_load(&g.counter[i].upload[1]) == 0;
}

/* How an upload ended is there for its display when its visit has gone, and
 * nobody's share of anything. */
static void
test_a_line_stays_for_its_display(void **state)
{
	const size_t up = enter(START), shown = enter(START);

	(void)state;
	is_upload(up, 1, KH_PROGRESS_REFUSED);
	is_display(shown, 1);
	leave(up);
	assert_int_equal(g.n, 1);
	assert_int_equal(
	    atomic_load(&g.counter[up].state), KH_PROGRESS_REFUSED);
	assert_int_equal(atomic_load(&g.counter[up].claim), 0);
	assert_int_equal(atomic_load(&g.counter[up].share), 0);
	kh_guests_deadlines(&g, START + S(4));
	assert_false(line_is_free(up));
	/* Until it has been seen, ... */
	atomic_store(&g.counter[up].noted, 1);
	kh_guests_deadlines(&g, START + S(4));
	assert_true(line_is_free(up));
	/* or for some seconds, */
	assert_int_equal(enter(START), up);
	is_upload(up, 1, KH_PROGRESS_SEALED);
	leave(up);
	assert_false(line_is_free(up));
	kh_guests_deadlines(&g, START + S(5));
	assert_true(line_is_free(up));
	/* or for as long as there is a display, */
	assert_int_equal(enter(START), up);
	is_upload(up, 1, KH_PROGRESS_CUT);
	leave(up);
	assert_false(line_is_free(up));
	leave(shown);
	assert_true(line_is_free(up));
	assert_true(line_is_free(shown));
}

/* Nobody wants to know, or there is nothing to be known: it goes at once. */
static void
test_a_line_that_nobody_waits_for(void **state)
{
	const size_t up = enter(START), shown = enter(START);

	(void)state;
	is_display(shown, 2); /* of another one */
	is_upload(up, 1, KH_PROGRESS_SEALED);
	leave(up);
	assert_true(line_is_free(up));
	assert_int_equal(enter(START), up);
	is_display(shown, 1);
	is_upload(up, 1, KH_PROGRESS_ARRIVING); /* it was killed */
	leave(up);
	assert_true(line_is_free(up));
	assert_int_equal(enter(START), up);
	phase(shown, KH_PHASE_REPLY); /* no display any more */
	is_upload(up, 1, KH_PROGRESS_SEALED);
	leave(up);
	assert_true(line_is_free(up));
}

/* It is in nobody's way. */
static void
test_a_line_gives_way(void **state)
{
	size_t up = 0, i;

	(void)state;
	is_display(enter(START), 1);
	for (i = 1; i < PLACES; i++)
		up = enter(START);
	is_upload(up, 1, KH_PROGRESS_SEALED);
	leave(up);
	assert_false(line_is_free(up));
	assert_int_equal(enter(START), up);
	assert_int_equal(atomic_load(&g.counter[up].state), 0);
	assert_int_equal(kh_guests_place(&g), -1);
	/* The last door's, too, when it ends. */
	is_upload(up, 1, KH_PROGRESS_SEALED);
	leave(up);
	kh_guests_unpark(&g, INT64_MAX);
	assert_true(line_is_free(up));
}

static const struct CMUnitTest tests[] = {
    WITH_DOOR(test_a_line_stays_for_its_display),
    WITH_DOOR(test_a_line_that_nobody_waits_for),
    WITH_DOOR(test_a_line_gives_way),
};

TAP_MAIN(tests)
