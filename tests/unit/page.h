/*
 * For the tests of the pages: a site, and a reader of HTML that takes only
 * what ours may consist of.
 */
#ifndef KH_TESTS_PAGE_H
#define KH_TESTS_PAGE_H

#include "tests/unit/tap.h"

#include <ctype.h>
#include <stdbool.h>

#include "server/page/page.h"
#include "server/visit/token.h"

#define DEPTH_MAX 32
#define TOKEN_TEXT "a-TOKEN_that-stands-for-180-characters"

static struct kh_site site;
static struct kh_html h;
static struct kh_form_keys keys;
static char text[KH_HTML_MAX + 1];

static inline void
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

static inline int
set_up_site(void **state)
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
	if (kh_page_measure(&site) != KH_OK)
		return -1;
	return kh_html_init(&h) == KH_OK ? 0 : -1;
}

static inline int
tear_down_site(void **state)
{
	(void)state;
	kh_html_free(&h);
	return 0;
}

#define WITH_SITE(t) \
	cmocka_unit_test_setup_teardown(t, set_up_site, tear_down_site)

/* As many newsrooms as there may be, with the longest names, of characters
 * that grow most when they are escaped. */
static inline void
set_largest_site(void)
{
	char id[KH_CARD_ID_MAX + 1], name[KH_CARD_NAME_MAX + 1];
	uint32_t i;

	memset(name, '"', KH_CARD_NAME_MAX);
	name[KH_CARD_NAME_MAX] = '\0';
	memset(site.conf.name, '"', KH_SITE_NAME_MAX);
	site.conf.n_outlets = KH_OUTLETS_MAX;
	for (i = 0; i < KH_OUTLETS_MAX; i++) {
		memset(id, 'a', KH_CARD_ID_MAX);
		snprintf(id + KH_CARD_ID_MAX - 2, 3, "%02u", i);
		set_outlet(i, id, name);
	}
	site.conf.max_upload = KH_UPLOAD_MAX;
	site.conf.max_message = KH_MESSAGE_CHARS_MAX;
	assert_int_equal(kh_page_measure(&site), KH_OK);
}

/* What was written, as text; empties the buffer. */
static inline const char *
page(void)
{
	assert_true(kh_html_fits(&h));
	memcpy(text, h.p, h.n);
	text[h.n] = '\0';
	assert_int_equal(strlen(text), h.n);
	h.n = 0;
	return text;
}

static inline bool
has(const char *what)
{
	return strstr(text, what) != NULL;
}

static inline unsigned
count(const char *what)
{
	const char *p = text;
	unsigned n = 0;

	for (; (p = strstr(p, what)) != NULL; p += strlen(what))
		n++;
	return n;
}

static inline void
assert_attribute(const char *name, const char *value)
{
	char a[128];

	snprintf(a, sizeof(a), " %s=\"%s\"", name, value);
	if (count(a) != 1)
		fail_msg("%u times%s", count(a), a);
}

/* A word of `n` bytes in a list of words with blanks around each. */
static inline bool
in_list(const char *list, const char *word, size_t n)
{
	char with_blanks[48];

	if (n == 0 || n > 40)
		return false;
	snprintf(with_blanks, sizeof(with_blanks), " %.*s ", (int)n, word);
	return strstr(list, with_blanks) != NULL;
}

#define VOID_ELEMENTS " meta link input "
#define ELEMENTS                                                          \
	VOID_ELEMENTS                                                     \
	" html head title style body header main footer nav h1 h2 p a "   \
	"form fieldset legend label textarea button output div span bdi " \
	"ol ul li section iframe details summary strong code "
/* Not among them: style, onclick and the like, http-equiv, srcset, ping. */
#define ATTRIBUTES                                                    \
	" lang dir charset name content rel href class id for value " \
	"type method action target enctype autocomplete multiple "    \
	"required checked rows maxlength spellcheck autocapitalize "  \
	"aria-describedby aria-labelledby data-fingerprint "          \
	"data-state data-reason "                                     \
	"data-outlet role height title src tabindex viewport "

/* Where an address may lead: into this site, or nowhere. */
static inline bool
stays_inside(const char *v, size_t n)
{
	if (n == 6 && memcmp(v, "data:,", 6) == 0)
		return true;
	return n > 0 && v[0] == '/' && (n == 1 || v[1] != '/') &&
	    memchr(v, ':', n) == NULL && memchr(v, '\\', n) == NULL;
}

static inline void
check_attribute(const char *name, size_t n, const char *v, size_t v_n)
{
	if (!in_list(ATTRIBUTES, name, n))
		fail_msg("attribute %.*s", (int)n, name);
	if ((in_list(" href src action ", name, n)) && !stays_inside(v, v_n))
		fail_msg("%.*s=%.*s", (int)n, name, (int)v_n, v);
	if (in_list(" target ", name, n))
		assert_true(v_n == 6 && memcmp(v, "upload", 6) == 0);
	if (in_list(" rel ", name, n))
		assert_true(v_n == 4 && memcmp(v, "icon", 4) == 0);
	assert_null(memchr(v, '<', v_n));
}

/* The attributes of a tag; returns what follows its '>'. */
static inline const char *
read_attributes(const char *p)
{
	const char *name, *v;
	size_t n;

	while (*p != '>') {
		assert_int_equal(*p++, ' ');
		name = p;
		n = strspn(p, "abcdefghijklmnopqrstuvwxyz-");
		p += n;
		v = "";
		if (*p != '=') {
			check_attribute(name, n, v, 0);
			continue;
		}
		if (p[1] != '"')
			fail_msg("no quote: %.60s", name);
		v = p + 2;
		p = strchr(v, '"');
		assert_non_null(p);
		check_attribute(name, n, v, (size_t)(p - v));
		p++;
	}
	return p + 1;
}

/* An end tag, a comment or a start tag at `p`; what follows it. */
static inline const char *
read_tag(const char *p, const char *open[static DEPTH_MAX], size_t *depth)
{
	const char *name, *end;
	size_t n;

	if (strncmp(p, "<!--", 4) == 0) {
		end = strstr(p + 4, "-->");
		assert_non_null(end);
		assert_int_equal(strspn(p + 4, " "), end - (p + 4));
		return end + 3;
	}
	name = p + 1 + (p[1] == '/');
	n = strspn(name, "abcdefghijklmnopqrstuvwxyz12");
	if (!in_list(ELEMENTS, name, n))
		fail_msg("element %.40s", p);
	if (p[1] == '/') {
		assert_int_equal(name[n], '>');
		if (*depth == 0 || strncmp(open[*depth - 1], name, n) != 0 ||
		    isalnum((unsigned char)open[*depth - 1][n]))
			fail_msg("%.40s closes %.40s", p,
			    *depth == 0 ? "nothing" : open[*depth - 1]);
		--*depth;
		return name + n + 1;
	}
	end = read_attributes(name + n);
	if (in_list(VOID_ELEMENTS, name, n))
		return end;
	assert_true(*depth < DEPTH_MAX);
	open[(*depth)++] = name;
	if (strncmp(name, "style>", 6) == 0) {
		assert_int_equal(
		    strncmp(end, kh_page_style(), strlen(kh_page_style())), 0);
		end += strlen(kh_page_style());
	}
	return end;
}

/*
 * Markup that is whole: known elements and attributes only, each that opens
 * closed in turn, values in quotes, addresses inside this site, bare '<', '>'
 * and '&' nowhere.
 */
static inline void
assert_markup(const char *p)
{
	const char *open[DEPTH_MAX];
	size_t depth = 0, n;

	while (*p != '\0') {
		if (*p == '<') {
			p = read_tag(p, open, &depth);
			continue;
		}
		assert_int_not_equal(*p, '>');
		if (*p == '&') {
			n = strcspn(p, ";");
			if (!in_list(" &amp &lt &gt &quot &#39 ", p, n))
				fail_msg("%.20s", p);
		}
		p++;
	}
	if (depth != 0)
		fail_msg("%.40s is not closed", open[depth - 1]);
}

/* Each id once, and whatever refers to one by `what` finds it. */
static inline void
assert_ids(const char *what)
{
	char id[64];
	const char *p = text, *end;

	while ((p = strstr(p, what)) != NULL) {
		p += strlen(what);
		end = strchr(p, '"');
		assert_non_null(end);
		snprintf(id, sizeof(id), " id=\"%.*s\"", (int)(end - p), p);
		if (count(id) != 1)
			fail_msg("%u times%s", count(id), id);
	}
}

/* A whole page in this language, of the site's length. */
static inline void
assert_page(enum kh_lang lang)
{
	const bool rtl =
	    lang == KH_LANG_HE || lang == KH_LANG_AR || lang == KH_LANG_FA;
	char begin[80];

	if (strlen(text) != site.page_len)
		fail_msg("%zu bytes, not %zu: %s", strlen(text), site.page_len,
		    strstr(text, "<main"));
	snprintf(begin, sizeof(begin),
	    "<!DOCTYPE html>\n<html lang=\"%s\" dir=\"%s\">\n",
	    kh_lang_codes[lang], rtl ? "rtl" : "ltr");
	assert_int_equal(strncmp(text, begin, strlen(begin)), 0);
	assert_int_equal(count("<meta charset=\"utf-8\">"), 1);
	assert_int_equal(count(kh_page_style()), 1);
	assert_int_equal(count("<h1"), 1);
	assert_markup(text + strlen("<!DOCTYPE html>\n"));
	assert_ids(" id=\"");
	assert_ids(" for=\"");
	assert_ids(" aria-describedby=\"");
	assert_ids(" aria-labelledby=\"");
}

/* The code of the page can be read back. */
static inline void
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

#endif
