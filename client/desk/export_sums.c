/*
 * SHA256SUMS of a stick, written and signed: what the desk vouches for, which
 * are the answers, the list of what was collected, and objects that it has
 * imported itself. Separate because it says nothing of what it has not seen.
 */
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "client/desk/export.h"
#include "client/file.h"
#include "knothole/minisign.h"

#define LINE_MAX_LEN (2 * KH_SUM_LEN + 2 + KH_STICK_PATH_MAX + 1)

static enum kh_err
add(struct kh_export *x, const char *dir, const char *name,
    const uint8_t sum[static KH_SUM_LEN])
{
	size_t cap = x->cap_sums == 0 ? 256 : 2 * x->cap_sums;
	struct kh_sum_line *p;

	if (x->n_sums == x->cap_sums) {
		p = realloc(x->sums, cap * sizeof(*p));
		if (p == NULL)
			return KH_ENOMEM;
		x->sums = p;
		x->cap_sums = cap;
	}
	p = &x->sums[x->n_sums++];
	(void)snprintf(p->path, sizeof(p->path), "%s%s%s", dir,
	    dir[0] != '\0' ? "/" : "", name);
	memcpy(p->sum, sum, KH_SUM_LEN);
	return KH_OK;
}

static enum kh_err
add_file(struct kh_export *x, int dir_fd, const char *dir, const char *name)
{
	uint8_t sum[KH_SUM_LEN];
	enum kh_err e;
	char *bytes;
	size_t n;

	e = kh_stick_read(dir_fd, name,
	    dir[0] != '\0' ? KH_ANSWER_LEN_MAX : KH_STICK_COLLECTED_MAX, &bytes,
	    &n);
	if (e == KH_ENOENT)
		return KH_OK;
	if (e == KH_EUNSUP || e == KH_ELIMIT) {
		kh_report_refuse(&x->report, dir[0] != '\0' ? dir : NULL, name,
		    e == KH_EUNSUP ? "not a regular file"
				   : "longer than any answer");
		return KH_OK;
	}
	if (e != KH_OK)
		return e;
	crypto_hash_sha256(sum, (const uint8_t *)bytes, n);
	free(bytes);
	return add(x, dir, name, sum);
}

/* Those of the vault that lie on the stick, by the hash that they had when
 * they were imported. */
static enum kh_err
add_objects(struct kh_export *x)
{
	const struct kh_index *ix = x->v->ix;
	char name[KH_VAULT_NAME_LEN + 1];
	enum kh_err e = KH_OK;
	struct stat sb;
	size_t i;

	for (i = 0; i < ix->n_objects && e == KH_OK; i++) {
		kh_vault_object_name(&ix->objects[i], false, name);
		if (fstatat(x->stick.objects_fd, name, &sb,
			AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(sb.st_mode) &&
		    (uint64_t)sb.st_size == ix->objects[i].size)
			e = add(x, KH_STICK_OBJECTS, name, ix->objects[i].sum);
	}
	return e;
}

static enum kh_err
add_replies(struct kh_export *x)
{
	struct kh_stick_list l = {
	    .dir = KH_STICK_REPLIES, .len = KH_SLOT_NAME_LEN / 2};
	char name[KH_SLOT_NAME_LEN + sizeof(".age")];
	enum kh_err e;
	size_t i;

	e = kh_stick_list(x->stick.replies_fd, &l, &x->report);
	for (i = 0; i < l.n && e == KH_OK; i++) {
		sodium_bin2hex(name, sizeof(name), l.names + i * l.len, l.len);
		memcpy(name + KH_SLOT_NAME_LEN, ".age", sizeof(".age"));
		e = add_file(x, x->stick.replies_fd, KH_STICK_REPLIES, name);
	}
	free(l.names);
	return e;
}

static int
by_path(const void *a, const void *b)
{
	return strcmp(((const struct kh_sum_line *)a)->path,
	    ((const struct kh_sum_line *)b)->path);
}

/* All lines, as sha256sum(1) has them; memory to free. */
static char *
to_text(struct kh_export *x, size_t *n)
{
	char hex[2 * KH_SUM_LEN + 1];
	char *text = malloc(x->n_sums * LINE_MAX_LEN + 1);
	size_t i;

	*n = 0;
	if (text == NULL)
		return NULL;
	if (x->n_sums > 0)
		qsort(x->sums, x->n_sums, sizeof(x->sums[0]), by_path);
	for (i = 0; i < x->n_sums; i++) {
		sodium_bin2hex(hex, sizeof(hex), x->sums[i].sum, KH_SUM_LEN);
		*n += (size_t)snprintf(text + *n, LINE_MAX_LEN + 1, "%s  %s\n",
		    hex, x->sums[i].path);
	}
	return text;
}

static enum kh_err
write_signed(struct kh_export *x, const char *text, size_t n)
{
	char sig[KH_SIGNATURE_TEXT_MAX], head[KH_LOG_STATEMENT_LEN];
	const struct kh_log *l = &x->v->ix->log;
	enum kh_err e;

	/* With it the log's head leaves this machine (L40). */
	kh_log_statement(l, l->n, head);
	e = kh_sign(&x->v->room->signing, (const uint8_t *)text, n,
	    "signature of a knothole stick", head, sig);
	if (e == KH_OK)
		e = kh_file_put(x->stick.top_fd, KH_PART_PREFIX KH_STICK_SUMS,
		    KH_STICK_SUMS, (struct kh_file_bytes){text, n});
	if (e == KH_OK)
		e = kh_file_put(x->stick.top_fd,
		    KH_PART_PREFIX KH_STICK_SIGNATURE, KH_STICK_SIGNATURE,
		    (struct kh_file_bytes){sig, strlen(sig)});
	return e;
}

enum kh_err
kh_export_sums(struct kh_export *x)
{
	char *text = NULL;
	enum kh_err e;
	size_t n;

	e = add_file(x, x->stick.top_fd, "", KH_STICK_COLLECTED);
	if (e == KH_OK)
		e = add_objects(x);
	if (e == KH_OK)
		e = add_replies(x);
	if (e == KH_OK) {
		text = to_text(x, &n);
		e = text == NULL ? KH_ENOMEM : write_signed(x, text, n);
	}
	free(text);
	return e;
}
