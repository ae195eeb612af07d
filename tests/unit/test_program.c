/*
 * A program that its own service could change (L39).
 */
#include "tests/unit/tap.h"

#include "server/keeper/keeper.h"

#define ROLE 61101
#define SERVICE 120 /* a system's account */
#define PERSON 1000

static uid_t uids[KH_ROLE_N];

static bool
open_to(mode_t mode, uid_t uid, gid_t gid, uid_t self)
{
	const struct stat sb = {
	    .st_mode = S_IFREG | mode, .st_uid = uid, .st_gid = gid};

	return kh_program_open(&sb, uids, self, (gid_t)self);
}

static void
test_l39_as_root(void **state)
{
	(void)state;
	uids[KH_ROLE_DOOR] = ROLE;
	assert_false(open_to(0755, 0, 0, 0));
	assert_false(open_to(0775, 0, 0, 0)); /* root's group: no role has it */
	assert_false(open_to(0755, PERSON, PERSON, 0));
	assert_false(open_to(0755, 0, ROLE, 0));
	assert_true(open_to(0757, 0, 0, 0));
	assert_true(open_to(0755, ROLE, 0, 0));
	assert_true(open_to(0555, ROLE, 0, 0));
	assert_true(open_to(0775, 0, ROLE, 0));
	assert_false(open_to(01777, 0, 0, 0)); /* a directory such as /tmp */
}

static void
test_l39_as_a_service(void **state)
{
	(void)state;
	memset(uids, 0, sizeof(uids));
	assert_false(open_to(0755, 0, 0, SERVICE));
	assert_false(open_to(0775, 0, 0, SERVICE));
	assert_true(open_to(0755, SERVICE, SERVICE, SERVICE));
	assert_true(open_to(0775, 0, SERVICE, SERVICE));
	assert_true(open_to(0757, 0, 0, SERVICE));
	/* Somebody tries what he has built. */
	assert_false(open_to(0775, PERSON, PERSON, PERSON));
	assert_true(open_to(0777, PERSON, PERSON, PERSON));
}

static void
test_l39_this_one(void **state)
{
	(void)state;
	memset(uids, 0, sizeof(uids));
	assert_int_equal(kh_program_check(uids), KH_EXIT_OK);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_l39_as_root),
    cmocka_unit_test(test_l39_as_a_service),
    cmocka_unit_test(test_l39_this_one),
};

TAP_MAIN(tests)
