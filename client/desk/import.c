/*
 * A whole stick. Separate from single objects because this is where it is
 * decided what survives a run that is cut.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/desk/alias.h"
#include "client/desk/import.h"
#include "client/desk/json_out.h"
#include "client/exit.h"
#include "client/input.h"
#include "client/signals.h"
#include "knothole/secret.h"
#include "lib/base/precond.h"

/* Its thread, made if it is a new source. */
static enum kh_err
find_thread(struct kh_index *ix, struct kh_found *f)
{
	struct kh_thread *t;
	size_t i = kh_index_thread(ix, f->t.mailbox);

	if (i == KH_NO_THREAD) {
		f->o.thread = KH_NO_THREAD;
		return kh_index_add_thread(ix, &f->t, &f->o.thread);
	}
	/*
	 * The three come from one return code. Who only knows a mailbox could
	 * have us seal our answers to himself: the first keys stay, and the
	 * object is marked.
	 */
	t = &ix->threads[i];
	f->o.keys_differ =
	    memcmp(&t->reply_to, &f->t.reply_to, sizeof(t->reply_to)) != 0 ||
	    (t->has_slot_key && f->t.has_slot_key &&
		!kh_equal(t->slot_key, f->t.slot_key, sizeof(t->slot_key)));
	f->o.thread = i;
	/* Its first object was of a version without slots. */
	if (!f->o.keys_differ && !t->has_slot_key && f->t.has_slot_key) {
		t->has_slot_key = true;
		memcpy(t->slot_key, f->t.slot_key, sizeof(t->slot_key));
	}
	return KH_OK;
}

/* The answer that says "received", as long as the stream has room for it. */
static enum kh_err
receipt(struct kh_import *im, const struct kh_desk_object *o)
{
	struct kh_desk_answer a = {
	    .thread = o->thread, .kind = KH_KIND_RECEIVED};
	struct kh_index *ix = im->v->ix;
	enum kh_err e;

	if (o->keys_differ || !ix->threads[o->thread].has_slot_key ||
	    ix->threads[o->thread].next >= KH_SLOTS_MAX - KH_SLOTS_RESERVED) {
		im->n_unreceipted++;
		return KH_OK;
	}
	memcpy(a.day, im->v->today, sizeof(a.day));
	e = kh_index_add_answer(ix, &a, NULL, 0);
	return e == KH_OK
	    ? kh_vault_seal_answer(im->v, &ix->answers[ix->n_answers - 1])
	    : e;
}

static void
report_opened(struct kh_import *im, const struct kh_desk_object *o)
{
	char alias[KH_ALIAS_MAX + 1];
	json_t *v;

	if (im->opened == NULL)
		return;
	kh_alias(im->v->ix->threads[o->thread].mailbox, alias);
	v = json_pack("{s:o, s:s, s:o, s:I, s:s, s:b, s:I, s:I, s:b}", "object",
	    kh_json_hex(o->id, sizeof(o->id)), "alias", alias, "mailbox",
	    kh_json_hex(im->v->ix->threads[o->thread].mailbox, KH_MAILBOX_LEN),
	    "size", (json_int_t)o->size, "day", o->day, "complete", o->complete,
	    "files", (json_int_t)o->n_files, "presealed",
	    (json_int_t)kh_desk_count_presealed(o), "keys_differ",
	    o->keys_differ);
	kh_json_add(im->opened, v, &im->json_bad);
}

static void
report_sealed(struct kh_import *im, const struct kh_desk_object *o)
{
	if (im->sealed != NULL)
		kh_json_add(im->sealed,
		    json_pack("{s:o, s:I}", "object",
			kh_json_hex(o->id, sizeof(o->id)), "size",
			(json_int_t)o->size),
		    &im->json_bad);
}

/* Put what kh_import_copy found into the index. */
static enum kh_err
accept(struct kh_import *im)
{
	struct kh_found *f = im->found;
	enum kh_err e = KH_OK;

	if (f->opened)
		e = find_thread(im->v->ix, f);
	if (e == KH_OK)
		e = kh_index_add_object(im->v->ix, &f->o);
	if (e != KH_OK)
		return e;
	im->batch_bytes += f->o.size;
	if (!f->opened) {
		im->n_sealed++;
		report_sealed(im, &f->o);
		return KH_OK;
	}
	im->n_opened++;
	report_opened(im, &f->o);
	return receipt(im, &f->o);
}

/* One entry of the log for each source of the batch, and one for the rest. */
static enum kh_err
log_batch(struct kh_index *ix, size_t first, const char *today)
{
	char alias[KH_ALIAS_MAX + 1];
	enum kh_err e = KH_OK;
	size_t i, k, n;

	for (i = first; i < ix->n_objects && e == KH_OK; i++) {
		n = 0;
		for (k = first; k < ix->n_objects; k++)
			if (ix->objects[k].thread == ix->objects[i].thread) {
				if (k < i)
					break; /* counted before */
				n++;
			}
		if (n == 0)
			continue;
		alias[0] = '\0';
		if (ix->objects[i].thread != KH_NO_THREAD)
			kh_alias(
			    ix->threads[ix->objects[i].thread].mailbox, alias);
		e = kh_log_add(&ix->log, KH_LOG_IMPORT, today, alias, n);
	}
	return e;
}

/* Files first, then the index that names them. */
static int
flush(struct kh_import *im)
{
	struct kh_index *ix = im->v->ix;
	enum kh_err e;

	if (ix->n_objects == im->first_object)
		return KH_EXIT_OK;
	e = kh_vault_settle(im->v, &ix->objects[im->first_object],
	    ix->n_objects - im->first_object, im->first_answer);
	if (e == KH_OK)
		e = log_batch(ix, im->first_object, im->v->today);
	if (e != KH_OK)
		return kh_fail(KH_ON_OUTPUT, im->v->path, e);
	im->first_object = ix->n_objects;
	im->first_answer = ix->n_answers;
	im->batch_bytes = 0;
	return kh_vault_commit(im->v);
}

static int
import_each(struct kh_import *im, const struct kh_stick_list *l)
{
	int code = KH_EXIT_OK, saved;
	enum kh_err e;
	bool taken;
	size_t i;

	for (i = 0; i < l->n && code == KH_EXIT_OK; i++) {
		if (kh_signals_caught())
			break;
		code = kh_import_copy(im, l->names + i * l->len, &taken);
		if (code != KH_EXIT_OK || !taken)
			continue;
		e = accept(im);
		if (e == KH_ELIMIT) {
			kh_say(im->v->path, "is full; begin another vault");
			code = KH_EXIT_CREATE;
		} else if (e != KH_OK) {
			/* Half of it is in the index: save nothing of it. */
			return kh_fail(KH_ON_OUTPUT, im->v->path, e);
		}
		if (im->v->ix->n_objects - im->first_object >=
			KH_IMPORT_BATCH ||
		    im->batch_bytes >= KH_IMPORT_BATCH_BYTES)
			code = flush(im);
	}
	saved = flush(im);
	return code != KH_EXIT_OK ? code : saved;
}

/* For the progress line. */
static uint64_t
bytes_of(const struct kh_stick *s, const struct kh_stick_list *l)
{
	char name[KH_VAULT_NAME_LEN + 1];
	struct kh_desk_object o;
	struct stat sb;
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < l->n; i++) {
		memcpy(o.id, l->names + i * l->len, sizeof(o.id));
		kh_vault_object_name(&o, false, name);
		if (fstatat(s->objects_fd, name, &sb, AT_SYMLINK_NOFOLLOW) ==
			0 &&
		    S_ISREG(sb.st_mode) && sb.st_size > 0)
			n += (uint64_t)sb.st_size;
	}
	return n;
}

/* Temporary files of a run that was cut. */
static void
sweep(int dir_fd)
{
	int fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 3);
	const struct dirent *entry;
	DIR *dir;

	dir = fd < 0 ? NULL : fdopendir(fd);
	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	rewinddir(dir);
	while ((entry = readdir(dir)) != NULL)
		if (strncmp(entry->d_name, KH_PART_PREFIX,
			strlen(KH_PART_PREFIX)) == 0)
			(void)unlinkat(dir_fd, entry->d_name, 0);
	closedir(dir);
}

static int
begin(struct kh_import *im, const char *path, struct kh_stick_list *l)
{
	enum kh_err e;
	int code;

	code = kh_stick_open(&im->stick, path, false);
	if (code != KH_EXIT_OK)
		return code;
	im->found = kh_secret_alloc(KH_FOUND_LEN);
	im->buf = malloc(KH_INPUT_LEN);
	if (im->found == NULL || im->buf == NULL)
		return kh_fail(KH_ON_OUTPUT, NULL, KH_ENOMEM);
	e = kh_stick_sums_read(&im->stick, &im->sums, &im->report);
	if (e == KH_OK && im->stick.objects_fd >= 0)
		e = kh_stick_list(im->stick.objects_fd, l, &im->report);
	if (e != KH_OK)
		return kh_fail(KH_ON_OBJECT, path, e);
	im->n_parts = l->parts;
	im->first_object = im->v->ix->n_objects;
	im->first_answer = im->v->ix->n_answers;
	sweep(im->v->objects_fd);
	sweep(im->v->outbox_fd);
	kh_progress_start(&im->progress, "importing",
	    im->stick.objects_fd >= 0 ? bytes_of(&im->stick, l) : 0);
	return KH_EXIT_OK;
}

int
kh_import_run(struct kh_import *im, const char *path)
{
	struct kh_stick_list l = {
	    .dir = KH_STICK_OBJECTS, .len = KH_OBJECT_ID_LEN};
	int code;

	PRECOND(im != NULL && im->v != NULL && path != NULL);
	im->stick = (struct kh_stick){path, -1, -1, -1};
	kh_signals_defer(true);
	code = begin(im, path, &l);
	if (code == KH_EXIT_OK)
		code = import_each(im, &l);
	kh_progress_end(&im->progress);
	kh_report_end(&im->report);
	free(l.names);
	kh_signals_defer(false);
	return code;
}

void
kh_import_free(struct kh_import *im)
{
	kh_stick_close(&im->stick);
	kh_stick_sums_clear(&im->sums);
	kh_report_free(&im->report);
	kh_secret_free(im->found);
	free(im->buf);
	json_decref(im->opened);
	json_decref(im->sealed);
	im->found = NULL;
	im->buf = NULL;
	im->opened = im->sealed = NULL;
}
