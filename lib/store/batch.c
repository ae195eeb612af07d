/*
 * What a settle rewrites, and in which order. Separate from the rewriting: who
 * is in a batch, and that chance alone orders it, is what hides the order of
 * arrival.
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/precond.h"
#include "lib/store/batch.h"

#define GROW 256 /* files at a time */
/* Older files among the new: at least so many and so many bytes, otherwise as
 * many as there are new ones. A drop with one new object is the usual case, and
 * there the few older ones are all that it can hide among. */
#define MIXED_MIN 32
#define MIXED_BYTES_MIN (UINT64_C(64) << 20)

/* A pass over a directory. */
struct look {
	const struct kh_batch_of *of;
	struct kh_batch *batch; /* NULL: only look whether there is one */
};

static bool
is_name(const struct kh_batch_of *of, const char *name)
{
	return strnlen(name, of->name_len + 1) == of->name_len && of->is(name);
}

/* When the last settle ended that left nothing behind; false if there was none,
 * or if the clock has been set back since: then nothing can be told. */
static bool
settled_at(int root, struct timespec *at)
{
	struct timespec now;
	struct stat sb;

	if (fstatat(root, KH_SETTLED, &sb, AT_SYMLINK_NOFOLLOW) != 0 ||
	    clock_gettime(CLOCK_REALTIME, &now) != 0 ||
	    sb.st_ctim.tv_sec > now.tv_sec)
		return false;
	*at = sb.st_ctim;
	return true;
}

/* Younger than the mark. The clock of files is coarse: what was settled last
 * may have the very time of the mark, and is not to be settled at each start. */
static bool
is_fresh(const struct kh_batch_of *of, const struct stat *sb)
{
	const struct timespec *c = &sb->st_ctim, *m = &of->mark;

	return !of->marked || c->tv_sec > m->tv_sec ||
	    (c->tv_sec == m->tv_sec && c->tv_nsec > m->tv_nsec);
}

static enum kh_err
add(struct kh_batch *b, const char *name, const struct stat *sb, bool fresh)
{
	struct kh_batch_file *f;

	if (b->n % GROW == 0) {
		f = realloc(b->file, (b->n + GROW) * sizeof(*f));
		if (f == NULL)
			return KH_ENOMEM;
		b->file = f;
	}
	f = &b->file[b->n++];
	memset(f, 0, sizeof(*f));
	memcpy(f->name, name, strlen(name));
	f->size = (uint64_t)sb->st_size;
	f->fresh = fresh;
	return KH_OK;
}

static enum kh_err
look(void *ctx, const char *name)
{
	const struct look *p = ctx;
	struct stat sb;
	bool fresh;

	if (!is_name(p->of, name))
		return KH_OK;
	if (fstatat(p->of->at, name, &sb, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? KH_OK : KH_ESYS;
	if (!S_ISREG(sb.st_mode) || sb.st_size < 0)
		return KH_OK;
	fresh = is_fresh(p->of, &sb);
	if (p->batch != NULL)
		return add(p->batch, name, &sb, fresh);
	return fresh ? KH_EEXIST : KH_OK;
}

void
kh_batch_of(struct kh_batch_of *of, const struct kh_store *st, bool replies)
{
	of->at = replies ? st->replies_fd : st->objects_fd;
	of->is = replies ? kh_dir_is_slot : kh_dir_is_object;
	of->name_len = replies ? KH_SLOT_NAME_LEN : KH_OBJECT_NAME_LEN;
	of->marked = settled_at(st->root_fd, &of->mark);
}

enum kh_err
kh_batch_due(const struct kh_batch_of *of, bool *due)
{
	struct look p = {.of = of};
	enum kh_err e;

	e = kh_dir_walk(of->at, look, &p);
	*due = e == KH_EEXIST;
	return *due ? KH_OK : e;
}

/* Fisher and Yates. */
static void
shuffle(struct kh_batch *b)
{
	struct kh_batch_file f;
	size_t i, k;

	for (i = b->n; i > 1; i--) {
		PRECOND(i <= UINT32_MAX);
		k = randombytes_uniform((uint32_t)i);
		f = b->file[i - 1];
		b->file[i - 1] = b->file[k];
		b->file[k] = f;
	}
}

/* Of those that are not new, keep the first that the bounds admit. They stand
 * in random order. */
static void
choose(struct kh_batch *b, bool mix)
{
	uint64_t bytes = 0, left;
	size_t i, n = 0, fresh = 0, count;

	for (i = 0; i < b->n; i++) {
		fresh += b->file[i].fresh;
		bytes += b->file[i].fresh ? b->file[i].size : 0;
	}
	left = bytes > MIXED_BYTES_MIN ? bytes : MIXED_BYTES_MIN;
	count = fresh > MIXED_MIN ? fresh : MIXED_MIN;
	if (fresh == 0 || !mix)
		count = 0;
	for (i = 0; i < b->n; i++) {
		if (!b->file[i].fresh && (count == 0 || b->file[i].size > left))
			continue;
		if (!b->file[i].fresh) {
			count--;
			left -= b->file[i].size;
		}
		b->file[n++] = b->file[i];
	}
	b->n = n;
}

enum kh_err
kh_batch_gather(const struct kh_batch_of *of, bool mix, struct kh_batch *b)
{
	struct look p = {.of = of, .batch = b};
	enum kh_err e;

	memset(b, 0, sizeof(*b));
	e = kh_dir_walk(of->at, look, &p);
	if (e != KH_OK) {
		kh_batch_free(b);
		return e;
	}
	shuffle(b);
	choose(b, mix);
	return KH_OK;
}

void
kh_batch_free(struct kh_batch *b)
{
	free(b->file);
	memset(b, 0, sizeof(*b));
}
