/*
 * Holders of an identity for standard output (docs/json.md).
 */
#ifndef KNOTHOLE_CLIENT_HOLDERS_JSON_H
#define KNOTHOLE_CLIENT_HOLDERS_JSON_H

#include "client/desk/json_out.h"
#include "client/holders.h"

/* Put `editors` and `shares` into `o`; *bad becomes true when that fails. */
void kh_holders_json(const struct kh_holders *h, json_t *o, bool *bad);

#endif
