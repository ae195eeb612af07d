/*
 * JSON for standard output (docs/json.md): one value a line, ASCII only.
 */
#ifndef KNOTHOLE_CLIENT_DESK_JSON_OUT_H
#define KNOTHOLE_CLIENT_DESK_JSON_OUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "knothole/err.h"

/* Print it and let go of it. NULL, what making it gave without memory, is
 * KH_ENOMEM. */
KH_CHECKED enum kh_err kh_json_print(json_t *v);

/* Bytes in lower-case hex. */
json_t *kh_json_hex(const uint8_t *p, size_t n);

/* Bytes as text: U+FFFD for each that is not part of a character, and for
 * NUL. */
json_t *kh_json_text(const uint8_t *p, size_t n);

/* Put `v`, taken over, under `key`; *bad becomes true when that fails. */
void kh_json_set(json_t *o, const char *key, json_t *v, bool *bad);

/* Append `v`, taken over. */
void kh_json_add(json_t *a, json_t *v, bool *bad);

#endif
