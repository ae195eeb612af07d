/*
 * What the two halves of the manifest share. Internal to the bundle.
 */
#ifndef KNOTHOLE_LIB_BUNDLE_MANIFEST_H
#define KNOTHOLE_LIB_BUNDLE_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "knothole/err.h"
#include "knothole/manifest.h"

/* Is it a language tag of ours, [a-z]{2,8}? */
bool kh_manifest_language_valid(const char *s);

/* Is `s` the entry of file number `i` (from 0): "files/NNN-" and a safe name? */
bool kh_manifest_entry_valid(const char *s, size_t i);

/*
 * The name as JSON can carry it: valid UTF-8, with U+FFFD for every NUL and
 * every byte that is not part of a character.
 *	out	room for 3 * n bytes
 * Returns the length.
 */
size_t kh_manifest_name_text(const uint8_t *name, size_t n, uint8_t *out);

/* Make jansson wipe what it frees and open no file. Done by every call of the
 * manifest; for others who use it on secrets. Errors: KH_ENOMEM. */
KH_CHECKED enum kh_err kh_manifest_json_start(void);

/* Room for one more file, zeroed, not counted yet. KH_ELIMIT, KH_ENOMEM. */
KH_CHECKED enum kh_err kh_manifest_grow(
    struct kh_manifest *m, struct kh_manifest_file **f);

/* Wipe and free what a file holds. */
void kh_manifest_file_clear(struct kh_manifest_file *f);

#endif
