/*
 * Texts of sources on a terminal: line by line, every line escaped (L37).
 */
#ifndef KNOTHOLE_CLIENT_DESK_PRINT_H
#define KNOTHOLE_CLIENT_DESK_PRINT_H

#include <stddef.h>
#include <stdint.h>

/* Print `n` bytes of text, each line after `indent`, ended by LF. CR LF ends a
 * line as LF does. */
void kh_print_text(const uint8_t *p, size_t n, const char *indent);

#endif
