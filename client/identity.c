/*
 * Writing and reading identity files. Separate because it is the one place
 * where secret keys are text; all of that text is in locked memory.
 */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "client/epochs.h"
#include "client/identity.h"
#include "client/input.h"
#include "knothole/card.h"
#include "knothole/name.h"
#include "knothole/secret.h"
#include "lib/base/precond.h"

/* Five lines: the longest name and 400 bytes; three for each epoch. */
#define TEXT_MAX \
	(KH_CARD_NAME_MAX + 400 + KH_CARD_RECIPIENTS_MAX * KH_EPOCH_LINES_LEN)
#define SIGNING_LEN (KH_SIGN_KEY_ID_LEN + KH_SIGN_SEED_LEN)
#define SIGNING_TEXT_LEN 57 /* base64 of 40 bytes, with NUL */

_Static_assert(sodium_base64_ENCODED_LEN(SIGNING_LEN,
		   sodium_base64_VARIANT_ORIGINAL) == SIGNING_TEXT_LEN,
    "the signing key's text has its length");

/* Secret text on its way into the file. */
struct parts {
	uint8_t signing[SIGNING_LEN];
	char signing_text[SIGNING_TEXT_LEN];
	char identity_text[KH_IDENTITY_TEXT_LEN + 1];
	char lines[KH_EPOCH_LINES_LEN];
};

/* Opened identity file. */
struct opened {
	char *text;
	size_t n;
};

/* The one identity, or those of all epochs; returns the text's length. */
static size_t
put_text(const struct kh_newsroom_keys *k, const char *name,
    struct parts *parts, char *text)
{
	char public[KH_RECIPIENT_TEXT_LEN + 1];
	struct kh_recipient to;
	size_t i, n = 0;
	int len;

	if (k->n_epochs == 0) {
		kh_identity_format(&k->identity, parts->identity_text);
		kh_identity_recipient(&k->identity, &to);
		kh_recipient_format(&to, public);
		len = snprintf(text, TEXT_MAX,
		    "# created by knothole\n# newsroom: %s\n"
		    "# public key: %s\n# signing key: %s\n%s\n",
		    name, public, parts->signing_text, parts->identity_text);
		PRECOND(len > 0 && len < TEXT_MAX);
		return (size_t)len;
	}
	len = snprintf(text, TEXT_MAX,
	    "# created by knothole\n# newsroom: %s\n# signing key: %s\n", name,
	    parts->signing_text);
	PRECOND(len > 0 && len < TEXT_MAX);
	n = (size_t)len;
	for (i = 0; i < k->n_epochs; i++) {
		kh_epoch_lines(&k->epochs[i], &k->of_epoch[i], parts->lines);
		PRECOND(strlen(parts->lines) < TEXT_MAX - n);
		memcpy(text + n, parts->lines, strlen(parts->lines) + 1);
		n += strlen(parts->lines);
	}
	return n;
}

enum kh_err
kh_identity_file_write(
    const struct kh_newsroom_keys *k, const char *name, char **text, size_t *n)
{
	struct parts *parts = NULL;
	enum kh_err e = KH_ENOMEM;

	PRECOND(k != NULL && name != NULL && text != NULL && n != NULL);
	PRECOND(k->n_epochs <= KH_CARD_RECIPIENTS_MAX);
	*n = 0;
	*text = NULL;
	if (strlen(name) > KH_CARD_NAME_MAX || strpbrk(name, "\r\n") != NULL)
		return KH_ENAME;
	parts = kh_secret_alloc(sizeof(*parts));
	*text = kh_secret_alloc(TEXT_MAX);
	if (parts == NULL || *text == NULL)
		goto out;
	memcpy(parts->signing, k->signing.key_id, KH_SIGN_KEY_ID_LEN);
	memcpy(parts->signing + KH_SIGN_KEY_ID_LEN, k->signing.seed,
	    KH_SIGN_SEED_LEN);
	sodium_bin2base64(parts->signing_text, sizeof(parts->signing_text),
	    parts->signing, SIGNING_LEN, sodium_base64_VARIANT_ORIGINAL);
	*n = put_text(k, name, parts, *text);
	e = KH_OK;
out:
	kh_secret_free(parts);
	if (e != KH_OK) {
		kh_secret_free(*text);
		*text = NULL;
	}
	return e;
}

static enum kh_err
take(void *ctx, const uint8_t *p, size_t n)
{
	struct opened *o = ctx;

	if (n > KH_IDENTITY_FILE_MAX - o->n)
		return KH_ELIMIT;
	memcpy(o->text + o->n, p, n);
	o->n += n;
	return KH_OK;
}

static enum kh_err
unseal(const struct kh_keyring *pass, const char *text, size_t n,
    struct opened *out)
{
	struct kh_opener *opener = NULL;
	enum kh_err e;

	e = kh_opener_new(
	    &opener, pass, (struct kh_sink){.write = take, .ctx = out});
	if (e == KH_OK)
		e = kh_opener_write(opener, (const uint8_t *)text, n);
	if (e == KH_OK)
		e = kh_opener_finish(opener);
	kh_opener_free(opener);
	return e;
}

/* The file's text in clear. *plain is memory to free, or NULL when `text` is
 * in clear itself. */
static enum kh_err
to_plain(const char **text, size_t *n, const struct kh_passphrase *pass,
    char **plain)
{
	struct kh_keyring *with = NULL;
	struct opened o = {NULL, 0};
	enum kh_err e;

	*plain = NULL;
	if (!kh_input_is_age(*text, *n))
		return KH_OK;
	if (pass == NULL)
		return KH_ENOKEY;
	e = kh_keyring_new(&with);
	if (e != KH_OK)
		goto out;
	e = kh_keyring_passphrase(with, pass->text, pass->n);
	if (e != KH_OK)
		goto out;
	e = KH_ENOMEM;
	o.text = kh_secret_alloc(KH_IDENTITY_FILE_MAX);
	if (o.text == NULL)
		goto out;
	e = unseal(with, *text, *n, &o);
	if (e != KH_OK)
		goto out;
	*text = *plain = o.text;
	*n = o.n;
	o.text = NULL;
out:
	kh_secret_free(o.text);
	kh_keyring_free(with);
	return e;
}

enum kh_err
kh_identity_file_plain(const char *text, size_t n,
    const struct kh_passphrase *pass, char **plain, size_t *plain_n)
{
	char *opened, *copy;
	enum kh_err e;

	PRECOND(text != NULL && n <= KH_IDENTITY_FILE_MAX);
	PRECOND(plain != NULL && plain_n != NULL);
	*plain = NULL;
	*plain_n = 0;
	e = to_plain(&text, &n, pass, &opened);
	if (e != KH_OK)
		return e;
	copy = kh_secret_alloc(n + 1);
	if (copy != NULL) {
		memcpy(copy, text, n);
		copy[n] = '\0';
		*plain = copy;
		*plain_n = n;
	}
	kh_secret_free(opened);
	return copy == NULL ? KH_ENOMEM : KH_OK;
}

enum kh_err
kh_identity_file_read(struct kh_keyring *kr, const char *text, size_t n,
    const struct kh_passphrase *pass)
{
	enum kh_err e;
	char *plain;

	PRECOND(kr != NULL && text != NULL && n <= KH_IDENTITY_FILE_MAX);
	e = to_plain(&text, &n, pass, &plain);
	if (e == KH_OK)
		e = kh_keyring_add_file(kr, text, n);
	if (e == KH_OK)
		kh_epochs_note(text, n);
	kh_secret_free(plain);
	return e;
}

/* The signing key from its base64. */
static enum kh_err
read_signing(const char *text, size_t n, struct kh_sign_secret *out)
{
	struct parts *parts;
	enum kh_err e = KH_EKEY;
	size_t len;

	parts = kh_secret_alloc(sizeof(*parts));
	if (parts == NULL)
		return KH_ENOMEM;
	if (sodium_base642bin(parts->signing, SIGNING_LEN, text, n, NULL, &len,
		NULL, sodium_base64_VARIANT_ORIGINAL) == 0 &&
	    len == SIGNING_LEN) {
		memcpy(out->key_id, parts->signing, KH_SIGN_KEY_ID_LEN);
		memcpy(out->seed, parts->signing + KH_SIGN_KEY_ID_LEN,
		    KH_SIGN_SEED_LEN);
		e = KH_OK;
	}
	kh_secret_free(parts);
	return e;
}

/* Does the line begin so? *n becomes the length of the rest. */
static const char *
after(const char *line, size_t *n, const char *prefix)
{
	size_t len = strlen(prefix);

	if (*n < len || memcmp(line, prefix, len) != 0)
		return NULL;
	*n -= len;
	return line + len;
}

static enum kh_err
room_line(
    struct kh_newsroom *own, const char *line, size_t n, unsigned *signing)
{
	struct kh_identity *id;
	const char *rest;
	enum kh_err e;

	rest = after(line, &n, "# signing key: ");
	if (rest != NULL)
		return (*signing)++ == 0 ? read_signing(rest, n, &own->signing)
					 : KH_EKEY;
	rest = after(line, &n, "# newsroom: ");
	if (rest != NULL && n <= KH_CARD_NAME_MAX)
		memcpy(own->name, rest, n); /* zeroed before */
	if (rest != NULL || n == 0 || line[0] == '#')
		return KH_OK;
	id = kh_secret_alloc(sizeof(*id));
	if (id == NULL)
		return KH_ENOMEM;
	e = kh_identity_parse(line, n, id);
	if (e == KH_OK)
		kh_identity_recipient(id, &own->to);
	kh_secret_free(id);
	return e;
}

static enum kh_err
read_room(struct kh_newsroom *own, const char *text, size_t n)
{
	unsigned signing = 0;
	enum kh_err e = KH_OK;
	const char *end;
	size_t len, skip;

	while (n > 0 && e == KH_OK) {
		end = memchr(text, '\n', n);
		len = end != NULL ? (size_t)(end - text) : n;
		skip = end != NULL ? len + 1 : len;
		if (len > 0 && text[len - 1] == '\r')
			len--;
		e = room_line(own, text, len, &signing);
		text += skip;
		n -= skip;
	}
	if (e == KH_OK && signing != 1)
		e = KH_EKEY;
	if (e == KH_OK)
		kh_sign_public(&own->signing, &own->outlet);
	return e;
}

enum kh_err
kh_identity_file_newsroom(struct kh_keyring *kr, const char *text, size_t n,
    const struct kh_passphrase *pass, struct kh_newsroom *own)
{
	enum kh_err e;
	char *plain;

	PRECOND(kr != NULL && own != NULL && text != NULL &&
	    n <= KH_IDENTITY_FILE_MAX);
	memset(own, 0, sizeof(*own));
	e = to_plain(&text, &n, pass, &plain);
	if (e == KH_OK)
		e = kh_keyring_add_file(kr, text, n);
	if (e == KH_OK)
		kh_epochs_note(text, n);
	if (e == KH_OK)
		e = read_room(own, text, n);
	if (e != KH_OK)
		kh_wipe(own, sizeof(*own));
	kh_secret_free(plain);
	return e;
}
