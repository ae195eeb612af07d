/*
 * Sealing identities again. Separate so that keygen, recover, passphrase and
 * editor agree on who can open what they write.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/exit.h"
#include "client/holders.h"
#include "client/replace.h"
#include "client/reseal.h"
#include "knothole/secret.h"
#include "lib/base/precond.h"

/* What a file is opened into, to compare. */
struct same {
	const char *text;
	size_t n, at;
	bool differs;
};

static enum kh_err
append_sealed(void *ctx, const uint8_t *p, size_t n)
{
	struct kh_sealed_file *f = ctx;
	uint8_t *more = realloc(f->p, f->n + n);

	if (more == NULL)
		return KH_ENOMEM;
	memcpy(more + f->n, p, n);
	f->p = more;
	f->n += n;
	return KH_OK;
}

static enum kh_err
seal_text(const struct kh_seal_to *to, const struct kh_reseal *r,
    struct kh_sealed_file *out)
{
	struct kh_sealer *s = NULL;
	enum kh_err e;

	e = kh_sealer_new(
	    &s, to, (struct kh_sink){.write = append_sealed, .ctx = out});
	if (e == KH_OK)
		e = kh_sealer_write(s, (const uint8_t *)r->text, r->n);
	if (e == KH_OK)
		e = kh_sealer_finish(s);
	kh_sealer_free(s);
	return e;
}

static enum kh_err
compare_text(void *ctx, const uint8_t *p, size_t n)
{
	struct same *s = ctx;

	if (n > s->n - s->at || !kh_equal(s->text + s->at, p, n))
		s->differs = true;
	else
		s->at += n;
	return s->differs ? KH_EAUTH : KH_OK;
}

/* KH_ENOKEY: this keyring does not open it, which proves nothing. */
static enum kh_err
prove(const struct kh_keyring *kr, const struct kh_sealed_file *f,
    const struct kh_reseal *r)
{
	struct same same = {.text = r->text, .n = r->n};
	struct kh_opener *o = NULL;
	enum kh_err e;

	e = kh_opener_new(
	    &o, kr, (struct kh_sink){.write = compare_text, .ctx = &same});
	if (e == KH_OK)
		e = kh_opener_write(o, f->p, f->n);
	if (e == KH_OK)
		e = kh_opener_finish(o);
	kh_opener_free(o);
	if (e == KH_OK && same.at != r->n)
		e = KH_EAUTH;
	return e;
}

static enum kh_err
seal_passphrase(const struct kh_reseal *r, struct kh_sealed_file *out)
{
	const struct kh_seal_to to = {
	    .passphrase = r->pass->text, .passphrase_len = r->pass->n};
	struct kh_keyring *kr = NULL;
	enum kh_err e;

	e = seal_text(&to, r, out);
	if (e == KH_OK)
		e = kh_keyring_new(&kr);
	if (e == KH_OK)
		e = kh_keyring_passphrase(kr, r->pass->text, r->pass->n);
	if (e == KH_OK)
		e = prove(kr, out, r);
	kh_keyring_free(kr);
	return e == KH_ENOKEY ? KH_EAUTH : e;
}

/* Recipients and bridges of one file. */
struct addressed {
	struct kh_recipient to[KH_EDITORS_MAX + 1];
	struct kh_bridge bridge[KH_EDITORS_MAX];
	struct kh_seal_to seal;
};

static void
address(const struct kh_holders *h, bool editors, struct addressed *a)
{
	size_t i;

	memset(&a->seal, 0, sizeof(a->seal));
	a->seal.recipients = a->to;
	a->seal.bridges = a->bridge;
	for (i = 0; editors && i < h->n; i++)
		if (h->editor[i].bridge.n > 0)
			a->bridge[a->seal.n_bridges++] = h->editor[i].bridge;
		else
			a->to[a->seal.n++] = h->editor[i].to;
	if (h->shared)
		a->to[a->seal.n++] = h->shares;
	/* There has to be one: a bridge's key, which has a stanza anyway. */
	if (a->seal.n == 0 && a->seal.n_bridges > 0)
		a->to[a->seal.n++] = a->bridge[0].to;
}

_Static_assert(KH_EDITORS_MAX <= KH_BRIDGES_MAX, "all may have OpenPGP keys");

static enum kh_err
seal_keys(const struct kh_reseal *r, const struct kh_holders *h, bool editors,
    struct kh_sealed_file *out)
{
	struct addressed *a = malloc(sizeof(*a));
	enum kh_err e = KH_ENOKEY;

	if (a == NULL)
		return KH_ENOMEM;
	address(h, editors, a);
	if (a->seal.n > 0)
		e = seal_text(&a->seal, r, out);
	free(a);
	if (e == KH_OK && r->proof != NULL) {
		e = prove(r->proof, out, r);
		if (e == KH_ENOKEY)
			e = KH_OK;
	}
	return e;
}

enum kh_err
kh_reseal(const struct kh_reseal *r, struct kh_sealed_file *id,
    struct kh_sealed_file *rec)
{
	struct kh_holders *h;
	enum kh_err e;

	PRECOND(r != NULL && r->text != NULL && id != NULL && rec != NULL);
	memset(id, 0, sizeof(*id));
	memset(rec, 0, sizeof(*rec));
	h = malloc(sizeof(*h));
	if (h == NULL)
		return KH_ENOMEM;
	e = kh_holders_read(r->text, r->n, h);
	if (e == KH_OK && r->pass != NULL)
		e = seal_passphrase(r, id);
	else if (e == KH_OK)
		e = seal_keys(r, h, true, id);
	if (e == KH_OK && r->pass != NULL && h->shared)
		e = seal_keys(r, h, false, rec);
	free(h);
	if (e != KH_OK) {
		kh_sealed_file_free(id);
		kh_sealed_file_free(rec);
	}
	return e;
}

void
kh_sealed_file_free(struct kh_sealed_file *f)
{
	free(f->p);
	f->p = NULL;
	f->n = 0;
}

bool
kh_reseal_recovery(const char *path, char out[static PATH_MAX])
{
	size_t len = strlen(path);
	int n;

	if (len > 4 && strcmp(path + len - 4, ".age") == 0)
		len -= 4;
	if (len >= PATH_MAX)
		return false;
	n = snprintf(out, PATH_MAX, "%.*s-recovery.age", (int)len, path);
	return n > 0 && n < PATH_MAX;
}

void
kh_reseal_was_clear(const char *path)
{
	kh_say(path,
	    "WAS IN CLEAR until now: whoever has read or copied it, or finds "
	    "its bytes on the disk, opens every submission up to now, and "
	    "those "
	    "to come until there are new keys (knothole card renew --all-new)");
}

int
kh_reseal_replace(const char *path, const struct kh_reseal *r)
{
	struct kh_sealed_file id, rec;
	char beside[PATH_MAX];
	enum kh_err e;
	int code = KH_EXIT_OK;

	PRECOND(path != NULL);
	if (!kh_reseal_recovery(path, beside))
		return kh_fail(KH_ON_OUTPUT, path, KH_ENAME);
	e = kh_reseal(r, &id, &rec);
	if (e != KH_OK)
		return kh_fail(KH_ON_KEY, path, e);
	/* The one for the shares first: each is whole by itself. */
	if (rec.p != NULL)
		code = kh_replace_file(beside, rec.p, rec.n);
	if (code == KH_EXIT_OK)
		code = kh_replace_file(path, id.p, id.n);
	if (code == KH_EXIT_OK && rec.p == NULL)
		code = kh_replace_remove(beside);
	kh_sealed_file_free(&id);
	kh_sealed_file_free(&rec);
	return code;
}
