/*
 * What the frame beside an upload shows. It is one document that never ends
 * while the upload goes on: each tick is an element, and the style sheet shows
 * the last one only. Every tick has the same length, whatever it says.
 */
#include "lib/base/precond.h"
#include "server/page/layout.h"

static void
head(struct kh_html *h, const struct kh_view *v)
{
	kh_html_raw(h, "<!DOCTYPE html>\n<html lang=\"");
	kh_html_raw(h, kh_lang_codes[v->lang]);
	kh_html_raw(h, "\" dir=\"");
	kh_html_raw(h, kh_texts[v->lang][KH_T_LANG_DIR]);
	kh_html_raw(h,
	    "\">\n<head><meta charset=\"utf-8\">"
	    "<meta name=\"viewport\" content=\"width=device-width\">"
	    "<link rel=\"icon\" href=\"data:,\"><title>");
	kh_layout_say(h, v, KH_T_SEND_PROGRESS);
	kh_html_raw(h, "</title><style>");
	kh_html_raw(h, kh_page_style());
	kh_html_raw(h,
	    "</style></head>\n<body class=\"frame\">"
	    "<main aria-labelledby=\"title\"><h1 id=\"title\">");
	kh_layout_say(h, v, KH_T_SEND_PROGRESS);
	kh_html_raw(h, "</h1>\n");
}

void
kh_progress_begin(struct kh_html *h, const struct kh_view *v, const char *token)
{
	head(h, v);
	kh_html_raw(h, "<p class=\"links\"><a href=\"/");
	kh_html_raw(h, kh_lang_codes[v->lang]);
	kh_html_raw(h, "/status?stop=");
	kh_html_text(h, token);
	kh_html_raw(h, "\">");
	kh_layout_say(h, v, KH_T_STATUS_STOP);
	kh_html_raw(h, "</a></p>\n");
	kh_layout_fill(h, v->site->page_len, "<div id=\"progress\">\n");
}

void
kh_page_stopped(struct kh_html *h, const struct kh_view *v)
{
	head(h, v);
	kh_layout_say_in(h, v, "p class=\"tick\" data-state=\"stopped\"",
	    KH_T_STATUS_STOPPED);
	kh_html_raw(h, "</main>\n");
	kh_layout_fill(h, v->site->page_len, "</body></html>\n");
}

/* What each state is called, and what it says. */
static const struct {
	const char *name;
	enum kh_text text;
} states[] = {
    [KH_PROGRESS_WAITING] = {"waiting", KH_T_STATUS_WAITING},
    [KH_PROGRESS_ARRIVING] = {"arriving", KH_T_STATUS_ARRIVING},
    [KH_PROGRESS_SEALING] = {"arriving", KH_T_STATUS_SEALING},
    [KH_PROGRESS_SEALED] = {"sealed", KH_T_STATUS_SEALED},
    [KH_PROGRESS_CUT] = {"partial", KH_T_STATUS_CUT},
    [KH_PROGRESS_REFUSED] = {"refused", KH_T_STATUS_WAITING},
    [KH_PROGRESS_ENDED] = {"ended", KH_T_STATUS_ENDED},
};

static void
refused(struct kh_html *h, const struct kh_view *v, const struct kh_progress *p)
{
	const struct kh_refusal *r = kh_refusal_of(p->why);
	char size[KH_FIGURE_LEN];
	const struct kh_arg limit = {"size", size};

	kh_layout_say(h, v, r->what);
	kh_html_raw(h, " ");
	kh_layout_say(h, v, r->next);
	if (p->why != KH_REASON_TOO_LARGE)
		return;
	kh_figure_size(v->site->conf.max_upload, size);
	kh_html_raw(h, " ");
	kh_layout_say_with(h, v, KH_T_REFUSE_LIMIT, &limit, 1);
}

static void
say_state(
    struct kh_html *h, const struct kh_view *v, const struct kh_progress *p)
{
	char done[KH_FIGURE_LEN], all[KH_FIGURE_LEN], n[KH_FIGURE_LEN],
	    k[KH_FIGURE_LEN];
	const struct kh_arg args[] = {
	    {"done", done}, {"all", all}, {"n", n}, {"k", k}};
	enum kh_text t = states[p->state].text;

	kh_figure_size(p->done, done);
	kh_figure_size(p->all, all);
	kh_figure(
	    p->state == KH_PROGRESS_CUT && p->begun > 0 ? p->begun : p->files,
	    n);
	kh_figure(p->files, k);
	if (p->state == KH_PROGRESS_CUT && p->begun == 0)
		t = KH_T_RECEIPT_PARTIAL; /* a message */
	if (p->state == KH_PROGRESS_REFUSED)
		refused(h, v, p);
	else
		kh_layout_say_with(
		    h, v, t, args, sizeof(args) / sizeof(args[0]));
}

void
kh_progress_tick(
    struct kh_html *h, const struct kh_view *v, const struct kh_progress *p)
{
	const size_t start = h->n;

	kh_html_raw(h, "<p class=\"tick\" data-state=\"");
	kh_html_raw(h, states[p->state].name);
	if (p->state == KH_PROGRESS_REFUSED) {
		kh_html_raw(h, "\" data-reason=\"");
		kh_html_raw(h, kh_refusal_of(p->why)->name);
	}
	/* What is final is announced to who cannot see it. */
	if (p->state >= KH_PROGRESS_SEALED)
		kh_html_raw(h, "\" role=\"status");
	kh_html_raw(h, "\">");
	say_state(h, v, p);
	kh_layout_fill(h, start + KH_TICK_LEN, "</p>\n");
	PRECOND(h->n - start == KH_TICK_LEN);
}

void
kh_progress_code(
    struct kh_html *h, const struct kh_view *v, const struct kh_code *code)
{
	const size_t start = h->n;

	kh_html_raw(h, "<section>");
	kh_layout_say_in(h, v, "h2", KH_T_CODE_TITLE);
	kh_layout_say_in(h, v, "p", KH_T_CODE_WHY);
	kh_layout_code(h, v, code);
	kh_layout_fill(h, start + KH_TICK_CODE_LEN, "</section>\n");
	PRECOND(h->n - start == KH_TICK_CODE_LEN);
}

void
kh_progress_end(struct kh_html *h)
{
	kh_html_raw(h, "</div></main></body></html>\n");
}
