/*
 * The receipt, and what is said instead of one.
 */
#include "server/page/layout.h"

#define TEXTS(prefix) \
	KH_T_##prefix##_TITLE, KH_T_##prefix##_WHAT, KH_T_##prefix##_NEXT

/* What each refusal says: state, what happened, what was kept and what to do
 * next. */
static const struct kh_refusal refusals[KH_REASON_N] = {
    [KH_REASON_TOO_LARGE] = {"refused", "too-large", 413, TEXTS(TOO_LARGE)},
    [KH_REASON_TOO_LONG] = {"refused", "too-large", 413, TEXTS(TOO_LONG)},
    [KH_REASON_EMPTY] = {"refused", "empty", 400, TEXTS(EMPTY)},
    [KH_REASON_TOKEN] = {"refused", "token", 403, TEXTS(TOKEN)},
    [KH_REASON_FORM] = {"refused", "form", 400, TEXTS(FORM)},
    [KH_REASON_FULL] = {"refused", "full", 507, TEXTS(FULL)},
    [KH_REASON_CUT] = {"refused", "cut", 400, TEXTS(CUT)},
    [KH_REASON_BUSY] = {"busy", "busy", 409, TEXTS(BUSY)},
    [KH_REASON_LOAD] = {"busy", "busy", 503, TEXTS(LOAD)},
    [KH_REASON_CLOSED] = {"closed", "closed", 503, TEXTS(CLOSED)},
    [KH_REASON_FAILED] = {"refused", "failed", 500, TEXTS(FAILED)},
    [KH_REASON_UNSURE] = {"refused", "failed", 500, TEXTS(UNSURE)},
    [KH_REASON_METHOD] = {"refused", "method", 405, TEXTS(METHOD)},
    [KH_REASON_NOT_FOUND] = {"refused", "not-found", 404, TEXTS(NOT_FOUND)},
    [KH_REASON_REQUEST] = {"refused", "request", 400, TEXTS(REQUEST)},
    [KH_REASON_PROXY] = {"refused", "proxy", 403, TEXTS(PROXY)},
};

const struct kh_refusal *
kh_refusal_of(enum kh_reason why)
{
	return &refusals[why];
}

unsigned
kh_reason_status(enum kh_reason r)
{
	return refusals[r].status;
}

static void
outcome(struct kh_html *h, const char *state, const char *reason)
{
	kh_html_raw(h, "<output id=\"outcome\" data-state=\"");
	kh_html_raw(h, state);
	if (reason != NULL) {
		kh_html_raw(h, "\" data-reason=\"");
		kh_html_raw(h, reason);
	}
	kh_html_raw(h, "\">");
}

void
kh_page_receipt(struct kh_html *h, const struct kh_view *v,
    enum kh_receipt what, const struct kh_code *code, uint32_t files)
{
	const bool partial = what == KH_RECEIPT_PARTIAL;
	char n[KH_FIGURE_LEN];
	const struct kh_arg arg = {"n", n};

	kh_figure(files, n);
	kh_layout_begin(h, v, KH_T_RECEIPT_TITLE);
	outcome(h, partial ? "partial" : "sealed", partial ? "cut" : NULL);
	kh_layout_say_with(h, v,
	    partial ? KH_T_RECEIPT_PARTIAL : KH_T_RECEIPT_SEALED, &arg, 1);
	kh_html_raw(h, "</output>\n");
	if (what == KH_RECEIPT_AGAIN)
		kh_layout_say_in(h, v, "p id=\"again\"", KH_T_RECEIPT_AGAIN);
	kh_layout_say_in(
	    h, v, "p", partial ? KH_T_RECEIPT_PARTIAL_NEXT : KH_T_RECEIPT_WHO);
	kh_layout_say_in(h, v, "h2", KH_T_CODE_TITLE);
	kh_layout_say_in(h, v, "p", KH_T_CODE_WHY);
	kh_layout_code(h, v, code);
	kh_layout_say_in(h, v, "p", KH_T_RECEIPT_LEAVE);
	kh_layout_end(h, v);
}

static void
refusal(struct kh_html *h, const struct kh_view *v, enum kh_reason why)
{
	const struct kh_refusal *r = &refusals[why];
	char size[KH_FIGURE_LEN];
	const struct kh_arg limit = {"size", size};

	outcome(h, r->state, r->name);
	kh_layout_say(h, v, r->what);
	kh_html_raw(h, "</output>\n");
	kh_layout_say_in(h, v, "p",
	    v->back && why == KH_REASON_TOKEN ? KH_T_TOKEN_RETURN : r->next);
	if (why == KH_REASON_TOO_LARGE) {
		kh_figure_size(v->site->conf.max_upload, size);
		kh_html_raw(h, "<p>");
		kh_layout_say_with(h, v, KH_T_REFUSE_LIMIT, &limit, 1);
		kh_html_raw(h, "</p>\n");
	}
}

/* Where to go from here: to the form that it concerns. */
static void
way_on(struct kh_html *h, const struct kh_view *v, enum kh_reason why)
{
	if (v->framed)
		return;
	kh_html_raw(h, "<p class=\"links\">");
	if (why == KH_REASON_METHOD || why == KH_REASON_NOT_FOUND ||
	    why == KH_REASON_REQUEST)
		kh_layout_link(h, v, "", KH_T_REFUSE_FIRST);
	else if (v->back)
		kh_layout_link(h, v, "return", KH_T_RETURN_TITLE);
	else
		kh_layout_link(h, v, "send", KH_T_REFUSE_NEW);
	kh_html_raw(h, "</p>\n");
}

void
kh_page_refusal(struct kh_html *h, const struct kh_view *v, enum kh_reason why)
{
	kh_layout_begin(h, v, refusals[why].title);
	refusal(h, v, why);
	if (why == KH_REASON_PROXY && v->address[0] != '\0') {
		/* Text, not a link: it is to be opened elsewhere. */
		kh_html_raw(h,
		    "<div class=\"code\" dir=\"ltr\"><output id=\"address\">");
		kh_html_text(h, v->address);
		kh_html_raw(h, "</output></div>\n");
	} else if (why != KH_REASON_PROXY) {
		way_on(h, v, why);
	}
	kh_layout_end(h, v);
}

void
kh_page_busy(struct kh_html *h, const struct kh_site *site)
{
	static const enum kh_lang also[] = {KH_LANG_HE, KH_LANG_AR};
	struct kh_view v = {.site = site, .lang = KH_LANG_EN};
	const struct kh_refusal *r = &refusals[KH_REASON_LOAD];
	size_t i;

	kh_layout_begin(h, &v, r->title);
	refusal(h, &v, KH_REASON_LOAD);
	for (i = 0; i < sizeof(also) / sizeof(also[0]); i++) {
		v.lang = also[i];
		kh_html_raw(h, "<section lang=\"");
		kh_html_raw(h, kh_lang_codes[v.lang]);
		kh_html_raw(h, "\" dir=\"");
		kh_html_raw(h, kh_texts[v.lang][KH_T_LANG_DIR]);
		kh_html_raw(h, "\">");
		kh_layout_say_in(h, &v, "h2", r->title);
		kh_layout_say_in(h, &v, "p", r->what);
		kh_layout_say_in(h, &v, "p", r->next);
		kh_html_raw(h, "</section>\n");
	}
	v.lang = KH_LANG_EN;
	kh_layout_end(h, &v);
}
