/*
 * What the host itself would keep: swap, core dumps, deleted files.
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

#include "server/drill/places.h"
#include "server/keeper/keeper.h"

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif
#define ZFS_SUPER_MAGIC 0x2fc12fc1

static enum kh_err
each_swap(void *ctx, const char *device)
{
	return kh_report_odd(ctx, KH_ODD_SWAP, device, NULL, NULL);
}

/* Patterns that keep nothing. */
static bool
keeps_nothing(const char *pattern)
{
	static const char *const none[] = {"", "/dev/null", "|/bin/false",
	    "|/usr/bin/false", "|/bin/true", "|/usr/bin/true", NULL};
	const char *const *s;

	for (s = none; *s != NULL; s++) {
		if (strcmp(pattern, *s) == 0)
			return true;
	}
	return false;
}

/* Of one process: "Max core file size", then the soft limit. 0 also when it has
 * ended, or has no such line. */
static bool
may_dump(const char *path, bool *seen)
{
	static const char label[] = "Max core file size";
	char line[256], *soft;
	bool may = false;
	FILE *f;

	f = fopen(path, "re");
	if (f == NULL)
		return false;
	while (fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, label, sizeof(label) - 1) != 0)
			continue;
		soft = line + sizeof(label) - 1;
		soft += strspn(soft, " ");
		may = strncmp(soft, "0 ", 2) != 0;
		*seen = true;
		break;
	}
	fclose(f);
	return may;
}

/* Has any process a limit that lets the kernel write a file? Where there is none
 * to ask, as on another host's disk, nobody can say that it has not. */
static bool
writes_files(const char *proc)
{
	char path[KH_PATH_MAX + 64];
	bool seen = false, may = false;
	const struct dirent *de;
	DIR *d;

	d = opendir(proc);
	while (d != NULL && !may && (de = readdir(d)) != NULL) {
		if (de->d_name[strspn(de->d_name, "0123456789")] != '\0')
			continue;
		if (snprintf(path, sizeof(path), "%s/%s/limits", proc,
			de->d_name) < (int)sizeof(path))
			may = may_dump(path, &seen);
	}
	if (d != NULL)
		closedir(d);
	return may || !seen;
}

static enum kh_err
look_core(struct kh_report *r, const char *path, const char *proc)
{
	enum kh_err e = KH_OK;
	char *line = NULL;
	size_t cap = 0;
	FILE *f;

	f = fopen(path, "re");
	if (f == NULL) /* the disk of another host */
		return KH_OK;
	if (getline(&line, &cap, f) < 0)
		goto out;
	line[strcspn(line, "\n")] = '\0';
	/* A program is given them whatever the limits are: core(5). */
	if (!keeps_nothing(line) && (line[0] == '|' || writes_files(proc)))
		e = kh_report_odd(r, KH_ODD_CORE, path, NULL, NULL);
out:
	free(line);
	fclose(f);
	return e;
}

enum kh_err
kh_drill_host(struct kh_report *r, const char *proc)
{
	char path[KH_PATH_MAX + 64];
	enum kh_err e;

	(void)snprintf(path, sizeof(path), "%s/swaps", proc);
	e = kh_swap_each(path, each_swap, r);
	(void)snprintf(path, sizeof(path), "%s/sys/kernel/core_pattern", proc);
	return e == KH_OK ? look_core(r, path, proc) : e;
}

const char *
kh_drill_fs(int fd)
{
	struct statfs sf;

	if (fstatfs(fd, &sf) != 0)
		return NULL;
	switch ((unsigned long)sf.f_type) {
	case EXT4_SUPER_MAGIC:
		return "ext4: the names and times of deleted files stay in "
		       "the journal for a while";
	case XFS_SUPER_MAGIC:
		return "xfs: the names and times of deleted files stay in the "
		       "log for a while";
	case BTRFS_SUPER_MAGIC:
	case ZFS_SUPER_MAGIC:
		return "copy-on-write: deleted files stay in old trees for a "
		       "while, and in snapshots for as long as these are kept";
	case TMPFS_MAGIC:
		return "tmpfs: in memory; it is gone when the host is off, "
		       "and so are objects that nobody has collected";
	default:
		return NULL;
	}
}
