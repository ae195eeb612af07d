/*
 * The form: write first, attach, see who will be able to open it. With it go
 * two frames: one receives the answer, one shows progress meanwhile, which
 * needs no script.
 */
#include "knothole/card.h"
#include "server/page/layout.h"

void
kh_form_open(
    struct kh_html *h, const struct kh_view *v, const struct kh_form_tokens *t)
{
	kh_html_raw(h, "<form id=\"send\" method=\"post\" action=\"/");
	kh_html_raw(h, kh_lang_codes[v->lang]);
	kh_html_raw(h, "/send");
	if (t->status != NULL) {
		kh_html_raw(h, "?u=");
		kh_html_text(h, t->status);
		kh_html_raw(h, "\" target=\"upload");
	}
	kh_html_raw(h,
	    "\" enctype=\"multipart/form-data\" autocomplete=\"off\">\n"
	    "<input type=\"hidden\" name=\"token\" value=\"");
	kh_html_text(h, t->send);
	kh_html_raw(h, "\">\n");
}

static void
message(struct kh_html *h, const struct kh_view *v, bool brief)
{
	kh_layout_say_in(h, v, "label for=\"message\"", KH_T_SEND_MESSAGE);
	if (!brief)
		kh_layout_say_in(h, v, "p class=\"soft\" id=\"hint\"",
		    KH_T_SEND_MESSAGE_HINT);
	kh_html_raw(h,
	    "<textarea id=\"message\" name=\"message\" rows=\"7\" dir=\"auto\" "
	    "spellcheck=\"false\"");
	if (!brief)
		kh_html_raw(h, " aria-describedby=\"hint\"");
	kh_html_raw(h, " maxlength=\"");
	kh_html_number(h, v->site->conf.max_message);
	kh_html_raw(h, "\"></textarea>\n");
}

static void
outlets(struct kh_html *h, const struct kh_view *v)
{
	const struct kh_site *site = v->site;
	char words[KH_CODE_WORDS_TEXT_LEN];
	uint32_t i;

	kh_html_raw(h, "<fieldset>");
	kh_layout_say_in(h, v, "legend", KH_T_SEND_OUTLETS);
	kh_layout_say_in(h, v, "p class=\"soft\"", KH_T_SEND_OUTLETS_HINT);
	for (i = 0; i < site->conf.n_outlets; i++) {
		kh_card_fingerprint(&site->outlets[i].card, words);
		kh_html_raw(h,
		    "<label class=\"pick\"><input type=\"checkbox\" "
		    "name=\"outlet\" checked value=\"");
		kh_html_text(h, site->outlets[i].id);
		kh_html_raw(h, "\"><bdi>");
		kh_html_text(h, site->outlets[i].card.name);
		kh_html_raw(h,
		    "</bdi></label>\n<div class=\"soft\" data-fingerprint=\"");
		kh_html_raw(h, words); /* whole, for programs */
		kh_html_raw(h, "\">");
		kh_layout_say(h, v, KH_T_SEND_KEY);
		kh_html_raw(h, " · <a href=\"/keys/");
		kh_html_text(h, site->outlets[i].id);
		kh_html_raw(h, ".age\">");
		kh_layout_say(h, v, KH_T_SEND_KEYFILE);
		kh_html_raw(h, "</a>\n");
		kh_layout_words(h, "fp", words);
		kh_html_raw(h, "</div>\n");
	}
	kh_html_raw(h, "</fieldset>\n");
}

/* Short, and before the field that it is about. */
static void
before_files(struct kh_html *h, const struct kh_view *v)
{
	kh_layout_say_in(h, v, "h2", KH_T_SEND_BEFORE);
	kh_html_raw(h, "<ul>\n");
	kh_layout_say_in(h, v, "li", KH_T_SEND_BEFORE_HIDDEN);
	kh_layout_say_in(h, v, "li", KH_T_SEND_BEFORE_LINKS);
	kh_layout_say_in(h, v, "li", KH_T_SEND_BEFORE_FEW);
	kh_html_raw(h, "</ul>\n");
}

static void
files(struct kh_html *h, const struct kh_view *v)
{
	char size[KH_FIGURE_LEN];
	const struct kh_arg limit = {"size", size};

	kh_figure_size(v->site->conf.max_upload, size);
	kh_layout_say_in(h, v, "label for=\"file\"", KH_T_SEND_FILES);
	kh_html_raw(h,
	    "<input type=\"file\" id=\"file\" name=\"file\" multiple "
	    "aria-describedby=\"limit\">\n");
	kh_layout_say_in(h, v, "label for=\"file2\"", KH_T_SEND_FILES_MORE);
	kh_html_raw(h,
	    "<input type=\"file\" id=\"file2\" name=\"file\" multiple>\n"
	    "<p class=\"soft\" id=\"limit\">");
	kh_layout_say_with(h, v, KH_T_SEND_FILES_LIMIT, &limit, 1);
	kh_html_raw(h, "</p>\n");
}

void
kh_form_fields(struct kh_html *h, const struct kh_view *v, bool brief)
{
	message(h, v, brief);
	outlets(h, v);
	if (!brief)
		before_files(h, v);
	files(h, v);
}

void
kh_form_frames(
    struct kh_html *h, const struct kh_view *v, const struct kh_form_tokens *t)
{
	if (t->status == NULL)
		return;
	kh_html_raw(h, "<iframe id=\"status\" height=\"630\" title=\"");
	kh_layout_say(h, v, KH_T_SEND_PROGRESS);
	kh_html_raw(h, "\" src=\"/");
	kh_html_raw(h, kh_lang_codes[v->lang]);
	kh_html_raw(h, "/status?u=");
	kh_html_text(h, t->status);
	kh_html_raw(h,
	    "\"></iframe>\n<iframe id=\"upload\" name=\"upload\" "
	    "height=\"560\" title=\"");
	kh_layout_say(h, v, KH_T_SEND_RECEIPT);
	kh_html_raw(h, "\"></iframe>\n<p class=\"links\">");
	kh_layout_link(h, v, "send", KH_T_SEND_AGAIN);
	kh_html_raw(h, "</p>\n");
}

void
kh_page_form(
    struct kh_html *h, const struct kh_view *v, const struct kh_form_tokens *t)
{
	kh_layout_begin(h, v, KH_T_SEND_TITLE);
	kh_form_open(h, v, t);
	kh_form_fields(h, v, false);
	kh_html_raw(h, "<p class=\"soft\">");
	kh_layout_say(h, v, KH_T_SEND_PROMISE);
	kh_html_raw(h, " ");
	kh_layout_link(h, v, "help#seal", KH_T_SEND_PROMISE_LINK);
	kh_html_raw(h, "</p>\n<p>");
	kh_layout_say_in(h, v, "button type=\"submit\"", KH_T_SEND_GO);
	kh_html_raw(h, "</p></form>\n");
	kh_layout_say_in(h, v, "p", KH_T_SEND_AFTER);
	if (t->status != NULL) {
		kh_html_raw(h, "<p class=\"links\">");
		kh_layout_link(h, v, "send?plain=1", KH_T_SEND_PLAIN);
		kh_html_raw(h, "</p>\n");
	}
	kh_form_frames(h, v, t);
	kh_layout_end(h, v);
}
