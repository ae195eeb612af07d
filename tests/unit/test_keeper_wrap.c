/*
 * What the process that runs gpg says of a card's key: the keeper takes nothing
 * from it that it could not act upon.
 */
#include "tests/unit/tap.h"

#include <string.h>
#include <time.h>

#include "knothole/openpgp.h"
#include "server/keeper/keeper.h"

static struct kh_msg_outlet outlet = {.id = "daily"};
static const struct kh_keeper k = {.site.n_outlets = 1,
    .config = {.newsrooms = "newsrooms", .gpg = "gpg"},
    .outlets = &outlet};

static struct kh_msg_wrap_key
said(int64_t expires)
{
	struct kh_msg_wrap_key m = {.place = 0,
	    .err = KH_OK,
	    .verdict = KH_OPENPGP_OK,
	    .expires = expires};

	memset(m.fpr, 'A', KH_OPENPGP_FPR_LEN);
	return m;
}

static void
test_taken(void **state)
{
	const int64_t now = (int64_t)time(NULL);
	const int64_t ends[] = {0, now - 1, now + 86400, now + 864000000};
	struct kh_msg_wrap_key m;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		m = said(ends[i]);
		assert_true(kh_wrap_key(&k, &m));
	}
}

static void
test_refused(void **state)
{
	struct kh_msg_wrap_key m;

	(void)state;
	m = said(-1);
	assert_false(kh_wrap_key(&k, &m));
	m = said(INT64_MIN);
	assert_false(kh_wrap_key(&k, &m));
	m = said(0);
	m.place = 1;
	assert_false(kh_wrap_key(&k, &m));
	m = said(0);
	m.verdict = KH_OPENPGP_VERDICT_N;
	assert_false(kh_wrap_key(&k, &m));
	m = said(0);
	m.verdict = KH_OPENPGP_REVOKED;
	assert_false(kh_wrap_key(&k, &m));
	m = said(0);
	m.err = KH_EUNSUP;
	assert_false(kh_wrap_key(&k, &m));
	/* Errors and names that nobody has. */
	m.err = UINT32_MAX;
	memset(m.fpr, 'A', sizeof(m.fpr));
	assert_false(kh_wrap_key(&k, &m));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_taken),
    cmocka_unit_test(test_refused),
};

TAP_MAIN(tests)
