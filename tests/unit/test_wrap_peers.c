/*
 * Who the wrap process serves, when it has no descriptor left for a moment: that
 * visit or door goes without, and the next one does not.
 */
#include "tests/unit/tap.h"

#include "server/wrap/wrap.c"

#include "tests/unit/control.h"

static struct kh_wrap w;
static int door; /* the door's end of its channel */
static int keeper; /* the keeper's of the control channel */

static int
set_up(void **state)
{
	int pair[2];

	(void)state;
	memset(&w, 0, sizeof(w));
	w.max = 4;
	keeper = open_control();
	w.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (w.epoll < 0 || kh_ipc_pair(pair) != KH_OK)
		return -1;
	door = pair[0];
	kh_wrap_add(&w, pair[1], KH_WRAP_DOOR);
	return w.n == 1 ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	kh_wrap_drop_all(&w);
	close(w.epoll);
	close(door);
	close(keeper);
	close(KH_ROLE_CONTROL_FD);
	return w.n == 0 ? 0 : -1;
}

/* A visit is announced; returns its end. */
static int
announce(void)
{
	const struct kh_msg m = {.type = KH_MSG_WRAP_VISIT};
	int pair[2];

	assert_int_equal(kh_ipc_pair(pair), KH_OK);
	assert_int_equal(kh_ipc_send(door, &m, pair[1]), KH_OK);
	close(pair[1]);
	return pair[0];
}

/* What has come, from the door or from the keeper, is taken in while no
 * descriptor is free. */
static void
take_in_want(bool from_keeper)
{
	struct rlimit old = begin_want();

	if (from_keeper)
		control_input(&w);
	else
		kh_wrap_input(&w, w.peers);
	end_want(old);
}

static void
test_no_descriptor_for_a_visit(void **state)
{
	int first, second;

	(void)state;
	first = announce();
	take_in_want(false);
	assert_int_equal(w.n, 1); /* the door stays */
	second = announce();
	kh_wrap_input(&w, w.peers);
	assert_int_equal(w.n, 2);
	close(first);
	close(second);
}

/* A new door is announced; that the keeper is gone is something else. */
static void
test_no_descriptor_for_a_door(void **state)
{
	const struct kh_msg m = {.type = KH_MSG_DOOR_LINK};
	int pair[2];

	(void)state;
	assert_int_equal(kh_ipc_pair(pair), KH_OK);
	assert_int_equal(kh_ipc_send(keeper, &m, pair[1]), KH_OK);
	take_in_want(true);
	assert_false(w.keeper_gone);
	assert_int_equal(w.n, 1);
	assert_int_equal(kh_ipc_send(keeper, &m, pair[1]), KH_OK);
	control_input(&w);
	assert_int_equal(w.n, 2);
	close(keeper);
	control_input(&w);
	assert_true(w.keeper_gone);
	keeper = pair[0];
	close(pair[1]);
}

/* Who says what a door may not say is dropped. */
static void
test_a_liar(void **state)
{
	const struct kh_msg m = {.type = KH_MSG_BRIDGE};

	(void)state;
	assert_int_equal(kh_ipc_send(door, &m, -1), KH_OK);
	kh_wrap_input(&w, w.peers);
	assert_int_equal(w.n, 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(
	test_no_descriptor_for_a_visit, set_up, tear_down),
    cmocka_unit_test_setup_teardown(
	test_no_descriptor_for_a_door, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_a_liar, set_up, tear_down),
};

TAP_MAIN(tests)
