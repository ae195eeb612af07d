/*
 * Who has collected what, and when an object may go. Separate from the rest of
 * the store because this alone removes what nobody can send again.
 *
 * The order that makes a crash harmless: an object goes only when every
 * newsroom has said that it holds it; its marks go after that is durable. What
 * is cut short between the two is finished by the sweep at the next start.
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "knothole/io.h"
#include "lib/base/precond.h"
#include "lib/store/dir.h"

#define MARK_LEN (2 * KH_OBJECT_ID_LEN + 1 + 2 * KH_COLLECTOR_LEN)

/* A pass over a directory. */
struct pass {
	struct kh_store *st;
	const struct kh_collectors *all;
	int64_t before;
	bool removed; /* an object, not yet durably */
};

void
kh_collector_id(
    const uint8_t signing_key[static 32], uint8_t out[static KH_COLLECTOR_LEN])
{
	uint8_t h[crypto_generichash_BYTES];

	crypto_generichash(h, sizeof(h), signing_key, 32, NULL, 0);
	memcpy(out, h, KH_COLLECTOR_LEN);
}

/* "<object>-<newsroom>". */
static void
mark_name(const uint8_t id[static KH_OBJECT_ID_LEN],
    const uint8_t who[static KH_COLLECTOR_LEN], char out[static MARK_LEN + 1])
{
	sodium_bin2hex(out, MARK_LEN + 1, id, KH_OBJECT_ID_LEN);
	out[2 * KH_OBJECT_ID_LEN] = '-';
	sodium_bin2hex(out + 2 * KH_OBJECT_ID_LEN + 1, 2 * KH_COLLECTOR_LEN + 1,
	    who, KH_COLLECTOR_LEN);
}

/* Is it a mark? Sets the object's id. */
static bool
is_mark(const char *name, uint8_t id[static KH_OBJECT_ID_LEN])
{
	uint8_t who[KH_COLLECTOR_LEN];

	return strnlen(name, MARK_LEN + 1) == MARK_LEN &&
	    name[2 * KH_OBJECT_ID_LEN] == '-' &&
	    kh_dir_unhex(name, KH_OBJECT_ID_LEN, id) &&
	    kh_dir_unhex(
		name + 2 * KH_OBJECT_ID_LEN + 1, KH_COLLECTOR_LEN, who);
}

static enum kh_err
there_is(int at, const char *name, bool *there)
{
	struct stat sb;

	*there = fstatat(at, name, &sb, AT_SYMLINK_NOFOLLOW) == 0;
	return *there || errno == ENOENT ? KH_OK : KH_ESYS;
}

static enum kh_err
has_object(const struct kh_store *st, const uint8_t *id, bool *there)
{
	char name[KH_OBJECT_NAME_LEN + 1];

	kh_object_name(id, name);
	return there_is(st->objects_fd, name, there);
}

/* Have all newsrooms collected it, `who` left out? (all->n: none is.) */
static enum kh_err
by_all_but(const struct kh_store *st, const struct kh_collectors *all,
    uint32_t who, const uint8_t *id, bool *yes)
{
	char name[MARK_LEN + 1];
	enum kh_err e = KH_OK;
	uint32_t i;

	*yes = all->n > 0;
	for (i = 0; i < all->n && *yes && e == KH_OK; i++) {
		if (i == who)
			continue;
		mark_name(id, all->id[i], name);
		e = there_is(st->collected_fd, name, yes);
	}
	return e;
}

static enum kh_err
remove_object(struct kh_store *st, const uint8_t *id)
{
	char name[KH_OBJECT_NAME_LEN + 1];
	enum kh_err e;

	kh_object_name(id, name);
	e = kh_dir_remove(st->objects_fd, name);
	return e == KH_ENOENT ? KH_OK : e;
}

static enum kh_err
sync_directory(int fd)
{
	kh_dir_hide_times(fd);
	return fsync(fd) == 0 ? KH_OK : kh_io_error();
}

static enum kh_err
make_mark(struct kh_store *st, const uint8_t *id, const uint8_t *who)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	char name[MARK_LEN + 1];
	int fd;

	mark_name(id, who, name);
	fd = openat(st->collected_fd, name, flags, 0400);
	if (fd < 0)
		return errno == EEXIST ? KH_OK : kh_io_error();
	/* Empty: its name, and so the directory, is all there is to sync. */
	kh_dir_hide_times(fd);
	kh_dir_shut(fd);
	return KH_OK;
}

/* Marks of an object that is gone. They are not worth an error: the next sweep
 * finds what is left. */
static void
remove_marks(
    struct kh_store *st, const struct kh_collectors *all, const uint8_t *id)
{
	char name[MARK_LEN + 1];
	uint32_t i;

	for (i = 0; i < all->n; i++) {
		mark_name(id, all->id[i], name);
		(void)unlinkat(st->collected_fd, name, 0);
	}
}

/* One of them: removed (then *last), marked, or not there. */
static enum kh_err
collect_one(struct kh_store *st, const struct kh_collectors *all, uint32_t who,
    const uint8_t *id, bool *last)
{
	bool there = false;
	enum kh_err e;

	*last = false;
	e = has_object(st, id, &there);
	if (e != KH_OK || !there)
		return e;
	e = by_all_but(st, all, who, id, last);
	if (e == KH_OK)
		e = *last ? remove_object(st, id)
			  : make_mark(st, id, all->id[who]);
	if (e != KH_OK)
		*last = false; /* its marks stay as long as it does */
	return e;
}

enum kh_err
kh_store_collect(struct kh_store *st, const struct kh_collectors *all,
    uint32_t who, const struct kh_object_ids *ids)
{
	bool last[KH_OBJECT_PAGE_MAX] = {false}, removed = false;
	enum kh_err e = KH_OK, synced;
	uint32_t i;

	PRECOND(st != NULL && all != NULL && ids != NULL);
	PRECOND(all->n <= KH_OUTLETS_MAX && who < all->n);
	PRECOND(ids->n <= KH_OBJECT_PAGE_MAX);
	for (i = 0; i < ids->n && e == KH_OK; i++) {
		e = collect_one(st, all, who, ids->id[i], &last[i]);
		removed |= last[i];
	}
	/* Also when one has failed: what was done is to stay done. */
	synced = sync_directory(st->collected_fd);
	if (removed && synced == KH_OK)
		synced = sync_directory(st->objects_fd);
	for (i = 0; removed && synced == KH_OK && i < ids->n; i++) {
		if (last[i])
			remove_marks(st, all, ids->id[i]);
	}
	kh_dir_hide_times(st->collected_fd);
	return e != KH_OK ? e : synced;
}

/* A mark: is its object one that all have collected? */
static enum kh_err
finish(void *ctx, const char *name)
{
	struct pass *p = ctx;
	uint8_t id[KH_OBJECT_ID_LEN];
	bool yes = false, there = false;
	enum kh_err e;

	if (!is_mark(name, id))
		return KH_OK;
	e = has_object(p->st, id, &there);
	if (e == KH_OK && there)
		e = by_all_but(p->st, p->all, p->all->n, id, &yes);
	if (e == KH_OK && yes) {
		e = remove_object(p->st, id);
		p->removed = true;
	}
	return e;
}

/* A mark: does its object exist? */
static enum kh_err
drop_orphan(void *ctx, const char *name)
{
	struct pass *p = ctx;
	uint8_t id[KH_OBJECT_ID_LEN];
	bool there = false;
	enum kh_err e;

	if (!is_mark(name, id))
		return KH_OK;
	e = has_object(p->st, id, &there);
	if (e == KH_OK && !there &&
	    unlinkat(p->st->collected_fd, name, 0) != 0 && errno != ENOENT)
		e = KH_ESYS;
	return e;
}

/* The second half of every removal by a pass. */
static enum kh_err
drop_orphans(struct pass *p)
{
	enum kh_err e = KH_OK;

	if (p->removed)
		e = sync_directory(p->st->objects_fd);
	if (e == KH_OK)
		e = kh_dir_walk(p->st->collected_fd, drop_orphan, p);
	if (e == KH_OK)
		e = sync_directory(p->st->collected_fd);
	return e;
}

enum kh_err
kh_store_sweep(struct kh_store *st, const struct kh_collectors *all)
{
	struct pass p = {.st = st, .all = all};
	enum kh_err e;

	PRECOND(st != NULL && all != NULL && all->n <= KH_OUTLETS_MAX);
	e = kh_dir_walk(st->collected_fd, finish, &p);
	return e == KH_OK ? drop_orphans(&p) : e;
}

static enum kh_err
expire(void *ctx, const char *name)
{
	uint8_t id[KH_OBJECT_ID_LEN];
	struct pass *p = ctx;
	struct stat sb;

	if (!kh_dir_object_id(name, id))
		return KH_OK;
	if (fstatat(p->st->objects_fd, name, &sb, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? KH_OK : KH_ESYS;
	if (!S_ISREG(sb.st_mode) || sb.st_ctim.tv_sec > p->before)
		return KH_OK;
	p->removed = true;
	return remove_object(p->st, id);
}

enum kh_err
kh_store_expire(struct kh_store *st, int64_t before)
{
	struct pass p = {.st = st, .before = before};
	enum kh_err e;

	PRECOND(st != NULL);
	e = kh_dir_walk(st->objects_fd, expire, &p);
	return e == KH_OK && p.removed ? drop_orphans(&p) : e;
}
