/*
 * One object of a vault, opened for showing: its message and what is told of
 * its files.
 */
#ifndef KNOTHOLE_CLIENT_DESK_SHOW_H
#define KNOTHOLE_CLIENT_DESK_SHOW_H

#include <jansson.h>

#include "client/desk/vault.h"

struct kh_shown_object;

/* Open it and read its message. Says what is wrong and returns the exit
 * status; *out is NULL then. */
int kh_show_open(const struct kh_vault *v, const struct kh_desk_object *o,
    struct kh_shown_object **out);

/* For people, and as JSON (docs/json.md; NULL without memory). */
void kh_show_print(const struct kh_shown_object *s);
json_t *kh_show_json(const struct kh_shown_object *s);

void kh_show_close(struct kh_shown_object *s); /* NULL is fine */

#endif
