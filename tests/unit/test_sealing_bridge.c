/*
 * What a visit takes from the process that runs gpg: one well-formed bridge, and
 * nothing that it could stumble over later.
 */
#include "tests/unit/tap.h"

#include <string.h>
#include <unistd.h>

#include "server/visit/sealing.h"

static struct kh_site site;
static struct kh_counter counter;
static struct kh_visit v;

/* A bridge as wrap makes them. */
static struct kh_msg
good(void)
{
	struct kh_msg m = {.type = KH_MSG_BRIDGED};

	m.u.bridged.n = 3;
	memset(m.u.bridged.fpr, 'A', KH_OPENPGP_FPR_LEN);
	return m;
}

/* What the visit makes of it. */
static enum kh_reason
take(const struct kh_msg *m)
{
	enum kh_reason why;
	int pair[2];

	memset(&site, 0, sizeof(site));
	site.conf.n_outlets = 1;
	site.outlets[0].card.openpgp_n = 1;
	assert_int_equal(kh_ipc_pair(pair), KH_OK);
	assert_int_equal(kh_ipc_send(pair[1], m, -1), KH_OK);
	v = (struct kh_visit){
	    .site = &site, .counter = &counter, .wrap = pair[0]};
	why = kh_sealing_bridges(&v);
	assert_int_equal(v.bridged, why == KH_REASON_NONE ? 1 : 0);
	free(v.bridges);
	close(pair[0]);
	close(pair[1]);
	return why;
}

static void
test_taken(void **state)
{
	struct kh_msg m = good();

	(void)state;
	assert_int_equal(take(&m), KH_REASON_NONE);
	m.u.bridged.n = KH_OPENPGP_MESSAGE_MAX;
	memset(m.u.bridged.fpr, '0', KH_OPENPGP_FPR_LEN);
	assert_int_equal(take(&m), KH_REASON_NONE);
}

static void
test_refused(void **state)
{
	struct kh_msg m = good();

	(void)state;
	m.u.bridged.n = 0;
	assert_int_equal(take(&m), KH_REASON_CLOSED);
	m.u.bridged.n = KH_OPENPGP_MESSAGE_MAX + 1;
	assert_int_equal(take(&m), KH_REASON_CLOSED);
	m = good();
	m.u.bridged.fpr[KH_OPENPGP_FPR_LEN - 1] = '\0';
	assert_int_equal(take(&m), KH_REASON_CLOSED);
	m = good();
	m.u.bridged.fpr[7] = 'g';
	assert_int_equal(take(&m), KH_REASON_CLOSED);
	m.u.bridged.fpr[7] = 'a'; /* the stanza has capitals */
	assert_int_equal(take(&m), KH_REASON_CLOSED);
	/* No end, anywhere. */
	memset(&m.u.bridged.fpr, 'A',
	    sizeof(m.u.bridged) - offsetof(struct kh_bridge, fpr));
	m.u.bridged.n = 3;
	assert_int_equal(take(&m), KH_REASON_CLOSED);
	m = (struct kh_msg){.type = KH_MSG_NO_BRIDGE};
	assert_int_equal(take(&m), KH_REASON_CLOSED);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_taken),
    cmocka_unit_test(test_refused),
};

TAP_MAIN(tests)
