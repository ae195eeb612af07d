/*
 * The process that gpg is run by says what it likes: none of it is believed
 * that could not be true.
 */
#include "tests/unit/tap.h"

#include <string.h>

#include "lib/openpgp/gpg.h"

#define MAX 100

/* Ops, in the other process. */
static enum kh_err
honest(const struct kh_pgp_job *job, gpgme_ctx_t ctx, struct kh_pgp_result *r)
{
	(void)ctx;
	r->n = job->max;
	memset(r->bytes, 'x', r->n);
	return KH_OK;
}

static enum kh_err
too_long(const struct kh_pgp_job *job, gpgme_ctx_t ctx, struct kh_pgp_result *r)
{
	(void)ctx;
	r->n = job->max + 1;
	return KH_OK;
}

static enum kh_err
far_too_long(
    const struct kh_pgp_job *job, gpgme_ctx_t ctx, struct kh_pgp_result *r)
{
	(void)job;
	(void)ctx;
	r->n = SIZE_MAX;
	return KH_OK;
}

static enum kh_err
no_end(const struct kh_pgp_job *job, gpgme_ctx_t ctx, struct kh_pgp_result *r)
{
	(void)job;
	(void)ctx;
	memset(&r->key, 'A', sizeof(r->key));
	r->key.verdict = KH_OPENPGP_OK;
	r->key.expires = 0;
	return KH_OK;
}

static enum kh_err
no_verdict(
    const struct kh_pgp_job *job, gpgme_ctx_t ctx, struct kh_pgp_result *r)
{
	(void)job;
	(void)ctx;
	r->key.verdict = KH_OPENPGP_VERDICT_N;
	return KH_OK;
}

static enum kh_err
before_time(
    const struct kh_pgp_job *job, gpgme_ctx_t ctx, struct kh_pgp_result *r)
{
	(void)job;
	(void)ctx;
	r->key.expires = -1;
	return KH_OK;
}

static enum kh_err
no_error(const struct kh_pgp_job *job, gpgme_ctx_t ctx, struct kh_pgp_result *r)
{
	(void)job;
	(void)ctx;
	(void)r;
	return (enum kh_err)KH_ERR_N;
}

static void
test_what_is_believed(void **state)
{
	static const struct {
		enum kh_err (*op)(const struct kh_pgp_job *job, gpgme_ctx_t ctx,
		    struct kh_pgp_result *r);
		enum kh_err want;
	} cases[] = {
	    {honest, KH_OK},
	    {too_long, KH_EPROTO},
	    {far_too_long, KH_EPROTO},
	    {no_end, KH_EPROTO},
	    {no_verdict, KH_EPROTO},
	    {before_time, KH_EPROTO},
	    {no_error, KH_EPROTO},
	};
	struct kh_pgp_result *r;
	struct kh_openpgp *g;
	size_t i;

	(void)state;
	assert_int_equal(kh_openpgp_new(&g, NULL), KH_OK);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct kh_pgp_job job = {
		    .op = cases[i].op, .max = MAX, .ms = KH_OPENPGP_MS};
		enum kh_err e = kh_pgp_run(g, &job, &r);

		if (e != cases[i].want)
			fail_msg("case %zu: error %d", i, e);
		assert_true((r != NULL) == (e == KH_OK));
		kh_pgp_result_free(r);
	}
	kh_openpgp_free(g);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_what_is_believed),
};

TAP_MAIN(tests)
