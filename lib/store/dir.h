/*
 * What the two halves of the store in a directory share: objects in dir.c,
 * answers in answers.c.
 */
#ifndef KNOTHOLE_LIB_STORE_DIR_H
#define KNOTHOLE_LIB_STORE_DIR_H

#include "knothole/err.h"
#include "knothole/store.h"

#define KH_PROC_FD_LEN 32

struct kh_store {
	int root_fd;
	int objects_fd;
	int replies_fd;
};

/* KH_EFULL or KH_ESYS, by errno. */
enum kh_err kh_dir_err(void);

/* Close, keep errno; below 0 is fine. */
void kh_dir_shut(int fd);

/* The directory's own times would tell when something last came or went. They
 * are not worth a failure: what is stored is stored all the same. */
void kh_dir_hide_times(int fd);

/* A file without a name in this directory, or -1. */
int kh_dir_nameless(int at);

/* The path of a file without a name; the only one by which it can be linked
 * without privilege: open(2), O_TMPFILE. */
void kh_dir_proc_path(int fd, char out[static KH_PROC_FD_LEN]);

/* Fixed mode and times, and data, to the disk. KH_EFULL, KH_ESYS. */
KH_CHECKED enum kh_err kh_dir_make_durable(int fd);

/* Remove a name that may or may not be durable: as far as it is in our power
 * it never was. Keeps errno. */
void kh_dir_take_back(int at, const char *name);

#endif
