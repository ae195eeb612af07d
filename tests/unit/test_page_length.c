/*
 * L28: all pages of a site have one length, in every language and state, with
 * any newsrooms; and whatever the names are, they are text.
 */
#include "tests/unit/page.h"

#include "server/page/layout.h"

#define HEAD_LEN 882 /* of the longest head, that of the page for leaving */
#define LONGEST_TOKEN_LEN KH_TOKEN_LEN

static char token[LONGEST_TOKEN_LEN + 1];
static struct kh_said said[KH_OUTLETS_MAX + 1];
static char answer[KH_ANSWER_TEXT_MAX];
static struct kh_code longest_code;

/* A code of eight words of nine letters: none is longer on a page. */
static void
find_longest_code(void)
{
	char words[KH_CODE_WORDS_TEXT_LEN];
	unsigned i;

	for (i = 0; strlen(kh_word(i)) != KH_WORD_MAX; i++)
		assert_true(i < KH_WORDLIST_N);
	for (size_t k = 0; k < KH_CODE_WORDS - 1; k++)
		longest_code.digit[k] = (uint16_t)i;
	kh_code_words(&longest_code, words);
	assert_true(strlen(words) > 7 * KH_WORD_MAX + 7);
}

/* The thread at its fullest: a note of every newsroom, and a long answer. */
static void
write_thread(const struct kh_view *v, uint32_t at)
{
	const struct kh_thread t = {.said = said,
	    .n = v->site->conf.n_outlets + 1,
	    .unsigned_too = true,
	    .page = at,
	    .more = {token, token},
	    .token = token};

	kh_page_thread(&h, v, &t);
}

static void
write_entry(const struct kh_view *v, enum kh_code_fault fault)
{
	static char typed[KH_CODE_TEXT_MAX + 1], word[KH_BAD_WORD_MAX + 1];
	const struct kh_entry e = {fault, KH_CODE_WORDS, word, typed};

	memset(typed, 't', KH_CODE_TEXT_MAX);
	memset(word, 'w', KH_BAD_WORD_MAX);
	kh_page_return(&h, v, &e);
}

/* Page number `i` of all that there are, at its longest; false: no more. */
static bool
write_page(const struct kh_view *v, unsigned i)
{
	const struct kh_form_tokens t = {token, token}, plain = {token, NULL};

	if (i < KH_REASON_N - 1)
		kh_page_refusal(&h, v, (enum kh_reason)(i + 1));
	else if ((i -= KH_REASON_N - 1) < 3)
		kh_page_receipt(
		    &h, v, (enum kh_receipt)i, &longest_code, KH_FILES_MAX);
	else if ((i -= 3) < 4)
		write_entry(v, (enum kh_code_fault)i);
	else if ((i -= 4) < 16)
		kh_page_stop(&h, v, i);
	else if ((i -= 16) < 8)
		write_thread(v, i + 1);
	else if ((i -= 8) == 0)
		kh_page_check(&h, v);
	else if (i == 1)
		kh_page_form(&h, v, &t);
	else if (i == 2)
		kh_page_form(&h, v, &plain);
	else if (i == 3)
		kh_page_help(&h, v);
	else if (i == 4)
		kh_page_leave(&h, v);
	else if (i == 5)
		kh_page_forgotten(&h, v);
	else if (i == 6)
		kh_page_stopped(&h, v);
	else if (i == 7)
		kh_page_languages(&h, v->site);
	else if (i == 8)
		kh_page_busy(&h, v->site);
	else
		return false;
	return true;
}

/* Every page there is has the one length, framed or not. */
static unsigned
assert_one_length(void)
{
	struct kh_view v = {.site = &site};
	unsigned i, n = 0, framed;
	int lang;

	for (lang = 0; lang < KH_LANG_N; lang++) {
		for (framed = 0; framed < 2; framed++) {
			v.lang = (enum kh_lang)lang;
			v.framed = framed == 1;
			for (i = 0; write_page(&v, i); i++, n++) {
				page();
				if (strlen(text) != site.page_len)
					fail_msg("page %u in %s: %zu, not %zu",
					    i, kh_lang_codes[lang],
					    strlen(text), site.page_len);
				assert_markup(
				    text + strlen("<!DOCTYPE html>\n"));
			}
		}
	}
	return n;
}

static int
setup(void **state)
{
	uint32_t i;

	memset(token, 'T', LONGEST_TOKEN_LEN);
	memset(answer, '"', sizeof(answer));
	find_longest_code();
	for (i = 0; i < KH_OUTLETS_MAX; i++)
		said[i + 1] = (struct kh_said){
		    .outlet = i, .received = true, .day = "2026-11-24"};
	said[0] = (struct kh_said){.outlet = 0,
	    .day = "2026-11-24",
	    .text = answer,
	    .n = sizeof(answer)};
	return set_up_site(state);
}

#define WITH_ALL(t) cmocka_unit_test_setup_teardown(t, setup, tear_down_site)

static void
test_l28_three_newsrooms(void **state)
{
	(void)state;
	assert_true(assert_one_length() > 8 * 2 * 50);
	/* The budget: with header fields below 15,000 bytes. */
	assert_in_range(site.page_len, 1, KH_PAGE_LEN);
}

static void
test_l28_one_newsroom(void **state)
{
	(void)state;
	site.conf.n_outlets = 1;
	assert_int_equal(kh_page_measure(&site), KH_OK);
	(void)assert_one_length();
	assert_int_equal(site.page_len, KH_PAGE_LEN);
}

/* Each number of newsrooms, with usual names. */
static void
test_l28_any_number(void **state)
{
	char id[32];
	uint32_t n;

	(void)state;
	for (n = 1; n <= KH_OUTLETS_MAX; n += 3) {
		site.conf.n_outlets = n;
		snprintf(id, sizeof(id), "newsroom-%u", n);
		set_outlet(n - 1, id, "The Long-Established Example Chronicle");
		assert_int_equal(kh_page_measure(&site), KH_OK);
		(void)assert_one_length();
	}
}

/* The most and the longest, each character of which is escaped: it fits. */
static void
test_l28_the_largest(void **state)
{
	(void)state;
	set_largest_site();
	snprintf(site.conf.onion, sizeof(site.conf.onion), "%056d.onion", 0);
	(void)assert_one_length();
	assert_in_range(site.page_len, KH_PAGE_LEN, KH_HTML_MAX);
}

/* The limits of a configuration are on the pages too. */
static void
test_l28_odd_limits(void **state)
{
	(void)state;
	site.conf.max_upload = KH_UPLOAD_MIN + 1500;
	site.conf.max_message = 1;
	assert_int_equal(kh_page_measure(&site), KH_OK);
	(void)assert_one_length();
	site.conf.max_upload = KH_UPLOAD_MAX - 1;
	site.conf.max_message = KH_MESSAGE_CHARS_MAX;
	assert_int_equal(kh_page_measure(&site), KH_OK);
	(void)assert_one_length();
}

/* Names come from configuration and cards: they are text, not markup. */
static void
test_names_are_escaped(void **state)
{
	static const char evil[] = "\"><script>alert('x')</script>&amp;<!--";
	static const char safe[] =
	    "&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;amp;"
	    "&lt;!--";
	struct kh_view v = {.site = &site};
	unsigned i, seen = 0;

	(void)state;
	snprintf(site.conf.name, sizeof(site.conf.name), "%s", evil);
	snprintf(answer, sizeof(answer), "%s", evil);
	said[0].n = strlen(evil);
	set_outlet(0, "times", evil);
	set_outlet(1, "other", evil);
	assert_int_equal(kh_page_measure(&site), KH_OK);
	(void)assert_one_length(); /* that looks at the markup */
	for (i = 0; write_page(&v, i); i++) {
		page();
		assert_null(strstr(text, "<script"));
		seen += count(safe);
	}
	assert_true(seen > 50);
}

/* How long the longest page is in itself decides, not what fills it up: the
 * length is KH_PAGE_LEN or a step of 256 above. Four newsrooms stay within the
 * budget of 15,000 bytes with the header fields, five without them. */
static void
test_measure(void **state)
{
	uint32_t n;
	size_t last = 0;
	char id[32];

	(void)state;
	for (n = 1; n <= KH_OUTLETS_MAX; n++) {
		snprintf(id, sizeof(id), "newsroom-%u", n);
		set_outlet(n - 1, id, "Another Newsroom");
		site.conf.n_outlets = n;
		site.page_len = 99999; /* what was there does not count */
		assert_int_equal(kh_page_measure(&site), KH_OK);
		assert_true(site.page_len == KH_PAGE_LEN ||
		    (site.page_len > KH_PAGE_LEN && site.page_len % 256 == 0));
		assert_true(n > 4 || site.page_len + HEAD_LEN <= 15000);
		assert_true(n > 5 || site.page_len <= 15000);
		assert_true(site.page_len >= last);
		last = site.page_len;
	}
	assert_true(last > KH_PAGE_LEN);
}

/* What turns the pages of a thread takes no more than was reserved for it: all
 * between the list of answers and the deletion, less one button. */
static void
test_turning_fits_its_room(void **state)
{
	struct kh_view v = {.site = &site};
	const char *from, *first, *to;
	int lang;

	(void)state;
	for (lang = 0; lang < KH_LANG_N; lang++) {
		v.lang = (enum kh_lang)lang;
		write_thread(&v, 100); /* of some hundred pages */
		page();
		from = strstr(text, "<ol id=\"answers\">");
		assert_non_null(from);
		from = strstr(from, "</ol>\n");
		assert_non_null(from);
		from += strlen("</ol>\n");
		to = strstr(from, "<details>");
		assert_non_null(to);
		assert_int_equal(count("name=\"page\""), 3);
		/* The last button stands on every page. */
		for (first = from; strstr(first + 1, "<form ") != NULL &&
		     strstr(first + 1, "<form ") < to;)
			first = strstr(first + 1, "<form ");
		/* Page numbers may have two digits more, four times. */
		assert_in_range(first - from, 600, 2 * KH_TURN_ROOM - 8);
	}
}

static const struct CMUnitTest tests[] = {
    WITH_ALL(test_l28_three_newsrooms),
    WITH_ALL(test_l28_one_newsroom),
    WITH_ALL(test_l28_any_number),
    WITH_ALL(test_l28_the_largest),
    WITH_ALL(test_l28_odd_limits),
    WITH_ALL(test_names_are_escaped),
    WITH_ALL(test_measure),
    WITH_ALL(test_turning_fits_its_room),
};

TAP_MAIN(tests)
