/*
 * What a single field of a card may hold: shared by the card's reader and its
 * writer, so that nothing is written that would not be read.
 */
#ifndef KNOTHOLE_LIB_CARD_FIELDS_H
#define KNOTHOLE_LIB_CARD_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "knothole/limits.h"

/*
 * Is it a display name that may be shown as it stands: 1 to KH_CARD_NAME_MAX
 * bytes of UTF-8 in NFC, assigned characters only, no control, format (bidi,
 * zero-width) or private ones, no blanks but U+0020 and none at either end,
 * and no combining mark at the beginning?
 */
bool kh_card_name_ok(const char *name, size_t n);

/* Is it [a-z]{2,8}? */
bool kh_card_language_ok(const char *language, size_t n);

#endif
