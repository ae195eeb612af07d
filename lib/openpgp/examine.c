/*
 * Examining a key. gpg checks the signatures that hold it together, without
 * taking the key anywhere; which keys we take is decided here.
 */
#include <string.h>

#include "lib/base/precond.h"
#include "lib/openpgp/gpg.h"
#include "lib/openpgp/packets.h"

/* What a key's algorithm is called: "rsa4096", "cv25519". */
static void
name_algorithm(const gpgme_subkey_t k, char out[KH_OPENPGP_ALGORITHM_MAX + 1])
{
	char *name = gpgme_pubkey_algo_string(k);

	memset(out, 0, KH_OPENPGP_ALGORITHM_MAX + 1);
	if (name != NULL)
		memcpy(out, name, strnlen(name, KH_OPENPGP_ALGORITHM_MAX));
	gpgme_free(name);
}

/* RSA that is long enough, or one of the curves. `edwards`: for signing. */
static enum kh_openpgp_verdict
judge_algorithm(const gpgme_subkey_t k, const char *edwards)
{
	static const char *const nist[] = {"nistp256", "nistp384"};
	size_t i;

	if (k->pubkey_algo == GPGME_PK_RSA) {
		if (k->length < KH_OPENPGP_RSA_MIN)
			return KH_OPENPGP_WEAK;
		return k->length <= KH_OPENPGP_RSA_MAX ? KH_OPENPGP_OK
						       : KH_OPENPGP_ALGORITHM;
	}
	if (k->pubkey_algo != GPGME_PK_ECDH &&
	    k->pubkey_algo != GPGME_PK_ECDSA &&
	    k->pubkey_algo != GPGME_PK_EDDSA)
		return KH_OPENPGP_ALGORITHM;
	if (k->curve == NULL)
		return KH_OPENPGP_ALGORITHM;
	for (i = 0; i < sizeof(nist) / sizeof(nist[0]); i++) {
		if (strcmp(k->curve, nist[i]) == 0)
			return KH_OPENPGP_OK;
	}
	return strcmp(k->curve, edwards) == 0 ? KH_OPENPGP_OK
					      : KH_OPENPGP_ALGORITHM;
}

/* The one that gpg will take: the newest that can be used today. */
static gpgme_subkey_t
find_encrypting(const gpgme_key_t key)
{
	gpgme_subkey_t k, best = NULL;

	for (k = key->subkeys; k != NULL; k = k->next) {
		if (!k->can_encrypt || k->revoked || k->expired || k->invalid ||
		    k->disabled)
			continue;
		if (best == NULL || k->timestamp > best->timestamp)
			best = k;
	}
	return best;
}

/* Why nothing in it encrypts. */
static enum kh_openpgp_verdict
why_not(const gpgme_key_t key, bool weak_digest)
{
	enum kh_openpgp_verdict v =
	    weak_digest ? KH_OPENPGP_SHA1 : KH_OPENPGP_SIGN_ONLY;
	gpgme_subkey_t k;

	for (k = key->subkeys; k != NULL; k = k->next) {
		if (!k->can_encrypt)
			continue;
		if (k->revoked)
			return KH_OPENPGP_REVOKED;
		if (k->expired)
			v = KH_OPENPGP_EXPIRED;
	}
	return v;
}

static void
describe(
    const gpgme_key_t key, const gpgme_subkey_t enc, struct kh_openpgp_key *out)
{
	const gpgme_subkey_t primary = key->subkeys;

	if (primary->fpr != NULL && strlen(primary->fpr) == KH_OPENPGP_FPR_LEN)
		memcpy(out->fpr, primary->fpr, sizeof(out->fpr));
	if (key->uids != NULL && key->uids->uid != NULL)
		memcpy(out->uid, key->uids->uid,
		    strnlen(key->uids->uid, KH_OPENPGP_UID_MAX));
	if (primary->expires > 0)
		out->expires = primary->expires;
	name_algorithm(enc != NULL ? enc : primary, out->algorithm);
	if (enc == NULL)
		return;
	if (enc->fpr != NULL && strlen(enc->fpr) == KH_OPENPGP_FPR_LEN)
		memcpy(out->subkey, enc->fpr, sizeof(out->subkey));
	if (enc->expires > 0 &&
	    (out->expires == 0 || enc->expires < out->expires))
		out->expires = enc->expires;
}

static enum kh_openpgp_verdict
judge(const gpgme_key_t key, const gpgme_subkey_t enc, bool weak_digest)
{
	enum kh_openpgp_verdict v;

	if (key->revoked || key->subkeys->revoked)
		return KH_OPENPGP_REVOKED;
	if (key->expired || key->subkeys->expired)
		return KH_OPENPGP_EXPIRED;
	if (key->invalid || key->uids == NULL)
		return weak_digest ? KH_OPENPGP_SHA1 : KH_OPENPGP_UNBOUND;
	if (enc == NULL)
		return why_not(key, weak_digest);
	v = judge_algorithm(key->subkeys, "ed25519");
	return v == KH_OPENPGP_OK ? judge_algorithm(enc, "cv25519") : v;
}

/* Errors: KH_EPROTO when gpg gives no key, and then an end. */
static enum kh_err
list(gpgme_ctx_t ctx, const struct kh_pgp_job *job, gpgme_key_t *key)
{
	struct kh_pgp_pipe in = {.in = job->in, .n = job->n};
	gpgme_key_t second = NULL;
	gpgme_data_t data = NULL;
	enum kh_err e;

	*key = NULL;
	e = kh_pgp_pipe_in(&in, &data);
	if (e != KH_OK)
		return e;
	e = KH_EPROTO;
	if (gpgme_op_keylist_from_data_start(ctx, data, 0) != 0)
		goto out;
	if (gpgme_op_keylist_next(ctx, key) != 0 || in.taken != in.n)
		goto out;
	if (gpgme_op_keylist_next(ctx, &second) == 0)
		goto out;
	if (gpgme_op_keylist_end(ctx) == 0 && (*key)->subkeys != NULL)
		e = KH_OK;
out:
	gpgme_key_unref(second);
	gpgme_data_release(data);
	return e;
}

static enum kh_err
examine(const struct kh_pgp_job *job, gpgme_ctx_t ctx, struct kh_pgp_result *r)
{
	gpgme_key_t key = NULL;
	gpgme_subkey_t enc;
	struct kh_pgp_scan scan;
	enum kh_err e;

	e = kh_pgp_scan(job->in, job->n, &scan);
	if (e == KH_OK)
		e = list(ctx, job, &key);
	if (e == KH_OK) {
		enc = find_encrypting(key);
		describe(key, enc, &r->key);
		r->key.verdict = judge(key, enc, scan.weak_digest);
		/* Without these it cannot be used whatever gpg says. */
		if (r->key.verdict == KH_OPENPGP_OK &&
		    (r->key.fpr[0] == '\0' || r->key.subkey[0] == '\0'))
			e = KH_EPROTO;
	}
	if (key != NULL)
		gpgme_key_unref(key);
	return e;
}

/* What its packets say already. */
static enum kh_openpgp_verdict
judge_packets(const struct kh_pgp_scan *s)
{
	if (s->secret)
		return KH_OPENPGP_SECRET;
	if (s->several)
		return KH_OPENPGP_SEVERAL;
	return s->version ? KH_OPENPGP_OK : KH_OPENPGP_ALGORITHM;
}

enum kh_err
kh_openpgp_examine(const struct kh_openpgp *g, const uint8_t *key, size_t n,
    struct kh_openpgp_key *out)
{
	const struct kh_pgp_job job = {
	    .op = examine, .in = key, .n = n, .ms = KH_OPENPGP_MS};
	struct kh_pgp_result *r;
	struct kh_pgp_scan scan;
	enum kh_err e;

	PRECOND(g != NULL && (key != NULL || n == 0) && out != NULL);
	memset(out, 0, sizeof(*out));
	out->verdict = KH_OPENPGP_ALGORITHM;
	if (n > KH_OPENPGP_KEY_MAX)
		return KH_ELIMIT;
	e = kh_pgp_scan(key, n, &scan);
	if (e != KH_OK)
		return e;
	out->verdict = judge_packets(&scan);
	if (out->verdict != KH_OPENPGP_OK)
		return KH_OK;
	out->verdict = KH_OPENPGP_ALGORITHM;
	e = kh_pgp_run(g, &job, &r);
	if (e == KH_OK)
		*out = r->key;
	kh_pgp_result_free(r);
	return e;
}
