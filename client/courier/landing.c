/*
 * From a complete part to a final name. Separate because the order is what
 * makes it safe to pull the stick: bytes, then names, then the list of sums.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/courier/download.h"
#include "client/exit.h"
#include "knothole/io.h"
#include "lib/base/precond.h"

#define OTHER_FDS 64 /* beside those of parts, generously */
#define SAVE_EVERY 30 /* seconds between two writings of SHA256SUMS */

/* The noon of 1980-01-01: when something was fetched is nobody's business. */
static const struct timespec fixed_times[2] = {{315576000, 0}, {315576000, 0}};

static enum kh_err
sync_all(const struct kh_landing *l)
{
	size_t i;

	/* All are on their way before one is waited for, and all are there
	 * before the first is synced: one commit of the journal does then. */
	for (i = 0; i < l->n; i++) {
		(void)futimens(l->item[i].fd, fixed_times);
		(void)sync_file_range(
		    l->item[i].fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	}
	for (i = 0; l->n > 1 && i < l->n; i++)
		(void)sync_file_range(l->item[i].fd, 0, 0,
		    SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
			SYNC_FILE_RANGE_WAIT_AFTER);
	for (i = 0; i < l->n; i++)
		if (fsync(l->item[i].fd) != 0)
			return kh_io_error();
	return KH_OK;
}

static enum kh_err
name_all(const struct kh_landing *l)
{
	char part[KH_PART_NAME_LEN], name[KH_OBJECT_NAME_LEN + 1];
	size_t i;

	for (i = 0; i < l->n; i++) {
		kh_stick_part_name(l->item[i].id, part);
		kh_stick_object_name(l->item[i].id, name);
		if (renameat(l->objects_fd, part, l->objects_fd, name) != 0)
			return KH_ESYS;
	}
	return kh_stick_sync_dir(l->objects_fd);
}

/* The second hand's job. */
static void
land(void *arg)
{
	struct kh_landing *l = arg;
	size_t i;

	l->e = sync_all(l);
	if (l->e == KH_OK)
		l->e = name_all(l);
	l->err = errno;
	for (i = 0; i < l->n; i++)
		close(l->item[i].fd);
}

static enum kh_err
note_all(struct kh_fetch *f, const struct kh_landing *l)
{
	char path[sizeof("objects/") + KH_OBJECT_NAME_LEN];
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

/* What the second hand was given last: is it done, and was it well done? */
static int
collect(struct kh_fetch *f)
{
	struct kh_landing *l = &f->landing[1 - f->filling];
	enum kh_err e;

	kh_hand_wait(&f->hand);
	if (l->n == 0)
		return KH_EXIT_OK;
	e = l->e;
	if (e == KH_OK)
		e = note_all(f, l);
	else
		errno = l->err;
	l->n = 0;
	l->bytes = 0;
	return e == KH_OK ? KH_EXIT_OK : kh_stick_fail(&f->c->stick, e);
}

size_t
kh_landing_room(void)
{
	const rlim_t want = 2 * KH_LANDING_MAX + OTHER_FDS;
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0)
		return 1;
	if (r.rlim_cur < want && r.rlim_cur < r.rlim_max) {
		r.rlim_cur = r.rlim_max < want ? r.rlim_max : want;
		if (setrlimit(RLIMIT_NOFILE, &r) != 0 ||
		    getrlimit(RLIMIT_NOFILE, &r) != 0)
			return 1;
	}
	if (r.rlim_cur >= want)
		return KH_LANDING_MAX;
	return r.rlim_cur < OTHER_FDS + 2
	    ? 1
	    : (size_t)(r.rlim_cur - OTHER_FDS) / 2;
}

int
kh_landing_begin(struct kh_fetch *f)
{
	struct kh_landing *l;
	int code;

	PRECOND(f != NULL);
	code = collect(f);
	l = &f->landing[f->filling];
	if (l->n == 0)
		return code;
	l->objects_fd = f->c->stick.objects_fd;
	f->filling = 1 - f->filling;
	kh_hand_give(&f->hand, land, l);
	return code;
}

int
kh_landing_finish(struct kh_fetch *f)
{
	int first, second;

	first = kh_landing_begin(f);
	second = collect(f);
	return first != KH_EXIT_OK ? first : second;
}
