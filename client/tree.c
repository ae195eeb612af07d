/*
 * Making the directory of an extracted object. Separate because it is where
 * names from outside meet the file system: everything is made under held
 * descriptors, exclusively, and never through a link.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/tree.h"
#include "knothole/io.h"
#include "knothole/limits.h"
#include "knothole/name.h"
#include "lib/base/precond.h"

#define NUMBER_LEN 4 /* "001-" */
#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define FILE_FLAGS (O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC)

static const char sums_name[] = "SHA256SUMS";
static const char *const dir_name[KH_TREE_DIRS] = {
    [KH_TREE_FILES] = "files", [KH_TREE_OPENED] = "opened"};

/* KH_EFULL where errno says so. */
static enum kh_err
sys_err(void)
{
	return errno == EEXIST ? KH_EEXIST : kh_io_error();
}

/* Make and open a directory; *fd is -1 on error. */
static enum kh_err
make_dir(int under, const char *name, int *fd)
{
	*fd = -1;
	if (mkdirat(under, name, 0700) != 0)
		return sys_err();
	*fd = openat(under, name, DIR_FLAGS);
	return *fd < 0 ? sys_err() : KH_OK;
}

/* "NNN-" and a safe name. */
static bool
numbered_safe(const char *name)
{
	size_t i;

	for (i = 0; i < NUMBER_LEN - 1; i++)
		if (name[i] < '0' || name[i] > '9')
			return false;
	return name[i] == '-' &&
	    kh_name_is_safe(name + NUMBER_LEN, strlen(name + NUMBER_LEN));
}

/*
 * Which directory, and which name in it? *dir is KH_TREE_DIRS for the top.
 * Errors: KH_ENAME for every path that is not one of ours.
 */
static enum kh_err
locate(const char *path, enum kh_tree_dir *dir, const char **name)
{
	size_t n;
	int d;

	*dir = KH_TREE_DIRS;
	*name = path;
	if (strcmp(path, "message.txt") == 0 ||
	    strcmp(path, "manifest.json") == 0)
		return KH_OK;
	for (d = 0; d < KH_TREE_DIRS; d++) {
		n = strlen(dir_name[d]);
		if (strncmp(path, dir_name[d], n) != 0 || path[n] != '/')
			continue;
		*dir = (enum kh_tree_dir)d;
		*name = path + n + 1;
		return numbered_safe(*name) ? KH_OK : KH_ENAME;
	}
	return KH_ENAME;
}

/* The descriptor of a directory of the tree, made if it is not there. */
static enum kh_err
need_dir(struct kh_tree *t, enum kh_tree_dir dir, int *fd)
{
	enum kh_err e = KH_OK;

	if (dir == KH_TREE_DIRS) {
		*fd = t->top_fd;
		return KH_OK;
	}
	if (t->dir_fd[dir] < 0)
		e = make_dir(t->top_fd, dir_name[dir], &t->dir_fd[dir]);
	*fd = t->dir_fd[dir];
	return e;
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void
forget(struct kh_tree *t)
{
	int d;

	close_fd(&t->sums_fd);
	for (d = 0; d < KH_TREE_DIRS; d++)
		close_fd(&t->dir_fd[d]);
	close_fd(&t->top_fd);
	t->temp[0] = '\0';
}

/* Unlink every file of a directory; it holds no directories but ours, which
 * are empty by then. `fd` stays the caller's. */
static void
empty_dir(int fd)
{
	int dup_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	struct dirent *entry;
	DIR *dir;

	dir = dup_fd < 0 ? NULL : fdopendir(dup_fd);
	if (dir == NULL) {
		close_fd(&dup_fd);
		return;
	}
	rewinddir(dir);
	while ((entry = readdir(dir)) != NULL)
		(void)unlinkat(fd, entry->d_name, 0);
	closedir(dir);
}

enum kh_err
kh_tree_begin(struct kh_tree *t, int out_fd)
{
	enum kh_err e;
	int d, err;

	PRECOND(t != NULL && out_fd >= 0);
	t->out_fd = out_fd;
	t->top_fd = t->sums_fd = -1;
	for (d = 0; d < KH_TREE_DIRS; d++)
		t->dir_fd[d] = -1;
	kh_output_temp_name(t->temp);
	e = make_dir(out_fd, t->temp, &t->top_fd);
	if (e == KH_OK) {
		t->sums_fd = openat(t->top_fd, sums_name, FILE_FLAGS, 0600);
		if (t->sums_fd < 0)
			e = sys_err();
	}
	if (e != KH_OK) {
		err = errno;
		kh_tree_abort(t);
		errno = err;
	}
	return e;
}

enum kh_err
kh_tree_open(struct kh_tree *t, struct kh_tree_file *f, const char *path)
{
	enum kh_tree_dir dir;
	const char *name;
	enum kh_err e;
	int under;

	PRECOND(t != NULL && t->top_fd >= 0 && f != NULL && path != NULL);
	memset(f, 0, sizeof(*f));
	f->tree = t;
	f->fd = -1;
	if (strlen(path) >= sizeof(f->path))
		return KH_ENAME;
	memcpy(f->path, path, strlen(path) + 1);
	e = locate(f->path, &dir, &name);
	if (e == KH_OK)
		e = need_dir(t, dir, &under);
	if (e != KH_OK)
		return e;
	f->fd = openat(under, name, FILE_FLAGS, 0600);
	if (f->fd < 0)
		return sys_err();
	crypto_hash_sha256_init(&f->hash);
	return KH_OK;
}

enum kh_err
kh_tree_write(struct kh_tree_file *f, const uint8_t *p, size_t n)
{
	PRECOND(f != NULL && f->fd >= 0);
	crypto_hash_sha256_update(&f->hash, p, n);
	return kh_write_all(f->fd, p, n);
}

/* "HEX  PATH\n", as sha256sum(1) writes it; a safe name needs no escapes. */
static enum kh_err
add_sum(struct kh_tree_file *f)
{
	uint8_t sum[crypto_hash_sha256_BYTES];
	char hex[2 * sizeof(sum) + 1], line[sizeof(hex) + sizeof(f->path) + 4];
	int n;

	crypto_hash_sha256_final(&f->hash, sum);
	sodium_bin2hex(hex, sizeof(hex), sum, sizeof(sum));
	n = snprintf(line, sizeof(line), "%s  %s\n", hex, f->path);
	return kh_write_all(f->tree->sums_fd, line, (size_t)n);
}

enum kh_err
kh_tree_close(struct kh_tree_file *f)
{
	enum kh_err e = KH_OK;

	PRECOND(f != NULL && f->fd >= 0);
	if (fsync(f->fd) != 0)
		e = sys_err();
	close_fd(&f->fd);
	return e == KH_OK ? add_sum(f) : e;
}

void
kh_tree_drop(struct kh_tree_file *f)
{
	enum kh_tree_dir dir;
	const char *name;
	int under;

	PRECOND(f != NULL);
	if (f->fd < 0)
		return;
	close_fd(&f->fd);
	if (locate(f->path, &dir, &name) == KH_OK &&
	    need_dir(f->tree, dir, &under) == KH_OK)
		(void)unlinkat(under, name, 0);
}

/* Rename, replacing nothing. */
static enum kh_err
rename_tree(struct kh_tree *t, const char *name)
{
	enum kh_err e;

	if (renameat2(t->out_fd, t->temp, t->out_fd, name, RENAME_NOREPLACE) ==
	    0)
		return KH_OK;
	if (errno != EINVAL && errno != ENOSYS)
		return sys_err();
	/* A file system without the flag: an empty directory of our own making
	 * may be replaced (rename(2)). */
	if (mkdirat(t->out_fd, name, 0700) != 0)
		return sys_err();
	if (renameat(t->out_fd, t->temp, t->out_fd, name) == 0)
		return KH_OK;
	e = sys_err();
	(void)unlinkat(t->out_fd, name, AT_REMOVEDIR);
	return e;
}

enum kh_err
kh_tree_commit(struct kh_tree *t, const char *name)
{
	enum kh_err e;
	int d;

	PRECOND(t != NULL && t->top_fd >= 0 && name != NULL);
	PRECOND(kh_name_is_safe(name, strlen(name)));
	if (fsync(t->sums_fd) != 0)
		return sys_err();
	for (d = 0; d < KH_TREE_DIRS; d++) {
		if (t->dir_fd[d] < 0)
			continue;
		/* Nothing could be opened: no directory for it. */
		if (unlinkat(t->top_fd, dir_name[d], AT_REMOVEDIR) == 0)
			continue;
		if (fsync(t->dir_fd[d]) != 0 && errno != EINVAL)
			return sys_err();
	}
	if (fsync(t->top_fd) != 0 && errno != EINVAL)
		return sys_err();
	e = rename_tree(t, name);
	if (e != KH_OK)
		return e;
	if (fsync(t->out_fd) != 0 && errno != EINVAL)
		e = sys_err();
	forget(t);
	return e;
}

void
kh_tree_abort(struct kh_tree *t)
{
	int d;

	if (t->temp[0] == '\0')
		return;
	for (d = 0; d < KH_TREE_DIRS; d++) {
		if (t->dir_fd[d] < 0)
			continue;
		empty_dir(t->dir_fd[d]);
		(void)unlinkat(t->top_fd, dir_name[d], AT_REMOVEDIR);
	}
	if (t->top_fd >= 0)
		empty_dir(t->top_fd);
	(void)unlinkat(t->out_fd, t->temp, AT_REMOVEDIR);
	forget(t);
}
