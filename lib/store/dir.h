/*
 * What the parts of the store in a directory share: objects as they come in
 * dir.c, as they are listed and read in objects.c, as they go in collected.c,
 * answers in answers.c; both are written anew in settle.c. Cards: cards.c.
 */
#ifndef KNOTHOLE_LIB_STORE_DIR_H
#define KNOTHOLE_LIB_STORE_DIR_H

#include <stdbool.h>

#include "knothole/err.h"
#include "knothole/store.h"

#define KH_PROC_FD_LEN 32

/* The end of a name that is being exchanged; NAME is an object's or a slot's. */
#define KH_DIR_NEW ".new"
#define KH_DIR_NEW_LEN (sizeof(KH_DIR_NEW) - 1)
#define KH_DIR_NEW_CAP (KH_SLOT_NAME_LEN + KH_DIR_NEW_LEN + 1)

struct kh_store {
	int root_fd;
	int objects_fd;
	int replies_fd;
	int collected_fd;
	bool unsettled; /* something has come since the last settle */
};

/* Close, keep errno; below 0 is fine. */
void kh_dir_shut(int fd);

/* The directory's own times would tell when something last came or went. They
 * are not worth a failure: what is stored is stored all the same. */
void kh_dir_hide_times(int fd);

/* Open a directory below `at`, made (0700) if need be, never through a link.
 * KH_EAUTH: it is open to others, or not ours; KH_ESYS. */
KH_CHECKED enum kh_err kh_dir_open(int at, const char *name, int *fd);

/* A file without a name in this directory, or -1. */
int kh_dir_nameless(int at);

/* The path of a file without a name; the only one by which it can be linked
 * without privilege: open(2), O_TMPFILE. */
void kh_dir_proc_path(int fd, char out[static KH_PROC_FD_LEN]);

/* Fixed mode and times, and data, to the disk. KH_EFULL, KH_ESYS. */
KH_CHECKED enum kh_err kh_dir_make_durable(int fd);

/*
 * Call `each` for every entry of the directory; those that come or go meanwhile
 * may be among them or not. The first error ends it. Errors: KH_ESYS, and what
 * `each` returns.
 */
KH_CHECKED enum kh_err kh_dir_walk(
    int at, enum kh_err (*each)(void *ctx, const char *name), void *ctx);

/* Bytes from `n` pairs of lower-case hex digits, nothing else; false if they
 * are not. */
bool kh_dir_unhex(const char *hex, size_t n, uint8_t *out);

/* Is it "<32 hex>.age"? Sets the id. */
bool kh_dir_object_id(const char *name, uint8_t id[static KH_OBJECT_ID_LEN]);

/* Is it the name of an object, of a slot? */
bool kh_dir_is_object(const char *name);
bool kh_dir_is_slot(const char *name);

/*
 * Remove an object's or a slot's name, and the NAME.new that a settle may have
 * left beside it: a sweep would take that for a name that is missing. The
 * directory is not synced. Errors: KH_ENOENT there was neither; KH_ESYS.
 */
KH_CHECKED enum kh_err kh_dir_remove(int at, const char *name);

/* Remove a name that may or may not be durable: as far as it is in our power
 * it never was. Keeps errno. */
void kh_dir_take_back(int at, const char *name);

#endif
