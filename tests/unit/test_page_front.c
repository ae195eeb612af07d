/*
 * The pages around sending: languages, questions, help, leaving, the return
 * code and what is wrong with it, and the key files.
 */
#include "tests/unit/page.h"

#include "server/page/layout.h"

static struct kh_view
in(int lang)
{
	return (struct kh_view){.site = &site, .lang = (enum kh_lang)lang};
}

#define EACH_LANGUAGE(v)                                        \
	for (struct kh_view v = in(0); (int)v.lang < KH_LANG_N; \
	     v.lang = (enum kh_lang)((int)v.lang + 1))

/* Each language under its own name, and the way to it. */
static void
test_languages(void **state)
{
	char item[128];
	int i;

	(void)state;
	kh_page_languages(&h, &site);
	page();
	assert_page(KH_LANG_EN);
	for (i = 0; i < KH_LANG_N; i++) {
		snprintf(item, sizeof(item),
		    " lang=\"%s\"><a href=\"/%s/\">%s</a>", kh_lang_codes[i],
		    kh_lang_codes[i], kh_texts[i][KH_T_LANG_NAME]);
		assert_int_equal(count(item), 1);
	}
	assert_int_equal(count("<a "), KH_LANG_N);
	assert_true(has(">English</a>"));
	assert_true(has(">עברית</a>"));
	assert_true(has(">العربية</a>"));
}

/* L29: three questions, of two answers each, none of them given. */
static void
test_l29_questions(void **state)
{
	(void)state;
	EACH_LANGUAGE(v)
	{
		kh_page_check(&h, &v);
		page();
		assert_page(v.lang);
		assert_int_equal(count("<fieldset>"), 3);
		assert_int_equal(count("type=\"radio\" required"), 6);
		assert_int_equal(count("name=\"device\""), 2);
		assert_int_equal(count("name=\"network\""), 2);
		assert_int_equal(count("name=\"browser\""), 2);
		assert_int_equal(count("value=\"own\""), 2);
		assert_int_equal(count("value=\"work\""), 2);
		assert_attribute("value", "tor");
		assert_attribute("value", "other");
		assert_false(has("checked"));
	}
}

/* Every mixture of unsafe answers: one paragraph for each. */
static void
test_stop(void **state)
{
	static const enum kh_text texts[] = {KH_T_STOP_DEVICE,
	    KH_T_STOP_NETWORK, KH_T_STOP_BROWSER, KH_T_STOP_MISSING};
	unsigned bits, i;

	(void)state;
	EACH_LANGUAGE(v)
	{
		for (bits = 1; bits < 16; bits++) {
			kh_page_stop(&h, &v, bits);
			page();
			assert_page(v.lang);
			assert_attribute("id", "stop");
			for (i = 0; i < 4; i++)
				assert_int_equal(
				    count(kh_texts[v.lang][texts[i]]),
				    bits >> i & 1);
			assert_false(has("<form"));
		}
	}
}

static void
test_leave_help_forgotten(void **state)
{
	char link[64];
	uint32_t i;

	(void)state;
	EACH_LANGUAGE(v)
	{
		kh_page_leave(&h, &v);
		page();
		assert_page(v.lang);
		kh_page_forgotten(&h, &v);
		page();
		assert_page(v.lang);
		assert_attribute("data-state", "deleted");
		kh_page_help(&h, &v);
		page();
		assert_page(v.lang);
		assert_attribute(
		    "id", "seal"); /* the form's link leads there */
		assert_true(has("age -R the-example-times.age -R "
				"example-hebrew.age -R example-arabic.age "
				"-o file.age file</code>"));
		for (i = 0; i < site.conf.n_outlets; i++) {
			snprintf(link, sizeof(link),
			    "<a href=\"/keys/%s.age\">", site.outlets[i].id);
			assert_int_equal(count(link), 1);
		}
	}
}

/* Too many visitors: nobody knows in which language, so in three. */
static void
test_busy(void **state)
{
	(void)state;
	kh_page_busy(&h, &site);
	page();
	assert_page(KH_LANG_EN);
	assert_attribute("data-state", "busy");
	assert_attribute("data-reason", "busy");
	assert_int_equal(count(kh_texts[KH_LANG_EN][KH_T_LOAD_WHAT]), 1);
	assert_int_equal(count(kh_texts[KH_LANG_HE][KH_T_LOAD_WHAT]), 1);
	assert_int_equal(count(kh_texts[KH_LANG_AR][KH_T_LOAD_WHAT]), 1);
	assert_int_equal(count("<section lang=\"he\" dir=\"rtl\">"), 1);
	assert_int_equal(count("<section lang=\"ar\" dir=\"rtl\">"), 1);
}

static void
assert_entry(enum kh_lang lang, const struct kh_entry *e)
{
	const struct kh_view v = in((int)lang);
	char action[96];

	kh_page_return(&h, &v, e);
	page();
	assert_page(lang);
	snprintf(action, sizeof(action),
	    "<form id=\"return\" method=\"post\" action=\"/%s/return\" "
	    "autocomplete=\"off\">",
	    kh_lang_codes[lang]);
	assert_int_equal(count(action), 1);
	assert_attribute("name", "code");
	assert_int_equal(has("data-reason=\"code\""), e->fault != KH_CODE_FINE);
	assert_int_equal(
	    has("data-state=\"refused\""), e->fault != KH_CODE_FINE);
}

/* What is wrong with a code is named, and what was typed is shown again. */
static void
test_return(void **state)
{
	struct kh_entry e = {.word = "", .typed = ""};

	(void)state;
	EACH_LANGUAGE(v)
	{
		e = (struct kh_entry){.word = "", .typed = ""};
		assert_entry(v.lang, &e);
		e.typed = "one two\nthree <four> & \"five\"";
		e.fault = KH_CODE_CHECK;
		assert_entry(v.lang, &e);
		assert_true(has(">\none two\nthree &lt;four&gt; &amp; "
				"&quot;five&quot;</textarea>"));
		e.fault = KH_CODE_COUNT;
		assert_entry(v.lang, &e);
		e.fault = KH_CODE_WORD;
		e.word = "zzword";
		e.at = 7;
		assert_entry(v.lang, &e);
		assert_int_equal(count("<bdi>zzword</bdi>"), 1);
		assert_int_equal(count("<bdi>7</bdi>"), 1);
	}
}

/* The first line end of what was typed is not the one that a browser drops. */
static void
test_return_keeps_line_ends(void **state)
{
	const struct kh_entry e = {KH_CODE_COUNT, 0, "", "\n\nabacus\n"};

	(void)state;
	assert_entry(KH_LANG_EN, &e);
	assert_true(has(">\n\n\nabacus\n</textarea>"));
}

/* As much as may be typed; what escaping makes too long is left out whole. */
static void
test_return_at_its_longest(void **state)
{
	static char typed[KH_CODE_TEXT_MAX + 1];
	char word[KH_BAD_WORD_MAX + 1];
	struct kh_entry e = {KH_CODE_WORD, 8, word, typed};
	unsigned i;
	static const char fill[] = "a\"&<";

	(void)state;
	memset(word, 'w', KH_BAD_WORD_MAX);
	word[KH_BAD_WORD_MAX] = '\0';
	for (i = 0; fill[i] != '\0'; i++) {
		memset(typed, fill[i], KH_CODE_TEXT_MAX);
		EACH_LANGUAGE(v)
		{
			assert_entry(v.lang, &e);
			assert_int_equal(
			    has(" maxlength=\"1000\">\n</textarea>"),
			    fill[i] != 'a');
		}
	}
	/* The last that fits: 1024 bytes that are 1920 of HTML. */
	memset(typed, 'a', KH_CODE_TEXT_MAX);
	memset(typed, '&', (1920 - 1024) / 4);
	assert_entry(KH_LANG_EN, &e);
	assert_true(has("&amp;aaaa"));
	typed[(1920 - 1024) / 4] = '&';
	assert_entry(KH_LANG_EN, &e);
	assert_true(has(">\n</textarea>"));
}

/* Numbers and sizes: rounded down, never to 0.0. */
static void
test_figures(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} sizes[] = {
	    {0, "0 kB"},
	    {1, "0 kB"},
	    {102, "0 kB"},
	    {103, "0.1 kB"},
	    {1023, "0.9 kB"},
	    {1024, "1 kB"},
	    {1025, "1 kB"},
	    {1127, "1.1 kB"},
	    {10239, "9.9 kB"},
	    {10240, "10 kB"},
	    {1048575, "1023 kB"},
	    {1048576, "1 MB"},
	    {1048576 + 104858, "1.1 MB"},
	    {(UINT64_C(1) << 30) - 1, "1023 MB"},
	    {UINT64_C(1) << 30, "1 GB"},
	    {UINT64_C(20) << 30, "20 GB"},
	    {KH_UPLOAD_MAX, "32 GB"},
	    {UINT64_C(5) << 40, "5120 GB"},
	};
	char out[KH_FIGURE_LEN];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		kh_figure_size(sizes[i].bytes, out);
		if (strcmp(out, sizes[i].text) != 0)
			fail_msg("%s, not %s", out, sizes[i].text);
	}
	kh_figure(0, out);
	assert_string_equal(out, "0");
	kh_figure(UINT64_MAX, out);
	assert_string_equal(out, "18446744073709551615");
}

/* However large: Content-Length goes up to 2^64 - 1 and is shown. */
static void
test_figures_of_any_size(void **state)
{
	char out[KH_FIGURE_LEN];

	(void)state;
	kh_figure_size(UINT64_MAX, out);
	assert_string_equal(out, "17179869183 GB");
	kh_figure_size(UINT64_MAX / 10 + 1, out);
	assert_string_equal(out, "1717986918 GB");
}

/* A key file is a recipients file of age: comments, one recipient, and a fixed
 * length whatever the name. */
static void
assert_key_file(uint32_t outlet, bool open)
{
	const struct kh_msg_outlet *o = &site.outlets[outlet];
	char words[KH_CODE_WORDS_TEXT_LEN], to[KH_RECIPIENT_TEXT_LEN + 1];
	const char *line;
	unsigned keys_seen = 0;
	size_t n;

	kh_page_key(&h, &site, outlet, open ? "2027-01-01" : "2030-01-01");
	page();
	assert_int_equal(strlen(text), 1024);
	assert_int_equal(text[1023], '\n');
	kh_card_fingerprint(&o->card, words);
	assert_int_equal(count(words), 1);
	assert_int_equal(count(o->card.name), 1);
	kh_recipient_format(&o->card.recipients[0].to, to);
	for (line = text; *line != '\0'; line += n + 1) {
		n = strcspn(line, "\n");
		if (line[0] == '#')
			continue;
		assert_int_equal(n, KH_RECIPIENT_TEXT_LEN);
		assert_memory_equal(line, to, n);
		keys_seen++;
	}
	assert_int_equal(keys_seen, open ? 1 : 0);
}

static void
test_key_files(void **state)
{
	uint32_t i;

	(void)state;
	for (i = 0; i < site.conf.n_outlets; i++) {
		assert_key_file(i, true);
		assert_key_file(i, false); /* no key of that day */
	}
	set_largest_site();
	for (i = 0; i < site.conf.n_outlets; i++)
		assert_key_file(i, true);
}

static const struct CMUnitTest tests[] = {
    WITH_SITE(test_languages),
    WITH_SITE(test_l29_questions),
    WITH_SITE(test_stop),
    WITH_SITE(test_leave_help_forgotten),
    WITH_SITE(test_busy),
    WITH_SITE(test_return),
    WITH_SITE(test_return_keeps_line_ends),
    WITH_SITE(test_return_at_its_longest),
    WITH_SITE(test_figures),
    WITH_SITE(test_figures_of_any_size),
    WITH_SITE(test_key_files),
};

TAP_MAIN(tests)
