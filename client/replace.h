/*
 * Replacing a file of keys: the new one is durable under its name before the
 * old one is gone, and then the old one's bytes are overwritten, as far as that
 * reaches anything (a flash disk, or a file system that copies on writing,
 * keeps them elsewhere).
 */
#ifndef KNOTHOLE_CLIENT_REPLACE_H
#define KNOTHOLE_CLIENT_REPLACE_H

#include <stddef.h>

/*
 * Put `n` bytes under `path`, mode 0600, whether or not a file is there. A link
 * is followed: what it leads to is replaced. A file with other names is not
 * overwritten, only left, and that is said.
 * Says what is wrong; returns the exit status. The old file is then there, and
 * whole.
 */
int kh_replace_file(const char *path, const void *p, size_t n);

/* Overwrite and remove a file that is not needed any more; one that is not
 * there is fine. Says what is wrong; returns the exit status. */
int kh_replace_remove(const char *path);

#endif
