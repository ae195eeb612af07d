/*
 * The display of progress: every tick has one length, in every state and
 * language and with any numbers; and with its head and end it is a document.
 */
#include "tests/unit/page.h"

#include "server/page/layout.h"

static const struct {
	const char *name;
	bool final;
} states[] = {
    [KH_PROGRESS_WAITING] = {"waiting", false},
    [KH_PROGRESS_ARRIVING] = {"arriving", false},
    [KH_PROGRESS_SEALING] = {"arriving", false},
    [KH_PROGRESS_SEALED] = {"sealed", true},
    [KH_PROGRESS_CUT] = {"partial", true},
    [KH_PROGRESS_REFUSED] = {"refused", true},
    [KH_PROGRESS_ENDED] = {"ended", true},
};

/* One tick, looked at as markup. */
static void
tick(enum kh_lang lang, const struct kh_progress *p)
{
	const struct kh_view v = {.site = &site, .lang = lang};
	char begin[96];

	kh_progress_tick(&h, &v, p);
	page();
	assert_int_equal(strlen(text), KH_TICK_LEN);
	assert_markup(text);
	snprintf(begin, sizeof(begin), "<p class=\"tick\" data-state=\"%s\"",
	    states[p->state].name);
	assert_int_equal(strncmp(text, begin, strlen(begin)), 0);
	assert_int_equal(has("role=\"status\""), states[p->state].final);
	assert_memory_equal(text + KH_TICK_LEN - 5, "</p>\n", 5);
}

static void
test_l28_every_tick_has_one_length(void **state)
{
	static const uint64_t bytes[] = {
	    0, 1, 1023, 1024, 999999, UINT64_C(1) << 30, UINT64_MAX};
	static const uint32_t files[] = {0, 1, 999, UINT32_MAX};
	struct kh_progress p;
	size_t i, k, s, lang;

	(void)state;
	for (lang = 0; lang < KH_LANG_N; lang++) {
		for (s = 0; s < sizeof(states) / sizeof(states[0]); s++) {
			for (i = 0; i < 7 * 4; i++) {
				p = (struct kh_progress){
				    .state = (enum kh_progress_state)s,
				    .why = KH_REASON_FAILED,
				    .done = bytes[i % 7],
				    .all = bytes[(i + 3) % 7],
				    .files = files[i % 4],
				    .begun = files[i / 7]};
				tick((enum kh_lang)lang, &p);
			}
		}
		for (k = KH_REASON_NONE + 1; k < KH_REASON_N; k++) {
			p = (struct kh_progress){.state = KH_PROGRESS_REFUSED,
			    .why = (enum kh_reason)k};
			tick((enum kh_lang)lang, &p);
		}
	}
}

/* Behind what was there before: the length is the tick's own. */
static void
test_ticks_one_behind_the_other(void **state)
{
	const struct kh_view v = {.site = &site, .lang = KH_LANG_RU};
	const struct kh_progress p = {.state = KH_PROGRESS_ARRIVING};
	struct kh_code code;
	unsigned i;

	(void)state;
	kh_code_generate(&code);
	kh_progress_code(&h, &v, &code);
	for (i = 1; i <= 5; i++) {
		kh_progress_tick(&h, &v, &p);
		assert_int_equal(h.n, KH_TICK_CODE_LEN + i * KH_TICK_LEN);
	}
}

static void
test_what_ticks_say(void **state)
{
	struct kh_progress p = {.state = KH_PROGRESS_ARRIVING,
	    .done = 2 * 1048576,
	    .all = 5 * 1048576,
	    .files = 3};

	(void)state;
	tick(KH_LANG_EN, &p);
	assert_true(has("<bdi>2 MB</bdi> of <bdi>5 MB</bdi> have arrived. "
			"Whole files: <bdi>3</bdi>."));
	/* A cut: how many are safe, of how many. */
	p = (struct kh_progress){
	    .state = KH_PROGRESS_CUT, .files = 4, .begun = 7};
	tick(KH_LANG_EN, &p);
	assert_true(has("arrive: <bdi>7</bdi>"));
	assert_true(has("safe: <bdi>4</bdi>"));
	p.begun = 0; /* a message alone */
	p.files = 0;
	tick(KH_LANG_EN, &p);
	assert_false(has("had begun"));
	assert_true(has("<bdi>0</bdi>"));
	/* The numbers at the end. */
	p = (struct kh_progress){.state = KH_PROGRESS_SEALED, .files = 12};
	tick(KH_LANG_EN, &p);
	assert_true(has("Files: <bdi>12</bdi>."));
}

/* L26: it says why, and with "too large" the limit. */
static void
test_l26_refused(void **state)
{
	struct kh_progress p = {.state = KH_PROGRESS_REFUSED};
	size_t k;
	int lang;
	char reason[48];

	(void)state;
	for (lang = 0; lang < KH_LANG_N; lang++) {
		for (k = KH_REASON_NONE + 1; k < KH_REASON_N; k++) {
			p.why = (enum kh_reason)k;
			tick((enum kh_lang)lang, &p);
			snprintf(reason, sizeof(reason), " data-reason=\"%s\"",
			    kh_refusal_of(p.why)->name);
			assert_int_equal(count(reason), 1);
			assert_int_equal(count("<bdi>20 GB</bdi>"),
			    p.why == KH_REASON_TOO_LARGE ? 1 : 0);
			assert_int_equal(
			    count(kh_texts[lang][kh_refusal_of(p.why)->what]),
			    1);
			assert_int_equal(
			    count(kh_texts[lang][kh_refusal_of(p.why)->next]),
			    1);
		}
	}
}

/* The return code, for who sees the display only. */
static void
test_code(void **state)
{
	struct kh_view v = {.site = &site};
	struct kh_code code;
	unsigned i, k;
	int lang;

	(void)state;
	for (i = 0; strlen(kh_word(i)) != KH_WORD_MAX; i++)
		continue;
	for (lang = 0; lang < KH_LANG_N; lang++) {
		v.lang = (enum kh_lang)lang;
		for (k = 0; k < 20; k++) {
			kh_code_generate(&code);
			if (k == 0) /* no code is longer */
				for (size_t d = 0; d < KH_CODE_WORDS - 1; d++)
					code.digit[d] = (uint16_t)i;
			kh_progress_code(&h, &v, &code);
			page();
			assert_int_equal(strlen(text), KH_TICK_CODE_LEN);
			assert_markup(text);
			assert_code(&code, "code", KH_CODE_WORDS_TEXT_LEN);
			assert_code(
			    &code, "code-digits", KH_CODE_DIGITS_TEXT_LEN);
		}
	}
}

/* All of it together is one document; its head is as long as a page. */
static void
test_the_whole_document(void **state)
{
	struct kh_view v = {.site = &site};
	struct kh_progress p = {.state = KH_PROGRESS_WAITING};
	struct kh_code code;
	char stop[96];
	int lang;

	(void)state;
	kh_code_generate(&code);
	for (lang = 0; lang < KH_LANG_N; lang++) {
		v.lang = (enum kh_lang)lang;
		kh_progress_begin(&h, &v, TOKEN_TEXT);
		assert_int_equal(h.n, site.page_len);
		p.state = KH_PROGRESS_WAITING;
		kh_progress_tick(&h, &v, &p);
		kh_progress_code(&h, &v, &code);
		p.state = KH_PROGRESS_SEALED;
		kh_progress_tick(&h, &v, &p);
		kh_progress_end(&h);
		page();
		assert_markup(text + strlen("<!DOCTYPE html>\n"));
		assert_int_equal(count("<h1"), 1);
		assert_int_equal(count("class=\"tick\""), 2);
		snprintf(stop, sizeof(stop),
		    "<a href=\"/%s/status?stop=" TOKEN_TEXT "\">",
		    kh_lang_codes[lang]);
		assert_int_equal(count(stop), 1);
		assert_int_equal(count("<a "), 1);
		snprintf(stop, sizeof(stop), "<html lang=\"%s\" dir=\"%s\">",
		    kh_lang_codes[lang], kh_texts[lang][KH_T_LANG_DIR]);
		assert_int_equal(count(stop), 1);
		assert_ids(" id=\"");
		/* The last tick is the one that the style sheet shows. */
		assert_true(has(".tick:has(~.tick){display:none}"));
		kh_page_stopped(&h, &v);
		page();
		assert_page(v.lang);
		assert_attribute("data-state", "stopped");
	}
}

static const struct CMUnitTest tests[] = {
    WITH_SITE(test_l28_every_tick_has_one_length),
    WITH_SITE(test_ticks_one_behind_the_other),
    WITH_SITE(test_what_ticks_say),
    WITH_SITE(test_l26_refused),
    WITH_SITE(test_code),
    WITH_SITE(test_the_whole_document),
};

TAP_MAIN(tests)
