/*
 * What all pages have in common: their frame, how they say things, and that
 * each of them has the site's one length.
 */
#ifndef KNOTHOLED_PAGE_LAYOUT_H
#define KNOTHOLED_PAGE_LAYOUT_H

#include "server/page/html.h"
#include "server/page/page.h"
#include "server/text/text.h"

/* Bytes of HTML for answers on one page of a thread. */
#define KH_ANSWERS_ROOM 3000
/* ... for a button that turns to another one of its pages, with a token, and
 * half of the line that says which one this is. */
#define KH_TURN_ROOM 420
/* ... for a return code that was not right, shown again to be corrected. */
#define KH_ENTRY_ROOM 2000

/* A {placeholder} of a text, and what stands for it. */
struct kh_arg {
	const char *name;
	const char *value; /* escaped when it is written */
};

/* Document head, site's name, <h1>. */
void kh_layout_begin(
    struct kh_html *h, const struct kh_view *v, enum kh_text title);

/* Footer; then fill up to site->page_len. */
void kh_layout_end(struct kh_html *h, const struct kh_view *v);

/* The text, escaped. Placeholders must be given, each value in <bdi>. */
void kh_layout_say(struct kh_html *h, const struct kh_view *v, enum kh_text t);
void kh_layout_say_with(struct kh_html *h, const struct kh_view *v,
    enum kh_text t, const struct kh_arg *args, size_t n);

/* The text in one element, which may have attributes: "p class=\"soft\"". */
void kh_layout_say_in(struct kh_html *h, const struct kh_view *v,
    const char *element, enum kh_text t);

/* A link below this language's prefix; `rest` is "send", "", "return". */
void kh_layout_link(struct kh_html *h, const struct kh_view *v,
    const char *rest, enum kh_text t);

/* Words (blanks between them) as a numbered list, left to right. */
void kh_layout_words(struct kh_html *h, const char *css, const char *words);

/* Number and size in figures; NUL-terminated. */
#define KH_FIGURE_LEN 32
void kh_figure(uint64_t n, char out[static KH_FIGURE_LEN]);
void kh_figure_size(uint64_t bytes, char out[static KH_FIGURE_LEN]);

/* The return code, in words and digits, with what it is for. */
void kh_layout_code(
    struct kh_html *h, const struct kh_view *v, const struct kh_code *code);

/* Fill with a comment until the page has `len` bytes; `tail` ends it. */
void kh_layout_fill(struct kh_html *h, size_t len, const char *tail);

/* The form's parts, for the form and the thread: what to fill in (without
 * <form>), and the two frames. */
struct kh_form_tokens;
void kh_form_open(
    struct kh_html *h, const struct kh_view *v, const struct kh_form_tokens *t);
void kh_form_fields(struct kh_html *h, const struct kh_view *v, bool brief);
void kh_form_frames(
    struct kh_html *h, const struct kh_view *v, const struct kh_form_tokens *t);

/* What a refusal says: state, reason, and its three texts. */
struct kh_refusal {
	const char *state, *name;
	unsigned status;
	enum kh_text title, what, next;
};
const struct kh_refusal *kh_refusal_of(enum kh_reason why);

#endif
