/*
 * Cards that newsrooms have renewed, as their couriers brought them. They are
 * kept here because it is the one place that a role may write to. Separate
 * from all else in the store: they are public, and the only thing in it that
 * is ever replaced.
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "knothole/io.h"
#include "lib/base/precond.h"
#include "lib/store/dir.h"

#define CARDS "cards"
#define NEW ".new"

_Static_assert(
    KH_STORE_CARD_NAME_LEN == 2 * KH_COLLECTOR_LEN + sizeof(".card") - 1,
    "32 hex digits and .card");

void
kh_store_card_name(const uint8_t who[static KH_COLLECTOR_LEN],
    char out[static KH_STORE_CARD_NAME_LEN + 1])
{
	sodium_bin2hex(out, 2 * KH_COLLECTOR_LEN + 1, who, KH_COLLECTOR_LEN);
	memcpy(out + (size_t)2 * KH_COLLECTOR_LEN, ".card", sizeof(".card"));
}

/* What is there is not waited for, not followed, and no more than a card. */
static enum kh_err
read_card(int dir, const char *name, char *text, size_t *n)
{
	enum kh_err e = KH_OK;
	struct stat sb;
	int fd;

	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT                 ? KH_ENOENT
		    : errno == ELOOP || errno == ENXIO ? KH_EFORMAT
						       : KH_ESYS;
	if (fstat(fd, &sb) != 0)
		e = KH_ESYS;
	else if (!S_ISREG(sb.st_mode) || sb.st_size > KH_CARD_MAX)
		e = KH_EFORMAT;
	if (e == KH_OK)
		e = kh_read_upto(fd, text, KH_CARD_MAX, n);
	kh_dir_shut(fd);
	return e;
}

enum kh_err
kh_store_card_get(int root, const uint8_t who[static KH_COLLECTOR_LEN],
    char text[static KH_CARD_MAX], size_t *n)
{
	char name[KH_STORE_CARD_NAME_LEN + 1];
	enum kh_err e;
	int dir;

	PRECOND(root >= 0 && n != NULL);
	*n = 0;
	dir = openat(
	    root, CARDS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return errno == ENOENT                   ? KH_ENOENT
		    : errno == ELOOP || errno == ENOTDIR ? KH_EFORMAT
							 : KH_ESYS;
	kh_store_card_name(who, name);
	e = read_card(dir, name, text, n);
	kh_dir_shut(dir);
	if (e != KH_OK)
		*n = 0;
	return e;
}

static enum kh_err
write_new(int dir, const char *name, const void *bytes, size_t n)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	enum kh_err e;
	int fd;

	if (unlinkat(dir, name, 0) != 0 && errno != ENOENT)
		return kh_io_error();
	fd = openat(dir, name, flags, 0400);
	if (fd < 0)
		return kh_io_error();
	e = kh_write_all(fd, bytes, n);
	if (e == KH_OK)
		e = kh_dir_make_durable(fd);
	kh_dir_shut(fd);
	return e;
}

static enum kh_err
replace(int dir, const char *name, const void *bytes, size_t n)
{
	char new[KH_STORE_CARD_NAME_LEN + sizeof(NEW)];
	enum kh_err e;

	(void)snprintf(new, sizeof(new), "%s" NEW, name);
	e = write_new(dir, new, bytes, n);
	if (e == KH_OK && renameat(dir, new, dir, name) != 0)
		e = kh_io_error();
	if (e != KH_OK) {
		kh_dir_take_back(dir, new);
		return e;
	}
	kh_dir_hide_times(dir);
	return fsync(dir) == 0 ? KH_OK : kh_io_error();
}

enum kh_err
kh_store_card_put(struct kh_store *st,
    const uint8_t who[static KH_COLLECTOR_LEN], const uint8_t *bytes, size_t n)
{
	char name[KH_STORE_CARD_NAME_LEN + 1];
	enum kh_err e;
	int dir;

	PRECOND(st != NULL && bytes != NULL);
	if (n == 0 || n > KH_CARD_MAX)
		return KH_ELIMIT;
	e = kh_dir_open(st->root_fd, CARDS, &dir);
	if (e != KH_OK)
		return e;
	kh_dir_hide_times(st->root_fd); /* it may be new */
	kh_store_card_name(who, name);
	e = replace(dir, name, bytes, n);
	kh_dir_shut(dir);
	return e;
}
