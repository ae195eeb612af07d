/*
 * The stick. Nothing on it is trusted by its name: directories and files are
 * opened below held descriptors, never through a link, regular files only.
 *
 *	STICK/knothole-stick/
 *		objects/<32 hex>.age	whole, always
 *		objects/.part-<32 hex>	not yet
 *		replies/<64 hex>.age
 *		collected.txt SHA256SUMS SHA256SUMS.minisig
 *		.courier		see parts.h
 *
 * FAT and exFAT must do: no links, no modes, no nameless files.
 */
#ifndef KNOTHOLE_COURIER_STICK_H
#define KNOTHOLE_COURIER_STICK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "knothole/err.h"
#include "knothole/limits.h"

#define KH_PART_NAME_LEN 39 /* ".part-" and 32 hex digits, with NUL */
#define KH_AGE_NAME_LEN (KH_SLOT_NAME_LEN + 5) /* 64 digits, ".age", NUL */

/* Flags for a file of ours on a stick. */
#define KH_STICK_READ \
	(O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
#define KH_STICK_NEW (O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC)

struct kh_stick {
	const char *path; /* as it was given */
	int top_fd; /* knothole-stick, or -1 when it is not there */
	int objects_fd; /* or -1 */
	int replies_fd; /* or -1 */
};

/*
 * Open the stick at `path`; `make`: knothole-stick and objects are made if they
 * are not there, and no other courier may be at work on it. Says what is
 * wrong, and returns the exit status; kh_stick_close may follow in any case.
 */
int kh_stick_open(struct kh_stick *s, const char *path, bool make);

/* Close all of it. Set by {0} is not closed; set by kh_stick_open is. */
void kh_stick_close(struct kh_stick *s);

/*
 * Open a regular file for reading: the descriptor, or -1 with errno; what is
 * not a regular file gives ENOTSUP or ELOOP.
 *	size	receives its length; may be NULL
 */
int kh_stick_file(int dir_fd, const char *name, uint64_t *size);

/* Sync a directory; a file system that cannot is forgiven. Errors: KH_ESYS. */
KH_CHECKED enum kh_err kh_stick_sync_dir(int fd);

/*
 * Call `entry` for every name in a directory but "." and "..", in no order,
 * until it returns false.
 * Errors: KH_ESYS.
 */
KH_CHECKED enum kh_err kh_stick_scan(
    int dir_fd, bool (*entry)(void *ctx, const char *name), void *ctx);

/* `digits` lower-case hex digits and ".age"? */
bool kh_stick_is_age(const char *name, size_t digits);

/* ".part-" and 32 hex digits? */
bool kh_stick_is_part(const char *name);

/* The names of an object of this id. */
void kh_stick_part_name(const char *id, char out[static KH_PART_NAME_LEN]);
void kh_stick_object_name(
    const char *id, char out[static KH_OBJECT_NAME_LEN + 1]);

/* Say that `name`, in directory `dir` of the stick ("objects"), is `what`. */
void kh_stick_say(const char *dir, const char *name, const char *what);

/* Say that reading or writing the stick failed, for `e` and errno; returns the
 * exit status. */
int kh_stick_fail(const struct kh_stick *s, enum kh_err e);

#endif
