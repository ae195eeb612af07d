/*
 * The textual header of an age file, read line by line.
 */
#ifndef KNOTHOLE_AGE_HEADER_H
#define KNOTHOLE_AGE_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "knothole/err.h"
#include "knothole/limits.h"
#include "lib/age/kdf.h"

#define KH_AGE_VERSION_LINE "age-encryption.org/v1\n"
#define KH_AGE_VERSION_LEN (sizeof(KH_AGE_VERSION_LINE) - 1)

/* Where a stanza is in the header's bytes. */
struct kh_stanza {
	size_t start; /* of its "->" */
	size_t args; /* of its first argument */
	size_t args_len; /* all arguments, with one space between two */
	size_t n_args;
	size_t body; /* of its first body line */
	size_t body_len; /* bytes, decoded */
};

struct kh_age_header; /* not secret: it is what lies in the file */

KH_CHECKED enum kh_err kh_age_header_new(struct kh_age_header **out);
void kh_age_header_free(struct kh_age_header *h);

/*
 * Take more of the file.
 *	used	receives how many of the `n` bytes belong to the header
 * KH_OK: the header is complete, what follows is payload. KH_EAGAIN: all
 * bytes were taken and there must be more. Else KH_EFORMAT, KH_ELIMIT,
 * KH_ENOMEM; the answer does not depend on how the bytes were split.
 */
KH_CHECKED enum kh_err kh_age_header_feed(
    struct kh_age_header *h, const uint8_t *p, size_t n, size_t *used);

/* All of these after KH_OK only. */
size_t kh_age_header_len(const struct kh_age_header *h);
const uint8_t *kh_age_header_bytes(const struct kh_age_header *h);
size_t kh_age_header_stanzas(const struct kh_age_header *h);
const struct kh_stanza *kh_age_header_stanza(
    const struct kh_age_header *h, size_t i);

/* Is the first argument this word? */
bool kh_stanza_is(
    const struct kh_age_header *h, const struct kh_stanza *s, const char *type);

/* The i-th argument, 0 being the type; i < s->n_args. */
const uint8_t *kh_stanza_arg(const struct kh_age_header *h,
    const struct kh_stanza *s, size_t i, size_t *n);

/* Decode a body of exactly KH_WRAPPED_LEN bytes; else KH_EFORMAT. */
KH_CHECKED enum kh_err kh_stanza_wrapped(const struct kh_age_header *h,
    const struct kh_stanza *s, uint8_t body[static KH_WRAPPED_LEN]);

/* KH_EAUTH unless the header's MAC fits this file key. */
KH_CHECKED enum kh_err kh_age_header_verify(
    const struct kh_age_header *h, const uint8_t fk[static KH_FILE_KEY_LEN]);

#endif
