/*
 * A file with new contents, under its old name.
 */
#ifndef KNOTHOLE_CLIENT_CARD_REPLACE_H
#define KNOTHOLE_CLIENT_CARD_REPLACE_H

#include <stddef.h>

#include "knothole/err.h"

/*
 * Write `n` bytes to a file beside `path`, make it durable, and give it the
 * name: whenever this is cut short, the old one is whole. Mode 0644.
 * Errors: KH_ENAME; KH_ESYS, KH_EFULL.
 */
KH_CHECKED enum kh_err kh_card_replace(
    const char *path, const void *p, size_t n);

#endif
