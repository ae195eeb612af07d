/*
 * Objects and answers in a vault: what their files are called, and how those
 * come by their names, all or none.
 */
#include <dirent.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/desk/alias.h"
#include "client/desk/vault.h"
#include "client/desk/vault_files.h"
#include "client/exit.h"
#include "client/file.h"
#include "knothole/answer.h"
#include "knothole/io.h"
#include "lib/base/precond.h"

static bool
has_entries(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, KH_VAULT_DIR_FLAGS);
	const struct dirent *entry;
	bool any = false;
	DIR *dir;

	dir = fd < 0 ? NULL : fdopendir(fd);
	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	while (!any && (entry = readdir(dir)) != NULL)
		any = strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0;
	closedir(dir);
	return any;
}

bool
kh_vault_used(int dir_fd)
{
	PRECOND(dir_fd >= 0);
	return has_entries(dir_fd, KH_VAULT_OBJECTS) ||
	    has_entries(dir_fd, KH_VAULT_OUTBOX);
}

void
kh_vault_object_name(const struct kh_desk_object *o, bool part,
    char out[static KH_VAULT_NAME_LEN + 1])
{
	char hex[2 * KH_OBJECT_ID_LEN + 1];

	sodium_bin2hex(hex, sizeof(hex), o->id, sizeof(o->id));
	(void)snprintf(out, KH_VAULT_NAME_LEN + 1, "%s%s%s",
	    part ? KH_PART_PREFIX : "", hex, part ? "" : ".age");
}

void
kh_vault_answer_name(const struct kh_vault *v, const struct kh_desk_answer *a,
    bool part, char out[static KH_VAULT_NAME_LEN + 1])
{
	char slot[KH_SLOT_NAME_LEN + 1];

	kh_slot_name(v->ix->threads[a->thread].slot_key, &v->ix->outlet,
	    a->number, slot);
	(void)snprintf(out, KH_VAULT_NAME_LEN + 1, "%s%s%s",
	    part ? KH_PART_PREFIX : "", slot, part ? "" : ".age");
}

bool
kh_vault_object_path(const struct kh_vault *v, const struct kh_desk_object *o,
    char out[static PATH_MAX])
{
	char name[KH_VAULT_NAME_LEN + 1];
	int n;

	kh_vault_object_name(o, false, name);
	n = snprintf(
	    out, PATH_MAX, "%s/" KH_VAULT_OBJECTS "/%s", v->path, name);
	return n > 0 && n < PATH_MAX;
}

enum kh_err
kh_vault_seal_answer(struct kh_vault *v, const struct kh_desk_answer *a)
{
	const struct kh_thread *t = &v->ix->threads[a->thread];
	struct kh_answer answer = {.number = a->number,
	    .kind = a->kind,
	    .text = (const uint8_t *)a->text,
	    .text_len = a->text_len};
	char part[KH_VAULT_NAME_LEN + 1];
	enum kh_err e;
	int fd;

	memcpy(answer.mailbox, t->mailbox, sizeof(answer.mailbox));
	memcpy(answer.day, a->day, sizeof(answer.day));
	kh_vault_answer_name(v, a, true, part);
	e = kh_file_begin(v->outbox_fd, part, &fd);
	if (e != KH_OK)
		return e;
	e = kh_answer_seal(
	    &answer, &t->reply_to, &v->room->signing, kh_sink_fd(&fd));
	if (close(fd) != 0 && e == KH_OK)
		e = kh_io_error();
	if (e != KH_OK)
		(void)unlinkat(v->outbox_fd, part, 0);
	return e;
}

static enum kh_err
sync_one(int dir_fd, const char *name)
{
	enum kh_err e = KH_OK;
	int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return kh_io_error();
	if (fsync(fd) != 0)
		e = kh_io_error();
	close(fd);
	return e;
}

/*
 * All of them only now, so that the first one's commit of the journal is that
 * of the others, too. (syncfs would wait for everything on the disk.)
 */
static enum kh_err
sync_all(
    struct kh_vault *v, const struct kh_desk_object *o, size_t n, size_t first)
{
	char part[KH_VAULT_NAME_LEN + 1];
	enum kh_err e = KH_OK;
	size_t i;

	for (i = 0; i < n && e == KH_OK; i++) {
		kh_vault_object_name(&o[i], true, part);
		e = sync_one(v->objects_fd, part);
	}
	for (i = first; i < v->ix->n_answers && e == KH_OK; i++) {
		kh_vault_answer_name(v, &v->ix->answers[i], true, part);
		e = sync_one(v->outbox_fd, part);
	}
	return e;
}

static enum kh_err
rename_all(
    struct kh_vault *v, const struct kh_desk_object *o, size_t n, size_t first)
{
	char part[KH_VAULT_NAME_LEN + 1], name[KH_VAULT_NAME_LEN + 1];
	size_t i;

	for (i = 0; i < n; i++) {
		kh_vault_object_name(&o[i], true, part);
		kh_vault_object_name(&o[i], false, name);
		if (renameat(v->objects_fd, part, v->objects_fd, name) != 0)
			return kh_io_error();
	}
	for (i = first; i < v->ix->n_answers; i++) {
		kh_vault_answer_name(v, &v->ix->answers[i], true, part);
		kh_vault_answer_name(v, &v->ix->answers[i], false, name);
		if (renameat(v->outbox_fd, part, v->outbox_fd, name) != 0)
			return kh_io_error();
	}
	return KH_OK;
}

enum kh_err
kh_vault_settle(
    struct kh_vault *v, const struct kh_desk_object *o, size_t n, size_t first)
{
	enum kh_err e;

	PRECOND(v != NULL && (o != NULL || n == 0));
	e = sync_all(v, o, n, first);
	if (e == KH_OK)
		e = rename_all(v, o, n, first);
	if (e == KH_OK)
		e = kh_file_sync_dir(v->objects_fd);
	if (e == KH_OK)
		e = kh_file_sync_dir(v->outbox_fd);
	return e;
}

int
kh_vault_find(const struct kh_vault *v, const char *name, size_t *thread)
{
	switch (kh_alias_find(v->ix, name, thread)) {
	case KH_ALIAS_ONE:
		return KH_EXIT_OK;
	case KH_ALIAS_SEVERAL:
		kh_say(name,
		    "means more than one source; give more of the mailbox's "
		    "digits (`knothole inbox --json` has them)");
		return KH_EXIT_USAGE;
	case KH_ALIAS_NONE:
		break;
	}
	kh_say(name,
	    "no such source; `knothole inbox` lists them. A mailbox is named "
	    "by at least %d digits",
	    KH_THREAD_PREFIX_MIN);
	return KH_EXIT_NOINPUT;
}
