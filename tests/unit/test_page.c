/*
 * The pages: what each says in a form that programs can read too, that they
 * refer to nothing outside themselves, and that they stay small.
 */
#include "tests/unit/tap.h"

#include <stdbool.h>

#include "server/visit/page.h"

#define PAGE_MAX 15000 /* the budget: one page, one request */

static struct kh_site site;
static struct kh_html h;
static struct kh_form_keys keys;
static char text[KH_HTML_MAX + 1];

static void
set_outlet(uint32_t i, const char *id, const char *name)
{
	struct kh_msg_outlet *o = &site.outlets[i];
	struct kh_sign_secret sk;
	struct kh_identity secret;

	memset(o, 0, sizeof(*o));
	snprintf(o->id, sizeof(o->id), "%s", id);
	snprintf(o->card.name, sizeof(o->card.name), "%s", name);
	memcpy(o->card.languages[0], "en", 3);
	o->card.n_languages = 1;
	kh_sign_generate(&sk);
	kh_sign_public(&sk, &o->card.signing_key);
	kh_identity_generate(&secret);
	kh_identity_recipient(&secret, &o->card.recipients[0].to);
	memcpy(o->card.recipients[0].first, "2026-11-21", 11);
	memcpy(o->card.recipients[0].last, "2028-11-21", 11);
	o->card.n_recipients = 1;
}

static int
setup(void **state)
{
	(void)state;
	memset(&site, 0, sizeof(site));
	kh_form_keys_init(&keys);
	site.keys = &keys;
	memcpy(site.conf.name, "The Drop", 9);
	site.conf.max_upload = UINT64_C(20) << 30;
	site.conf.max_message = 100000;
	site.conf.max_visits = 1000;
	site.conf.n_outlets = 3;
	set_outlet(0, "the-example-times", "The Example Times");
	set_outlet(1, "example-hebrew", "דוגמה יומית");
	set_outlet(2, "example-arabic", "صحيفة المثال");
	return kh_html_init(&h) == KH_OK ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	kh_html_free(&h);
	return 0;
}

/* The page that was written, as text; empties the buffer. */
static const char *
page(void)
{
	assert_true(kh_html_fits(&h));
	memcpy(text, h.p, h.n);
	text[h.n] = '\0';
	assert_int_equal(strlen(text), h.n);
	h.n = 0;
	return text;
}

static bool
has(const char *what)
{
	return strstr(text, what) != NULL;
}

static unsigned
count(const char *what)
{
	const char *p = text;
	unsigned n = 0;

	for (; (p = strstr(p, what)) != NULL; p += strlen(what))
		n++;
	return n;
}

/* Every attribute that could fetch or lead somewhere leads into this site. */
static void
assert_stays_inside(const char *attribute)
{
	static const char *const inside[] = {
	    "\"/\"", "\"/en/\"", "\"/en/send\"", "\"data:,\""};
	const char *p = text;
	size_t i;

	while ((p = strstr(p, attribute)) != NULL) {
		p += strlen(attribute);
		for (i = 0; i < sizeof(inside) / sizeof(inside[0]); i++) {
			if (strncmp(p, inside[i], strlen(inside[i])) == 0)
				break;
		}
		if (i == sizeof(inside) / sizeof(inside[0]))
			fail_msg("%s%.40s", attribute, p);
	}
}

/* No script, no picture, no font, nothing that a browser fetches. */
static void
assert_self_contained(void)
{
	static const char *const never[] = {"<script", "<img", "<iframe",
	    "<object", "<embed", "<svg", "<base", "<audio", "<video",
	    "<link rel=\"stylesheet", "src=", "srcset=", "url(", "@import",
	    "@font-face", "http:", "https:", "//", "javascript:", "http-equiv",
	    "target=", " onload", " onclick", " onerror", " onfocus",
	    " onsubmit"};
	size_t i;

	for (i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
		if (has(never[i]))
			fail_msg("the page has %s", never[i]);
	}
	assert_stays_inside("href=");
	assert_stays_inside("action=");
}

/* Each element that is opened is closed. */
static void
assert_balanced(void)
{
	static const char *const elements[] = {"html", "head", "title", "style",
	    "body", "header", "main", "h1", "h2", "p", "a", "form", "fieldset",
	    "legend", "label", "span", "bdi", "output", "textarea", "button"};
	char open[32], open_with[32], close[32];
	size_t i;

	for (i = 0; i < sizeof(elements) / sizeof(elements[0]); i++) {
		snprintf(open, sizeof(open), "<%s>", elements[i]);
		snprintf(open_with, sizeof(open_with), "<%s ", elements[i]);
		snprintf(close, sizeof(close), "</%s>", elements[i]);
		if (count(open) + count(open_with) != count(close))
			fail_msg("%s is not closed", open);
	}
}

static void
assert_sound(void)
{
	assert_in_range(strlen(text), 500, PAGE_MAX);
	assert_int_equal(strncmp(text, "<!DOCTYPE html>\n", 16), 0);
	assert_true(has("<meta charset=\"utf-8\">"));
	assert_true(has("lang=\"en\" dir=\"ltr\""));
	assert_true(has("<style>"));
	assert_true(has(kh_page_style()));
	assert_int_equal(count("<h1>"), 1);
	assert_self_contained();
	assert_balanced();
}

static void
assert_attribute(const char *name, const char *value)
{
	char a[128];

	snprintf(a, sizeof(a), " %s=\"%s\"", name, value);
	if (count(a) != 1)
		fail_msg("%u times%s", count(a), a);
}

/* What each reason is to programs: written down once more. */
static const struct {
	enum kh_reason why;
	unsigned status;
	const char *state, *reason;
} reasons[] = {
    {KH_REASON_TOO_LARGE, 413, "refused", "too-large"},
    {KH_REASON_TOO_LONG, 413, "refused", "too-large"},
    {KH_REASON_EMPTY, 400, "refused", "empty"},
    {KH_REASON_TOKEN, 403, "refused", "token"},
    {KH_REASON_FORM, 400, "refused", "form"},
    {KH_REASON_FULL, 507, "refused", "full"},
    {KH_REASON_CUT, 400, "refused", "cut"},
    {KH_REASON_BUSY, 409, "busy", "busy"},
    {KH_REASON_LOAD, 503, "busy", "busy"},
    {KH_REASON_CLOSED, 503, "closed", "closed"},
    {KH_REASON_FAILED, 500, "refused", "failed"},
    {KH_REASON_UNSURE, 500, "refused", "failed"},
    {KH_REASON_METHOD, 405, "refused", "method"},
    {KH_REASON_NOT_FOUND, 404, "refused", "not-found"},
    {KH_REASON_REQUEST, 400, "refused", "request"},
};

#define N_REASONS (sizeof(reasons) / sizeof(reasons[0]))

static void
test_every_refusal(void **state)
{
	size_t i;

	(void)state;
	assert_int_equal(N_REASONS, KH_REASON_N - 1); /* all but NONE */
	for (i = 0; i < N_REASONS; i++) {
		kh_page_refusal(&h, &site, reasons[i].why);
		page();
		assert_sound();
		assert_attribute("id", "outcome");
		assert_attribute("data-state", reasons[i].state);
		assert_attribute("data-reason", reasons[i].reason);
		assert_int_equal(
		    kh_reason_status(reasons[i].why), reasons[i].status);
		/* What was kept, and what to do next. */
		assert_true(has("kept"));
		assert_true(has("href=\"/en/send\""));
		assert_false(has("id=\"code\""));
		assert_true(has("The Drop"));
	}
}

/* L26: it says how much may be sent. */
static void
test_l26_too_large_names_the_limit(void **state)
{
	(void)state;
	site.conf.max_upload = UINT64_C(3) << 20;
	kh_page_refusal(&h, &site, KH_REASON_TOO_LARGE);
	page();
	assert_true(has("3 MiB"));
	kh_page_form(&h, &site, "TOKEN");
	page();
	assert_true(has("3 MiB"));
}

/* The code of the page can be read back, in both spellings. */
static void
assert_code(const struct kh_code *code, const char *id, size_t max)
{
	char begin[64];
	const char *p, *end;
	struct kh_code back;
	unsigned bad;

	snprintf(begin, sizeof(begin), "<output id=\"%s\"", id);
	p = strstr(text, begin);
	assert_non_null(p);
	p = strchr(p, '>');
	assert_non_null(p);
	end = strstr(++p, "</output>");
	assert_non_null(end);
	assert_in_range(end - p, 1, max);
	assert_int_equal(
	    kh_code_parse(p, (size_t)(end - p), &back, &bad), KH_OK);
	assert_memory_equal(&back, code, sizeof(back));
}

static void
test_every_receipt(void **state)
{
	static const struct {
		enum kh_receipt what;
		const char *state;
		bool cut;
	} receipts[] = {
	    {KH_RECEIPT_SEALED, "sealed", false},
	    {KH_RECEIPT_AGAIN, "sealed", false},
	    {KH_RECEIPT_PARTIAL, "partial", true},
	};
	struct kh_code code;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(receipts) / sizeof(receipts[0]); i++) {
		kh_code_generate(&code);
		kh_page_receipt(&h, &site, receipts[i].what, &code, 17);
		page();
		assert_sound();
		assert_attribute("id", "outcome");
		assert_attribute("data-state", receipts[i].state);
		assert_int_equal(has("data-reason=\"cut\""), receipts[i].cut);
		assert_code(&code, "code", KH_CODE_WORDS_TEXT_LEN);
		assert_code(&code, "code-digits", KH_CODE_DIGITS_TEXT_LEN);
		/* A form sent twice says nothing of the second try's files. */
		assert_int_equal(
		    has("17."), receipts[i].what != KH_RECEIPT_AGAIN);
	}
}

static void
test_form(void **state)
{
	(void)state;
	kh_page_form(&h, &site, "a-TOKEN_of-95-characters");
	page();
	assert_sound();
	assert_true(has("<form method=\"post\" action=\"/en/send\" "
			"enctype=\"multipart/form-data\" "
			"autocomplete=\"off\">"));
	assert_true(has("<input type=\"hidden\" name=\"token\" "
			"value=\"a-TOKEN_of-95-characters\">"));
	assert_attribute("name", "message");
	assert_attribute("maxlength", "100000");
	assert_true(has("type=\"file\" id=\"file\" name=\"file\" multiple"));
	assert_int_equal(count("name=\"outlet\" checked"), 3);
	assert_attribute("value", "the-example-times");
	assert_attribute("value", "example-hebrew");
	assert_true(has("<bdi>דוגמה יומית</bdi>"));
	assert_true(has("<bdi>صحيفة المثال</bdi>"));
	assert_true(has("20 GiB"));
	assert_false(has("id=\"outcome\""));
}

/* Who can open it is shown with the fingerprint of the very card. */
static void
test_form_shows_fingerprints(void **state)
{
	char words[KH_CODE_WORDS_TEXT_LEN];
	uint32_t i;

	(void)state;
	kh_page_form(&h, &site, "T");
	page();
	for (i = 0; i < site.conf.n_outlets; i++) {
		kh_card_fingerprint(&site.outlets[i].card, words);
		assert_int_equal(count(words), 1);
	}
}

static void
test_first_pages(void **state)
{
	(void)state;
	kh_page_languages(&h, &site);
	page();
	assert_sound();
	assert_true(has("<a href=\"/en/\" lang=\"en\">English</a>"));
	kh_page_home(&h, &site);
	page();
	assert_sound();
	assert_true(has("href=\"/en/send\""));
}

/* Names come from configuration and cards: they are text, not markup. */
static void
test_names_are_escaped(void **state)
{
	static const char evil[] = "\"><script>alert('x')</script>&amp;";
	struct kh_code code;
	size_t i;

	(void)state;
	snprintf(site.conf.name, sizeof(site.conf.name), "%s", evil);
	set_outlet(0, "evil", evil);
	kh_code_generate(&code);
	for (i = 0; i < 5; i++) {
		if (i == 0)
			kh_page_form(&h, &site, evil);
		else if (i == 1)
			kh_page_home(&h, &site);
		else if (i == 2)
			kh_page_languages(&h, &site);
		else if (i == 3)
			kh_page_refusal(&h, &site, KH_REASON_FULL);
		else
			kh_page_receipt(&h, &site, KH_RECEIPT_SEALED, &code, 1);
		page();
		assert_sound();
		assert_true(has("&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)"
				"&lt;/script&gt;&amp;amp;"));
	}
}

/* As many newsrooms as there may be, with names that grow most when they are
 * escaped: the form may then be over its budget, but it is whole. */
static void
test_the_largest_form_is_whole(void **state)
{
	char id[KH_CARD_ID_MAX + 1], name[KH_CARD_NAME_MAX + 1];
	uint32_t i;

	(void)state;
	memset(name, '"', KH_CARD_NAME_MAX);
	name[KH_CARD_NAME_MAX] = '\0';
	memset(site.conf.name, '"', KH_SITE_NAME_MAX);
	site.conf.n_outlets = KH_OUTLETS_MAX;
	for (i = 0; i < KH_OUTLETS_MAX; i++) {
		memset(id, 'a', KH_CARD_ID_MAX);
		snprintf(id + KH_CARD_ID_MAX - 2, 3, "%02u", i);
		set_outlet(i, id, name);
	}
	kh_page_form(&h, &site, "T");
	page();
	assert_int_equal(count("name=\"outlet\""), KH_OUTLETS_MAX);
	assert_true(has("<button type=\"submit\">"));
	assert_self_contained();
	assert_balanced();
}

/* Ten newsrooms with names of a usual length are within the budget. */
static void
test_ten_newsrooms_are_within_the_budget(void **state)
{
	char id[16];
	uint32_t i;

	(void)state;
	site.conf.n_outlets = 10;
	for (i = 0; i < 10; i++) {
		snprintf(id, sizeof(id), "newsroom-%u", i);
		set_outlet(i, id, "The Long-Established Example Chronicle");
	}
	kh_page_form(&h, &site, "T");
	page();
	assert_sound();
}

#define WITH_SITE(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

static const struct CMUnitTest tests[] = {
    WITH_SITE(test_every_refusal),
    WITH_SITE(test_l26_too_large_names_the_limit),
    WITH_SITE(test_every_receipt),
    WITH_SITE(test_form),
    WITH_SITE(test_form_shows_fingerprints),
    WITH_SITE(test_first_pages),
    WITH_SITE(test_names_are_escaped),
    WITH_SITE(test_the_largest_form_is_whole),
    WITH_SITE(test_ten_newsrooms_are_within_the_budget),
};

TAP_MAIN(tests)
