/*
 * JSON from the server, as strictly as jansson can be: one object, printable
 * ASCII and blanks only, no member twice, nothing after it.
 */
#ifndef KNOTHOLE_COURIER_JSON_H
#define KNOTHOLE_COURIER_JSON_H

#include <jansson.h>
#include <stddef.h>

#include "knothole/err.h"

/* *o receives an object that the caller gives to json_decref; NULL on error.
 * Errors: KH_ELIMIT more than `cap` bytes; KH_EFORMAT; KH_ENOMEM. */
KH_CHECKED enum kh_err kh_json_load(
    const char *json, size_t n, size_t cap, json_t **o);

#endif
