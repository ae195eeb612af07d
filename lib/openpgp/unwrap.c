/*
 * Decrypting with the user's own key, where the user's own gpg has it. Separate
 * because only the desk does it: the server has no secret key.
 */
#include <string.h>

#include "lib/base/precond.h"
#include "lib/openpgp/gpg.h"
#include "lib/openpgp/packets.h"

struct said {
	bool okay, intact;
};

static gpgme_error_t
on_status(void *ctx, const char *keyword, const char *args)
{
	struct said *s = ctx;

	(void)args;
	if (strcmp(keyword, "DECRYPTION_OKAY") == 0)
		s->okay = true;
	else if (strcmp(keyword, "GOODMDC") == 0)
		s->intact = true;
	return 0;
}

static enum kh_err
what_failed(gpgme_error_t err)
{
	switch (gpgme_err_code(err)) {
	case GPG_ERR_NO_SECKEY:
	case GPG_ERR_NO_AGENT:
	case GPG_ERR_CANCELED:
	case GPG_ERR_FULLY_CANCELED:
	case GPG_ERR_BAD_PASSPHRASE:
	case GPG_ERR_BAD_PIN:
	case GPG_ERR_PIN_BLOCKED:
	case GPG_ERR_CARD:
	case GPG_ERR_CARD_NOT_PRESENT:
	case GPG_ERR_CARD_REMOVED:
	case GPG_ERR_NO_PIN_ENTRY:
	case GPG_ERR_TIMEOUT:
		return KH_ENOKEY;
	case GPG_ERR_NO_DATA:
		return KH_EFORMAT;
	case GPG_ERR_BAD_DATA:
	case GPG_ERR_CHECKSUM:
	case GPG_ERR_DECRYPT_FAILED:
		return KH_EAUTH;
	case GPG_ERR_ENOMEM:
		return KH_ENOMEM;
	default:
		return KH_EPROTO;
	}
}

static enum kh_err
unwrap(const struct kh_pgp_job *job, gpgme_ctx_t ctx, struct kh_pgp_result *r)
{
	struct kh_pgp_pipe p = {
	    .in = job->in, .n = job->n, .out = r, .cap = job->max};
	gpgme_data_t in = NULL, out = NULL;
	struct said said = {0};
	gpgme_error_t err;
	enum kh_err e;

	gpgme_set_status_cb(ctx, on_status, &said);
	e = kh_pgp_pipe_in(&p, &in);
	if (e == KH_OK)
		e = kh_pgp_pipe_out(&p, &out);
	if (e == KH_OK) {
		err = gpgme_op_decrypt(ctx, in, out);
		if (p.overflow)
			e = KH_EFORMAT;
		else if (err != 0)
			e = what_failed(err);
		else if (!said.okay || !said.intact || r->n == 0)
			e = KH_EAUTH;
	}
	gpgme_data_release(in);
	gpgme_data_release(out);
	return e;
}

enum kh_err
kh_openpgp_unwrap(const uint8_t *msg, size_t n,
    uint8_t out[static KH_OPENPGP_TEXT_MAX], size_t *out_n)
{
	const struct kh_pgp_job job = {.op = unwrap,
	    .in = msg,
	    .n = n,
	    .max = KH_OPENPGP_TEXT_MAX,
	    .ms = -1};
	struct kh_pgp_result *r;
	struct kh_pgp_packet first;
	const uint8_t *p = msg;
	size_t left = n;
	enum kh_err e;

	PRECOND((msg != NULL || n == 0) && out_n != NULL);
	*out_n = 0;
	/* Nothing else than what we make: no compression, no signature. */
	if (n > KH_OPENPGP_MESSAGE_MAX ||
	    kh_pgp_next(&p, &left, &first) != KH_OK ||
	    first.tag != KH_PGP_PKESK)
		return KH_EFORMAT;
	e = kh_pgp_run(NULL, &job, &r);
	if (e == KH_OK) {
		memcpy(out, r->bytes, r->n);
		*out_n = r->n;
	}
	kh_pgp_result_free(r);
	return e;
}
