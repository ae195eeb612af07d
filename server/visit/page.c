/*
 * The pages of the source site, in words that a frightened person can follow.
 * Separate from what is done (submit.c) and from how it is sent (reply.c).
 */
#include <sodium.h>
#include <string.h>

#include "knothole/card.h"
#include "knothole/secret.h"
#include "lib/base/precond.h"
#include "server/visit/page.h"

static const char style[] =
    ":root{color-scheme:light dark}"
    "*{box-sizing:border-box}"
    "body{margin:0 auto;max-width:42rem;padding:1.5rem 1rem 4rem;"
    "font:1.0625rem/1.55 system-ui,sans-serif;background:#fbfaf7;color:#1b1b1a}"
    "header{border-bottom:2px solid #1b1b1a;margin-bottom:1.5rem}"
    "header p{margin:0 0 .5rem;font-weight:700}"
    "h1{font:700 1.75rem/1.2 Georgia,serif;margin:1rem 0}"
    "h2{font:700 1.2rem/1.3 Georgia,serif;margin:1.75rem 0 .5rem}"
    "label,legend{font-weight:600;display:block;padding:0}"
    "fieldset{border:1px solid #8a8880;margin:1.25rem 0;padding:.75rem 1rem}"
    "textarea,input[type=file]{width:100%;font:inherit;padding:.5rem;"
    "border:1px solid #6b6962;border-radius:3px;background:#fff;color:#1b1b1a}"
    ".pick{display:flex;gap:.6rem;font-weight:400;padding:.35rem 0}"
    ".pick input{width:1.5rem;height:1.5rem;flex:none}"
    ".print{font-family:ui-monospace,monospace;font-size:.9rem}"
    "button,.go{display:inline-block;font:inherit;font-weight:700;"
    "padding:.7rem 1.4rem;border:0;border-radius:3px;background:#12436d;"
    "color:#fff;text-decoration:none}"
    "a{color:#12436d}"
    ":focus-visible{outline:3px solid #b35900;outline-offset:2px}"
    "#outcome{display:block;font-weight:700;border-left:6px solid #12436d;"
    "padding:.5rem .9rem;background:#eaf0f5}"
    "#outcome[data-state=refused],#outcome[data-state=busy],"
    "#outcome[data-state=closed]{border-color:#a3341b;background:#f8e9e5}"
    ".code{display:block;direction:ltr;user-select:all;"
    "font:600 1.15rem/1.7 ui-monospace,monospace;border:2px solid #1b1b1a;"
    "padding:.7rem .9rem;margin:.4rem 0 1rem;background:#fff}"
    "@media(prefers-color-scheme:dark){"
    "body{background:#171716;color:#e9e7e1}"
    "header{border-color:#e9e7e1}a{color:#9cc4ea}"
    "textarea,input[type=file],.code{background:#232321;color:#e9e7e1}"
    ".code{border-color:#e9e7e1}"
    "#outcome{background:#1f2b36;border-color:#9cc4ea}"
    "#outcome[data-state=refused],#outcome[data-state=busy],"
    "#outcome[data-state=closed]{background:#3a211b;border-color:#e59a83}}"
    "@media print{.code{visibility:hidden}}";

/* What each refusal says: state, what happened, what was kept and what to do
 * next. */
static const struct {
	unsigned status;
	const char *state, *name, *title, *what, *next;
} refusals[KH_REASON_N] = {
    [KH_REASON_TOO_LARGE] = {413, "refused", "too-large",
	"This is larger than we can take at once",
	"The files together are over the limit of this site. Nothing was "
	"kept.",
	"Send them in several parts, or send us a message first and tell "
	"us how much you have."},
    [KH_REASON_TOO_LONG] = {413, "refused", "too-large",
	"Your message is too long",
	"The message is longer than this site takes. Nothing was kept.",
	"Shorten it, or save the text in a file and attach the file."},
    [KH_REASON_EMPTY] = {400, "refused", "empty", "There was nothing to send",
	"The form had no message and no file. Nothing was kept.",
	"Go back, write something or choose a file, and send it again."},
    [KH_REASON_TOKEN] = {403, "refused", "token", "This form is too old",
	"The form was not one that this site handed out, or it had been "
	"open for too long. Nothing was kept.",
	"Open a new form and send it again from there."},
    [KH_REASON_FORM] = {400, "refused", "form", "The form arrived damaged",
	"What arrived was not the form that this site handed out. Nothing "
	"was kept.",
	"Open a new form and send it again from there. Use Tor Browser."},
    [KH_REASON_FULL] = {507, "refused", "full", "We have no room for this now",
	"There is no room left for files of this size. Nothing was kept.",
	"A message without files may still fit. Otherwise try again "
	"tomorrow."},
    [KH_REASON_CUT] = {400, "refused", "cut", "The connection was cut",
	"The upload ended before any file had arrived. Nothing was kept.",
	"Open a new form and send it again."},
    [KH_REASON_BUSY] = {409, "busy", "busy", "This is being sent already",
	"The same form is still arriving over another connection. That one "
	"goes on; this second one was not kept.",
	"Wait until the first one has ended. If you have lost its page, "
	"load this page again."},
    [KH_REASON_LOAD] = {503, "busy", "busy", "Too many visitors",
	"This site is busy at the moment. Nothing was kept.",
	"Wait some minutes, then try again."},
    [KH_REASON_CLOSED] = {503, "closed", "closed",
	"We cannot take anything now",
	"The key of one of our newsrooms is not valid today, so what you "
	"send could not be sealed for it. Nothing was kept.",
	"Come back in a day or two. We do not take files that we cannot "
	"seal."},
    [KH_REASON_FAILED] = {500, "refused", "failed",
	"Something failed on our side",
	"It was not sealed, and nothing was kept.",
	"Open a new form and send it again. If it fails again, come back "
	"tomorrow."},
    [KH_REASON_UNSURE] = {500, "refused", "failed",
	"We cannot tell whether it was sealed",
	"Something failed on our side at the last moment. It may have been "
	"kept, or it may not.",
	"Open a new form and send it again. If it arrives twice, that does no "
	"harm."},
    [KH_REASON_METHOD] = {405, "refused", "method", "That cannot be done here",
	"This address does not take this kind of request. Nothing was "
	"kept.",
	"Begin at the first page."},
    [KH_REASON_NOT_FOUND] = {404, "refused", "not-found",
	"There is no such page", "Nothing was sent and nothing was kept.",
	"Begin at the first page."},
    [KH_REASON_REQUEST] = {400, "refused", "request",
	"We could not understand this request",
	"It was not a request that a browser makes. Nothing was kept.",
	"Use Tor Browser, and begin at the first page."},
};

const char *
kh_page_style(void)
{
	return style;
}

unsigned
kh_reason_status(enum kh_reason r)
{
	return refusals[r].status;
}

static void
begin(struct kh_html *h, const struct kh_site *site, const char *title)
{
	kh_html_raw(h,
	    "<!DOCTYPE html>\n<html lang=\"en\" dir=\"ltr\">\n<head>"
	    "<meta charset=\"utf-8\">"
	    "<meta name=\"viewport\" content=\"width=device-width\">"
	    "<link rel=\"icon\" href=\"data:,\"><title>");
	kh_html_text(h, title);
	kh_html_raw(h, "</title><style>");
	kh_html_raw(h, style);
	kh_html_raw(h, "</style></head>\n<body><header><p>");
	kh_html_text(h, site->conf.name);
	kh_html_raw(h, "</p></header>\n<main><h1>");
	kh_html_text(h, title);
	kh_html_raw(h, "</h1>\n");
}

static void
end(struct kh_html *h)
{
	kh_html_raw(h, "</main></body></html>\n");
	/* Every name has a cap, so every page has: better none than half of
	 * one. */
	PRECOND(kh_html_fits(h));
}

void
kh_page_languages(struct kh_html *h, const struct kh_site *site)
{
	begin(h, site, "Choose a language");
	kh_html_raw(h, "<p><a href=\"/en/\" lang=\"en\">English</a></p>\n");
	end(h);
}

void
kh_page_home(struct kh_html *h, const struct kh_site *site)
{
	begin(h, site, "Send us something in confidence");
	kh_html_raw(h,
	    "<p>You can send a message, documents and recordings here. "
	    "Each byte is sealed to the keys of the newsrooms as it arrives. "
	    "This site keeps no record of who sent it, from where or when."
	    "</p>\n"
	    "<p>Do not use a network or a device of your employer. Nothing can "
	    "protect you from a device that is being watched.</p>\n"
	    "<p><a class=\"go\" href=\"/en/send\">Write to us</a></p>\n");
	end(h);
}

static void
outlets(struct kh_html *h, const struct kh_site *site)
{
	char words[KH_CODE_WORDS_TEXT_LEN];
	uint32_t i;

	kh_html_raw(h,
	    "<fieldset><legend>Who may open it</legend>\n<p>Everyone who is "
	    "ticked can open all of it. If none is ticked, all of them "
	    "can.</p>\n");
	for (i = 0; i < site->conf.n_outlets; i++) {
		kh_card_fingerprint(&site->outlets[i].card, words);
		kh_html_raw(h,
		    "<label class=\"pick\"><input type=\"checkbox\" "
		    "name=\"outlet\" checked value=\"");
		kh_html_text(h, site->outlets[i].id);
		kh_html_raw(h, "\"><span><bdi>");
		kh_html_text(h, site->outlets[i].card.name);
		kh_html_raw(h, "</bdi><br><span class=\"print\">key: ");
		kh_html_text(h, words);
		kh_html_raw(h, "</span></span></label>\n");
	}
	kh_html_raw(h, "</fieldset>\n");
}

void
kh_page_form(struct kh_html *h, const struct kh_site *site, const char *token)
{
	begin(h, site, "Write to us, attach files");
	kh_html_raw(h,
	    "<form method=\"post\" action=\"/en/send\" "
	    "enctype=\"multipart/form-data\" autocomplete=\"off\">\n"
	    "<input type=\"hidden\" name=\"token\" value=\"");
	kh_html_text(h, token);
	kh_html_raw(h,
	    "\">\n<p><label for=\"message\">Your message</label>\n"
	    "<textarea id=\"message\" name=\"message\" rows=\"9\" dir=\"auto\" "
	    "maxlength=\"");
	kh_html_number(h, site->conf.max_message);
	kh_html_raw(h, "\"></textarea></p>\n");
	outlets(h, site);
	kh_html_raw(h,
	    "<p><label for=\"file\">Files</label>\n"
	    "<input type=\"file\" id=\"file\" name=\"file\" multiple "
	    "aria-describedby=\"limit\"></p>\n"
	    "<p id=\"limit\">Together at most ");
	kh_html_size(h, site->conf.max_upload);
	kh_html_raw(h,
	    ". Files can tell who made them: names, "
	    "authors, places and times are stored inside. You may choose "
	    "several at once.</p>\n"
	    "<p><button type=\"submit\">Send</button></p>\n"
	    "<p>After that you get a return code. It is the only way to read "
	    "our answer.</p>\n</form>\n");
	end(h);
}

static void
code_block(struct kh_html *h, const struct kh_code *code)
{
	char words[KH_CODE_WORDS_TEXT_LEN], digits[KH_CODE_DIGITS_TEXT_LEN];

	kh_code_words(code, words);
	kh_code_digits(code, digits);
	kh_html_raw(h,
	    "<h2>Your return code</h2>\n<p>Without it you cannot read our "
	    "answer. We do not have it and cannot give it to you again. Write "
	    "it down now, and keep it where nobody looks.</p>\n"
	    "<p>These eight words:</p>\n"
	    "<div class=\"code\" dir=\"ltr\"><output id=\"code\">");
	kh_html_text(h, words);
	kh_html_raw(h,
	    "</output></div>\n"
	    "<p>Or these digits, which stand for the same:</p>\n"
	    "<div class=\"code\" dir=\"ltr\"><output id=\"code-digits\">");
	kh_html_text(h, digits);
	kh_html_raw(h, "</output></div>\n");
	kh_wipe(words, sizeof(words));
	kh_wipe(digits, sizeof(digits));
}

static void
receipt_text(struct kh_html *h, enum kh_receipt what, unsigned files)
{
	switch (what) {
	case KH_RECEIPT_SEALED:
		kh_html_raw(h,
		    "<output id=\"outcome\" data-state=\"sealed\">"
		    "All of it has arrived and is sealed. Files: ");
		kh_html_number(h, files);
		kh_html_raw(h,
		    ".</output>\n<p>Only the newsrooms that you chose can open "
		    "it. This server cannot.</p>\n");
		return;
	case KH_RECEIPT_AGAIN:
		kh_html_raw(h,
		    "<output id=\"outcome\" data-state=\"sealed\">"
		    "This form was sent before, and what you sent then is "
		    "sealed.</output>\n<p>It was not stored a second time: "
		    "nothing of this second sending was kept. To send "
		    "something else, open a new form.</p>\n");
		return;
	case KH_RECEIPT_PARTIAL:
		kh_html_raw(h,
		    "<output id=\"outcome\" data-state=\"partial\" "
		    "data-reason=\"cut\">The upload ended early. Files that "
		    "arrived whole and are sealed: ");
		kh_html_number(h, files);
		kh_html_raw(h,
		    ".</output>\n<p>Open a new form and send the others "
		    "again.</p>\n");
		return;
	}
}

void
kh_page_receipt(struct kh_html *h, const struct kh_site *site,
    enum kh_receipt what, const struct kh_code *code, unsigned files)
{
	begin(h, site, "Your receipt");
	receipt_text(h, what, files);
	code_block(h, code);
	kh_html_raw(h,
	    "<p>When you are done, choose “New Identity” in Tor "
	    "Browser.</p>\n");
	end(h);
}

void
kh_page_refusal(
    struct kh_html *h, const struct kh_site *site, enum kh_reason why)
{
	begin(h, site, refusals[why].title);
	kh_html_raw(h, "<output id=\"outcome\" data-state=\"");
	kh_html_raw(h, refusals[why].state);
	kh_html_raw(h, "\" data-reason=\"");
	kh_html_raw(h, refusals[why].name);
	kh_html_raw(h, "\">");
	kh_html_text(h, refusals[why].what);
	kh_html_raw(h, "</output>\n<p>");
	kh_html_text(h, refusals[why].next);
	kh_html_raw(h, "</p>\n");
	if (why == KH_REASON_TOO_LARGE) {
		kh_html_raw(h, "<p>The limit is ");
		kh_html_size(h, site->conf.max_upload);
		kh_html_raw(h, " for everything together.</p>\n");
	}
	kh_html_raw(h, "<p><a href=\"/en/send\">Open a new form</a></p>\n");
	end(h);
}
