/*
 * One object from stick to vault. Separate because of the order of its steps:
 * what is examined is our copy, which nobody can change any more.
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "client/desk/import.h"
#include "client/exit.h"
#include "client/file.h"
#include "client/input.h"
#include "client/signals.h"
#include "knothole/io.h"

/* Larger objects are not copied before their header has been opened. */
#define COPY_BLINDLY 4194304
/* Left free for index and outbox. */
#define KEEP_FREE 67108864

/* What an error of examining means to somebody who sees the stick's name. */
static const char *
why_refused(enum kh_err e)
{
	switch (e) {
	case KH_ENAME:
		return "opens, but holds no submission; `knothole unseal` "
		       "gives its content as it is";
	case KH_ETRUNC:
		return "ends before it is complete; fetch it again";
	case KH_EAUTH:
		return "damaged or tampered with; fetch it again";
	case KH_EFORMAT:
		return "no sealed object; fetch it again";
	case KH_EUNSUP:
		return "of a kind that this version does not know; a newer "
		       "knothole may take it";
	case KH_ELIMIT:
		return "beyond what an object can be";
	default:
		return NULL; /* not its fault */
	}
}

static void
refuse(struct kh_import *im, const char *name, const char *why)
{
	kh_report_refuse(&im->report, KH_STICK_OBJECTS, name, why);
}

/* Did it come before, under this name or another? */
static bool
is_known(struct kh_import *im, const char *name, const struct kh_found *f)
{
	const struct kh_index *ix = im->v->ix;
	size_t id = kh_table_get(&ix->by_id, f->o.id);
	size_t mark = kh_table_get(&ix->by_mark, f->o.mark);

	if (id == KH_TABLE_NONE && mark == KH_TABLE_NONE)
		return false;
	if (id != KH_TABLE_NONE && id == mark &&
	    ix->objects[id].size == f->o.size)
		im->n_known++;
	else if (id != KH_TABLE_NONE)
		refuse(im, name,
		    "another object came under this name before, and stays");
	else
		refuse(im, name,
		    "a copy, under another name, of what came before");
	return true;
}

/* Copy `size` bytes and hash them. */
static enum kh_err
copy(struct kh_import *im, int from, int to, uint64_t size)
{
	crypto_hash_sha256_state hash;
	uint64_t left = size;
	enum kh_err e;
	size_t want, got;

	crypto_hash_sha256_init(&hash);
	while (left > 0) {
		if (kh_signals_caught()) {
			errno = EINTR;
			return KH_ESYS;
		}
		want = left < KH_INPUT_LEN ? (size_t)left : KH_INPUT_LEN;
		e = kh_read_upto(from, im->buf, want, &got);
		if (e == KH_OK && got < want)
			e = KH_ETRUNC;
		if (e == KH_OK)
			e = kh_write_all(to, im->buf, got);
		if (e != KH_OK)
			return e;
		crypto_hash_sha256_update(&hash, im->buf, got);
		left -= got;
		im->done += got;
		kh_progress_show(&im->progress, im->done);
	}
	crypto_hash_sha256_final(&hash, im->found->o.sum);
	return KH_OK;
}

/* What is for others can only be compared with the courier's list. */
static enum kh_err
check_sum(const struct kh_import *im, const struct kh_found *f)
{
	const uint8_t *sum = kh_stick_sum(&im->sums, f->o.id);

	if (f->opened || sum == NULL || memcmp(sum, f->o.sum, KH_SUM_LEN) == 0)
		return KH_OK;
	return KH_EAUTH;
}

static enum kh_err
has_room(const struct kh_vault *v, uint64_t size)
{
	struct statvfs fs;
	uint64_t room;

	if (fstatvfs(v->objects_fd, &fs) != 0)
		return KH_ESYS;
	room = (uint64_t)fs.f_bavail * fs.f_frsize;
	return room < KEEP_FREE || room - KEEP_FREE < size ? KH_EFULL : KH_OK;
}

static void
drop_part(const struct kh_import *im)
{
	char part[KH_VAULT_NAME_LEN + 1];

	kh_vault_object_name(&im->found->o, true, part);
	(void)unlinkat(im->v->objects_fd, part, 0);
}

/* From the open file on. Our own failures come back with `ours` set. */
static enum kh_err
take(struct kh_import *im, int from, bool *ours)
{
	struct kh_found *f = im->found;
	char part[KH_VAULT_NAME_LEN + 1];
	enum kh_err e = KH_OK;
	int to;

	*ours = false;
	if (f->o.size > COPY_BLINDLY)
		e = kh_examine_header(from, im->v->kr);
	if (e != KH_OK)
		return e;
	*ours = true;
	kh_vault_object_name(&f->o, true, part);
	e = has_room(im->v, f->o.size);
	if (e == KH_OK)
		e = kh_file_begin(im->v->objects_fd, part, &to);
	if (e != KH_OK)
		return e;
	e = copy(im, from, to, f->o.size);
	if (e == KH_OK || e == KH_ETRUNC)
		*ours = false;
	if (e == KH_OK)
		e = kh_examine_mark(to, f->o.mark);
	if (e == KH_OK)
		e = kh_examine(to, im->v->kr, f);
	if (e == KH_OK)
		e = check_sum(im, f);
	close(to);
	if (e != KH_OK)
		drop_part(im);
	return e;
}

/* Open it on the stick; false if it was refused or is known. */
static bool
open_source(struct kh_import *im, const char *name, int *fd)
{
	struct kh_found *f = im->found;
	enum kh_err e;

	e = kh_stick_file(im->stick.objects_fd, name, fd, &f->o.size);
	if (e == KH_EUNSUP)
		refuse(im, name, "not a regular file");
	else if (e == KH_ENOENT)
		refuse(im, name, "went away while it was looked at");
	else if (e != KH_OK)
		refuse(im, name, "cannot be opened");
	if (e != KH_OK)
		return false;
	if (f->o.size > KH_OBJECT_LEN_MAX)
		refuse(im, name, why_refused(KH_ELIMIT));
	else if (kh_examine_mark(*fd, f->o.mark) != KH_OK)
		refuse(im, name, "cannot be read");
	else if (!is_known(im, name, f))
		return true;
	close(*fd);
	*fd = -1;
	return false;
}

int
kh_import_copy(struct kh_import *im, const uint8_t *id, bool *taken)
{
	char name[KH_VAULT_NAME_LEN + 1];
	struct kh_found *f = im->found;
	uint64_t before = im->done;
	const char *why;
	enum kh_err e;
	bool ours;
	int fd;

	*taken = false;
	memset(f, 0, sizeof(*f));
	memcpy(f->o.id, id, sizeof(f->o.id));
	memcpy(f->o.imported, im->v->today, sizeof(f->o.imported));
	kh_vault_object_name(&f->o, false, name);
	if (!open_source(im, name, &fd)) {
		im->done = before + f->o.size;
		return KH_EXIT_OK;
	}
	e = take(im, fd, &ours);
	close(fd);
	im->done = before + f->o.size;
	if (e == KH_OK) {
		/* The stick may have said something else a moment before. */
		*taken = !is_known(im, name, f);
		if (!*taken)
			drop_part(im);
		return KH_EXIT_OK;
	}
	why = ours ? NULL : why_refused(e);
	if (why != NULL) {
		refuse(im, name, why);
		return KH_EXIT_OK;
	}
	if (!ours && e == KH_ESYS) {
		refuse(im, name, "cannot be read");
		return KH_EXIT_OK;
	}
	if (kh_signals_caught())
		return KH_EXIT_IO;
	return kh_fail(KH_ON_OUTPUT, im->v->path, e);
}
