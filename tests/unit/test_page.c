/*
 * The pages: what each says in a form that programs can read too, that they
 * refer to nothing outside themselves, and that all have one length, in every
 * language.
 */
#include "tests/unit/page.h"

static const struct kh_form_tokens tokens = {TOKEN_TEXT, TOKEN_TEXT "2"};
static const struct kh_form_tokens plain = {TOKEN_TEXT, NULL};

static struct kh_view
in(int lang)
{
	return (struct kh_view){.site = &site, .lang = (enum kh_lang)lang};
}

#define EACH_LANGUAGE(v)                                        \
	for (struct kh_view v = in(0); (int)v.lang < KH_LANG_N; \
	     v.lang = (enum kh_lang)((int)v.lang + 1))

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
    {KH_REASON_PROXY, 403, "refused", "proxy"},
};

#define N_REASONS (sizeof(reasons) / sizeof(reasons[0]))

/* The way on from a refusal: the first page from one that is not about the
 * form, the address alone from one that came through a proxy. */
static void
assert_way_on(enum kh_reason why, const char *lang)
{
	char first[64], form[64];
	const bool general = why == KH_REASON_METHOD ||
	    why == KH_REASON_NOT_FOUND || why == KH_REASON_REQUEST;
	const bool proxy = why == KH_REASON_PROXY;

	snprintf(
	    first, sizeof(first), "<p class=\"links\"><a href=\"/%s/\">", lang);
	snprintf(form, sizeof(form), "<p class=\"links\"><a href=\"/%s/send\">",
	    lang);
	assert_int_equal(count(first), general ? 1 : 0);
	assert_int_equal(count(form), general || proxy ? 0 : 1);
	assert_int_equal(count("<output id=\"address\">"), proxy ? 1 : 0);
}

static void
test_every_refusal(void **state)
{
	size_t i;

	(void)state;
	snprintf(site.conf.onion, sizeof(site.conf.onion), "%056d.onion", 0);
	assert_int_equal(N_REASONS, KH_REASON_N - 1); /* all but NONE */
	for (i = 0; i < N_REASONS; i++) {
		assert_int_equal(
		    kh_reason_status(reasons[i].why), reasons[i].status);
		EACH_LANGUAGE(v)
		{
			memcpy(v.address, site.conf.onion, sizeof(v.address));
			kh_page_refusal(&h, &v, reasons[i].why);
			page();
			assert_page(v.lang);
			assert_attribute("id", "outcome");
			assert_attribute("data-state", reasons[i].state);
			assert_attribute("data-reason", reasons[i].reason);
			assert_way_on(reasons[i].why, kh_lang_codes[v.lang]);
			assert_false(has("id=\"code\""));
			assert_true(has("The Drop"));
			assert_int_equal(has(site.conf.onion),
			    reasons[i].why == KH_REASON_PROXY);
		}
	}
}

/* L29: no page says less than what happened, what was kept, what to do: three
 * texts, all of them different. */
static void
test_l29_refusals_say_what_to_do(void **state)
{
	char seen[KH_REASON_N][64];
	const char *p;
	size_t i, k;

	(void)state;
	EACH_LANGUAGE(v)
	{
		for (i = 0; i < N_REASONS; i++) {
			kh_page_refusal(&h, &v, reasons[i].why);
			page();
			p = strstr(text, "<output id=\"outcome\"");
			assert_non_null(p);
			p = strchr(p, '>') + 1;
			assert_true(strcspn(p, "<") > 10);
			snprintf(seen[i], sizeof(seen[i]), "%s", p);
			for (k = 0; k < i; k++)
				assert_string_not_equal(seen[i], seen[k]);
			p = strstr(p, "<p>");
			assert_non_null(p);
			assert_true(strcspn(p + 3, "<") > 10);
		}
	}
}

/* L26: it says how much may be sent. */
static void
test_l26_too_large_names_the_limit(void **state)
{
	(void)state;
	site.conf.max_upload = UINT64_C(3) << 20;
	EACH_LANGUAGE(v)
	{
		kh_page_refusal(&h, &v, KH_REASON_TOO_LARGE);
		page();
		assert_true(has("<bdi>3 MB</bdi>"));
		kh_page_form(&h, &v, &tokens);
		page();
		assert_true(has("<bdi>3 MB</bdi>"));
	}
}

static const struct {
	enum kh_receipt what;
	const char *state;
	bool cut;
} receipts[] = {
    {KH_RECEIPT_SEALED, "sealed", false},
    {KH_RECEIPT_AGAIN, "sealed", false},
    {KH_RECEIPT_PARTIAL, "partial", true},
};

static void
test_every_receipt(void **state)
{
	struct kh_code code;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(receipts) / sizeof(receipts[0]); i++) {
		EACH_LANGUAGE(v)
		{
			kh_code_generate(&code);
			kh_page_receipt(&h, &v, receipts[i].what, &code, 17);
			page();
			assert_page(v.lang);
			assert_attribute("id", "outcome");
			assert_attribute("data-state", receipts[i].state);
			assert_int_equal(
			    has("data-reason=\"cut\""), receipts[i].cut);
			assert_code(&code, "code", KH_CODE_WORDS_TEXT_LEN);
			assert_code(
			    &code, "code-digits", KH_CODE_DIGITS_TEXT_LEN);
			/* How many files arrived whole. */
			assert_int_equal(count("<bdi>17</bdi>"), 1);
			assert_int_equal(has("id=\"again\""),
			    receipts[i].what == KH_RECEIPT_AGAIN);
		}
	}
}

/* Words one by one with their numbers, left to right in every language. */
static void
test_code_is_legible(void **state)
{
	struct kh_code code;
	char words[KH_CODE_WORDS_TEXT_LEN], item[KH_WORD_MAX + 12];
	const char *w;
	size_t n;

	(void)state;
	EACH_LANGUAGE(v)
	{
		kh_code_generate(&code);
		kh_page_receipt(&h, &v, KH_RECEIPT_SEALED, &code, 1);
		page();
		assert_int_equal(
		    count("<ol class=\"words\" dir=\"ltr\" lang=\"en\">"), 1);
		assert_int_equal(count("<div class=\"code\" dir=\"ltr\""), 2);
		kh_code_words(&code, words);
		for (w = words; *w != '\0'; w += n + (w[n] == ' ')) {
			n = strcspn(w, " ");
			snprintf(
			    item, sizeof(item), "<li>%.*s</li>", (int)n, w);
			assert_true(has(item));
		}
		assert_int_equal(count("<li>"), KH_CODE_WORDS);
	}
}

/* Beside the progress the answer has no way out of its frame. */
static void
test_framed(void **state)
{
	struct kh_code code;
	size_t i;

	(void)state;
	EACH_LANGUAGE(v)
	{
		v.framed = true;
		for (i = 0; i < 3; i++) {
			kh_code_generate(&code);
			kh_page_receipt(&h, &v, receipts[i].what, &code, 2);
			page();
			assert_page(v.lang);
			assert_code(&code, "code", KH_CODE_WORDS_TEXT_LEN);
			assert_false(has("<a "));
			assert_false(has("<nav"));
		}
		for (i = 0; i < N_REASONS; i++) {
			kh_page_refusal(&h, &v, reasons[i].why);
			page();
			assert_page(v.lang);
			assert_false(has("<a "));
		}
	}
}

static void
assert_form_fields(void)
{
	assert_attribute("name", "token");
	assert_attribute("value", TOKEN_TEXT);
	assert_attribute("name", "message");
	assert_attribute("maxlength", "100000");
	assert_true(has("type=\"file\" id=\"file\" name=\"file\" multiple"));
	assert_int_equal(count("name=\"outlet\" checked"), 3);
	assert_attribute("value", "the-example-times");
	assert_attribute("value", "example-hebrew");
	assert_true(has("<bdi>דוגמה יומית</bdi>"));
	assert_true(has("<bdi>صحيفة المثال</bdi>"));
	assert_true(has("<bdi>20 GB</bdi>"));
	assert_false(has("id=\"outcome\""));
}

static void
test_form(void **state)
{
	char action[192];

	(void)state;
	EACH_LANGUAGE(v)
	{
		kh_page_form(&h, &v, &tokens);
		page();
		assert_page(v.lang);
		assert_form_fields();
		snprintf(action, sizeof(action),
		    "method=\"post\" action=\"/%s/send?u=" TOKEN_TEXT "2\" "
		    "target=\"upload\" enctype=\"multipart/form-data\" "
		    "autocomplete=\"off\">",
		    kh_lang_codes[v.lang]);
		assert_true(has(action));
		assert_int_equal(count("<iframe "), 2);
		assert_true(has("name=\"upload\""));
		snprintf(action, sizeof(action),
		    " src=\"/%s/status?u=" TOKEN_TEXT "2\"",
		    kh_lang_codes[v.lang]);
		assert_true(has(action));
	}
}

/* The same without frames. */
static void
test_plain_form(void **state)
{
	char action[192];

	(void)state;
	EACH_LANGUAGE(v)
	{
		kh_page_form(&h, &v, &plain);
		page();
		assert_page(v.lang);
		assert_form_fields();
		snprintf(action, sizeof(action),
		    "method=\"post\" action=\"/%s/send\" "
		    "enctype=\"multipart/form-data\"",
		    kh_lang_codes[v.lang]);
		assert_true(has(action));
		assert_false(has("<iframe"));
		assert_false(has("target="));
		assert_false(has("?u="));
	}
}

/* Who can open it is shown with the fingerprint of the very card, and where
 * its key is. */
static void
test_form_shows_fingerprints(void **state)
{
	char words[KH_CODE_WORDS_TEXT_LEN], link[KH_CARD_ID_MAX + 32];
	uint32_t i;

	(void)state;
	EACH_LANGUAGE(v)
	{
		kh_page_form(&h, &v, &tokens);
		page();
		for (i = 0; i < site.conf.n_outlets; i++) {
			kh_card_fingerprint(&site.outlets[i].card, words);
			assert_attribute("data-fingerprint", words);
			snprintf(link, sizeof(link), "href=\"/keys/%s.age\"",
			    site.outlets[i].id);
			assert_int_equal(count(link), 1);
		}
		assert_int_equal(
		    count("<ol class=\"fp\" dir=\"ltr\" lang=\"en\">"), 3);
	}
}

/* The advice about what files tell of their sender stands before the field
 * that they are chosen in (and the message before both). */
static void
test_write_first(void **state)
{
	(void)state;
	EACH_LANGUAGE(v)
	{
		kh_page_form(&h, &v, &tokens);
		page();
		assert_true(strstr(text, "name=\"message\"") <
		    strstr(text, "name=\"outlet\""));
		assert_true(
		    strstr(text, "name=\"outlet\"") < strstr(text, "<h2>"));
		assert_true(
		    strstr(text, "<h2>") < strstr(text, "name=\"file\""));
	}
}

static const struct CMUnitTest tests[] = {
    WITH_SITE(test_every_refusal),
    WITH_SITE(test_l29_refusals_say_what_to_do),
    WITH_SITE(test_l26_too_large_names_the_limit),
    WITH_SITE(test_every_receipt),
    WITH_SITE(test_code_is_legible),
    WITH_SITE(test_framed),
    WITH_SITE(test_form),
    WITH_SITE(test_plain_form),
    WITH_SITE(test_form_shows_fingerprints),
    WITH_SITE(test_write_first),
};

TAP_MAIN(tests)
