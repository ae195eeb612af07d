/*
 * Settling: objects and answers are written anew in random order, so that
 * nothing of how they lie on the disk (ctime, crtime, inode, extents, place in
 * the directory) tells in which order they came. Separate from the rest of the
 * store because here names come off files that nobody can send again.
 *
 * Always a copy, never a clone (FICLONE): a clone's blocks stay where and when
 * they were written, and the file system keeps both.
 *
 * A group of copies is made first, each without a name. Then, in one step that
 * nothing comes between:
 *
 *	1. each copy is linked as NAME.new; the directory is synced
 *	2. all of the group's old names are unlinked
 *	3. each NAME.new is linked as NAME, in random order, into the places
 *	   that have become free; the directory is synced
 *	4. each NAME.new is unlinked; the directory is synced
 *
 * After a crash at any point there is NAME, or NAME.new, or both, each whole:
 * kh_settle_sweep puts it in order. A rename would be shorter, but keeps a
 * name's place in the directory, which is the order of arrival.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "knothole/io.h"
#include "knothole/writeback.h"
#include "lib/base/precond.h"
#include "lib/store/batch.h"

#define PIECE 262144 /* bytes; of those, one step copies */
#define PIECES 4 /* so many */

/* A copy that waits for its name. */
struct copy {
	int fd;
	dev_t dev; /* whose copy it is */
	ino_t ino;
	char name[KH_SLOT_NAME_LEN + 1];
	bool linked; /* there is a NAME.new */
};

struct kh_settle {
	struct kh_store *st;
	bool mix, replies, done;
	struct kh_batch_of of; /* the directory it is at */
	struct kh_batch batch;
	size_t next; /* in the batch */
	struct copy group[KH_SETTLE_GROUP];
	size_t n_group;
	int from; /* being copied into group[n_group], or -1 */
	uint64_t left; /* bytes of it */
	struct kh_file_sink to;
	uint8_t buf[PIECE]; /* ciphertext */
};

static void
new_name(const char *name, char out[static KH_DIR_NEW_CAP])
{
	(void)snprintf(out, KH_DIR_NEW_CAP, "%s" KH_DIR_NEW, name);
}

static enum kh_err
sync_names(int at)
{
	kh_dir_hide_times(at);
	return fsync(at) == 0 ? KH_OK : kh_io_error();
}

/* --- after a crash --------------------------------------------------------- */

struct sweep {
	const struct kh_batch_of *of;
	bool found, restored;
};

/* Is it NAME.new? Sets NAME. */
static bool
is_new(const struct kh_batch_of *of, const char *file,
    char name[static KH_SLOT_NAME_LEN + 1])
{
	if (strnlen(file, KH_DIR_NEW_CAP) != of->name_len + KH_DIR_NEW_LEN ||
	    strcmp(file + of->name_len, KH_DIR_NEW) != 0)
		return false;
	memcpy(name, file, of->name_len);
	name[of->name_len] = '\0';
	return of->is(name);
}

static enum kh_err
restore(void *ctx, const char *file)
{
	struct sweep *w = ctx;
	char name[KH_SLOT_NAME_LEN + 1];

	if (!is_new(w->of, file, name))
		return KH_OK;
	w->found = true;
	if (linkat(w->of->at, file, w->of->at, name, 0) == 0)
		w->restored = true;
	else if (errno != EEXIST)
		return kh_io_error();
	return KH_OK;
}

/* Only now that every NAME is durable. */
static enum kh_err
drop(void *ctx, const char *file)
{
	struct sweep *w = ctx;
	char name[KH_SLOT_NAME_LEN + 1];

	if (!is_new(w->of, file, name))
		return KH_OK;
	return unlinkat(w->of->at, file, 0) == 0 || errno == ENOENT ? KH_OK
								    : KH_ESYS;
}

static enum kh_err
sweep(const struct kh_batch_of *of)
{
	struct sweep w = {.of = of};
	enum kh_err e;

	e = kh_dir_walk(of->at, restore, &w);
	if (e != KH_OK || !w.found)
		return e;
	e = sync_names(of->at);
	if (e == KH_OK)
		e = kh_dir_walk(of->at, drop, &w);
	return e == KH_OK ? sync_names(of->at) : e;
}

enum kh_err
kh_settle_sweep(struct kh_store *st)
{
	struct kh_batch_of of;
	bool due = false;
	enum kh_err e = KH_OK;
	int i;

	PRECOND(st != NULL);
	for (i = 0; i < 2 && e == KH_OK; i++) {
		kh_batch_of(&of, st, i == 1);
		e = sweep(&of);
		if (e == KH_OK && !due)
			e = kh_batch_due(&of, &due);
	}
	st->unsettled = due;
	return e;
}

bool
kh_settle_due(const struct kh_store *st)
{
	return st->unsettled;
}

/* --- the names of a group -------------------------------------------------- */

/* It is no longer what was copied: removed meanwhile. */
static bool
is_gone(const struct kh_settle *s, const struct copy *c)
{
	struct stat sb;

	return fstatat(s->of.at, c->name, &sb, AT_SYMLINK_NOFOLLOW) != 0 ||
	    sb.st_dev != c->dev || sb.st_ino != c->ino;
}

static void
unlink_new(const struct kh_settle *s, struct copy *c)
{
	char file[KH_DIR_NEW_CAP];

	new_name(c->name, file);
	if (c->linked && unlinkat(s->of.at, file, 0) == 0)
		c->linked = false;
}

/* Step 1. What cannot be linked stays as it is. */
static enum kh_err
link_new(struct kh_settle *s)
{
	char path[KH_PROC_FD_LEN], file[KH_DIR_NEW_CAP];
	struct copy *c;
	enum kh_err e;
	size_t i;

	for (i = 0; i < s->n_group; i++) {
		c = &s->group[i];
		if (is_gone(s, c))
			continue;
		kh_dir_proc_path(c->fd, path);
		new_name(c->name, file);
		c->linked = linkat(AT_FDCWD, path, s->of.at, file,
				AT_SYMLINK_FOLLOW) == 0;
	}
	e = sync_names(s->of.at);
	for (i = 0; e != KH_OK && i < s->n_group; i++)
		unlink_new(s, &s->group[i]);
	return e;
}

/* Steps 2 and 3. A name that cannot be linked now is linked by the sweep. */
static enum kh_err
exchange(struct kh_settle *s)
{
	char file[KH_DIR_NEW_CAP];
	struct copy *c;
	size_t i;

	for (i = 0; i < s->n_group; i++) {
		c = &s->group[i];
		if (c->linked && unlinkat(s->of.at, c->name, 0) != 0)
			unlink_new(s, c);
	}
	for (i = 0; i < s->n_group; i++) {
		c = &s->group[i];
		new_name(c->name, file);
		if (c->linked &&
		    linkat(s->of.at, file, s->of.at, c->name, 0) != 0)
			return sweep(&s->of);
	}
	return sync_names(s->of.at);
}

static enum kh_err
name_group(struct kh_settle *s)
{
	enum kh_err e;
	size_t i;

	e = link_new(s);
	if (e == KH_OK)
		e = exchange(s);
	/* Step 4, in random order too: it is what sets the last ctime. When a
	 * sync has failed the new names stay, for the sweep. */
	for (i = 0; e == KH_OK && i < s->n_group; i++)
		unlink_new(s, &s->group[i]);
	if (e == KH_OK)
		e = sync_names(s->of.at);
	for (i = 0; i < s->n_group; i++)
		kh_dir_shut(s->group[i].fd);
	s->n_group = 0;
	return e;
}

/* --- copies ---------------------------------------------------------------- */

static void
end_copy(struct kh_settle *s)
{
	kh_dir_shut(s->from);
	s->from = -1;
}

/* Open a file and a copy of it that has nothing in it yet. */
static bool
begin_copy(struct kh_settle *s, const struct kh_batch_file *f)
{
	const int flags =
	    O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOATIME;
	struct copy *c = &s->group[s->n_group];
	struct stat sb;

	memset(c, 0, sizeof(*c));
	memcpy(c->name, f->name, sizeof(c->name));
	c->fd = -1;
	s->from = openat(s->of.at, f->name, flags);
	if (s->from < 0)
		return false;
	if (fstat(s->from, &sb) == 0 && S_ISREG(sb.st_mode) && sb.st_size >= 0)
		c->fd = kh_dir_nameless(s->of.at);
	if (c->fd < 0) {
		end_copy(s);
		return false;
	}
	c->dev = sb.st_dev;
	c->ino = sb.st_ino;
	s->left = (uint64_t)sb.st_size;
	s->to = (struct kh_file_sink){.fd = c->fd};
	return true;
}

/* A bounded piece of the copy; at its end it is made durable. What fails is
 * given up. */
static void
go_on(struct kh_settle *s)
{
	const struct kh_sink sink = kh_sink_file(&s->to);
	enum kh_err e = KH_OK;
	size_t n = 0;
	int i;

	for (i = 0; e == KH_OK && s->left > 0 && i < PIECES; i++) {
		e = kh_read_upto(s->from, s->buf,
		    s->left < PIECE ? (size_t)s->left : PIECE, &n);
		if (e == KH_OK && n == 0)
			e = KH_ETRUNC;
		if (e == KH_OK)
			e = sink.write(sink.ctx, s->buf, n);
		s->left -= e == KH_OK ? n : 0;
	}
	if (e == KH_OK && s->left > 0)
		return;
	if (e == KH_OK)
		e = kh_dir_make_durable(s->to.fd);
	if (e == KH_OK)
		s->n_group++;
	else
		kh_dir_shut(s->to.fd);
	end_copy(s);
}

/* Is there room for a copy of this one, and as much again for what comes? */
static bool
has_room(const struct kh_settle *s, uint64_t size, uint64_t reserved)
{
	uint64_t room;

	return kh_store_room(s->st, &room) == KH_OK && room > reserved &&
	    size <= (room - reserved) / 2;
}

/* --- the whole of it ------------------------------------------------------- */

/* "All that is older than this is settled", unless something has come since. */
static enum kh_err
mark_settled(const struct kh_settle *s)
{
	const int flags = O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC;
	enum kh_err e;
	int fd;

	if (s->st->unsettled)
		return KH_OK;
	fd = openat(s->st->root_fd, KH_SETTLED, flags, 0400);
	if (fd < 0)
		return kh_io_error();
	e = kh_dir_make_durable(fd);
	kh_dir_shut(fd);
	return e == KH_OK ? sync_names(s->st->root_fd) : e;
}

static enum kh_err
enter(struct kh_settle *s, bool replies)
{
	enum kh_err e;

	s->replies = replies;
	s->next = 0;
	kh_batch_of(&s->of, s->st, replies);
	e = sweep(&s->of);
	return e == KH_OK ? kh_batch_gather(&s->of, s->mix, &s->batch) : e;
}

enum kh_err
kh_settle_begin(struct kh_store *st, bool mix, struct kh_settle **out)
{
	struct kh_settle *s;
	enum kh_err e;

	PRECOND(st != NULL && out != NULL);
	*out = NULL;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return KH_ENOMEM;
	s->st = st;
	s->mix = mix;
	s->from = -1;
	st->unsettled = false; /* until something comes or fails */
	e = enter(s, false);
	if (e == KH_OK) {
		*out = s;
		return KH_OK;
	}
	kh_settle_free(s);
	return e;
}

/* The next file, or the end of this directory. */
static enum kh_err
advance(struct kh_settle *s, uint64_t reserved)
{
	const struct kh_batch_file *f;

	if (s->n_group == KH_SETTLE_GROUP ||
	    (s->n_group > 0 && s->next == s->batch.n))
		return name_group(s);
	if (s->next == s->batch.n) {
		kh_batch_free(&s->batch);
		return enter(s, true);
	}
	f = &s->batch.file[s->next];
	if (!has_room(s, f->size, reserved) && s->n_group > 0)
		return name_group(s); /* which gives room back */
	s->next++;
	/* What cannot be read or copied stays as it is and is settled with
	 * others, some time, as one of the older ones. */
	if (has_room(s, f->size, reserved))
		(void)begin_copy(s, f);
	return KH_OK;
}

enum kh_err
kh_settle_step(struct kh_settle *s, uint64_t reserved)
{
	enum kh_err e = KH_OK;

	PRECOND(s != NULL);
	if (s->from >= 0) {
		go_on(s);
		return KH_EAGAIN;
	}
	if (s->replies && s->n_group == 0 && s->next == s->batch.n) {
		e = mark_settled(s);
		s->done = e == KH_OK;
		return e;
	}
	e = advance(s, reserved);
	return e == KH_OK ? KH_EAGAIN : e;
}

void
kh_settle_free(struct kh_settle *s)
{
	size_t i;

	if (s == NULL)
		return;
	if (s->from >= 0)
		kh_dir_shut(s->to.fd);
	end_copy(s);
	for (i = 0; i < s->n_group; i++)
		kh_dir_shut(s->group[i].fd);
	s->st->unsettled |= !s->done;
	kh_batch_free(&s->batch);
	free(s);
}
