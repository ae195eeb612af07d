/*
 * The pages. Each call writes a whole document into `h`; nothing is sent
 * here. No script, no image, no reference to anything outside the site, and
 * the same number of bytes for every page in every language and state (L28).
 */
#ifndef KNOTHOLED_PAGE_H
#define KNOTHOLED_PAGE_H

#include "knothole/code.h"
#include "server/page/html.h"
#include "server/page/site.h"
#include "server/text/text.h"

/* How a page is seen. */
struct kh_view {
	const struct kh_site *site;
	enum kh_lang lang;
	bool framed; /* beside the progress: no links, no header */
	bool back; /* it is about a return code, not about a submission */
	char address[KH_ONION_LEN + 1]; /* the site's true one, if known */
};

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
	KH_REASON_PROXY, /* a service between Tor Browser and us */
	KH_REASON_N
};

/* The HTTP status that goes with a reason. */
unsigned kh_reason_status(enum kh_reason r);

/* "/": the languages. */
void kh_page_languages(struct kh_html *h, const struct kh_site *site);

/* "/L/": three questions before the form (L29). */
void kh_page_check(struct kh_html *h, const struct kh_view *v);

/* What the answers were: bits, each set when that one is not safe. */
#define KH_UNSAFE_DEVICE 1U
#define KH_UNSAFE_NETWORK 2U
#define KH_UNSAFE_BROWSER 4U
#define KH_UNSAFE_MISSING 8U
void kh_page_stop(struct kh_html *h, const struct kh_view *v, unsigned unsafe);

/* Texts that kh_token_seal made. */
struct kh_form_tokens {
	const char *send; /* the form's own */
	const char *status; /* in the addresses of frame and upload; NULL: no
			     * frames */
};
void kh_page_form(
    struct kh_html *h, const struct kh_view *v, const struct kh_form_tokens *t);

/* What a receipt is about. */
enum kh_receipt {
	KH_RECEIPT_SEALED, /* all of it */
	KH_RECEIPT_AGAIN, /* all of it, at an earlier try of the same form */
	KH_RECEIPT_PARTIAL /* what had arrived when it was cut */
};

/* The receipt with the return code; `files` that arrived whole. */
void kh_page_receipt(struct kh_html *h, const struct kh_view *v,
    enum kh_receipt what, const struct kh_code *code, uint32_t files);

/* What happened, whether anything was kept, what to do next. */
void kh_page_refusal(
    struct kh_html *h, const struct kh_view *v, enum kh_reason why);

/* For a visitor whose language is not known: the same in three of them. */
void kh_page_busy(struct kh_html *h, const struct kh_site *site);

/* What is wrong with a return code that was entered. */
enum kh_code_fault {
	KH_CODE_FINE, /* none was entered yet */
	KH_CODE_WORD, /* word number `at` is not in the list */
	KH_CODE_CHECK, /* the check word or digits do not fit */
	KH_CODE_COUNT /* neither 8 words nor 30 digits */
};

/* "/L/return". `typed` is shown again (NUL-terminated), so that one word can
 * be corrected; `word` is the bad one, at most
 * KH_BAD_WORD_MAX bytes without anything to escape. */
struct kh_entry {
	enum kh_code_fault fault;
	unsigned at;
	const char *word;
	const char *typed;
};
void kh_page_return(
    struct kh_html *h, const struct kh_view *v, const struct kh_entry *e);

/* An answer, or a newsroom's note that it has collected. */
struct kh_said {
	uint32_t outlet; /* index into site->outlets */
	uint32_t number; /* of its slot */
	bool received; /* the note; no text then */
	char day[KH_DAY_LEN + 1];
	const char *text; /* UTF-8, `n` bytes */
	size_t n;
};

/* What a return code leads to. */
struct kh_thread {
	const struct kh_said *said; /* newest first */
	size_t n;
	bool unsigned_too; /* there was something that no newsroom signed */
	uint32_t page; /* from 1; one that is not there: the last */
	struct kh_form_tokens more; /* to send more */
	const char *token; /* for this thread: look again, delete */
};
void kh_page_thread(
    struct kh_html *h, const struct kh_view *v, const struct kh_thread *t);

/* After a deletion; "/L/leave"; "/L/help". */
void kh_page_forgotten(struct kh_html *h, const struct kh_view *v);
void kh_page_leave(struct kh_html *h, const struct kh_view *v);
void kh_page_help(struct kh_html *h, const struct kh_view *v);

/* "/keys/ID.asc": the OpenPGP key of a newsroom that has one, armored; the same
 * length for all. Errors: KH_ENOMEM. */
KH_CHECKED enum kh_err kh_page_openpgp(
    struct kh_html *h, const struct kh_site *site, uint32_t outlet);

/* "/keys/ID.age": a recipients file for `age -R`, text. `day` is today. */
void kh_page_key(struct kh_html *h, const struct kh_site *site, uint32_t outlet,
    const char *day);

/* How far an upload has come. */
enum kh_progress_state {
	KH_PROGRESS_WAITING, /* nothing of it has come */
	KH_PROGRESS_ARRIVING,
	KH_PROGRESS_SEALING, /* all is there; it is being stored */
	KH_PROGRESS_SEALED,
	KH_PROGRESS_CUT, /* what had arrived is sealed */
	KH_PROGRESS_REFUSED, /* nothing was kept */
	KH_PROGRESS_ENDED /* the display gives up */
};

struct kh_progress {
	enum kh_progress_state state;
	enum kh_reason why; /* when refused */
	uint64_t done, all; /* bytes of the body */
	uint32_t files, begun; /* that arrived whole; that began */
};

/* The frame that shows progress: its head, then one tick after the other,
 * KH_TICK_LEN bytes each, the code once, KH_TICK_CODE_LEN bytes, its end. */
#define KH_TICK_LEN 1024
#define KH_TICK_CODE_LEN 2048
void kh_progress_begin(
    struct kh_html *h, const struct kh_view *v, const char *token);
void kh_progress_tick(
    struct kh_html *h, const struct kh_view *v, const struct kh_progress *p);
void kh_progress_code(
    struct kh_html *h, const struct kh_view *v, const struct kh_code *code);
void kh_progress_end(struct kh_html *h);

/* The frame when it was stopped, or has nothing to show. */
void kh_page_stopped(struct kh_html *h, const struct kh_view *v);

/*
 * The length of all pages of this site: the longest of them in any language.
 * At most KH_PAGE_LEN with a handful of newsrooms; more names, longer pages.
 * Sets site->page_len. Errors: KH_ENOMEM.
 */
#define KH_PAGE_LEN 13600 /* with the header fields below 15,000 */
KH_CHECKED enum kh_err kh_page_measure(struct kh_site *site);

/* The style sheet that every page carries inline: the CSP allows its hash. */
const char *kh_page_style(void);

#endif
