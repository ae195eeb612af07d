/*
 * Objects, listed and read. Separate from their coming and going: nothing here
 * changes the store.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/precond.h"
#include "lib/store/dir.h"

#define SUFFIX ".age"

/* The page being gathered: the smallest ids so far, in their order. */
struct gather {
	const uint8_t *after; /* or NULL */
	uint32_t limit;
	struct kh_object_page *page;
};

enum kh_err
kh_dir_walk(int at, enum kh_err (*each)(void *ctx, const char *name), void *ctx)
{
	const struct dirent *de;
	enum kh_err e = KH_OK;
	DIR *d;
	int fd;

	/* Another description: each walk has a position of its own. */
	fd = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOATIME);
	if (fd < 0)
		return KH_ESYS;
	d = fdopendir(fd);
	if (d == NULL) {
		kh_dir_shut(fd);
		return KH_ESYS;
	}
	while (e == KH_OK) {
		errno = 0;
		de = readdir(d);
		if (de == NULL)
			break;
		e = each(ctx, de->d_name);
	}
	if (e == KH_OK && errno != 0)
		e = KH_ESYS;
	closedir(d);
	return e;
}

bool
kh_dir_unhex(const char *hex, size_t n, uint8_t *out)
{
	static const char digits[] = "0123456789abcdef";
	const char *digit;
	size_t i;

	for (i = 0; i < 2 * n; i++) {
		digit = hex[i] == '\0' ? NULL : strchr(digits, hex[i]);
		if (digit == NULL)
			return false;
		out[i / 2] = (uint8_t)((i % 2 == 0 ? 0 : out[i / 2] << 4) |
		    (digit - digits));
	}
	return true;
}

bool
kh_dir_object_id(const char *name, uint8_t id[static KH_OBJECT_ID_LEN])
{
	return strnlen(name, KH_OBJECT_NAME_LEN + 1) == KH_OBJECT_NAME_LEN &&
	    strcmp(name + (size_t)2 * KH_OBJECT_ID_LEN, SUFFIX) == 0 &&
	    kh_dir_unhex(name, KH_OBJECT_ID_LEN, id);
}

bool
kh_dir_is_object(const char *name)
{
	uint8_t id[KH_OBJECT_ID_LEN];

	return kh_dir_object_id(name, id);
}

/* How many of the page come before this id. */
static uint32_t
place_of(const struct kh_object_page *p, const uint8_t *id)
{
	uint32_t low = 0, high = p->n, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (memcmp(p->object[middle].id, id, KH_OBJECT_ID_LEN) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static enum kh_err
gather(void *ctx, const char *name)
{
	struct gather *g = ctx;
	struct kh_object_page *p = g->page;
	uint8_t id[KH_OBJECT_ID_LEN];
	uint32_t at;

	if (!kh_dir_object_id(name, id))
		return KH_OK;
	if (g->after != NULL && memcmp(id, g->after, sizeof(id)) <= 0)
		return KH_OK;
	at = place_of(p, id);
	if (p->n == g->limit) {
		p->more = 1;
		if (at == p->n)
			return KH_OK;
		p->n--;
	}
	memmove(p->object + at + 1, p->object + at,
	    (p->n - at) * sizeof(p->object[0]));
	memcpy(p->object[at].id, id, sizeof(id));
	p->n++;
	return KH_OK;
}

/* Sizes of those that are regular files, and still there; the others go. */
static enum kh_err
measure(const struct kh_store *st, struct kh_object_page *p)
{
	char name[KH_OBJECT_NAME_LEN + 1];
	uint32_t i, n = 0;
	struct stat sb;

	for (i = 0; i < p->n; i++) {
		kh_object_name(p->object[i].id, name);
		if (fstatat(st->objects_fd, name, &sb, AT_SYMLINK_NOFOLLOW) !=
		    0) {
			if (errno != ENOENT)
				return KH_ESYS;
			continue;
		}
		if (!S_ISREG(sb.st_mode) || sb.st_size < 0)
			continue;
		p->object[n] = p->object[i];
		p->object[n++].size = (uint64_t)sb.st_size;
	}
	memset(p->object + n, 0, (p->n - n) * sizeof(p->object[0]));
	p->n = n;
	return KH_OK;
}

enum kh_err
kh_store_list(struct kh_store *st, const uint8_t *after, uint32_t limit,
    struct kh_object_page *page)
{
	struct gather g = {.after = after, .limit = limit, .page = page};
	enum kh_err e;

	PRECOND(st != NULL && page != NULL);
	PRECOND(limit > 0 && limit <= KH_OBJECT_PAGE_MAX);
	memset(page, 0, sizeof(*page));
	e = kh_dir_walk(st->objects_fd, gather, &g);
	if (e == KH_OK && page->n > 0)
		memcpy(page->last, page->object[page->n - 1].id,
		    sizeof(page->last));
	if (e == KH_OK)
		e = measure(st, page);
	if (e != KH_OK)
		memset(page, 0, sizeof(*page));
	return e;
}

/* Whatever else may have got there is not waited for, followed or read. */
enum kh_err
kh_store_object_open(
    struct kh_store *st, const uint8_t id[static KH_OBJECT_ID_LEN], int *fd)
{
	const int flags =
	    O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOATIME;
	char name[KH_OBJECT_NAME_LEN + 1];
	enum kh_err e = KH_OK;
	struct stat sb;

	PRECOND(st != NULL && fd != NULL);
	kh_object_name(id, name);
	*fd = openat(st->objects_fd, name, flags);
	if (*fd < 0) /* none; a link; a socket */
		return errno == ENOENT || errno == ELOOP || errno == ENXIO
		    ? KH_ENOENT
		    : KH_ESYS;
	if (fstat(*fd, &sb) != 0)
		e = KH_ESYS;
	else if (!S_ISREG(sb.st_mode))
		e = KH_ENOENT;
	if (e != KH_OK) {
		kh_dir_shut(*fd);
		*fd = -1;
	}
	return e;
}
