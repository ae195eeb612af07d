/*
 * The frame of every page, and its one length. Separate from what the pages
 * say, so that no page can be without it.
 */
#include <stdio.h>
#include <string.h>

#include "knothole/secret.h"
#include "lib/base/precond.h"
#include "server/page/layout.h"

void
kh_layout_say_with(struct kh_html *h, const struct kh_view *v, enum kh_text t,
    const struct kh_arg *args, size_t n)
{
	const char *s = kh_texts[v->lang][t], *end;
	size_t i;

	while (*s != '\0') {
		if (*s != '{') {
			kh_html_bytes(h, s, 1);
			s++;
			continue;
		}
		end = strchr(s, '}');
		PRECOND(end != NULL);
		for (i = 0; i < n; i++) {
			if (strlen(args[i].name) == (size_t)(end - s - 1) &&
			    memcmp(args[i].name, s + 1,
				(size_t)(end - s - 1)) == 0)
				break;
		}
		PRECOND(i < n); /* msgfmt has compared the placeholders */
		kh_html_raw(h, "<bdi>");
		kh_html_text(h, args[i].value);
		kh_html_raw(h, "</bdi>");
		s = end + 1;
	}
}

void
kh_layout_say(struct kh_html *h, const struct kh_view *v, enum kh_text t)
{
	kh_layout_say_with(h, v, t, NULL, 0);
}

void
kh_layout_say_in(struct kh_html *h, const struct kh_view *v,
    const char *element, enum kh_text t)
{
	kh_html_raw(h, "<");
	kh_html_raw(h, element);
	kh_html_raw(h, ">");
	kh_layout_say(h, v, t);
	kh_html_raw(h, "</");
	kh_html_bytes(h, element, strcspn(element, " "));
	kh_html_raw(h, ">\n");
}

void
kh_layout_link(struct kh_html *h, const struct kh_view *v, const char *rest,
    enum kh_text t)
{
	kh_html_raw(h, "<a href=\"/");
	kh_html_raw(h, kh_lang_codes[v->lang]);
	kh_html_raw(h, "/");
	kh_html_raw(h, rest);
	kh_html_raw(h, "\">");
	kh_layout_say(h, v, t);
	kh_html_raw(h, "</a>\n");
}

void
kh_layout_words(struct kh_html *h, const char *css, const char *words)
{
	size_t n;

	kh_html_raw(h, "<ol class=\"");
	kh_html_raw(h, css);
	kh_html_raw(h, "\" dir=\"ltr\" lang=\"en\">");
	while (*words != '\0') {
		n = strcspn(words, " ");
		kh_html_raw(h, "<li>");
		kh_html_bytes(h, words, n);
		kh_html_raw(h, "</li> ");
		words += n + (words[n] == ' ');
	}
	kh_html_raw(h, "</ol>\n");
}

void
kh_figure(uint64_t n, char out[static KH_FIGURE_LEN])
{
	int r = snprintf(out, KH_FIGURE_LEN, "%llu", (unsigned long long)n);

	PRECOND(r > 0 && r < KH_FIGURE_LEN);
}

/* Powers of 1024, under the names that people know; rounded down. */
void
kh_figure_size(uint64_t bytes, char out[static KH_FIGURE_LEN])
{
	static const char *const units[] = {"kB", "MB", "GB"};
	uint64_t tenths = bytes / 1024 * 10 + bytes % 1024 * 10 / 1024;
	size_t u = 0;
	int r;

	while (u < 2 && tenths >= 10240) {
		tenths /= 1024;
		u++;
	}
	if (tenths >= 100 || tenths % 10 == 0)
		r = snprintf(out, KH_FIGURE_LEN, "%llu %s",
		    (unsigned long long)(tenths / 10), units[u]);
	else
		r = snprintf(out, KH_FIGURE_LEN, "%llu.%llu %s",
		    (unsigned long long)(tenths / 10),
		    (unsigned long long)(tenths % 10), units[u]);
	PRECOND(r > 0 && r < KH_FIGURE_LEN);
}

void
kh_layout_begin(struct kh_html *h, const struct kh_view *v, enum kh_text title)
{
	kh_html_raw(h, "<!DOCTYPE html>\n<html lang=\"");
	kh_html_raw(h, kh_lang_codes[v->lang]);
	kh_html_raw(h, "\" dir=\"");
	kh_html_raw(h, kh_texts[v->lang][KH_T_LANG_DIR]);
	kh_html_raw(h,
	    "\">\n<head><meta charset=\"utf-8\">"
	    "<meta name=\"viewport\" content=\"width=device-width\">"
	    "<link rel=\"icon\" href=\"data:,\"><title>");
	kh_layout_say(h, v, title);
	kh_html_raw(h, "</title><style>");
	kh_html_raw(h, kh_page_style());
	kh_html_raw(h,
	    v->framed ? "</style></head>\n<body class=\"frame\">"
		      : "</style></head>\n<body>");
	if (!v->framed) {
		kh_html_raw(h, "<header><bdi>");
		kh_html_text(h, v->site->conf.name);
		kh_html_raw(h, "</bdi></header>\n");
	}
	/* A frame's has a name: there is one in the page around it too. */
	kh_html_raw(h,
	    v->framed ? "<main aria-labelledby=\"title\"><h1 id=\"title\">"
		      : "<main><h1>");
	kh_layout_say(h, v, title);
	kh_html_raw(h, "</h1>\n");
}

void
kh_layout_fill(struct kh_html *h, size_t len, const char *tail)
{
	static const char open[] = "<!--", close[] = "-->";
	const size_t marks = sizeof(open) + sizeof(close) - 2;
	size_t used = h->n + strlen(tail);

	/* A page that is being measured, or too long, is left as it is. */
	if (used + marks <= len) {
		kh_html_raw(h, open);
		kh_html_blanks(h, len - used - marks);
		kh_html_raw(h, close);
	}
	kh_html_raw(h, tail);
	/* Every name has a cap, so every page has: better none than half of
	 * one. */
	PRECOND(kh_html_fits(h));
}

void
kh_layout_end(struct kh_html *h, const struct kh_view *v)
{
	kh_html_raw(h, "</main>\n");
	if (!v->framed) {
		kh_html_raw(h, "<footer><nav>");
		kh_layout_link(h, v, "send", KH_T_NAV_SEND);
		kh_layout_link(h, v, "return", KH_T_NAV_RETURN);
		kh_layout_link(h, v, "help", KH_T_NAV_HELP);
		kh_layout_link(h, v, "leave", KH_T_NAV_LEAVE);
		kh_html_raw(h, "</nav></footer>\n");
	}
	kh_layout_fill(h, v->site->page_len, "</body></html>\n");
}

void
kh_layout_code(
    struct kh_html *h, const struct kh_view *v, const struct kh_code *code)
{
	char words[KH_CODE_WORDS_TEXT_LEN], digits[KH_CODE_DIGITS_TEXT_LEN];

	kh_code_words(code, words);
	kh_code_digits(code, digits);
	kh_layout_say_in(h, v, "p", KH_T_CODE_WORDS);
	kh_html_raw(h,
	    "<div class=\"code\" dir=\"ltr\" lang=\"en\"><output id=\"code\">");
	kh_html_text(h, words);
	kh_html_raw(h, "</output></div>\n");
	/* Numbered, since their order is lost in a text that runs to the left.
	 * A frame has less room. */
	kh_layout_words(h, v->framed ? "fp" : "words", words);
	kh_layout_say_in(h, v, "p", KH_T_CODE_DIGITS);
	kh_html_raw(
	    h, "<div class=\"code\" dir=\"ltr\"><output id=\"code-digits\">");
	kh_html_text(h, digits);
	kh_html_raw(h, "</output></div>\n");
	kh_wipe(words, sizeof(words));
	kh_wipe(digits, sizeof(digits));
}
