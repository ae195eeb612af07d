/*
 * The way back: what a return code leads to, and deleting it.
 */
#ifndef KNOTHOLED_VISIT_THREAD_H
#define KNOTHOLED_VISIT_THREAD_H

#include "server/visit/small.h"

/* "POST /L/return": with a code, or with a thread's token and a page. */
void kh_thread_return(
    struct kh_visit *v, const struct kh_small_fields *f, struct kh_reply *r);

/* "POST /L/forget": with a thread's token. */
void kh_thread_forget(
    struct kh_visit *v, const struct kh_small_fields *f, struct kh_reply *r);

/* Tokens for a form that sends, for this code, or for a new one (NULL).
 * Text into `send` and `status`. Errors: KH_ENOMEM. */
KH_CHECKED enum kh_err kh_thread_tokens(const struct kh_site *site,
    const struct kh_code *code, char send[static KH_TOKEN_LEN + 1],
    char status[static KH_TOKEN_LEN + 1]);

#endif
