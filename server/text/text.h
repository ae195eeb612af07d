/*
 * What the site says, in every language. The texts are gettext catalogues
 * beside this file; compile.py makes a table of them when the program is
 * built, so that neither locale nor file is needed where it runs.
 */
#ifndef KNOTHOLED_TEXT_H
#define KNOTHOLED_TEXT_H

#include "text_ids.h" /* enum kh_lang, enum kh_text: made from the .pot */

/* "en", "he", ...: the path prefix and the lang attribute. */
extern const char *const kh_lang_codes[KH_LANG_N];

/* UTF-8, not escaped, with {placeholders}. */
extern const char *const kh_texts[KH_LANG_N][KH_TEXT_N];

#endif
