/*
 * fetch: what the server has and the stick lacks.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "client/courier/download.h"
#include "client/courier/look.h"
#include "client/courier/talk.h"
#include "client/exit.h"
#include "client/signals.h"
#include "lib/base/precond.h"

#define ROOM_BESIDES (UINT64_C(2) << 20) /* directories, SHA256SUMS twice */
#define FAT_FILE_MAX UINT64_C(4294967295)

/* What there is to do. */
struct plan {
	struct kh_list list;
	size_t files, fetched, gone;
	uint64_t bytes, parts; /* of those files, and what there is of them */
	int refused; /* exit status for what is on the stick, or 0 */
};

/* Files that FAT cannot hold are left out, and said. */
static void
leave_out(struct kh_courier *c, struct plan *p)
{
	struct statfs fs;
	size_t i;

	if (fstatfs(c->stick.objects_fd, &fs) != 0 ||
	    fs.f_type != MSDOS_SUPER_MAGIC)
		return;
	for (i = 0; i < p->list.n; i++) {
		struct kh_object *o = &p->list.object[i];

		if (o->have || o->size <= FAT_FILE_MAX)
			continue;
		kh_say(o->id,
		    "larger than a file on FAT can be; format "
		    "a stick as exFAT");
		o->have = true;
		p->refused = KH_EXIT_CREATE;
	}
}

static void
count(struct plan *p)
{
	size_t i;

	for (i = 0; i < p->list.n; i++) {
		const struct kh_object *o = &p->list.object[i];

		if (o->have)
			continue;
		p->files++;
		p->bytes += o->size;
		p->parts += o->part <= o->size ? o->part : 0;
	}
}

static int
check_room(const struct kh_courier *c, const struct plan *p)
{
	char need[KH_AMOUNT_LEN], have[KH_AMOUNT_LEN];
	uint64_t room, bytes;
	struct statvfs vfs;

	if (p->files == 0)
		return KH_EXIT_OK;
	if (fstatvfs(c->stick.objects_fd, &vfs) != 0)
		return kh_stick_fail(&c->stick, KH_ESYS);
	room = (uint64_t)vfs.f_bavail * vfs.f_frsize;
	bytes = p->bytes - p->parts + p->files * vfs.f_bsize + ROOM_BESIDES;
	if (bytes <= room)
		return KH_EXIT_OK;
	kh_amount(bytes, need);
	kh_amount(room, have);
	kh_say(c->stick.path,
	    "too small: %s are needed, %s are free; make "
	    "room, or use another stick",
	    need, have);
	return KH_EXIT_IO;
}

/* Objects without a line in SHA256SUMS: a run was killed in between. */
static int
hash_missing(struct kh_courier *c, const char *name)
{
	char path[sizeof("objects/") + KH_OBJECT_NAME_LEN];
	char hex[KH_SHA256_HEX_LEN];
	enum kh_err e;
	int fd;

	(void)snprintf(path, sizeof(path), "objects/%s", name);
	if (kh_sums_find(&c->sums, path) != NULL)
		return KH_EXIT_OK;
	fd = kh_stick_file(c->stick.objects_fd, name, NULL);
	if (fd < 0) /* it was said */
		return KH_EXIT_OK;
	e = kh_sums_hash(fd, hex);
	close(fd);
	if (e == KH_OK)
		e = kh_sums_put(&c->sums, path, hex);
	if (e == KH_EAGAIN)
		return kh_interrupted();
	return e == KH_OK ? KH_EXIT_OK : kh_stick_fail(&c->stick, e);
}

struct hashing {
	struct kh_courier *c;
	int code;
};

static bool
hash_entry(void *ctx, const char *name)
{
	struct hashing *h = ctx;

	if (kh_stick_is_age(name, KH_ID_LEN))
		h->code = hash_missing(h->c, name);
	return h->code == KH_EXIT_OK;
}

static int
hash_all(struct kh_courier *c)
{
	struct hashing h = {c, KH_EXIT_OK};

	if (kh_stick_scan(c->stick.objects_fd, hash_entry, &h) != KH_OK)
		return kh_stick_fail(&c->stick, KH_ESYS);
	return h.code;
}

/* Those that were begun come first, so that there is one part at a time. */
static int
fetch_some(struct kh_fetch *f, struct plan *p, bool begun)
{
	struct kh_courier *c = f->c;
	int code = KH_EXIT_OK;
	size_t i;

	for (i = 0; i < p->list.n && code == KH_EXIT_OK; i++) {
		struct kh_object *o = &p->list.object[i];

		if (o->have || o->gone || (o->part > 0) != begun)
			continue;
		if (kh_signals_caught())
			return kh_interrupted();
		c->progress.file++;
		code = kh_download(f, o);
		o->have = code == KH_EXIT_OK;
		p->fetched += o->have && !o->gone;
		p->gone += o->gone;
	}
	return code;
}

static int
fetch_all(struct kh_fetch *f, struct plan *p)
{
	struct kh_courier *c = f->c;
	int code, landed;

	c->done = p->parts;
	kh_progress_start(&c->progress, "fetching", p->bytes);
	kh_progress_files(&c->progress, p->files, p->parts);
	if (c->o.quiet)
		c->progress.on = false;
	code = fetch_some(f, p, true);
	if (code == KH_EXIT_OK)
		code = fetch_some(f, p, false);
	kh_progress_end(&c->progress);
	landed = kh_landing_finish(f);
	return code != KH_EXIT_OK ? code : landed;
}

/* Everything that is known before the first object is asked for. */
static int
make_plan(struct kh_fetch *f, struct plan *p)
{
	struct kh_courier *c = f->c;
	enum kh_err e;
	size_t odd;
	int code;

	code = kh_get_list(c, &p->list);
	if (code != KH_EXIT_OK)
		return code;
	e = kh_parts_begin(&f->parts, &c->stick);
	if (e == KH_OK)
		e = kh_look_objects(&c->stick, &p->list, true, &odd);
	if (e == KH_OK)
		e = kh_sums_load(&c->sums, &c->stick);
	if (e != KH_OK)
		return kh_stick_fail(&c->stick, e);
	if (odd > 0)
		p->refused = KH_EXIT_DATA;
	leave_out(c, p);
	count(p);
	return check_room(c, p);
}

static int
carry_out(struct kh_fetch *f, struct plan *p)
{
	struct kh_courier *c = f->c;
	int code;

	code = hash_all(c);
	if (code != KH_EXIT_OK || p->files == 0)
		return code;
	f->landing_max = kh_landing_room();
	f->buf[0] = malloc(KH_DOWNLOAD_BUF_LEN);
	f->buf[1] = malloc(KH_DOWNLOAD_BUF_LEN);
	(void)clock_gettime(CLOCK_MONOTONIC, &f->saved);
	if (f->buf[0] == NULL || f->buf[1] == NULL ||
	    kh_hand_start(&f->hand) != KH_OK)
		code = kh_fail(KH_ON_OBJECT, c->stick.path, KH_ENOMEM);
	else
		code = fetch_all(f, p);
	kh_hand_end(&f->hand);
	free(f->buf[0]);
	free(f->buf[1]);
	return code;
}

static void
tell_result(struct kh_courier *c, const struct plan *p, int code)
{
	char amount[KH_AMOUNT_LEN];

	kh_amount(p->bytes, amount);
	if (p->files == 0)
		kh_tell(c, "nothing new: all %zu objects are on the stick",
		    p->list.n);
	else
		kh_tell(c, "%zu of %zu new objects fetched (%s)%s", p->fetched,
		    p->files, amount,
		    code == KH_EXIT_OK ? "" : "; run it again for the rest");
	if (p->gone > 0)
		kh_tell(c, "%zu objects left the server meanwhile", p->gone);
}

int
kh_courier_fetch(struct kh_courier *c)
{
	struct plan p = {0};
	struct kh_fetch *f;
	enum kh_err e;
	int code;

	PRECOND(c != NULL);
	code = kh_stick_open(&c->stick, c->o.stick, true);
	if (code != KH_EXIT_OK)
		return code;
	f = calloc(1, sizeof(*f));
	if (f == NULL)
		return kh_fail(KH_ON_OBJECT, c->stick.path, KH_ENOMEM);
	f->c = c;
	f->parts.fd = -1;
	code = make_plan(f, &p);
	if (code == KH_EXIT_OK) {
		code = carry_out(f, &p);
		/* Also after a failure: what was fetched has its line then. */
		e = kh_sums_save(&c->sums, &c->stick);
		if (e != KH_OK && code == KH_EXIT_OK)
			code = kh_stick_fail(&c->stick, e);
		tell_result(c, &p, code);
	}
	kh_parts_end(&f->parts, &c->stick);
	free(f);
	kh_list_clear(&p.list);
	return code != KH_EXIT_OK ? code : p.refused;
}
