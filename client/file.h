/*
 * How files come to be in a vault, on a stick and beside an identity: under a
 * temporary name, synced, renamed. Sticks are FAT: no unnamed files, no links.
 */
#ifndef KNOTHOLE_CLIENT_FILE_H
#define KNOTHOLE_CLIENT_FILE_H

#include <stddef.h>

#include "knothole/err.h"

/* A new file of ours for reading and writing, 0600; what has its name is
 * removed first. *fd is -1 on error. */
KH_CHECKED enum kh_err kh_file_begin(int dir_fd, const char *name, int *fd);

/* All of a small file, written, synced and renamed from `temp` to `name`; the
 * directory is not synced. */
struct kh_file_bytes {
	const void *p;
	size_t n;
};
KH_CHECKED enum kh_err kh_file_put(
    int dir_fd, const char *temp, const char *name, struct kh_file_bytes bytes);

/* Sync a directory, where that exists. */
KH_CHECKED enum kh_err kh_file_sync_dir(int dir_fd);

#endif
