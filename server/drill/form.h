/*
 * The forms that names have, ours and those that give something away. Nothing
 * here looks at a file, only at what it is called.
 */
#ifndef KNOTHOLED_DRILL_FORM_H
#define KNOTHOLED_DRILL_FORM_H

#include <stdbool.h>
#include <stdint.h>

/* "<32 hex>.age", "<64 hex>", "<32 hex>-<32 hex>", all lower case. */
bool kh_form_object(const char *name);
bool kh_form_answer(const char *name);
bool kh_form_mark(const char *name);

/* "<32 hex>.card", and what it is called while it is replaced. */
bool kh_form_renewed(const char *name);
bool kh_form_new_renewed(const char *name);

/* An object or an answer, and ".new". */
bool kh_form_new_object(const char *name);
bool kh_form_new_answer(const char *name);

/* "NAME.card", and what keygen makes to lie beside it. */
bool kh_form_card(const char *name);
bool kh_form_beside_card(const char *name);

/* Does it look like something that is not finished? */
bool kh_form_draft(const char *name);

/* Like a log, or the core of a process? */
bool kh_form_log(const char *name);

/* Like a secret of a newsroom, as keygen calls them? */
bool kh_form_key(const char *name);

/* Like a copy of `base`: "store.old", "store-2026.tar.gz", "store~", or what an
 * editor leaves, ".store.swp", "#store#"? */
bool kh_form_copy(const char *name, const char *base);

/* Is it a size that an object may have at rest? */
bool kh_form_object_size(uint64_t n);

#endif
