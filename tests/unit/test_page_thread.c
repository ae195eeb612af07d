/*
 * The thread: its states, answers over as many pages as they need, of which
 * each byte is shown once, and that nothing of it shows in the length.
 */
#include "tests/unit/page.h"

#include "knothole/answer.h"
#include "server/page/layout.h"
#include <utf8proc.h>

static const struct kh_said note = {
    .outlet = 1, .received = true, .day = "2026-11-22"};

static struct kh_thread
thread(const struct kh_said *said, size_t n)
{
	return (struct kh_thread){.said = said,
	    .n = n,
	    .page = 1,
	    .more = {TOKEN_TEXT, TOKEN_TEXT "2"},
	    .token = TOKEN_TEXT "3"};
}

static void
show(enum kh_lang lang, const struct kh_thread *t)
{
	const struct kh_view v = {.site = &site, .lang = lang};

	kh_page_thread(&h, &v, t);
	page();
	assert_page(lang);
}

static void
assert_state(
    enum kh_lang lang, const struct kh_said *said, size_t n, const char *state)
{
	const struct kh_thread t = thread(said, n);

	show(lang, &t);
	assert_attribute("id", "state");
	assert_attribute("data-state", state);
	assert_attribute("id", "answers");
	assert_int_equal(count("id=\"forget\""), n > 0 ? 1 : 0);
	/* More can be sent from here, in every state. */
	assert_attribute("id", "send");
	assert_attribute("name", "message");
	assert_int_equal(count("name=\"outlet\""), site.conf.n_outlets);
	assert_int_equal(count("data-fingerprint="), site.conf.n_outlets);
}

static void
test_states(void **state)
{
	const struct kh_said said[] = {{.outlet = 2,
					   .number = 1,
					   .day = "2026-11-24",
					   .text = "short <answer>",
					   .n = 14},
	    note};
	int lang;

	(void)state;
	for (lang = 0; lang < KH_LANG_N; lang++) {
		assert_state((enum kh_lang)lang, NULL, 0, "waiting");
		assert_false(has("data-outlet="));
		assert_state((enum kh_lang)lang, &note, 1, "collected");
		assert_false(has("data-outlet="));
		assert_true(has("<bdi>דוגמה יומית</bdi>"));
		assert_true(has("<bdi>2026-11-22</bdi>"));
		assert_state((enum kh_lang)lang, said, 2, "answered");
		assert_attribute("data-outlet", "example-arabic");
		assert_int_equal(count("short &lt;answer&gt;"), 1);
		assert_true(has("<bdi>2026-11-24</bdi>"));
		assert_true(has("<bdi>2026-11-22</bdi>"));
		assert_state((enum kh_lang)lang, said, 1, "answered");
	}
}

/* L28: none, received, a short answer, the longest: one length. */
static void
test_l28_state_does_not_show(void **state)
{
	static char longest[KH_ANSWER_TEXT_MAX];
	struct kh_said said[] = {
	    {.outlet = 0, .day = "2026-11-24", .text = "x", .n = 1}, note};
	struct kh_thread t;
	int lang;

	(void)state;
	memset(longest, '"', sizeof(longest));
	for (lang = 0; lang < KH_LANG_N; lang++) {
		t = thread(NULL, 0);
		show((enum kh_lang)lang, &t);
		t.unsigned_too = true;
		show((enum kh_lang)lang, &t);
		assert_attribute("id", "unsigned");
		t = thread(&note, 1);
		show((enum kh_lang)lang, &t);
		said[0].text = "x";
		said[0].n = 1;
		t = thread(said, 2);
		show((enum kh_lang)lang, &t);
		said[0].text = longest;
		said[0].n = sizeof(longest);
		t.unsigned_too = true;
		for (t.page = 1; t.page < 10; t.page++)
			show((enum kh_lang)lang, &t);
		t.page = UINT32_MAX;
		show((enum kh_lang)lang, &t);
	}
}

/* Turn the entities of our own HTML back; returns the length. */
static size_t
unescape(const char *p, size_t n, char *out)
{
	static const struct {
		const char *entity;
		char c;
	} entities[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'},
	    {"&quot;", '"'}, {"&#39;", '\''}};
	size_t i, len, at = 0;

	while (n > 0) {
		len = 1;
		out[at] = *p;
		for (i = 0; *p == '&' && i < 5; i++) {
			if (strncmp(p, entities[i].entity,
				strlen(entities[i].entity)) != 0)
				continue;
			len = strlen(entities[i].entity);
			out[at] = entities[i].c;
		}
		at++;
		p += len;
		n -= len;
	}
	return at;
}

static bool
is_utf8(const char *p, size_t n)
{
	utf8proc_int32_t cp;
	utf8proc_ssize_t len;

	for (; n > 0; p += len, n -= (size_t)len) {
		len = utf8proc_iterate(
		    (const utf8proc_uint8_t *)p, (utf8proc_ssize_t)n, &cp);
		if (len <= 0)
			return false;
	}
	return true;
}

/* The texts of all answers on this page, one behind the other. */
static size_t
collect(char *out)
{
	static const char begin[] = "<div class=\"said\" dir=\"auto\">";
	const char *p = text, *end;
	size_t n = 0, len;

	while ((p = strstr(p, begin)) != NULL) {
		p += strlen(begin);
		end = strstr(p, "</div>");
		assert_non_null(end);
		assert_true(is_utf8(p, (size_t)(end - p)));
		len = unescape(p, (size_t)(end - p), out + n);
		assert_true(len > 0);
		n += len;
	}
	return n;
}

/* Every byte of these answers is shown once, in order, over all pages, and the
 * pages lead to each other. Returns how many there are. */
static uint32_t
assert_all_shown(const struct kh_said *said, size_t n)
{
	static char all[8 * KH_ANSWER_LEN_MAX], want[8 * KH_ANSWER_LEN_MAX];
	struct kh_thread t = thread(said, n);
	char next[48], last[48];
	size_t have = 0, wanted = 0, i, more;
	bool on = true;

	for (i = 0; i < n; i++) {
		memcpy(want + wanted, said[i].text, said[i].n);
		wanted += said[i].n;
	}
	for (t.page = 1; on; t.page++) {
		show(KH_LANG_HE, &t);
		more = collect(all + have);
		assert_true(more > 0);
		have += more;
		assert_true(have <= wanted);
		snprintf(next, sizeof(next), "name=\"page\" value=\"%u\"",
		    t.page + 1);
		snprintf(last, sizeof(last), "name=\"page\" value=\"%u\"",
		    t.page - 1);
		on = count(next) == 1;
		/* "Look again" leads to page 1 too. */
		assert_int_equal(count(last),
		    t.page == 1       ? 0
			: t.page == 2 ? 2
				      : 1);
		assert_true(t.page < 1000);
	}
	assert_int_equal(have, wanted);
	assert_memory_equal(all, want, wanted);
	/* A page that is not there is the last one, and page 0 the first. */
	i = (size_t)(strstr(text, "<ol id=\"answers\">") - text);
	memcpy(want, text, sizeof(text));
	t.page = t.page + 7;
	show(KH_LANG_HE, &t);
	assert_memory_equal(want + i, text + i, site.page_len - i);
	return t.page - 8;
}

static void
fill(char *p, size_t n, const char *with)
{
	const size_t len = strlen(with);
	size_t i;

	for (i = 0; i < n; i++)
		p[i] = with[i % len];
}

/* 64 KiB of whatever: words, no blank at all, letters of 2, 3 and 4 bytes, and
 * what grows when it is escaped. */
static void
test_a_long_answer_is_shown_whole(void **state)
{
	static const char *const texts[] = {"a few words in a row, ", "x",
	    "line\n", "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d ", "\xd7\xa9",
	    "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\"", "<&>'\" ",
	    "a\xf0\x9f\x98\x80", "\n", " "};
	static char longest[KH_ANSWER_TEXT_MAX];
	struct kh_said said = {
	    .outlet = 2, .day = "2026-11-24", .text = longest};
	size_t i;
	uint32_t pages;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		said.n = sizeof(longest) / strlen(texts[i]) * strlen(texts[i]);
		fill(longest, said.n, texts[i]);
		pages = assert_all_shown(&said, 1);
		/* Not a page for each word either. */
		assert_in_range(
		    pages, said.n / KH_ANSWERS_ROOM, said.n * 6 / 900 + 1);
	}
}

/* Around the length of a piece nothing is lost, doubled or left empty. */
static void
test_answers_of_every_length(void **state)
{
	static char some[2200];
	struct kh_said said = {.outlet = 0, .day = "2026-11-24", .text = some};

	(void)state;
	fill(some, sizeof(some), "ab cd\xc3\xa9\xc3\xa9");
	for (said.n = 1; said.n < 12; said.n += 9)
		(void)assert_all_shown(&said, 1);
	for (said.n = 1870; said.n < 1930; said.n++) {
		if (((uint8_t)some[said.n] & 0xc0) != 0x80)
			(void)assert_all_shown(&said, 1);
	}
	memset(some, '\'', sizeof(some));
	for (said.n = 370; said.n < 390; said.n++)
		(void)assert_all_shown(&said, 1);
}

/* Many answers of several newsrooms; none of them twice, none left out. */
static void
test_many_answers(void **state)
{
	static char texts[40][4000];
	struct kh_said said[41];
	size_t i;

	(void)state;
	for (i = 0; i < 40; i++) {
		snprintf(texts[i], sizeof(texts[i]), "[%zu]%*s|", i,
		    (int)(i * i * 2), "x");
		said[i] = (struct kh_said){.outlet = (uint32_t)i % 3,
		    .number = (uint32_t)i,
		    .day = "2026-11-24",
		    .text = texts[i],
		    .n = strlen(texts[i])};
	}
	said[40] = note;
	said[40].text = "";
	assert_true(assert_all_shown(said, 41) > 3);
}

/* Each newsroom's latest note only, and those of all that have one. */
static void
test_notes(void **state)
{
	struct kh_said said[] = {note, note, note};
	struct kh_thread t = thread(said, 3);

	(void)state;
	said[0].outlet = 0;
	memcpy(said[2].day, "2026-11-01", KH_DAY_LEN);
	show(KH_LANG_EN, &t);
	assert_int_equal(count("<bdi>2026-11-22</bdi>"), 2);
	assert_int_equal(count("<bdi>2026-11-01</bdi>"), 0);
}

/* Every form leads back into this thread, and carries its own token. */
static void
test_forms(void **state)
{
	const struct kh_thread t = thread(&note, 1);
	int lang;
	char action[64];

	(void)state;
	for (lang = 0; lang < KH_LANG_N; lang++) {
		show((enum kh_lang)lang, &t);
		snprintf(action, sizeof(action), "action=\"/%s/return\"",
		    kh_lang_codes[lang]);
		assert_int_equal(count(action), 1);
		snprintf(action, sizeof(action), "action=\"/%s/forget\"",
		    kh_lang_codes[lang]);
		assert_int_equal(count(action), 1);
		assert_int_equal(
		    count("name=\"token\" value=\"" TOKEN_TEXT "3\""), 2);
		assert_int_equal(
		    count("name=\"token\" value=\"" TOKEN_TEXT "\""), 1);
		assert_int_equal(count("<form "), 3);
		/* L27: nothing that deletes is a link. */
		assert_false(has("href=\"/en/forget"));
	}
}

static const struct CMUnitTest tests[] = {
    WITH_SITE(test_states),
    WITH_SITE(test_l28_state_does_not_show),
    WITH_SITE(test_a_long_answer_is_shown_whole),
    WITH_SITE(test_answers_of_every_length),
    WITH_SITE(test_many_answers),
    WITH_SITE(test_notes),
    WITH_SITE(test_forms),
};

TAP_MAIN(tests)
