/*
 * The way back: entering a return code, and what it leads to. An answer can
 * be longer than what a page may show, because all pages have one length; so
 * answers are laid out in pieces, over as many pages as they need.
 */

#include "server/page/layout.h"

/* Bytes of HTML for answers on one page. The longest newsroom's name, each of
 * its characters escaped, takes 720 of them. */
#define ROOM KH_ANSWERS_ROOM
#define PIECE_MAX 1900 /* bytes of HTML of a text in one piece */

/* What was typed, unless escaping makes it longer than the page has room. */
static void
typed(struct kh_html *h, const struct kh_entry *e)
{
	const size_t start = h->n;

	kh_html_text(h, e->typed);
	if (h->n - start > KH_ENTRY_ROOM - 2 * KH_BAD_WORD_MAX)
		kh_html_back(h, start);
}

void
kh_page_return(
    struct kh_html *h, const struct kh_view *v, const struct kh_entry *e)
{
	static const enum kh_text says[] = {
	    [KH_CODE_FINE] = KH_T_RETURN_TITLE,
	    [KH_CODE_WORD] = KH_T_RETURN_WORD,
	    [KH_CODE_CHECK] = KH_T_RETURN_CHECK,
	    [KH_CODE_COUNT] = KH_T_RETURN_COUNT,
	};
	char at[KH_FIGURE_LEN];
	const struct kh_arg args[] = {{"word", e->word}, {"n", at}};
	const bool bad = e->fault != KH_CODE_FINE;

	kh_figure(e->at, at);
	kh_layout_begin(h, v, bad ? KH_T_RETURN_WRONG : KH_T_RETURN_TITLE);
	if (bad) {
		kh_html_raw(h,
		    "<output id=\"outcome\" data-state=\"refused\" "
		    "data-reason=\"code\">");
		kh_layout_say_with(h, v, says[e->fault], args, 2);
		kh_html_raw(h, "</output>\n");
	}
	kh_html_raw(h, "<form id=\"return\" method=\"post\" action=\"/");
	kh_html_raw(h, kh_lang_codes[v->lang]);
	kh_html_raw(h, "/return\" autocomplete=\"off\">\n");
	kh_layout_say_in(h, v, "label for=\"entry\"", KH_T_RETURN_LABEL);
	kh_layout_say_in(
	    h, v, "p class=\"soft\" id=\"hint\"", KH_T_RETURN_HINT);
	kh_html_raw(h,
	    "<textarea id=\"entry\" name=\"code\" rows=\"4\" dir=\"ltr\" "
	    "lang=\"en\" required autocapitalize=\"none\" spellcheck=\"false\" "
	    "aria-describedby=\"hint\" maxlength=\"1000\">");
	/* An HTML parser drops one line end after the tag: this one. */
	kh_html_raw(h, "\n");
	typed(h, e);
	kh_html_raw(h, "</textarea>\n<p>");
	kh_layout_say_in(h, v, "button type=\"submit\"", KH_T_RETURN_GO);
	kh_html_raw(h, "</p></form>\n");
	kh_layout_say_in(h, v, "p class=\"soft\"", KH_T_RETURN_LOST);
	kh_layout_end(h, v);
}

/* How many bytes of `s` make at most PIECE_MAX bytes of HTML: up to a line
 * end or a blank if there is one in the second half, never within a
 * character. */
static size_t
piece(const char *s, size_t n)
{
	size_t used = 0, i, cut;

	for (i = 0; i < n; i++) {
		used += kh_html_cost(s[i]);
		if (used > PIECE_MAX)
			break;
	}
	if (i == n)
		return n;
	for (cut = i; cut > i / 2; cut--) {
		if (s[cut - 1] == '\n' || s[cut - 1] == ' ')
			return cut;
	}
	while (i > 1 && ((uint8_t)s[i] & 0xc0) == 0x80)
		i--;
	return i;
}

static void
item(struct kh_html *h, const struct kh_view *v, const struct kh_said *a,
    const char *s, size_t n)
{
	const struct kh_msg_outlet *o = &v->site->outlets[a->outlet];

	kh_html_raw(h, "<li data-outlet=\"");
	kh_html_text(h, o->id);
	kh_html_raw(h, "\"><p><strong><bdi>");
	kh_html_text(h, o->card.name);
	kh_html_raw(h, "</bdi></strong> · <bdi>");
	kh_html_text(h, a->day);
	kh_html_raw(h, "</bdi></p>\n<div class=\"said\" dir=\"auto\">");
	kh_html_text_n(h, s, n);
	kh_html_raw(h, "</div>\n");
	kh_layout_say_in(h, v, "p class=\"soft\"", KH_T_THREAD_SIGNED);
	kh_html_raw(h, "</li>\n");
}

/*
 * Lay all answers out and write those of page `want` (0: none).
 * Returns how many pages there are, at least 1.
 */
static uint32_t
lay_out(struct kh_html *h, const struct kh_view *v, const struct kh_thread *t,
    uint32_t want)
{
	size_t i, at, n, start, used = 0, len;
	uint32_t page = 1;

	for (i = 0; i < t->n; i++) {
		for (at = 0; !t->said[i].received && at < t->said[i].n;
		     at += n) {
			n = piece(t->said[i].text + at, t->said[i].n - at);
			start = h->n;
			item(h, v, &t->said[i], t->said[i].text + at, n);
			len = h->n - start;
			if (used > 0 && len > ROOM - used) {
				page++;
				used = 0;
			}
			used += len;
			if (page != want)
				kh_html_back(h, start);
		}
	}
	return page;
}

static void
collected(struct kh_html *h, const struct kh_view *v, const struct kh_thread *t)
{
	bool told[KH_OUTLETS_MAX] = {false};
	struct kh_arg args[] = {{"name", NULL}, {"day", NULL}};
	const struct kh_said *a;
	size_t i;

	kh_html_raw(h, "<ul>\n");
	for (i = 0; i < t->n; i++) {
		a = &t->said[i];
		if (!a->received || told[a->outlet])
			continue;
		told[a->outlet] = true;
		args[0].value = v->site->outlets[a->outlet].card.name;
		args[1].value = a->day;
		kh_html_raw(h, "<li>");
		kh_layout_say_with(h, v, KH_T_THREAD_GOT, args, 2);
		kh_html_raw(h, "</li>\n");
	}
	kh_html_raw(h, "</ul>\n");
}

/* A form of one button that comes back to this thread. */
static void
turn(struct kh_html *h, const struct kh_view *v, const struct kh_thread *t,
    uint32_t page, enum kh_text label)
{
	kh_html_raw(h, "<form method=\"post\" action=\"/");
	kh_html_raw(h, kh_lang_codes[v->lang]);
	kh_html_raw(
	    h, "/return\"><input type=\"hidden\" name=\"token\" value=\"");
	kh_html_text(h, t->token);
	kh_html_raw(h,
	    "\"><button class=\"quiet\" type=\"submit\" name=\"page\" "
	    "value=\"");
	kh_html_number(h, page);
	kh_html_raw(h, "\">");
	kh_layout_say(h, v, label);
	kh_html_raw(h, "</button></form>\n");
}

static void
answers(struct kh_html *h, const struct kh_view *v, const struct kh_thread *t)
{
	char k[KH_FIGURE_LEN], n[KH_FIGURE_LEN];
	const struct kh_arg args[] = {{"k", k}, {"n", n}};
	uint32_t pages, page;
	size_t start;
	bool none;

	pages = lay_out(h, v, t, 0);
	page = t->page < 1 ? 1 : t->page > pages ? pages : t->page;
	kh_layout_say_in(h, v, "h2", KH_T_THREAD_ANSWERS);
	kh_html_raw(h, "<ol id=\"answers\">\n");
	start = h->n;
	(void)lay_out(h, v, t, page);
	none = h->n == start;
	kh_html_raw(h, "</ol>\n");
	if (none) /* outside: every item of the list is an answer */
		kh_layout_say_in(h, v, "p class=\"soft\"", KH_T_THREAD_NONE);
	if (pages > 1) {
		kh_figure(page, k);
		kh_figure(pages, n);
		kh_html_raw(h, "<p>");
		kh_layout_say_with(h, v, KH_T_THREAD_PAGE, args, 2);
		kh_html_raw(h, "</p>\n");
	}
	if (page < pages)
		turn(h, v, t, page + 1, KH_T_THREAD_OLDER);
	if (page > 1)
		turn(h, v, t, page - 1, KH_T_THREAD_NEWER);
	turn(h, v, t, 1, KH_T_THREAD_LOOK);
}

static void
deletion(struct kh_html *h, const struct kh_view *v, const struct kh_thread *t)
{
	kh_html_raw(h, "<details>");
	kh_layout_say_in(h, v, "summary", KH_T_THREAD_DELETE);
	kh_layout_say_in(h, v, "p", KH_T_THREAD_DELETE_HINT);
	kh_html_raw(h, "<form id=\"forget\" method=\"post\" action=\"/");
	kh_html_raw(h, kh_lang_codes[v->lang]);
	kh_html_raw(
	    h, "/forget\"><input type=\"hidden\" name=\"token\" value=\"");
	kh_html_text(h, t->token);
	kh_html_raw(h, "\">");
	kh_layout_say_in(h, v, "button type=\"submit\"", KH_T_THREAD_DELETE_GO);
	kh_html_raw(h, "</form></details>\n");
}

static void
state(struct kh_html *h, const struct kh_view *v, const struct kh_thread *t)
{
	static const struct {
		const char *name;
		enum kh_text text;
	} states[] = {{"waiting", KH_T_THREAD_WAITING},
	    {"collected", KH_T_THREAD_COLLECTED},
	    {"answered", KH_T_THREAD_ANSWERED}};
	size_t i, s = 0;

	for (i = 0; i < t->n; i++) {
		if (!t->said[i].received)
			s = 2;
		else if (s == 0)
			s = 1;
	}
	kh_html_raw(h, "<p id=\"state\" data-state=\"");
	kh_html_raw(h, states[s].name);
	kh_html_raw(h, "\">");
	kh_layout_say(h, v, states[s].text);
	kh_html_raw(h, "</p>\n");
	if (s > 0)
		collected(h, v, t);
}

void
kh_page_thread(
    struct kh_html *h, const struct kh_view *v, const struct kh_thread *t)
{
	kh_layout_begin(h, v, KH_T_THREAD_TITLE);
	state(h, v, t);
	if (t->unsigned_too)
		kh_layout_say_in(h, v, "p id=\"unsigned\"", KH_T_THREAD_BAD);
	answers(h, v, t);
	if (t->n > 0)
		deletion(h, v, t);
	kh_layout_say_in(h, v, "p class=\"soft\"", KH_T_THREAD_OFTEN);
	kh_layout_say_in(h, v, "h2", KH_T_THREAD_MORE);
	kh_form_open(h, v, &t->more);
	kh_form_fields(h, v, true);
	kh_html_raw(h, "<p>");
	kh_layout_say_in(h, v, "button type=\"submit\"", KH_T_SEND_GO);
	kh_html_raw(h, "</p></form>\n");
	kh_form_frames(h, v, &t->more);
	kh_layout_end(h, v);
}

void
kh_page_forgotten(struct kh_html *h, const struct kh_view *v)
{
	kh_layout_begin(h, v, KH_T_FORGET_TITLE);
	kh_html_raw(h, "<output id=\"outcome\" data-state=\"deleted\">");
	kh_layout_say(h, v, KH_T_FORGET_DONE);
	kh_html_raw(h, "</output>\n");
	kh_layout_say_in(h, v, "p", KH_T_RECEIPT_LEAVE);
	kh_layout_end(h, v);
}
