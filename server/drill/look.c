/*
 * One look at one file. Separate from what is looked at: the order here is
 * what "reads only, follows nothing" rests on. The kind of a file is known
 * before it is opened, and only regular files are.
 */
#include "server/drill/look.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "knothole/io.h"
#include "knothole/secret.h"
#include "knothole/store.h"
#include "lib/base/precond.h"
#include "server/drill/form.h"

#define NEW ".new" /* what a name gets while it is rewritten */
#define SALT "instance.salt"
#define SNIFF_MAX 65536 /* of a file that nothing of ours has made */
#define XATTRS_MAX 65536 /* the kernel's XATTR_LIST_MAX */
/* While the service runs, a time is set just after a name was made. */
#define PATIENCE 40
#define PAUSE_NS 25000000

/* Without a time of access; who may not ask for that leaves one. */
static int
open_quietly(int at, const char *name, int flags)
{
	int fd;

	flags |= O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	fd = openat(at, name, flags | O_NOATIME);
	if (fd < 0 && errno == EPERM)
		fd = openat(at, name, flags);
	return fd;
}

static enum kh_err
open_err(void)
{
	switch (errno) {
	case ENOENT:
		return KH_ENOENT;
	case ELOOP:
	case ENOTDIR:
		return KH_EFORMAT;
	default:
		return KH_ESYS;
	}
}

enum kh_err
kh_look_open_dir(int at, const char *name, int *fd)
{
	*fd = open_quietly(at, name, O_DIRECTORY);
	return *fd < 0 ? open_err() : KH_OK;
}

static int
stat_at(int at, const char *name, struct statx *sx)
{
	return statx(at, name,
	    AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH,
	    STATX_BASIC_STATS | STATX_BTIME, sx);
}

enum kh_err
kh_look_open_file(int at, const char *name, int *fd)
{
	struct statx sx;

	*fd = -1;
	if (stat_at(at, name, &sx) != 0)
		return open_err();
	if (!S_ISREG(sx.stx_mode))
		return KH_EFORMAT;
	*fd = open_quietly(at, name, 0);
	return *fd < 0 ? open_err() : KH_OK;
}

/* A file by its path, or one of a directory, or the directory. */
static enum kh_err
odd(const struct kh_place *p, enum kh_odd what, const char *name,
    const char *detail)
{
	const bool whole = p->fd == AT_FDCWD || name[0] == '\0';

	return kh_report_odd(p->r, what, p->path, whole ? NULL : name, detail);
}

enum kh_err
kh_look_through(const struct kh_place *p,
    enum kh_err (*each)(const struct kh_place *p, const char *name))
{
	const struct dirent *de;
	enum kh_err e = KH_OK;
	DIR *d;
	int fd;

	fd = open_quietly(p->fd, ".", O_DIRECTORY);
	d = fd < 0 ? NULL : fdopendir(fd);
	if (d == NULL) {
		if (fd >= 0)
			close(fd);
		return odd(p, KH_ODD_UNREAD, "", strerror(errno));
	}
	while (e == KH_OK) {
		errno = 0;
		de = readdir(d);
		if (de == NULL)
			break;
		if (strcmp(de->d_name, ".") != 0 &&
		    strcmp(de->d_name, "..") != 0)
			e = each(p, de->d_name);
	}
	if (e == KH_OK && errno != 0)
		e = odd(p, KH_ODD_UNREAD, "", strerror(errno));
	closedir(d);
	return e;
}

static const char *
kind_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "a file";
	case S_IFDIR:
		return "a directory";
	case S_IFLNK:
		return "a symbolic link";
	case S_IFSOCK:
		return "a socket";
	case S_IFIFO:
		return "a pipe";
	default:
		return "a device";
	}
}

static bool
is_fixed(const struct statx *sx)
{
	return sx->stx_mtime.tv_sec == KH_STORE_TIME &&
	    sx->stx_mtime.tv_nsec == 0;
}

/* KH_ENOENT when it goes while we wait. */
static enum kh_err
check_time(const struct kh_place *p, const char *name, struct statx *sx)
{
	static const struct timespec pause = {.tv_nsec = PAUSE_NS};
	char day[KH_DAY_LEN + 1];

	while (!is_fixed(sx) && p->r->waited < PATIENCE) {
		p->r->waited++;
		(void)nanosleep(&pause, NULL);
		if (stat_at(p->fd, name, sx) != 0)
			return errno == ENOENT ? KH_ENOENT : KH_OK;
	}
	if (is_fixed(sx))
		return KH_OK;
	kh_drill_day(sx->stx_mtime.tv_sec, day);
	return odd(p, KH_ODD_TIME, name, day);
}

/* Is `other` the same file? */
static bool
is_same(const struct kh_place *p, const char *other, const struct statx *sx)
{
	struct statx sy;

	return stat_at(p->fd, other, &sy) == 0 && sy.stx_ino == sx->stx_ino &&
	    sy.stx_dev_major == sx->stx_dev_major &&
	    sy.stx_dev_minor == sx->stx_dev_minor;
}

/* One name; while the store is rewritten, NAME and NAME.new. */
static enum kh_err
check_links(const struct kh_place *p, const char *name, struct statx *sx)
{
	char other[NAME_MAX + sizeof(NEW)];
	size_t n = strlen(name);

	if (sx->stx_nlink == 2 && n <= NAME_MAX) {
		(void)snprintf(other, sizeof(other), "%s" NEW, name);
		if (n > strlen(NEW) && strcmp(name + n - strlen(NEW), NEW) == 0)
			other[n - strlen(NEW)] = '\0';
		if (is_same(p, other, sx))
			return KH_OK;
		/* Or it has just gone. */
		if (stat_at(p->fd, name, sx) != 0)
			return errno == ENOENT ? KH_ENOENT : KH_OK;
	}
	return sx->stx_nlink > 1 ? odd(p, KH_ODD_LINK, name, NULL) : KH_OK;
}

static enum kh_err
check_owner(const struct kh_place *p, const char *name, const struct statx *sx)
{
	char detail[64];

	if (sx->stx_uid == p->owner ||
	    (p->or_root && (sx->stx_uid == 0 || sx->stx_uid == geteuid())))
		return KH_OK;
	(void)snprintf(detail, sizeof(detail), "user %u instead of %u",
	    sx->stx_uid, (unsigned)p->owner);
	return odd(p, KH_ODD_OWNER, name, detail);
}

static enum kh_err
check_status(const struct kh_place *p, const char *name,
    const struct kh_rule *rule, struct statx *sx)
{
	const unsigned mode = sx->stx_mode & 07777;
	enum kh_err e = KH_OK;
	char detail[64];

	if ((mode & ~rule->allowed) != 0) {
		(void)snprintf(detail, sizeof(detail), "%04o instead of %04o",
		    mode, (unsigned)rule->allowed);
		e = odd(p, KH_ODD_MODE, name, detail);
	}
	if (e == KH_OK)
		e = check_owner(p, name, sx);
	if (e == KH_OK && rule->type == S_IFREG)
		e = check_links(p, name, sx);
	if (e == KH_OK && rule->size != NULL && !rule->size(sx->stx_size)) {
		(void)snprintf(detail, sizeof(detail), "%llu bytes",
		    (unsigned long long)sx->stx_size);
		e = odd(p, KH_ODD_SIZE, name, detail);
	}
	if (e == KH_OK && rule->fixed_time)
		e = check_time(p, name, sx);
	return e;
}

/* Those of security modules and of file systems are not told from outside. */
static enum kh_err
check_attributes(const struct kh_place *p, const char *name, int fd)
{
	char names[XATTRS_MAX];
	const char *s;
	ssize_t n;

	n = flistxattr(fd, names, sizeof(names));
	if (n <= 0)
		return KH_OK; /* none, or none on this file system */
	for (s = names; s < names + n; s += strlen(s) + 1) {
		if (strncmp(s, "security.", strlen("security.")) != 0 &&
		    strncmp(s, "btrfs.", strlen("btrfs.")) != 0)
			return odd(p, KH_ODD_ATTRIBUTE, name, NULL);
	}
	return KH_OK;
}

static enum kh_err
count(const struct kh_place *p, enum kh_trace trace, const struct statx *sx)
{
	struct kh_tally *t = &p->r->tally[trace];

	t->n++;
	kh_span_add(&t->modified, sx->stx_mtime.tv_sec);
	kh_span_add(&t->changed, sx->stx_ctime.tv_sec);
	kh_span_add(&t->accessed, sx->stx_atime.tv_sec);
	if ((sx->stx_mask & STATX_BTIME) != 0)
		kh_span_add(&t->born, sx->stx_btime.tv_sec);
	if (!S_ISREG(sx->stx_mode))
		return KH_OK;
	t->bytes += sx->stx_size;
	return kh_sizes_add(&t->sizes, sx->stx_size);
}

/* What is inside, and what hangs on it. */
static enum kh_err
look_inside(
    const struct kh_place *p, const char *name, const struct kh_rule *rule)
{
	enum kh_err e;
	int fd;

	e = kh_look_open_file(p->fd, name, &fd);
	if (e == KH_ENOENT)
		return KH_OK;
	if (e != KH_OK)
		return odd(p, KH_ODD_UNREAD, name, strerror(errno));
	e = check_attributes(p, name, fd);
	if (e == KH_OK && rule->content != NULL)
		e = rule->content(p, name, fd);
	close(fd);
	return e;
}

enum kh_err
kh_look_at(
    const struct kh_place *p, const char *name, const struct kh_rule *rule)
{
	struct statx sx;
	enum kh_err e;

	PRECOND(p != NULL && name != NULL && rule != NULL);
	if (stat_at(p->fd, name, &sx) != 0)
		return errno == ENOENT
		    ? KH_OK
		    : odd(p, KH_ODD_UNREAD, name, strerror(errno));
	if ((sx.stx_mode & S_IFMT) != rule->type)
		return odd(p, KH_ODD_KIND, name, kind_of(sx.stx_mode));
	e = check_status(p, name, rule, &sx);
	if (e == KH_ENOENT)
		return KH_OK;
	if (e == KH_OK)
		e = count(p, rule->trace, &sx);
	if (e == KH_OK && rule->type == S_IFREG)
		e = look_inside(p, name, rule);
	if (e == KH_OK && rule->type == S_IFDIR && name[0] == '\0')
		e = check_attributes(p, name, p->fd);
	return e;
}

/* Is there an age identity in its first bytes? */
static bool
holds_key(const struct kh_place *p, const char *name)
{
	static const char key[] = "AGE-SECRET-KEY-1";
	uint8_t *text = malloc(SNIFF_MAX);
	bool found = false;
	size_t n = 0;
	int fd = -1;

	if (text != NULL && kh_look_open_file(p->fd, name, &fd) == KH_OK &&
	    kh_read_upto(fd, text, SNIFF_MAX, &n) == KH_OK)
		found = memmem(text, n, key, strlen(key)) != NULL;
	if (fd >= 0)
		close(fd);
	if (text != NULL)
		kh_wipe(text, SNIFF_MAX);
	free(text);
	return found;
}

enum kh_err
kh_look_unexpected(const struct kh_place *p, const char *name)
{
	enum kh_odd what = KH_ODD_NAME;
	struct statx sx;

	PRECOND(p != NULL && name != NULL);
	if (stat_at(p->fd, name, &sx) != 0)
		return errno == ENOENT
		    ? KH_OK
		    : odd(p, KH_ODD_UNREAD, name, strerror(errno));
	if (kh_form_key(name) || (S_ISREG(sx.stx_mode) && holds_key(p, name)))
		what = KH_ODD_KEY;
	else if (kh_form_log(name))
		what = KH_ODD_LOG;
	else if (strncmp(name, SALT, strlen(SALT)) == 0)
		what = KH_ODD_COPY;
	else if (kh_form_draft(name))
		what = KH_ODD_DRAFT;
	return odd(p, what, name, kind_of(sx.stx_mode));
}
