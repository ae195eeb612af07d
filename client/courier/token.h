/*
 * The newsroom's token: what the server knows the courier by.
 */
#ifndef KNOTHOLE_COURIER_TOKEN_H
#define KNOTHOLE_COURIER_TOKEN_H

#include <stddef.h>

#include "knothole/err.h"

#define KH_TOKEN_LEN 43 /* 32 bytes in base64 for URLs, unpadded */

/*
 * Read the file that `knothole keygen` wrote: the token and LF. Says what is
 * wrong, and warns when others may read the file.
 *	out	receives the token, NUL-terminated, in memory that the caller
 *		gives to kh_secret_free; NULL on error
 * Returns the exit status.
 */
int kh_token_file(const char *path, char **out);

/* Is it a token, in the one way to write it? */
KH_CHECKED enum kh_err kh_token_check(const char *text, size_t n);

#endif
