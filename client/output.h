/*
 * Output that appears under its final name only when it is complete: written
 * to a file without a name in the same directory (or, where the file system
 * has none, under a temporary name), synced, then linked. Nothing that exists
 * is ever replaced.
 */
#ifndef KNOTHOLE_CLIENT_OUTPUT_H
#define KNOTHOLE_CLIENT_OUTPUT_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "knothole/err.h"

/* ".knothole-" and 16 hex digits, with NUL: as long as no safe name. */
#define KH_OUTPUT_TEMP_LEN 27

struct kh_output {
	int dir_fd;
	int fd; /* write here */
	char name[NAME_MAX + 1]; /* the final one */
	char temp[KH_OUTPUT_TEMP_LEN]; /* "" when the file has no name */
};

/*
 * Begin `path`. The struct must not move until commit or abort.
 * Errors: KH_EEXIST; KH_ENAME not the name of a file; KH_ESYS. After an error
 * there is nothing to abort.
 */
KH_CHECKED enum kh_err kh_output_open(
    struct kh_output *o, const char *path, mode_t mode);

/* The same for `name` (one component) under a directory that is open. */
KH_CHECKED enum kh_err kh_output_open_at(
    struct kh_output *o, int dir_fd, const char *name, mode_t mode);

/* Make it durable and give it its name. Whatever it returns, it is closed,
 * and after an error there is no file. Errors: KH_EEXIST, KH_EFULL, KH_ESYS. */
KH_CHECKED enum kh_err kh_output_commit(struct kh_output *o);

/* Leave nothing behind. May be called after any of the above. */
void kh_output_abort(struct kh_output *o);

/* A temporary name: ".knothole-" and 16 random hex digits. */
void kh_output_temp_name(char out[static KH_OUTPUT_TEMP_LEN]);

/*
 * Open a directory, making it (0700, its parent must exist) when it is not
 * there. *fd is -1 on error. Errors: KH_ESYS.
 */
KH_CHECKED enum kh_err kh_output_dir(const char *path, int *fd);

#endif
