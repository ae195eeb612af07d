/*
 * Words of the list as people type, dictate and paste them: what the return
 * code and the key shares are read with.
 */
#ifndef KNOTHOLE_LIB_CODE_TYPED_H
#define KNOTHOLE_LIB_CODE_TYPED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "knothole/code.h"
#include "knothole/err.h"

/* A text, folded: a-z, 0-9, ' ' (never two in a row) and '?' for what belongs
 * to a word but to none of the list. Secret, as the text is. */
struct kh_typed {
	char *text; /* the caller's, `cap` bytes */
	size_t cap;
	size_t n;
	size_t letters; /* a-z and '?' */
};

/*
 * Fold `n` bytes into f->text: case, compatibility forms, marks, everything
 * invisible, and whatever stands between words.
 * Errors: KH_EFORMAT not UTF-8, a NUL, or longer than `cap` when folded.
 */
KH_CHECKED enum kh_err kh_typed_fold(
    const char *text, size_t n, struct kh_typed *f);

/*
 * Read words until the end of `n` folded bytes, whatever separates them or not.
 * Returns how many there are; 0 if there is something else, or more than
 * `max`.
 */
size_t kh_typed_words(const char *t, size_t n, uint16_t *w, size_t max);

/*
 * After kh_typed_words found something else: the first word that is none of
 * the list.
 *	count	receives how many words are before it; more than `max` when
 *		something follows those
 *	start	receives where it begins
 * Returns false when the first `max` words are all of the list.
 */
bool kh_typed_bad(
    const struct kh_typed *f, size_t max, size_t *count, size_t *start);

/* The word at `start`, at most KH_BAD_WORD_MAX bytes of it. Secret. */
void kh_typed_token(const struct kh_typed *f, size_t start,
    char out[static KH_BAD_WORD_MAX + 1]);

/* Does a check word fit? */
struct kh_typed_check {
	bool (*fits)(void *ctx, const uint16_t *w);
	void *ctx;
};

/*
 * Do these `n` words, at most KH_CODE_WORDS, fit? "yo-yo" and "yoyo" are two
 * words of the list that people will not tell apart: if the words do not fit
 * as they are spelled, every other way to read them is tried.
 */
bool kh_typed_fits(uint16_t *w, size_t n, const struct kh_typed_check *check);

#endif
