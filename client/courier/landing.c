/*
 * From a complete part to a final name. Separate because the order is what
 * makes it safe to pull the stick: bytes, then names, then the list of sums.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "client/courier/download.h"
#include "client/exit.h"
#include "lib/base/precond.h"

#define SAVE_EVERY 30 /* seconds between two writings of SHA256SUMS */

static enum kh_err
sync_all(const struct kh_landing *l)
{
	size_t i;

	/* All are on their way before the first one is waited for. */
	for (i = 0; i < l->n; i++)
		(void)sync_file_range(
		    l->item[i].fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	for (i = 0; i < l->n; i++)
		if (fsync(l->item[i].fd) != 0)
			return errno == ENOSPC || errno == EDQUOT ? KH_EFULL
								  : KH_ESYS;
	return KH_OK;
}

static enum kh_err
name_all(const struct kh_landing *l, int objects_fd)
{
	char part[KH_PART_NAME_LEN], name[KH_OBJECT_NAME_LEN + 1];
	size_t i;

	for (i = 0; i < l->n; i++) {
		kh_stick_part_name(l->item[i].id, part);
		kh_stick_object_name(l->item[i].id, name);
		if (renameat(objects_fd, part, objects_fd, name) != 0)
			return KH_ESYS;
	}
	return kh_stick_sync_dir(objects_fd);
}

static enum kh_err
note_all(struct kh_fetch *f)
{
	char path[sizeof("objects/") + KH_OBJECT_NAME_LEN];
	struct kh_landing *l = &f->landing;
	enum kh_err e = KH_OK;
	struct timespec now;
	size_t i;

	for (i = 0; i < l->n && e == KH_OK; i++) {
		(void)snprintf(
		    path, sizeof(path), "objects/%s.age", l->item[i].id);
		e = kh_sums_put(&f->c->sums, path, l->item[i].hex);
	}
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	if (e == KH_OK && now.tv_sec - f->saved.tv_sec >= SAVE_EVERY) {
		e = kh_sums_save(&f->c->sums, &f->c->stick);
		f->saved = now;
	}
	return e;
}

int
kh_landing_flush(struct kh_fetch *f)
{
	struct kh_landing *l = &f->landing;
	enum kh_err e;
	size_t i;
	int err;

	PRECOND(f != NULL);
	if (l->n == 0)
		return KH_EXIT_OK;
	e = sync_all(l);
	if (e == KH_OK)
		e = name_all(l, f->c->stick.objects_fd);
	if (e == KH_OK)
		e = note_all(f);
	err = errno;
	for (i = 0; i < l->n; i++)
		close(l->item[i].fd);
	l->n = 0;
	l->bytes = 0;
	errno = err;
	return e == KH_OK ? KH_EXIT_OK : kh_stick_fail(&f->c->stick, e);
}
