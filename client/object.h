/*
 * A sealed object from the command line, opened as far as its manifest.
 */
#ifndef KNOTHOLE_CLIENT_OBJECT_H
#define KNOTHOLE_CLIENT_OBJECT_H

#include "knothole/age.h"
#include "knothole/bundle.h"
#include "knothole/io.h"
#include "knothole/limits.h"

struct kh_object {
	int fd;
	struct kh_source src;
	struct kh_age_reader *age;
	struct kh_bundle_reader *bundle;
};

/*
 * Open `path`: header, last chunk, directory and manifest are read and
 * authenticated, nothing else. Says what is wrong and returns the exit
 * status; after an error nothing is open. The struct must not move.
 */
int kh_object_open(
    struct kh_object *o, const char *path, const struct kh_keyring *kr);
void kh_object_close(struct kh_object *o);

/* The safe name of what is inside `path`: its last component without ".age",
 * made safe if it is not. */
void kh_object_stem(const char *path, char out[static KH_NAME_MAX + 1]);

#endif
