/*
 * gpg through GPGME, in a process of its own.
 */
#ifndef KNOTHOLE_OPENPGP_GPG_H
#define KNOTHOLE_OPENPGP_GPG_H

#include <gpgme.h>

#include "knothole/openpgp.h"

#define KH_OPENPGP_MS 10000 /* gpg takes 5; longer and it hangs */

struct kh_openpgp {
	char *gpg; /* or NULL */
	char *home; /* absolute */
	int dir; /* of a home that is ours to remove, or -1 */
};

/* What comes back from the process; it is in memory that both share. */
struct kh_pgp_result {
	enum kh_err e;
	bool done; /* it has got as far as to say so */
	struct kh_openpgp_key key;
	size_t n;
	uint8_t bytes[KH_OPENPGP_MESSAGE_MAX];
};

/* What goes in: the operation, and what it works on. */
struct kh_pgp_job {
	enum kh_err (*op)(const struct kh_pgp_job *job, gpgme_ctx_t ctx,
	    struct kh_pgp_result *r);
	const uint8_t *in;
	size_t n;
	const char *name; /* of the recipient's file */
	const struct kh_openpgp_key *who;
	size_t max; /* bytes that it may give, KH_OPENPGP_MESSAGE_MAX at most */
	int ms; /* time limit, or -1 */
};

/*
 * Run it. `r` is in locked memory; kh_pgp_result_free wipes it.
 *	g	NULL: the user's own gpg, home and agent
 * Errors: KH_EPROTO it died, was late, or says what cannot be; KH_EUNSUP there is no gpg; KH_ENOMEM,
 * KH_ESYS; and what the operation returned. *r is NULL then.
 */
KH_CHECKED enum kh_err kh_pgp_run(const struct kh_openpgp *g,
    const struct kh_pgp_job *job, struct kh_pgp_result **r);
void kh_pgp_result_free(struct kh_pgp_result *r);

/* Input that remembers how much of it was taken, output that is bounded. */
struct kh_pgp_pipe {
	const uint8_t *in;
	size_t n, taken;
	bool ended; /* the end of the input was seen */
	struct kh_pgp_result *out;
	size_t cap;
	bool overflow;
};
KH_CHECKED enum kh_err kh_pgp_pipe_in(struct kh_pgp_pipe *p, gpgme_data_t *d);
KH_CHECKED enum kh_err kh_pgp_pipe_out(struct kh_pgp_pipe *p, gpgme_data_t *d);

#endif
