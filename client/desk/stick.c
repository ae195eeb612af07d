/*
 * Reading a stick. Separate because here, and nowhere else, names and kinds of
 * what others wrote decide whether something is opened.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/desk/stick.h"
#include "client/desk/vault_files.h"
#include "client/exit.h"
#include "client/file.h"
#include "client/sticktop.h"
#include "knothole/io.h"
#include "lib/base/precond.h"

#define PART ".part-"
#define NAMES_MIN 256

enum kh_stick_name
kh_stick_name(const char *name, size_t digits, const char **hex)
{
	const size_t part = sizeof(PART) - 1;
	enum kh_stick_name kind = KH_STICK_WHOLE;

	*hex = name;
	if (strncmp(name, PART, part) == 0) {
		kind = KH_STICK_PART;
		*hex = name + part;
	}
	if (strspn(*hex, "0123456789abcdef") != digits ||
	    strcmp(*hex + digits, kind == KH_STICK_PART ? "" : ".age") != 0)
		return KH_STICK_ODD;
	return kind;
}

/* A directory could not be made, or cannot be written to. */
static int
fail_make(const struct kh_stick *s)
{
	if (errno == EROFS || errno == EACCES || errno == EPERM)
		kh_say(s->path,
		    "%s; it must be writable: mount it so, or use another one",
		    strerror(errno));
	else
		(void)kh_fail(KH_ON_OUTPUT, s->path, kh_io_error());
	return KH_EXIT_CREATE;
}

static int
open_dir(const struct kh_stick *s, const char *name, bool make, int *fd)
{
	*fd = -1;
	if (make && mkdirat(s->top_fd, name, 0700) != 0 && errno != EEXIST)
		return fail_make(s);
	*fd = openat(s->top_fd, name, KH_VAULT_DIR_FLAGS);
	if (*fd >= 0 || (!make && errno == ENOENT))
		return KH_EXIT_OK;
	kh_say(name,
	    "REFUSED: is not a plain directory on the stick (%s); take another "
	    "stick",
	    strerror(errno));
	return KH_EXIT_DATA;
}

static int
open_top(struct kh_stick *s, bool make)
{
	int fd = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int code = KH_EXIT_OK;

	if (fd < 0)
		return kh_fail_open(s->path);
	if (kh_sticktop_is(fd, s->path)) {
		close(fd);
		return KH_EXIT_NOINPUT;
	}
	if (make && mkdirat(fd, KH_STICK_TOP, 0700) != 0 && errno != EEXIST) {
		code = fail_make(s);
	}
	if (code == KH_EXIT_OK) {
		s->top_fd = openat(fd, KH_STICK_TOP, KH_VAULT_DIR_FLAGS);
		if (s->top_fd < 0) {
			kh_say(s->path,
			    "has no directory " KH_STICK_TOP
			    " (%s); is it the right stick?",
			    strerror(errno));
			code = errno == ENOENT ? KH_EXIT_NOINPUT : KH_EXIT_DATA;
		}
	}
	/* Its new name on the stick must last, too. */
	if (code == KH_EXIT_OK && make && kh_file_sync_dir(fd) != KH_OK)
		code = kh_fail(KH_ON_OUTPUT, s->path, KH_ESYS);
	close(fd);
	return code;
}

int
kh_stick_open(struct kh_stick *s, const char *path, bool make)
{
	int code;

	PRECOND(s != NULL && path != NULL);
	*s = (struct kh_stick){path, -1, -1, -1};
	code = open_top(s, make);
	if (code == KH_EXIT_OK)
		code = open_dir(s, KH_STICK_OBJECTS, make, &s->objects_fd);
	if (code == KH_EXIT_OK)
		code = open_dir(s, KH_STICK_REPLIES, make, &s->replies_fd);
	/* Before anything is begun, root or not. */
	if (code == KH_EXIT_OK && make &&
	    faccessat(s->replies_fd, ".", W_OK, 0) != 0)
		code = fail_make(s);
	if (code != KH_EXIT_OK)
		kh_stick_close(s);
	return code;
}

void
kh_stick_close(struct kh_stick *s)
{
	int *const fds[] = {&s->replies_fd, &s->objects_fd, &s->top_fd};
	size_t i;

	for (i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}

/* --- names ----------------------------------------------------------------- */

static enum kh_err
keep_name(struct kh_stick_list *l, const char *hex)
{
	size_t len;
	uint8_t *more;

	if (l->n >= KH_STICK_OBJECTS_MAX)
		return KH_ELIMIT;
	/* Room grows at powers of two. */
	if (l->n == 0 || (l->n >= NAMES_MIN && (l->n & (l->n - 1)) == 0)) {
		more = realloc(
		    l->names, (l->n == 0 ? NAMES_MIN : 2 * l->n) * l->len);
		if (more == NULL)
			return KH_ENOMEM;
		l->names = more;
	}
	if (sodium_hex2bin(l->names + l->n * l->len, l->len, hex, 2 * l->len,
		NULL, &len, NULL) != 0 ||
	    len != l->len)
		return KH_EFORMAT;
	l->n++;
	return KH_OK;
}

static enum kh_err
take_name(struct kh_stick_list *l, const char *name, struct kh_report *r)
{
	const char *hex;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return KH_OK;
	switch (kh_stick_name(name, 2 * l->len, &hex)) {
	case KH_STICK_WHOLE:
		return keep_name(l, hex);
	case KH_STICK_PART:
		l->parts++;
		return KH_OK;
	case KH_STICK_ODD:
		break;
	}
	kh_report_refuse(r, l->dir, name, "not a name that belongs there");
	return KH_OK;
}

static size_t sort_len; /* of the names being sorted */

static int
compare_names(const void *a, const void *b)
{
	return memcmp(a, b, sort_len);
}

enum kh_err
kh_stick_list(int dir_fd, struct kh_stick_list *l, struct kh_report *r)
{
	const struct dirent *entry;
	enum kh_err e = KH_OK;
	DIR *dir;
	int fd;

	PRECOND(dir_fd >= 0 && l != NULL && l->len > 0 && r != NULL);
	l->names = NULL;
	l->n = l->parts = 0;
	fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return KH_ESYS;
	dir = fdopendir(fd);
	if (dir == NULL) {
		close(fd);
		return KH_ESYS;
	}
	rewinddir(dir);
	errno = 0;
	while (e == KH_OK && (entry = readdir(dir)) != NULL) {
		e = take_name(l, entry->d_name, r);
		errno = 0;
	}
	if (e == KH_OK && errno != 0)
		e = KH_ESYS;
	closedir(dir);
	if (e != KH_OK) {
		free(l->names);
		l->names = NULL;
		l->n = 0;
		return e;
	}
	sort_len = l->len;
	if (l->n > 0)
		qsort(l->names, l->n, l->len, compare_names);
	return KH_OK;
}

/* --- files ----------------------------------------------------------------- */

enum kh_err
kh_stick_file(int dir_fd, const char *name, int *fd, uint64_t *size)
{
	struct stat sb;

	*fd = -1;
	*size = 0;
	/* Opening a device can do something: look before. */
	if (fstatat(dir_fd, name, &sb, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? KH_ENOENT : KH_ESYS;
	if (!S_ISREG(sb.st_mode))
		return KH_EUNSUP;
	*fd = openat(dir_fd, name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (*fd < 0)
		return errno == ELOOP ? KH_EUNSUP : KH_ESYS;
	if (fstat(*fd, &sb) != 0 || !S_ISREG(sb.st_mode) || sb.st_size < 0) {
		close(*fd);
		*fd = -1;
		return KH_EUNSUP;
	}
	*size = (uint64_t)sb.st_size;
	return KH_OK;
}

enum kh_err
kh_stick_read(int dir_fd, const char *name, size_t cap, char **text, size_t *n)
{
	enum kh_err e;
	uint64_t size;
	int fd;

	*text = NULL;
	*n = 0;
	e = kh_stick_file(dir_fd, name, &fd, &size);
	if (e != KH_OK)
		return e;
	if (size > cap)
		e = KH_ELIMIT;
	if (e == KH_OK) {
		*text = malloc((size_t)size + 1);
		e = *text == NULL ? KH_ENOMEM : KH_OK;
	}
	if (e == KH_OK)
		e = kh_read_upto(fd, *text, (size_t)size, n);
	close(fd);
	if (e == KH_OK) {
		(*text)[*n] = '\0';
		return KH_OK;
	}
	free(*text);
	*text = NULL;
	*n = 0;
	return e;
}
