/*
 * A door that has no descriptor left when a channel to wrap is brought: it goes
 * on as it is, and does not take its keeper for gone.
 */
#include "tests/unit/tap.h"

#include "server/door/loop.c"

#include "tests/unit/control.h"

static int keeper; /* its end */
static struct kh_loop l;

static int
set_up(void **state)
{
	(void)state;
	memset(&l, 0, sizeof(l));
	l.role = KH_ROLE_DOOR;
	l.listen = l.store = l.wrap = -1;
	keeper = open_control();
	l.epoll = epoll_create1(EPOLL_CLOEXEC);
	return l.epoll < 0 ? -1 : 0;
}

static int
tear_down(void **state)
{
	(void)state;
	close(l.epoll);
	close(KH_ROLE_CONTROL_FD);
	return 0;
}

static void
test_no_descriptor_for_wrap(void **state)
{
	const struct kh_msg m = {.type = KH_MSG_WRAP_LINK};
	struct rlimit old;
	int pair[2];

	(void)state;
	assert_int_equal(kh_ipc_pair(pair), KH_OK);
	assert_int_equal(kh_ipc_send(keeper, &m, pair[1]), KH_OK);
	old = begin_want();
	on_control(&l, NULL);
	end_want(old);
	assert_false(l.leaving);
	assert_int_equal(l.wrap, -1);
	assert_int_equal(kh_ipc_send(keeper, &m, pair[1]), KH_OK);
	on_control(&l, NULL);
	assert_true(l.wrap >= 0);
	close(l.wrap);
	close(pair[0]);
	close(pair[1]);
	close(keeper);
	on_control(&l, NULL);
	assert_true(l.leaving);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(
	test_no_descriptor_for_wrap, set_up, tear_down),
};

TAP_MAIN(tests)
