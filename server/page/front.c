/*
 * The pages around sending: languages, the questions before the form, what to
 * do when an answer was unsafe, help, and leaving.
 */
#include "server/page/layout.h"

void
kh_page_languages(struct kh_html *h, const struct kh_site *site)
{
	struct kh_view v = {.site = site, .lang = KH_LANG_EN};
	int i;

	kh_html_raw(h,
	    "<!DOCTYPE html>\n<html lang=\"en\" dir=\"ltr\">\n<head>"
	    "<meta charset=\"utf-8\">"
	    "<meta name=\"viewport\" content=\"width=device-width\">"
	    "<link rel=\"icon\" href=\"data:,\"><title>");
	kh_html_text(h, site->conf.name);
	kh_html_raw(h, "</title><style>");
	kh_html_raw(h, kh_page_style());
	kh_html_raw(h, "</style></head>\n<body><main><h1><bdi>");
	kh_html_text(h, site->conf.name);
	kh_html_raw(h, "</bdi></h1>\n<nav><ul>\n");
	for (i = 0; i < KH_LANG_N; i++) {
		v.lang = (enum kh_lang)i;
		kh_html_raw(h, "<li class=\"links\" lang=\"");
		kh_html_raw(h, kh_lang_codes[i]);
		kh_html_raw(h, "\">");
		kh_layout_link(h, &v, "", KH_T_LANG_NAME);
		kh_html_raw(h, "</li>\n");
	}
	kh_html_raw(h, "</ul></nav></main>\n");
	kh_layout_fill(h, site->page_len, "</body></html>\n");
}

/* One question: two answers, the first of them the safe one. */
static void
question(struct kh_html *h, const struct kh_view *v, const char *name,
    const char *const values[static 2], const enum kh_text texts[static 3])
{
	int i;

	kh_html_raw(h, "<fieldset>");
	kh_layout_say_in(h, v, "legend", texts[0]);
	for (i = 0; i < 2; i++) {
		kh_html_raw(h,
		    "<label class=\"pick\"><input type=\"radio\" required "
		    "name=\"");
		kh_html_raw(h, name);
		kh_html_raw(h, "\" value=\"");
		kh_html_raw(h, values[i]);
		kh_html_raw(h, "\">");
		kh_layout_say_in(h, v, "span", texts[1 + i]);
		kh_html_raw(h, "</label>\n");
	}
	kh_html_raw(h, "</fieldset>\n");
}

void
kh_page_check(struct kh_html *h, const struct kh_view *v)
{
	static const char *const own[] = {"own", "work"};
	static const char *const tor[] = {"tor", "other"};
	static const enum kh_text device[] = {
	    KH_T_CHECK_DEVICE, KH_T_CHECK_DEVICE_OWN, KH_T_CHECK_DEVICE_WORK};
	static const enum kh_text network[] = {KH_T_CHECK_NETWORK,
	    KH_T_CHECK_NETWORK_OWN, KH_T_CHECK_NETWORK_WORK};
	static const enum kh_text browser[] = {KH_T_CHECK_BROWSER,
	    KH_T_CHECK_BROWSER_TOR, KH_T_CHECK_BROWSER_OTHER};

	kh_layout_begin(h, v, KH_T_CHECK_TITLE);
	kh_layout_say_in(h, v, "p", KH_T_CHECK_LEAD);
	kh_layout_say_in(h, v, "p", KH_T_CHECK_ASK);
	kh_html_raw(h, "<form method=\"get\" action=\"/");
	kh_html_raw(h, kh_lang_codes[v->lang]);
	kh_html_raw(h, "/send\" autocomplete=\"off\">\n");
	question(h, v, "device", own, device);
	question(h, v, "network", own, network);
	question(h, v, "browser", tor, browser);
	kh_html_raw(h, "<p>");
	kh_layout_say_in(h, v, "button type=\"submit\"", KH_T_CHECK_GO);
	kh_html_raw(h, "</p></form>\n");
	kh_layout_say_in(h, v, "p class=\"soft\"", KH_T_CHECK_LIMIT);
	kh_layout_end(h, v);
}

void
kh_page_stop(struct kh_html *h, const struct kh_view *v, unsigned unsafe)
{
	static const struct {
		unsigned bit;
		enum kh_text text;
	} why[] = {
	    {KH_UNSAFE_DEVICE, KH_T_STOP_DEVICE},
	    {KH_UNSAFE_NETWORK, KH_T_STOP_NETWORK},
	    {KH_UNSAFE_BROWSER, KH_T_STOP_BROWSER},
	    {KH_UNSAFE_MISSING, KH_T_STOP_MISSING},
	};
	size_t i;

	kh_layout_begin(h, v, KH_T_STOP_TITLE);
	kh_html_raw(h, "<div id=\"stop\">\n");
	for (i = 0; i < sizeof(why) / sizeof(why[0]); i++) {
		if ((unsafe & why[i].bit) != 0)
			kh_layout_say_in(h, v, "p", why[i].text);
	}
	kh_html_raw(h, "</div>\n");
	kh_layout_say_in(h, v, "p", KH_T_STOP_KEPT);
	kh_html_raw(h, "<p class=\"links\">");
	kh_layout_link(h, v, "", KH_T_STOP_AGAIN);
	kh_html_raw(h, "</p>\n");
	kh_layout_end(h, v);
}

static void
list(struct kh_html *h, const struct kh_view *v, const enum kh_text *texts,
    size_t n)
{
	size_t i;

	kh_html_raw(h, "<ul>\n");
	for (i = 0; i < n; i++)
		kh_layout_say_in(h, v, "li", texts[i]);
	kh_html_raw(h, "</ul>\n");
}

void
kh_page_leave(struct kh_html *h, const struct kh_view *v)
{
	static const enum kh_text steps[] = {KH_T_LEAVE_IDENTITY,
	    KH_T_LEAVE_NOTES, KH_T_LEAVE_SEARCH, KH_T_LEAVE_TALK};

	kh_layout_begin(h, v, KH_T_LEAVE_TITLE);
	list(h, v, steps, sizeof(steps) / sizeof(steps[0]));
	kh_layout_end(h, v);
}

static void
key_link(struct kh_html *h, const char *id, const char *ending)
{
	kh_html_raw(h, "<a href=\"/keys/");
	kh_html_text(h, id);
	kh_html_raw(h, ending);
	kh_html_raw(h, "\"><bdi>");
	kh_html_text(h, id);
	kh_html_raw(h, ending);
	kh_html_raw(h, "</bdi></a>");
}

/* The command for age, with the key file of every newsroom. */
static void
age_command(struct kh_html *h, const struct kh_site *site)
{
	uint32_t i;

	kh_html_raw(h, "<code dir=\"ltr\" lang=\"en\" tabindex=\"0\">age");
	for (i = 0; i < site->conf.n_outlets; i++) {
		kh_html_raw(h, " -R ");
		kh_html_text(h, site->outlets[i].id);
		kh_html_raw(h, ".age");
	}
	kh_html_raw(h, " -o file.age file</code>\n<ul>\n");
	for (i = 0; i < site->conf.n_outlets; i++) {
		kh_html_raw(h, "<li class=\"links\">");
		key_link(h, site->outlets[i].id, ".age");
		if (site->outlets[i].card.openpgp_n > 0)
			key_link(h, site->outlets[i].id, ".asc");
		kh_html_raw(h, "<bdi>");
		kh_html_text(h, site->outlets[i].card.name);
		kh_html_raw(h, "</bdi></li>\n");
	}
	kh_html_raw(h, "</ul>\n");
}

void
kh_page_help(struct kh_html *h, const struct kh_view *v)
{
	static const enum kh_text large[] = {
	    KH_T_HELP_LARGE_SPEED, KH_T_HELP_LARGE_CUT, KH_T_HELP_LARGE_MANY};

	kh_layout_begin(h, v, KH_T_HELP_TITLE);
	kh_layout_say_in(h, v, "h2", KH_T_HELP_CAN);
	kh_layout_say_in(h, v, "p", KH_T_HELP_CAN_YES);
	kh_layout_say_in(h, v, "p", KH_T_HELP_CAN_NO);
	kh_layout_say_in(h, v, "h2", KH_T_HELP_LARGE);
	list(h, v, large, sizeof(large) / sizeof(large[0]));
	kh_layout_say_in(h, v, "h2", KH_T_HELP_META);
	kh_layout_say_in(h, v, "p", KH_T_HELP_META_INSIDE);
	kh_layout_say_in(h, v, "p", KH_T_HELP_META_COPIES);
	kh_layout_say_in(h, v, "h2 id=\"seal\"", KH_T_HELP_SEAL);
	kh_layout_say_in(h, v, "p", KH_T_HELP_SEAL_HOW);
	age_command(h, v->site);
	kh_layout_say_in(h, v, "p", KH_T_HELP_SEAL_SEND);
	kh_layout_end(h, v);
}
