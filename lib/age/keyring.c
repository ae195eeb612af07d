/*
 * The keys that something is opened with, and identity files. Separate from
 * opening because one keyring serves many objects.
 */
#include <string.h>

#include "knothole/secret.h"
#include "lib/age/keyring.h"
#include "lib/base/precond.h"

enum kh_err
kh_keyring_new(struct kh_keyring **out)
{
	struct kh_keyring *kr;

	PRECOND(out != NULL);
	*out = NULL;
	kr = kh_secret_alloc(sizeof(*kr));
	if (kr == NULL)
		return KH_ENOMEM;
	memset(kr, 0, sizeof(*kr));
	*out = kr;
	return KH_OK;
}

void
kh_keyring_free(struct kh_keyring *kr)
{
	kh_secret_free(kr);
}

enum kh_err
kh_keyring_add(struct kh_keyring *kr, const struct kh_identity *id)
{
	struct kh_key_pair *pair;

	PRECOND(kr != NULL && id != NULL);
	if (kr->n >= KH_IDENTITIES_MAX)
		return KH_ELIMIT;
	pair = &kr->pairs[kr->n];
	pair->id = *id;
	kh_identity_recipient(&pair->id, &pair->pub);
	kr->n++;
	return KH_OK;
}

enum kh_err
kh_keyring_passphrase(struct kh_keyring *kr, const char *passphrase, size_t n)
{
	PRECOND(kr != NULL && passphrase != NULL);
	if (n == 0 || n > KH_PASSPHRASE_MAX)
		return KH_ELIMIT;
	kh_wipe(kr->passphrase, sizeof(kr->passphrase));
	memcpy(kr->passphrase, passphrase, n);
	kr->passphrase_len = n;
	return KH_OK;
}

void
kh_keyring_bridge(struct kh_keyring *kr, struct kh_bridge_opener b)
{
	PRECOND(kr != NULL && b.open != NULL);
	kr->bridge = b;
}

/* One line of an identity file, without its end; parsed straight into the
 * ring, so that the key is nowhere else. */
static enum kh_err
keyring_line(struct kh_keyring *kr, const char *line, size_t n)
{
	struct kh_key_pair *pair;

	if (n == 0 || line[0] == '#')
		return KH_OK;
	if (kr->n >= KH_IDENTITIES_MAX)
		return KH_ELIMIT;
	pair = &kr->pairs[kr->n];
	if (kh_identity_parse(line, n, &pair->id) != KH_OK)
		return KH_EFORMAT;
	kh_identity_recipient(&pair->id, &pair->pub);
	kr->n++;
	return KH_OK;
}

enum kh_err
kh_keyring_add_file(struct kh_keyring *kr, const char *text, size_t n)
{
	size_t before, len;
	const char *end;
	enum kh_err e = KH_OK;

	PRECOND(kr != NULL && (text != NULL || n == 0));
	before = kr->n;
	while (n > 0 && e == KH_OK) {
		end = memchr(text, '\n', n);
		len = end != NULL ? (size_t)(end - text) : n;
		/* A CR belongs to the line end, if there is one. */
		if (end != NULL && len > 0 && text[len - 1] == '\r')
			e = keyring_line(kr, text, len - 1);
		else
			e = keyring_line(kr, text, len);
		if (end == NULL)
			break;
		text += len + 1;
		n -= len + 1;
	}
	if (e == KH_OK && kr->n == before)
		e = KH_EFORMAT;
	if (e != KH_OK) {
		/* All of the file or nothing of it. */
		kh_wipe(&kr->pairs[before],
		    (kr->n - before) * sizeof(kr->pairs[0]));
		kr->n = before;
	}
	return e;
}

size_t
kh_keyring_count(const struct kh_keyring *kr)
{
	PRECOND(kr != NULL);
	return kr->n;
}

bool
kh_keyring_has(const struct kh_keyring *kr, const struct kh_recipient *to)
{
	size_t i;

	PRECOND(kr != NULL && to != NULL);
	for (i = 0; i < kr->n; i++) {
		if (memcmp(&kr->pairs[i].pub, to, sizeof(*to)) == 0)
			return true;
	}
	return false;
}
