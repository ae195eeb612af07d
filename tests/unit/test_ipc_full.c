/*
 * A receiver that has no descriptor left loses the message, and does not take the
 * sender for a liar: the next one is heard.
 */
#include "tests/unit/tap.h"

#include "tests/unit/control.h"

static int pair[2];

/* Receive while no descriptor is free; what kh_ipc_recv says. */
static enum kh_err
receive_in_want(enum kh_role from, struct kh_msg *got)
{
	struct rlimit old = begin_want();
	enum kh_err e;
	int fd = 0;

	e = kh_ipc_recv(pair[1], from, KH_ROLE_STORE, got, &fd);
	end_want(old);
	assert_int_equal(fd, -1);
	return e;
}

static void
test_no_room_for_a_descriptor(void **state)
{
	const struct kh_msg m = {.type = KH_MSG_VISIT};
	struct kh_msg got;
	int i, fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(kh_ipc_pair(pair), KH_OK);
	for (i = 0; i < 3; i++)
		assert_int_equal(kh_ipc_send(pair[0], &m, fd), KH_OK);
	close(fd);
	assert_int_equal(receive_in_want(KH_ROLE_DOOR, &got), KH_EBUSY);
	assert_int_equal(
	    kh_ipc_recv(pair[1], KH_ROLE_DOOR, KH_ROLE_STORE, &got, &fd),
	    KH_OK);
	assert_int_equal(got.type, KH_MSG_VISIT);
	assert_true(fd >= 0);
	close(fd);
	/* Who may not say it at all is a liar all the same. */
	assert_int_equal(receive_in_want(KH_ROLE_VISIT, &got), KH_EPROTO);
	close(pair[0]);
	close(pair[1]);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_no_room_for_a_descriptor),
};

TAP_MAIN(tests)
