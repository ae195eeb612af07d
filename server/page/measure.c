/*
 * How long the pages of this site are. All of them get one length, so that
 * what passes on the wire tells neither page nor language nor whether there
 * was an answer (L28); it is found by writing each page once, in every
 * language, at its longest.
 */
#include <string.h>

#include "server/page/layout.h"

/* What lengths over KH_PAGE_LEN are rounded up to. How many newsrooms there are
 * is on the pages; a small step keeps more of them within a page's budget. */
#define STEP 256
#define FILL_MIN 7 /* "<!---->": a shorter gap cannot be filled */

static void
longest(size_t *max, struct kh_html *h, size_t extra)
{
	if (h->n + extra > *max)
		*max = h->n + extra;
	h->n = 0;
}

/* The thread with a note of every newsroom, and room for its answers. */
static void
thread(struct kh_html *h, const struct kh_view *v,
    const struct kh_form_tokens *t, size_t *max)
{
	struct kh_said notes[KH_OUTLETS_MAX];
	const struct kh_thread all = {.said = notes,
	    .n = v->site->conf.n_outlets,
	    .unsigned_too = true,
	    .page = 1,
	    .more = *t,
	    .token = t->send};
	uint32_t i;

	memset(notes, 0, sizeof(notes));
	for (i = 0; i < v->site->conf.n_outlets; i++) {
		notes[i].outlet = i;
		notes[i].received = true;
		memcpy(notes[i].day, "2026-11-25", KH_DAY_LEN + 1);
	}
	kh_page_thread(h, v, &all);
	/* "Look again" is there already. */
	longest(max, h, KH_ANSWERS_ROOM + 2 * KH_TURN_ROOM);
}

static void
one_language(struct kh_html *h, const struct kh_view *v, size_t *max)
{
	static char token[KH_TOKEN_LEN + 1];
	const struct kh_form_tokens t = {token, token};
	static const struct kh_code code;
	struct kh_entry entry = {KH_CODE_WORD, KH_CODE_WORDS, "", ""};
	int i;

	memset(token, 'a', KH_TOKEN_LEN);
	kh_page_check(h, v);
	longest(max, h, 0);
	kh_page_stop(h, v, ~0U);
	longest(max, h, 0);
	kh_page_form(h, v, &t);
	longest(max, h, 0);
	kh_page_receipt(h, v, KH_RECEIPT_AGAIN, &code, KH_FILES_MAX);
	longest(max, h, KH_CODE_WORDS_TEXT_LEN); /* of zeros: short words */
	for (i = KH_REASON_NONE + 1; i < KH_REASON_N; i++) {
		kh_page_refusal(h, v, (enum kh_reason)i);
		longest(max, h, 0);
	}
	kh_page_return(h, v, &entry);
	longest(max, h, KH_ENTRY_ROOM);
	thread(h, v, &t, max);
	kh_page_help(h, v);
	longest(max, h, 0);
	kh_page_leave(h, v);
	longest(max, h, 0);
}

enum kh_err
kh_page_measure(struct kh_site *site)
{
	struct kh_view v = {.site = site};
	struct kh_html h;
	size_t max = 0;
	enum kh_err e;
	int i;

	e = kh_html_init(&h);
	if (e != KH_OK)
		return e;
	site->page_len = 0;
	kh_page_languages(&h, site);
	longest(&max, &h, 0);
	kh_page_busy(&h, site);
	longest(&max, &h, 0);
	for (i = 0; i < KH_LANG_N; i++) {
		v.lang = (enum kh_lang)i;
		one_language(&h, &v, &max);
	}
	kh_html_free(&h);
	max += FILL_MIN;
	site->page_len =
	    max <= KH_PAGE_LEN ? KH_PAGE_LEN : (max + STEP - 1) / STEP * STEP;
	return KH_OK;
}
