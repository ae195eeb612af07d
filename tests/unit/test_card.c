/*
 * Newsroom cards, read: a golden one, every line damaged in turn with the line
 * reported, the names that may be shown.
 */
#include "tests/unit/tap.h"

#include "tests/unit/card_fixed.h"

/* The body of the golden card, line by line, to damage. */
static const char *const body_lines[] = {
    "knothole-card = 1",
    "name = The Example Times",
    "language = en",
    "language = he",
    "signing_key = " KEY_TEXT,
    "recipient = " AGE_1 " 2026-11-21 2027-11-21",
    "recipient = " AGE_2 " 2027-11-01 2028-11-21",
};

#define BODY_N (sizeof(body_lines) / sizeof(body_lines[0]))

static const char golden_signature[] =
    "untrusted comment: knothole newsroom card\n"
    "RURCQkJCQkJCQoeu5jdvhpf5DYFIOfA5Xk3XvccwHv++IZ5fZymlQ9LaNhzpikgfodc/"
    "VOxoF7UTzFy3MZXObtAm1ufuhBV+agc=\n"
    "trusted comment: The Example Times\n"
    "nVlx7lnvzktY2DdH2Of9/"
    "YJlXHFO0TfJz50URXQ12uT9QLMuiXdkQmJoajk+dN8vY+nUX1FXNxkbSRpW9R9JBw==\n";

/* On the heap in its exact length: a sanitizer sees any overread. */
static enum kh_err
read_card(const char *text, size_t n, struct kh_card *c, unsigned *line)
{
	char *p = malloc(n > 0 ? n : 1);
	enum kh_err e;

	assert_non_null(p);
	memcpy(p, text, n);
	memset(c, 0xa5, sizeof(*c));
	*line = 9999;
	e = kh_card_read(p, n, c, line);
	free(p);
	return e;
}

/* Sign a body as it stands and read it. */
static enum kh_err
read_signed(const char *body, size_t n, struct kh_card *c, unsigned *line)
{
	char sig[KH_SIGNATURE_TEXT_MAX], *text;
	struct kh_sign_secret sk;
	enum kh_err e;

	fixed_key(&sk);
	assert_int_equal(
	    kh_sign(&sk, (const uint8_t *)body, n, "u", "t", sig), KH_OK);
	text = malloc(n + strlen(sig));
	assert_non_null(text);
	memcpy(text, body, n);
	memcpy(text + n, sig, strlen(sig));
	e = read_card(text, n + strlen(sig), c, line);
	free(text);
	return e;
}

/* The golden body with line `at` (from 1) replaced: by nothing if NULL; BODY_N
 * + 1 appends. The result is signed, so that only the reader's rules count. */
static enum kh_err
read_with(unsigned at, const char *with, struct kh_card *c, unsigned *line)
{
	char body[8192];
	size_t n = 0, i;
	const char *l;

	for (i = 0; i <= BODY_N; i++) {
		l = i < BODY_N ? body_lines[i] : NULL;
		if (i + 1 == at)
			l = with;
		if (l == NULL)
			continue;
		assert_true(strlen(l) + 2 < sizeof(body) - n);
		memcpy(body + n, l, strlen(l));
		n += strlen(l);
		body[n++] = '\n';
	}
	return read_signed(body, n, c, line);
}

static void
refused(unsigned at, const char *with, enum kh_err want, unsigned want_line)
{
	static const struct kh_card zero;
	struct kh_card c;
	unsigned line;
	enum kh_err e;

	e = read_with(at, with, &c, &line);
	if (e != want || line != want_line)
		fail_msg("line %u as \"%s\": error %d in line %u", at,
		    with != NULL ? with : "", e, line);
	assert_memory_equal(&c, &zero, sizeof(c));
}

static void
taken(unsigned at, const char *with, struct kh_card *c)
{
	unsigned line;
	enum kh_err e;

	e = read_with(at, with, c, &line);
	if (e != KH_OK || line != 0)
		fail_msg("line %u as \"%s\": error %d in line %u", at, with, e,
		    line);
}

static void
test_golden(void **state)
{
	struct kh_card c, back;
	struct kh_sign_secret sk;
	struct kh_sign_public pk;
	unsigned line;
	char *text, *at;
	size_t n, i;

	fixed_key(&sk);
	fixed_card(&c);
	assert_int_equal(kh_card_write(&c, &sk, &text, &n), KH_OK);
	assert_int_equal(n, strlen(text));
	at = text;
	for (i = 0; i < BODY_N; i++) {
		assert_memory_equal(at, body_lines[i], strlen(body_lines[i]));
		at += strlen(body_lines[i]);
		assert_int_equal(*at++, '\n');
	}
	assert_string_equal(at, golden_signature);
	assert_int_equal(read_card(text, n, &back, &line), KH_OK);
	assert_int_equal(line, 0);
	kh_sign_public(&sk, &pk);
	c.signing_key = pk;
	assert_memory_equal(&c, &back, sizeof(c));
	free(text);
}

static void
test_truncated_and_trailing(void **state)
{
	struct kh_card c;
	struct kh_sign_secret sk;
	char *text, *longer;
	unsigned line;
	enum kh_err e;
	size_t n, i;

	fixed_key(&sk);
	fixed_card(&c);
	assert_int_equal(kh_card_write(&c, &sk, &text, &n), KH_OK);
	for (i = 0; i < n; i++) {
		e = read_card(text, i, &c, &line);
		assert_true(e == KH_EFORMAT || e == KH_EAUTH);
		assert_true(i == 0 ? line == 0 : line >= 1 && line <= 8);
	}
	longer = malloc(n + 1);
	assert_non_null(longer);
	memcpy(longer, text, n);
	for (i = 0; i < 256; i++) {
		longer[n] = (char)i;
		assert_int_equal(
		    read_card(longer, n + 1, &c, &line), KH_EFORMAT);
		assert_int_equal(line, 8);
	}
	free(longer);
	free(text);
}

/* Every byte that is signed, changed: never a card. */
static void
test_tampered(void **state)
{
	struct kh_card c;
	struct kh_sign_secret sk;
	char *text, *body_end;
	unsigned line;
	size_t n, i;

	fixed_key(&sk);
	fixed_card(&c);
	assert_int_equal(kh_card_write(&c, &sk, &text, &n), KH_OK);
	body_end = strstr(text, "untrusted comment: ");
	for (i = 0; i < (size_t)(body_end - text); i++) {
		text[i] ^= 1;
		assert_int_not_equal(read_card(text, n, &c, &line), KH_OK);
		text[i] ^= 1;
	}
	/* well-formed, but not what was signed */
	text[strlen("knothole-card = 1\nname = T")] ^= 1;
	assert_int_equal(read_card(text, n, &c, &line), KH_EAUTH);
	assert_int_equal(line, 8);
	free(text);
}

/* L7: a card without its signature, or signed by somebody else, is none. */
static void
test_l7_unsigned(void **state)
{
	char body[4096], sig[KH_SIGNATURE_TEXT_MAX];
	struct kh_sign_secret sk;
	struct kh_card c;
	unsigned line;
	size_t n = 0, i;

	for (i = 0; i < BODY_N; i++)
		n += (size_t)snprintf(
		    body + n, sizeof(body) - n, "%s\n", body_lines[i]);
	assert_int_equal(read_card(body, n, &c, &line), KH_EFORMAT);
	assert_int_equal(line, 8);
	kh_sign_generate(&sk);
	assert_int_equal(
	    kh_sign(&sk, (const uint8_t *)body, n, "u", "t", sig), KH_OK);
	memcpy(body + n, sig, strlen(sig));
	assert_int_equal(read_card(body, n + strlen(sig), &c, &line), KH_EAUTH);
	assert_int_equal(line, 8);
}

static void
test_version(void **state)
{
	refused(1, NULL, KH_EFORMAT, 1);
	refused(1, "knothole-card = 2", KH_EUNSUP, 1);
	refused(1, "knothole-card = 10", KH_EUNSUP, 1);
	refused(1, "knothole-card = 01", KH_EFORMAT, 1);
	refused(1, "knothole-card = 1 ", KH_EFORMAT, 1);
	refused(1, "knothole-card = ", KH_EFORMAT, 1);
	refused(1, "knothole-card = 1x", KH_EFORMAT, 1);
	refused(1, "knothole-card = 9999999999", KH_EFORMAT, 1);
	refused(1, "knothole-card=1", KH_EFORMAT, 1);
	refused(1, "Knothole-card = 1", KH_EFORMAT, 1);
	refused(1, "\xef\xbb\xbfknothole-card = 1", KH_EFORMAT, 1);
	refused(1, "knothole-card = 1\r", KH_EFORMAT, 1);
	refused(1, "", KH_EFORMAT, 1);
}

static void
test_keys_and_order(void **state)
{
	refused(2, NULL, KH_EFORMAT, 2);
	refused(2, "name = A\nname = B", KH_EFORMAT, 3);
	refused(2, "nom = A", KH_EFORMAT, 2);
	refused(2, "# name = A", KH_EFORMAT, 2);
	refused(2, "name = A\n", KH_EFORMAT, 3);
	refused(3, "language = en\ncolour = red", KH_EFORMAT, 4);
	refused(5, NULL, KH_EFORMAT, 5);
	refused(5, "signing_key = " KEY_TEXT "\nsigning_key = " KEY_TEXT,
	    KH_EFORMAT, 6);
	refused(5, "signing_key = " KEY_TEXT "\nlanguage = ar", KH_EFORMAT, 6);
	refused(8, "language = ar", KH_EFORMAT, 8);
	refused(8, "", KH_EFORMAT, 8);
	refused(8, "name = Another", KH_EFORMAT, 8);
}

static void
test_names(void **state)
{
	static const char *const good[] = {"A", "The Example Times",
	    "\xd7\x94\xd7\x90\xd7\xa8\xd7\xa5",
	    "\xd8\xa7\xd9\x84\xd8\xb9\xd8\xb1\xd8\xa8\xd9\x8a",
	    "Caf\xc3\xa9 & <Co>", "Inc.", "a/b", "\xe6\x9c\x9d\xe6\x97\xa5",
	    "\xd7\xa2\xd6\xb4\xd7\x9d"};
	static const char *const bad[] = {"", " A", "A ", "A\tB", "A\x01",
	    "A\x7f", "A\xc2\x85", "A\xff", "A\xc0\x80", "A\xed\xa0\x80",
	    "A\xe2\x80\xae"
	    "B",
	    "A\xe2\x80\x8f",
	    "A\xe2\x80\x8b"
	    "B",
	    "A\xe2\x81\xa6"
	    "B",
	    "A\xef\xbb\xbf",
	    "A\xc2\xa0"
	    "B",
	    "A\xe3\x80\x80"
	    "B",
	    "A\xe2\x80\xa8"
	    "B",
	    "Cafe\xcc\x81",
	    "\xcc\x81"
	    "A",
	    "A\xee\x80\x80", "A\xef\xbf\xbf", "A\xe2\x84\xab", "\xe3\x85\xa4",
	    "A\xcd\x8f"
	    "B",
	    "A\xef\xb8\x8f", "A\x1b[31m", "A\xf4\x8f\xbf\xbf", "A\xcd\xb8"};
	char line[KH_CARD_NAME_MAX + 16];
	struct kh_card c;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(line, sizeof(line), "name = %s", good[i]);
		taken(2, line, &c);
		assert_string_equal(c.name, good[i]);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(line, sizeof(line), "name = %s", bad[i]);
		refused(2, line, KH_EFORMAT, 2);
	}
	memcpy(line, "name = ", 7);
	memset(line + 7, 'n', KH_CARD_NAME_MAX + 1);
	line[7 + KH_CARD_NAME_MAX] = '\0';
	taken(2, line, &c);
	assert_int_equal(strlen(c.name), KH_CARD_NAME_MAX);
	line[7 + KH_CARD_NAME_MAX] = 'n';
	line[7 + KH_CARD_NAME_MAX + 1] = '\0';
	refused(2, line, KH_ELIMIT, 2);
}

static void
test_languages(void **state)
{
	static const char *const bad[] = {"", "e", "EN", "en-GB", "en ", " en",
	    "abcdefghi", "\xc3\xa9n", "e1"};
	char line[1024];
	struct kh_card c;
	size_t i, n;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(line, sizeof(line), "language = %s", bad[i]);
		refused(4, line, KH_EFORMAT, 4);
	}
	refused(4, "language = en", KH_EFORMAT, 4);
	taken(4, "language = abcdefgh", &c);
	assert_string_equal(c.languages[1], "abcdefgh");
	taken(4, NULL, &c);
	assert_int_equal(c.n_languages, 1);
	/* as many as there may be, and one more */
	for (i = 0, n = 0; i < KH_CARD_LANGUAGES_MAX; i++)
		n += (size_t)snprintf(line + n, sizeof(line) - n,
		    "%slanguage = x%c", i > 0 ? "\n" : "", 'a' + (int)i);
	refused(4, line, KH_ELIMIT, 3 + KH_CARD_LANGUAGES_MAX);
	*strrchr(line, '\n') = '\0';
	taken(4, line, &c);
	assert_int_equal(c.n_languages, KH_CARD_LANGUAGES_MAX);
}

static void
test_no_language(void **state)
{
	char body[2048];
	struct kh_card c;
	unsigned line;
	int n;

	n = snprintf(body, sizeof(body), "%s\n%s\n%s\n%s\n", body_lines[0],
	    body_lines[1], body_lines[4], body_lines[5]);
	assert_int_equal(read_signed(body, (size_t)n, &c, &line), KH_EFORMAT);
	assert_int_equal(line, 3);
	/* nor without anybody who could open it */
	n = snprintf(body, sizeof(body), "%s\n%s\n%s\n%s\n", body_lines[0],
	    body_lines[1], body_lines[2], body_lines[4]);
	assert_int_equal(read_signed(body, (size_t)n, &c, &line), KH_EFORMAT);
	assert_int_equal(line, 5);
}

static void
test_keys_refused(void **state)
{
	char text[KH_RECIPIENT_TEXT_LEN + 1], line[256];
	static const struct kh_recipient low[] = {{{0}}, {{1}},
	    /* of order 8 (RFC 7748's "small order"), little-endian */
	    {{0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3,
		0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c,
		0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8,
		0x00}}};
	size_t i;

	refused(5, "signing_key = ", KH_EKEY, 5);
	refused(5, "signing_key = " KEY_TEXT " ", KH_EKEY, 5);
	refused(5,
	    "signing_key = "
	    "RWRCQkJCQkJCQgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	    KH_EKEY, 5);
	for (i = 0; i < sizeof(low) / sizeof(low[0]); i++) {
		kh_recipient_format(&low[i], text);
		snprintf(line, sizeof(line),
		    "recipient = %s 2026-11-21 2027-11-21", text);
		refused(6, line, KH_EKEY, 6);
	}
	/* a wrong checksum, and capitals */
	snprintf(line, sizeof(line), "%s", body_lines[5]);
	line[strlen("recipient = age1")] =
	    line[strlen("recipient = age1")] == 'q' ? 'p' : 'q';
	refused(6, line, KH_EKEY, 6);
	snprintf(line, sizeof(line), "%s", body_lines[5]);
	for (i = 0; i < KH_RECIPIENT_TEXT_LEN; i++) {
		char *p = &line[strlen("recipient = ") + i];
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
	}
	refused(6, line, KH_EKEY, 6);
}

static void
test_recipient_lines(void **state)
{
	static const char *const bad[] = {
	    "recipient = " AGE_2, "recipient = " AGE_2 " ",
	    "recipient = " AGE_2 " 2027-11-01",
	    "recipient = " AGE_2 " 2027-11-01 2028-11-21 ",
	    "recipient = " AGE_2 "  2027-11-01 2028-11-21",
	    "recipient = " AGE_2 "\t2027-11-01 2028-11-21",
	    "recipient = " AGE_2 " 2027-11-01-2028-11-21",
	    "recipient = " AGE_2 " 2027-11-31 2028-11-21",
	    "recipient = " AGE_2 " 2027-11-01 2028-13-21",
	    "recipient = " AGE_2 " 2028-11-22 2028-11-21",
	    "recipient = " AGE_2 " 27-11-2001 2028-11-21",
	    "recipient = " AGE_1 " 2027-11-01 2028-11-21", /* twice */
	};
	struct kh_card c;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refused(7, bad[i], KH_EFORMAT, 7);
	taken(7, "recipient = " AGE_2 " 2028-02-29 2028-02-29", &c);
	assert_string_equal(c.recipients[1].first, "2028-02-29");
}

static void
test_limits(void **state)
{
	struct kh_sign_secret sk;
	struct kh_card c, back;
	unsigned line, i;
	char *text, *big;
	size_t n;

	fixed_key(&sk);
	fixed_card(&c);
	for (i = 0; i < KH_CARD_RECIPIENTS_MAX; i++) {
		c.recipients[i] = c.recipients[0];
		recipient((uint8_t)(i + 1), &c.recipients[i].to);
	}
	c.n_recipients = KH_CARD_RECIPIENTS_MAX;
	assert_int_equal(kh_card_write(&c, &sk, &text, &n), KH_OK);
	assert_int_equal(read_card(text, n, &back, &line), KH_OK);
	assert_int_equal(back.n_recipients, KH_CARD_RECIPIENTS_MAX);
	/* one more */
	big = malloc(n + 256);
	assert_non_null(big);
	char *sig = strstr(text, "untrusted comment: ");
	size_t body = (size_t)(sig - text);
	memcpy(big, text, body);
	body += (size_t)snprintf(
	    big + body, 256, "recipient = %s 2026-11-21 2027-11-21\n", AGE_1);
	assert_int_equal(read_signed(big, body, &back, &line), KH_ELIMIT);
	assert_int_equal(line, 5 + KH_CARD_RECIPIENTS_MAX + 1);
	free(big);
	free(text);
	/* the cap on a card decides before a byte is read */
	assert_int_equal(
	    kh_card_read("", KH_CARD_MAX + 1, &back, &line), KH_ELIMIT);
	assert_int_equal(line, 0);
	big = malloc(KH_CARD_MAX);
	assert_non_null(big);
	memset(big, '\n', KH_CARD_MAX);
	assert_int_equal(read_card(big, KH_CARD_MAX, &back, &line), KH_EFORMAT);
	assert_int_equal(line, 1);
	free(big);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_golden),
    cmocka_unit_test(test_truncated_and_trailing),
    cmocka_unit_test(test_tampered),
    cmocka_unit_test(test_l7_unsigned),
    cmocka_unit_test(test_version),
    cmocka_unit_test(test_keys_and_order),
    cmocka_unit_test(test_names),
    cmocka_unit_test(test_languages),
    cmocka_unit_test(test_no_language),
    cmocka_unit_test(test_keys_refused),
    cmocka_unit_test(test_recipient_lines),
    cmocka_unit_test(test_limits),
};

TAP_MAIN(tests)
