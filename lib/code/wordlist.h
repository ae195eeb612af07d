/*
 * The word list, generated at build time by wordlist.py: sorted by bytes, and
 * no word is the beginning of another, with or without its hyphens.
 */
#ifndef KNOTHOLE_LIB_CODE_WORDLIST_H
#define KNOTHOLE_LIB_CODE_WORDLIST_H

#include "knothole/limits.h"

extern const char kh_wordlist[KH_WORDLIST_N][KH_WORD_MAX + 1];

#endif
