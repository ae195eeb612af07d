/*
 * Bridges: between age, which objects are in, and an OpenPGP key.
 */
#include <string.h>

#include "knothole/openpgp.h"
#include "knothole/secret.h"
#include "lib/base/precond.h"

#define LINE_LEN (KH_IDENTITY_TEXT_LEN + 1) /* with LF */

/* In kh_secret_alloc memory. */
struct one_off {
	struct kh_identity id;
	char line[LINE_LEN + 1];
};

enum kh_err
kh_openpgp_bridge(const struct kh_openpgp *g, unsigned place,
    const struct kh_openpgp_key *who, struct kh_bridge *out)
{
	struct one_off *one;
	enum kh_err e;
	size_t n = 0;

	PRECOND(g != NULL && who != NULL && out != NULL);
	memset(out, 0, sizeof(*out));
	one = kh_secret_alloc(sizeof(*one));
	if (one == NULL)
		return KH_ENOMEM;
	kh_identity_generate(&one->id);
	kh_identity_format(&one->id, one->line);
	one->line[LINE_LEN - 1] = '\n';
	e = kh_openpgp_wrap_to(
	    g, place, who, one->line, LINE_LEN, out->message, &n);
	if (e == KH_OK) {
		kh_identity_recipient(&one->id, &out->to);
		memcpy(out->fpr, who->fpr, sizeof(out->fpr));
		out->n = (uint32_t)n;
	} else {
		memset(out, 0, sizeof(*out));
	}
	kh_secret_free(one);
	return e;
}

enum kh_err
kh_openpgp_unbridge(const uint8_t *msg, size_t n, struct kh_identity *out)
{
	uint8_t *text;
	enum kh_err e;
	size_t len;

	PRECOND(out != NULL);
	memset(out, 0, sizeof(*out));
	text = kh_secret_alloc(KH_OPENPGP_TEXT_MAX);
	if (text == NULL)
		return KH_ENOMEM;
	e = kh_openpgp_unwrap(msg, n, text, &len);
	if (e == KH_OK &&
	    (len != LINE_LEN || text[LINE_LEN - 1] != '\n' ||
		kh_identity_parse((const char *)text, LINE_LEN - 1, out) !=
		    KH_OK))
		e = KH_EFORMAT;
	kh_secret_free(text);
	return e;
}
