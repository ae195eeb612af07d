/*
 * Encrypting to one key. What makes it count is not what GPGME returns (L13),
 * but all of: gpg said END_ENCRYPTION, took all of its input, nobody else was a
 * recipient, and the output has the packets of a message to that very key.
 */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/precond.h"
#include "lib/openpgp/gpg.h"
#include "lib/openpgp/packets.h"

struct said {
	bool begin, end, refused;
};

static gpgme_error_t
on_status(void *ctx, const char *keyword, const char *args)
{
	struct said *s = ctx;

	(void)args;
	if (strcmp(keyword, "BEGIN_ENCRYPTION") == 0)
		s->begin = true;
	else if (strcmp(keyword, "END_ENCRYPTION") == 0)
		s->end = s->begin;
	else if (strcmp(keyword, "INV_RECP") == 0)
		s->refused = true;
	return 0;
}

/* The last 8 bytes of a version 4 fingerprint. */
static bool
key_id(const char *fpr, uint8_t id[static KH_PGP_KEY_ID_LEN])
{
	const size_t digits = (size_t)2 * KH_PGP_KEY_ID_LEN;
	size_t n = 0;

	return strlen(fpr) == KH_OPENPGP_FPR_LEN &&
	    sodium_hex2bin(id, KH_PGP_KEY_ID_LEN,
		fpr + KH_OPENPGP_FPR_LEN - digits, digits, NULL, &n,
		NULL) == 0 &&
	    n == KH_PGP_KEY_ID_LEN;
}

static enum kh_err
encrypt(gpgme_ctx_t ctx, const struct kh_pgp_job *job, struct kh_pgp_pipe *p)
{
	const gpgme_encrypt_flags_t flags = GPGME_ENCRYPT_ALWAYS_TRUST |
	    GPGME_ENCRYPT_NO_ENCRYPT_TO | GPGME_ENCRYPT_NO_COMPRESS;
	gpgme_data_t in = NULL, out = NULL;
	char to[KH_PATH_MAX + 16];
	struct said said = {0};
	enum kh_err e;
	int n;

	n = snprintf(to, sizeof(to), "--file\n%s\n", job->name);
	if (n < 0 || (size_t)n >= sizeof(to))
		return KH_ELIMIT;
	gpgme_set_status_cb(ctx, on_status, &said);
	e = kh_pgp_pipe_in(p, &in);
	if (e == KH_OK)
		e = kh_pgp_pipe_out(p, &out);
	if (e == KH_OK &&
	    gpgme_op_encrypt_ext(ctx, NULL, to, flags, in, out) != 0)
		e = said.refused ? KH_EKEY : KH_EPROTO;
	if (e == KH_OK &&
	    (!said.end || said.refused || p->taken != p->n || !p->ended ||
		p->overflow || p->out->n == 0))
		e = KH_EPROTO;
	gpgme_data_release(in);
	gpgme_data_release(out);
	return e;
}

static enum kh_err
wrap(const struct kh_pgp_job *job, gpgme_ctx_t ctx, struct kh_pgp_result *r)
{
	struct kh_pgp_pipe p = {
	    .in = job->in, .n = job->n, .out = r, .cap = job->max};
	uint8_t id[KH_PGP_KEY_ID_LEN];
	enum kh_err e;

	if (!key_id(job->who->subkey, id))
		return KH_EKEY;
	gpgme_set_armor(ctx, 0);
	e = encrypt(ctx, job, &p);
	if (e == KH_OK && !kh_pgp_message_to(r->bytes, r->n, id))
		e = KH_EPROTO;
	return e;
}

enum kh_err
kh_openpgp_wrap_to(const struct kh_openpgp *g, unsigned place,
    const struct kh_openpgp_key *who, const void *text, size_t len,
    uint8_t out[static KH_OPENPGP_MESSAGE_MAX], size_t *out_n)
{
	char name[KH_PATH_MAX];
	struct kh_pgp_job job = {.op = wrap,
	    .in = text,
	    .n = len,
	    .name = name,
	    .who = who,
	    .max = KH_OPENPGP_MESSAGE_MAX,
	    .ms = KH_OPENPGP_MS};
	struct kh_pgp_result *r;
	enum kh_err e;
	int n;

	PRECOND(g != NULL && who != NULL && who->verdict == KH_OPENPGP_OK);
	PRECOND(text != NULL && len > 0 && len <= KH_OPENPGP_TEXT_MAX);
	PRECOND(out_n != NULL);
	*out_n = 0;
	n = snprintf(name, sizeof(name), "%s/%u.pgp", g->home, place);
	if (n < 0 || (size_t)n >= sizeof(name))
		return KH_ELIMIT;
	e = kh_pgp_run(g, &job, &r);
	if (e == KH_OK) {
		memcpy(out, r->bytes, r->n);
		*out_n = r->n;
	}
	kh_pgp_result_free(r);
	return e;
}

enum kh_err
kh_openpgp_place(const struct kh_openpgp *g, const uint8_t *key, size_t n)
{
	PRECOND(g != NULL && g->dir >= 0 && key != NULL);
	return kh_openpgp_home_key(g->dir, 0, key, n);
}

enum kh_err
kh_openpgp_wrap(const struct kh_openpgp *g, const uint8_t *key, size_t n,
    const struct kh_openpgp_key *who, const void *text, size_t len,
    uint8_t out[static KH_OPENPGP_MESSAGE_MAX], size_t *out_n)
{
	enum kh_err e;

	*out_n = 0;
	e = kh_openpgp_place(g, key, n);
	return e == KH_OK ? kh_openpgp_wrap_to(g, 0, who, text, len, out, out_n)
			  : e;
}
