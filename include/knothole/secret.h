/*
 * Memory for secrets, and wiping. Thin over libsodium: guarded, locked pages
 * that are zeroed when freed. Call kh_init once before anything else.
 */
#ifndef KNOTHOLE_SECRET_H
#define KNOTHOLE_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "knothole/err.h"

/*
 * Start libsodium. Safe to call again.
 * Errors: KH_ESYS when no random source is to be had.
 */
KH_CHECKED enum kh_err kh_init(void);

/*
 * Locked memory of `n` bytes between guard pages, not zeroed, or NULL.
 * n > 0. The caller frees it with kh_secret_free, which wipes it.
 */
void *kh_secret_alloc(size_t n);

/* Wipe and free what kh_secret_alloc gave; NULL is fine. */
void kh_secret_free(void *p);

/* Zero `n` bytes in a way that no compiler removes. */
void kh_wipe(void *p, size_t n);

/* Constant-time comparison of `n` bytes. */
bool kh_equal(const void *a, const void *b, size_t n);

/*
 * Does locking memory work here? libsodium ignores a failed mlock; a process
 * that must not swap asks before it handles secrets.
 *	n	bytes that it is going to need
 * Errors: KH_ENOMEM when they cannot be locked (RLIMIT_MEMLOCK).
 */
KH_CHECKED enum kh_err kh_secret_probe(size_t n);

#endif
