/*
 * A mistake that loses answers: naming the directory knothole-stick itself
 * instead of the one that it is in, which a shell's completion suggests. The
 * desk would write a second knothole-stick into it, and the courier look there.
 */
#ifndef KNOTHOLE_CLIENT_STICKTOP_H
#define KNOTHOLE_CLIENT_STICKTOP_H

#include <stdbool.h>

/* The directory of a stick in which everything is. */
#define KH_STICK_TOP "knothole-stick"

/* Is `fd`, opened at `path`, such a directory, and none is in it? A stick that
 * is only called so, by its label, is not. Says so when it is. */
bool kh_sticktop_is(int fd, const char *path);

#endif
