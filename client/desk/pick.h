/*
 * What `knothole extract` is asked for, when there is a vault: a source's
 * objects, one object by its id, or a file as without a vault.
 */
#ifndef KNOTHOLE_CLIENT_DESK_PICK_H
#define KNOTHOLE_CLIENT_DESK_PICK_H

#include <stddef.h>

#include "client/desk/vault.h"

struct kh_pick {
	size_t *objects; /* places in the index; memory to free with free */
	size_t n; /* 0: it names a file */
};

/* Find out. A file whose name is an alias needs "./" before it. Says what is
 * wrong and returns the exit status. */
int kh_pick(const struct kh_vault *v, const char *arg, struct kh_pick *out);

/* Note in the custody log that objects were extracted (`done`: for each object
 * of the index, whether it was), and save. Says what is wrong and returns the
 * exit status. */
int kh_pick_log(struct kh_vault *v, const bool *done);

#endif
