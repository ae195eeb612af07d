/*
 * What is in the directory of a vault.
 */
#ifndef KNOTHOLE_CLIENT_DESK_VAULT_FILES_H
#define KNOTHOLE_CLIENT_DESK_VAULT_FILES_H

#include <fcntl.h>
#include <stdbool.h>

#include "client/identity.h"

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

/* Is there anything in the objects or the outbox of the vault in `dir_fd`? A
 * vault that was only begun has nothing there. */
bool kh_vault_used(int dir_fd);

#endif
