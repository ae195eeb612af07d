/*
 * Double sealing, undone in one pass. Separate because whatever such a file
 * is, it must not keep the submission around it from being extracted.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "client/input.h"
#include "client/nested.h"
#include "knothole/limits.h"
#include "knothole/name.h"
#include "knothole/secret.h"
#include "lib/base/precond.h"

#define PREFIX_LEN 10 /* "files/001-" */

void
kh_nested_start(struct kh_nested *x)
{
	PRECOND(x != NULL);
	memset(x, 0, sizeof(*x));
	x->file.fd = -1;
}

/* A write failed, which is not the nested file's fault. */
static bool
is_output_error(enum kh_err e)
{
	return e == KH_EFULL || e == KH_ESYS;
}

/* "files/001-report.pdf.age" to "opened/001-report.pdf". */
static void
opened_path(const char *path, char *out, size_t cap)
{
	static const char suffix[] = ".age";
	const size_t suffix_len = sizeof(suffix) - 1;
	char name[KH_NAME_MAX + 1];
	size_t n;

	PRECOND(strlen(path) > PREFIX_LEN);
	n = strlen(path + PREFIX_LEN);
	if (n > suffix_len &&
	    strcmp(path + PREFIX_LEN + n - suffix_len, suffix) == 0)
		n -= suffix_len;
	kh_name_make((const uint8_t *)path + PREFIX_LEN, n, name);
	(void)snprintf(
	    out, cap, "opened/%.4s%s", path + strlen("files/"), name);
}

static enum kh_err
deliver(void *ctx, const uint8_t *p, size_t n)
{
	return kh_tree_write(ctx, p, n);
}

/* Give up on opening, for a reason that is not ours. */
static enum kh_err
fail(struct kh_nested *x, enum kh_err why)
{
	kh_nested_abort(x);
	if (is_output_error(why))
		return why;
	x->state = KH_NESTED_FAILED;
	x->why = why;
	return KH_OK;
}

static enum kh_err
begin(struct kh_nested *x, struct kh_tree *t, const struct kh_keyring *kr,
    const char *path)
{
	char opened[sizeof(x->file.path)];
	enum kh_err e;

	x->state = KH_NESTED_OPENING;
	opened_path(path, opened, sizeof(opened));
	e = kh_tree_open(t, &x->file, opened);
	if (e == KH_OK)
		e = kh_opener_new(&x->opener, kr,
		    (struct kh_sink){.write = deliver, .ctx = &x->file});
	return e == KH_OK ? e : fail(x, e);
}

static enum kh_err
feed(struct kh_nested *x, const uint8_t *p, size_t n)
{
	enum kh_err e;

	if (x->state != KH_NESTED_OPENING)
		return KH_OK;
	e = kh_opener_write(x->opener, p, n);
	return e == KH_OK ? e : fail(x, e);
}

/* Add to the first bytes, which may come in pieces of any size, until they
 * tell. Returns how many were taken. */
static size_t
take_head(struct kh_nested *x, const struct kh_memory *bytes)
{
	size_t k = sizeof(x->head) - x->n_head;

	if (bytes->n < k)
		k = bytes->n;
	memcpy(x->head + x->n_head, bytes->p, k);
	x->n_head += k;
	return k;
}

enum kh_err
kh_nested_write(struct kh_nested *x, struct kh_tree *t,
    const struct kh_keyring *kr, const char *path,
    const struct kh_memory *bytes)
{
	enum kh_err e = KH_OK;
	size_t k = 0;

	if (x->state == KH_NESTED_UNDECIDED) {
		k = take_head(x, bytes);
		if (kh_input_is_age((const char *)x->head, x->n_head)) {
			e = begin(x, t, kr, path);
			if (e == KH_OK)
				e = feed(x, x->head, x->n_head);
		} else if (x->n_head == sizeof(x->head)) {
			x->state = KH_NESTED_NO;
		}
		if (x->state != KH_NESTED_UNDECIDED)
			kh_wipe(x->head, sizeof(x->head));
	}
	return e == KH_OK ? feed(x, bytes->p + k, bytes->n - k) : e;
}

enum kh_err
kh_nested_end(struct kh_nested *x)
{
	enum kh_err e;

	kh_wipe(x->head, sizeof(x->head));
	if (x->state != KH_NESTED_OPENING)
		return KH_OK;
	e = kh_opener_finish(x->opener);
	if (e != KH_OK)
		return fail(x, e);
	kh_opener_free(x->opener);
	x->opener = NULL;
	e = kh_tree_close(&x->file);
	if (e == KH_OK)
		x->state = KH_NESTED_OPENED;
	return e;
}

void
kh_nested_abort(struct kh_nested *x)
{
	int err = errno;

	kh_wipe(x->head, sizeof(x->head));
	kh_opener_free(x->opener);
	x->opener = NULL;
	kh_tree_drop(&x->file);
	errno = err;
}
