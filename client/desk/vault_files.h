/*
 * Names in a vault, and how files there and on a stick come to be: under a
 * temporary name, synced, renamed. Sticks are FAT: no unnamed files, no links.
 */
#ifndef KNOTHOLE_CLIENT_DESK_VAULT_FILES_H
#define KNOTHOLE_CLIENT_DESK_VAULT_FILES_H

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>

#include "client/identity.h"
#include "knothole/err.h"

#define KH_VAULT_IDENTITY_AGE "identity.age"
#define KH_VAULT_IDENTITY_TXT "identity.txt"
#define KH_VAULT_CARD "newsroom.card"
#define KH_VAULT_INDEX "index.age"
#define KH_VAULT_INDEX_NEW "index.age.new"
#define KH_VAULT_OBJECTS "objects"
#define KH_VAULT_OUTBOX "outbox"
#define KH_VAULT_LOCK "lock"
#define KH_VAULT_DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* A multiple of 16, so that what is between guard pages is aligned. */
#define KH_VAULT_ROOM_LEN ((sizeof(struct kh_newsroom) + 15) / 16 * 16)

/* KH_EFULL or KH_ESYS, as errno says. */
enum kh_err kh_file_error(void);

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

/* Is there anything in the objects or the outbox of the vault in `dir_fd`? A
 * vault that was only begun has nothing there. */
bool kh_vault_used(int dir_fd);

/* Sync a directory, where that exists. */
KH_CHECKED enum kh_err kh_file_sync_dir(int dir_fd);

#endif
