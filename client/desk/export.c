/*
 * An export, in the order that makes it safe to pull the stick at any time:
 * files under temporary names, one sync, their names, a sync, then the vault.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/desk/alias.h"
#include "client/desk/export.h"
#include "client/exit.h"
#include "client/file.h"
#include "knothole/io.h"
#include "lib/base/precond.h"

static bool
wanted(const struct kh_export *x, const struct kh_desk_answer *a)
{
	return x->all || !a->exported;
}

/* A sealed answer from the outbox to the stick, not under its name yet. */
static enum kh_err
copy_answer(struct kh_export *x, const struct kh_desk_answer *a)
{
	char name[KH_VAULT_NAME_LEN + 1], part[KH_VAULT_NAME_LEN + 1];
	enum kh_err e;
	char *bytes;
	size_t n;
	int fd;

	kh_vault_answer_name(x->v, a, false, name);
	kh_vault_answer_name(x->v, a, true, part);
	e = kh_stick_read(x->v->outbox_fd, name, KH_ANSWER_LEN_MAX, &bytes, &n);
	if (e != KH_OK)
		return e;
	e = kh_answer_len_valid(n) ? KH_OK : KH_ETRUNC;
	if (e == KH_OK)
		e = kh_file_begin(x->stick.replies_fd, part, &fd);
	if (e == KH_OK) {
		e = kh_write_all(fd, bytes, n);
		if (close(fd) != 0 && e == KH_OK)
			e = kh_io_error();
	}
	free(bytes);
	return e;
}

static enum kh_err
name_answers(struct kh_export *x)
{
	char name[KH_VAULT_NAME_LEN + 1], part[KH_VAULT_NAME_LEN + 1];
	const struct kh_desk_answer *a;
	size_t i;

	for (i = 0; i < x->v->ix->n_answers; i++) {
		a = &x->v->ix->answers[i];
		if (!wanted(x, a))
			continue;
		kh_vault_answer_name(x->v, a, true, part);
		kh_vault_answer_name(x->v, a, false, name);
		if (renameat(x->stick.replies_fd, part, x->stick.replies_fd,
			name) != 0)
			return kh_io_error();
		x->n_answers += !a->exported;
		x->n_again += a->exported;
	}
	return KH_OK;
}

/* Temporary names of ours that a cut run left. */
static void
sweep(int dir_fd, size_t digits)
{
	int fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 3);
	const struct dirent *entry;
	const char *hex;
	DIR *dir;

	dir = fd < 0 ? NULL : fdopendir(fd);
	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	rewinddir(dir);
	while ((entry = readdir(dir)) != NULL)
		if (kh_stick_name(entry->d_name, digits, &hex) == KH_STICK_PART)
			(void)unlinkat(dir_fd, entry->d_name, 0);
	closedir(dir);
}

static int
put_answers(struct kh_export *x)
{
	const struct kh_index *ix = x->v->ix;
	char name[KH_VAULT_NAME_LEN + 1];
	enum kh_err e = KH_OK;
	size_t i;

	sweep(x->stick.replies_fd, KH_SLOT_NAME_LEN);
	for (i = 0; i < ix->n_answers && e == KH_OK; i++) {
		if (!wanted(x, &ix->answers[i]))
			continue;
		e = copy_answer(x, &ix->answers[i]);
		if (e == KH_ENOENT || e == KH_ETRUNC || e == KH_ELIMIT ||
		    e == KH_EUNSUP) {
			kh_vault_answer_name(
			    x->v, &ix->answers[i], false, name);
			return kh_fail(KH_ON_OBJECT, name, e);
		}
	}
	if (e == KH_OK && syncfs(x->stick.replies_fd) != 0)
		e = kh_io_error();
	if (e == KH_OK)
		e = name_answers(x);
	if (e == KH_OK)
		e = kh_file_sync_dir(x->stick.replies_fd);
	return e == KH_OK ? KH_EXIT_OK
			  : kh_fail(KH_ON_OUTPUT, x->stick.path, e);
}

/* One entry for each source that was answered, one for what was collected. */
static enum kh_err
log_export(struct kh_export *x)
{
	struct kh_index *ix = x->v->ix;
	char alias[KH_ALIAS_MAX + 1];
	enum kh_err e = KH_OK;
	size_t i, collected = 0;
	uint32_t *counts;

	counts = calloc(ix->n_threads + 1, sizeof(counts[0]));
	if (counts == NULL)
		return KH_ENOMEM;
	for (i = 0; i < ix->n_answers; i++)
		counts[ix->answers[i].thread] += !ix->answers[i].exported;
	for (i = 0; i < ix->n_objects; i++)
		collected += !ix->objects[i].exported;
	for (i = 0; i < ix->n_threads && e == KH_OK; i++) {
		if (counts[i] == 0)
			continue;
		kh_alias(ix->threads[i].mailbox, alias);
		e = kh_log_add(
		    &ix->log, KH_LOG_EXPORT, x->v->today, alias, counts[i]);
	}
	if (e == KH_OK && collected > 0)
		e = kh_log_add(
		    &ix->log, KH_LOG_EXPORT, x->v->today, "", collected);
	free(counts);
	return e;
}

/* Nothing is new? Then the vault stays as it is. */
static int
mark(struct kh_export *x, size_t log_before)
{
	struct kh_index *ix = x->v->ix;
	enum kh_err e;
	size_t i;

	if (ix->log.n == log_before)
		return KH_EXIT_OK;
	for (i = 0; i < ix->n_answers; i++)
		ix->answers[i].exported = true;
	for (i = 0; i < ix->n_objects; i++)
		ix->objects[i].exported = true;
	e = kh_log_sign(&ix->log, &x->v->room->signing);
	if (e != KH_OK)
		return kh_fail(KH_ON_OUTPUT, x->v->path, e);
	return kh_vault_commit(x->v);
}

/* A directory where a stick is usually mounted takes answers as well as the
 * stick would, and they count as exported then. */
static void
say_same_disk(const struct kh_export *x)
{
	struct stat stick, vault;

	if (fstat(x->stick.top_fd, &stick) == 0 &&
	    fstat(x->v->dir_fd, &vault) == 0 && stick.st_dev == vault.st_dev)
		kh_say(x->stick.path,
		    "warning: is on the same disk as the vault; if the stick "
		    "was not mounted there, mount it and export with --all");
}

int
kh_export_run(struct kh_export *x, const char *path)
{
	size_t log_before = x->v->ix->log.n;
	enum kh_err e;
	int code;

	PRECOND(path != NULL);
	code = kh_stick_open(&x->stick, path, true);
	if (code != KH_EXIT_OK)
		return code;
	say_same_disk(x);
	e = log_export(x);
	if (e != KH_OK)
		return kh_fail(KH_ON_OUTPUT, x->v->path, e);
	code = put_answers(x);
	if (code == KH_EXIT_OK)
		code = kh_export_card(x);
	if (code != KH_EXIT_OK)
		return code;
	e = kh_export_collected(x);
	if (e == KH_OK)
		e = kh_export_sums(x);
	if (e == KH_OK)
		e = kh_file_sync_dir(x->stick.top_fd);
	if (e == KH_OK && syncfs(x->stick.top_fd) != 0)
		e = kh_io_error();
	if (e != KH_OK)
		return kh_fail(KH_ON_OUTPUT, path, e);
	kh_report_end(&x->report);
	code = mark(x, log_before);
	return code == KH_EXIT_OK ? kh_export_card_done(x) : code;
}

void
kh_export_free(struct kh_export *x)
{
	kh_stick_close(&x->stick);
	kh_report_free(&x->report);
	free(x->sums);
	x->sums = NULL;
}
