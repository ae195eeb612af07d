/*
 * What a command reads: a file named on the command line, or standard input.
 */
#ifndef KNOTHOLE_CLIENT_INPUT_H
#define KNOTHOLE_CLIENT_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "knothole/err.h"

/* Bytes read at once: four STREAM chunks. */
#define KH_INPUT_LEN 262144

/* Open `path`; NULL and "-" are standard input. Says what is wrong and returns
 * the exit status; *fd is -1 then. */
int kh_input_open(const char *path, int *fd);

/* Close what kh_input_open gave; standard input stays open. */
void kh_input_close(int fd);

/* Do these first bytes begin an age file, armored or not? */
bool kh_input_is_age(const char *p, size_t n);

/* How messages call `path`. */
const char *kh_input_name(const char *path);

/*
 * All of a small file, in kh_secret_alloc memory (it may be a key) that the
 * caller frees. *p is NULL on error.
 * Errors: KH_ELIMIT more than `cap` bytes; KH_ENOMEM; KH_ESYS.
 */
KH_CHECKED enum kh_err kh_input_all(int fd, size_t cap, char **p, size_t *n);

/* What takes the bytes of a stream: kh_sealer_write or kh_opener_write. */
struct kh_input_to {
	enum kh_err (*write)(void *ctx, const uint8_t *p, size_t n);
	void *ctx;
	uint64_t n; /* bytes so far */
	void (*progress)(void *ctx, uint64_t n); /* or NULL */
	void *progress_ctx;
};

/*
 * Hand all of `fd` on, in pieces.
 *	failed_read	receives whether it was reading that failed
 * Errors: KH_ESYS, KH_ENOMEM, and whatever `to->write` returns.
 */
KH_CHECKED enum kh_err kh_input_pump(
    int fd, struct kh_input_to *to, int *failed_read);

#endif
