/*
 * File names that came from the other side. One function makes a safe name of
 * anything; one says whether a name is exactly what the first could have made
 * and is what every path from an archive goes through (L1, L2).
 *
 * Safe: one path component, valid UTF-8 in NFC, no control, format (bidi and
 * zero-width), separator or surrogate characters, no '/' or '\', no leading
 * dot, dash or blank, no trailing blank or dot, nor what Windows reserves
 * (" * : < > ? |), 1 to KH_NAME_MAX bytes. Letters of every script stay.
 */
#ifndef KNOTHOLE_NAME_H
#define KNOTHOLE_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "knothole/err.h"
#include "knothole/limits.h"

/*
 * A safe name for `n` bytes of anything (n may be 0); of a component longer
 * than KH_RAW_NAME_MAX only the end counts. Keeps the extension when it has to
 * shorten. Never fails: the last resort is "file".
 *	out	receives the NUL-terminated name
 */
void kh_name_make(
    const uint8_t *raw, size_t n, char out[static KH_NAME_MAX + 1]);

/* Is it safe as it stands, that is, does kh_name_make leave it as it is? */
bool kh_name_is_safe(const char *name, size_t n);

/* Is it valid UTF-8 without NUL? (RFC 3629: no overlong forms, no surrogates.) */
bool kh_utf8_valid(const uint8_t *p, size_t n);

/* How many characters (code points) valid UTF-8 has. */
size_t kh_utf8_count(const uint8_t *p, size_t n);

/*
 * Text from outside, made printable for a terminal (L37): control, format and
 * separator characters but the blank, whatever is invisible, and invalid bytes
 * become \xNN or \u{NNNN}; a backslash becomes \\.
 *	out, cap	receives a NUL-terminated text, cut at a whole escape
 * Returns its length.
 */
size_t kh_text_escape(const uint8_t *p, size_t n, char *out, size_t cap);

#endif
