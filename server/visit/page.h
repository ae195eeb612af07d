/*
 * The pages. Each call writes a whole document into `h`; nothing is sent
 * here. No script, no image, no reference to anything outside the page.
 */
#ifndef KNOTHOLED_VISIT_PAGE_H
#define KNOTHOLED_VISIT_PAGE_H

#include "knothole/code.h"
#include "server/visit/html.h"
#include "server/visit/site.h"

/* Why something was refused: the page's data-reason. */
enum kh_reason {
	KH_REASON_NONE,
	KH_REASON_TOO_LARGE, /* the request's body is over max_upload */
	KH_REASON_TOO_LONG, /* the message is over max_message */
	KH_REASON_EMPTY, /* neither message nor file */
	KH_REASON_TOKEN, /* not a form of ours, or an old one */
	KH_REASON_FORM, /* the form did not arrive as we sent it */
	KH_REASON_FULL, /* the disk */
	KH_REASON_CUT, /* the upload ended early */
	KH_REASON_BUSY, /* the same upload is arriving elsewhere */
	KH_REASON_LOAD, /* too many visits */
	KH_REASON_CLOSED, /* no valid key of some outlet */
	KH_REASON_FAILED, /* the server failed */
	KH_REASON_UNSURE, /* it failed before it could say how it went */
	KH_REASON_METHOD, /* another method */
	KH_REASON_NOT_FOUND, /* another page */
	KH_REASON_REQUEST, /* not a request that we understand */
	KH_REASON_N
};

/* The HTTP status that goes with a reason. */
unsigned kh_reason_status(enum kh_reason r);

/* "/": the languages. "/en/": where to begin. */
void kh_page_languages(struct kh_html *h, const struct kh_site *site);
void kh_page_home(struct kh_html *h, const struct kh_site *site);

/* The form, with a token that kh_token_seal made. */
void kh_page_form(
    struct kh_html *h, const struct kh_site *site, const char *token);

/* What a receipt is about. */
enum kh_receipt {
	KH_RECEIPT_SEALED, /* all of it */
	KH_RECEIPT_AGAIN, /* all of it, at an earlier try of the same form */
	KH_RECEIPT_PARTIAL /* what had arrived when it was cut */
};

/* The receipt with the return code; `files` that arrived whole. */
void kh_page_receipt(struct kh_html *h, const struct kh_site *site,
    enum kh_receipt what, const struct kh_code *code, unsigned files);

/* What happened, whether anything was kept, what to do next. */
void kh_page_refusal(
    struct kh_html *h, const struct kh_site *site, enum kh_reason why);

/* The style sheet that every page carries inline: the CSP allows its hash. */
const char *kh_page_style(void);

#endif
