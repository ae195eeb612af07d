/*
 * Newsroom cards: a golden one, every line damaged in turn with the line
 * reported, the names that may be shown, the day that decides, fingerprints.
 */
#include "tests/unit/tap.h"

#include <sodium.h>
#include <stdbool.h>
#include <time.h>

#include "knothole/card.h"

static unsigned mallocs_until_failure;

static void *
failing_malloc(size_t n)
{
	if (mallocs_until_failure > 0 && --mallocs_until_failure == 0)
		return NULL;
	return malloc(n);
}

#define malloc failing_malloc
#include "lib/card/write.c"
#undef malloc

#define KEY_TEXT "RWRCQkJCQkJCQjHevlXTfHInaLE3ExyqYIcICy4LYLlL14XRRXXPpJi8"
#define AGE_1 "age15nsf9y4k28p83wth93tf7hafhvfajp45d2mge80ems45gz0c5gys3me64l"
#define AGE_2 "age1e6xn45wvkce7c7msc9upffw8dmxs9959q5xng369hgzcwrjc04vszex59m"

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

/* Fixed seed: the key of KEY_TEXT. */
static void
fixed_key(struct kh_sign_secret *sk)
{
	memset(sk->key_id, 0x42, sizeof(sk->key_id));
	memset(sk->seed, 0x17, sizeof(sk->seed));
}

static void
recipient(uint8_t fill, struct kh_recipient *out)
{
	struct kh_identity id;

	memset(id.sk, fill, sizeof(id.sk));
	kh_identity_recipient(&id, out);
}

static void
fixed_card(struct kh_card *c)
{
	memset(c, 0, sizeof(*c));
	memcpy(c->name, "The Example Times", 18);
	memcpy(c->languages[0], "en", 3);
	memcpy(c->languages[1], "he", 3);
	c->n_languages = 2;
	recipient(1, &c->recipients[0].to);
	memcpy(c->recipients[0].first, "2026-11-21", 11);
	memcpy(c->recipients[0].last, "2027-11-21", 11);
	recipient(2, &c->recipients[1].to);
	memcpy(c->recipients[1].first, "2027-11-01", 11);
	memcpy(c->recipients[1].last, "2028-11-21", 11);
	c->n_recipients = 2;
}

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

static void
write_refused(const struct kh_card *c, enum kh_err want)
{
	struct kh_sign_secret sk;
	char *text = (char *)(uintptr_t)1;
	size_t n = 1;

	fixed_key(&sk);
	assert_int_equal(kh_card_write(c, &sk, &text, &n), want);
	assert_null(text);
	assert_int_equal(n, 0);
}

static void
test_write_refuses(void **state)
{
	struct kh_card c;
	unsigned i;

	fixed_card(&c);
	memcpy(c.name, "A\nB", 4);
	write_refused(&c, KH_ENAME);
	memset(c.name, 'n', sizeof(c.name)); /* no NUL */
	write_refused(&c, KH_ENAME);
	c.name[0] = '\0';
	write_refused(&c, KH_ENAME);
	fixed_card(&c);
	memset(c.languages[1], 'x', sizeof(c.languages[1]));
	write_refused(&c, KH_EFORMAT);
	memcpy(c.languages[1], "en", 3);
	write_refused(&c, KH_EFORMAT);
	c.n_languages = 0;
	write_refused(&c, KH_EFORMAT);
	fixed_card(&c);
	c.n_recipients = 0;
	write_refused(&c, KH_EFORMAT);
	fixed_card(&c);
	c.recipients[1].first[9] = '9';
	c.recipients[1].first[8] = '9';
	write_refused(&c, KH_EFORMAT);
	fixed_card(&c);
	memset(c.recipients[1].last, '9', sizeof(c.recipients[1].last));
	write_refused(&c, KH_EFORMAT);
	fixed_card(&c);
	memcpy(c.recipients[1].first, "2029-01-01", 11);
	write_refused(&c, KH_EFORMAT);
	fixed_card(&c);
	c.recipients[1].to = c.recipients[0].to;
	write_refused(&c, KH_EFORMAT);
	fixed_card(&c);
	memset(&c.recipients[1].to, 0, sizeof(c.recipients[1].to));
	write_refused(&c, KH_EKEY);
	fixed_card(&c);
	for (i = 1; i <= 2; i++) {
		mallocs_until_failure = i;
		write_refused(&c, KH_ENOMEM);
	}
	mallocs_until_failure = 0;
}

static void
on(const struct kh_card *c, const char *day, enum kh_err want, size_t which)
{
	struct kh_recipient got;
	static const struct kh_recipient zero;

	memset(&got, 0xa5, sizeof(got));
	assert_int_equal(kh_card_recipient_on(c, day, &got), want);
	assert_memory_equal(&got,
	    want == KH_OK ? &c->recipients[which].to : &zero, sizeof(got));
}

/* L12: no key for the day is an error of its own, never another key. */
static void
test_l12_expiry(void **state)
{
	struct kh_card c;

	fixed_card(&c);
	on(&c, "2026-11-20", KH_EEXPIRED, 0);
	on(&c, "2026-11-21", KH_OK, 0);
	on(&c, "2027-10-31", KH_OK, 0);
	on(&c, "2027-11-01", KH_OK, 0); /* both: the one that ends first */
	on(&c, "2027-11-21", KH_OK, 0);
	on(&c, "2027-11-22", KH_OK, 1);
	on(&c, "2028-11-21", KH_OK, 1);
	on(&c, "2028-11-22", KH_EEXPIRED, 0);
	/* the same in the other order */
	struct kh_card_recipient first = c.recipients[0];
	c.recipients[0] = c.recipients[1];
	c.recipients[1] = first;
	on(&c, "2027-11-01", KH_OK, 1);
	on(&c, "2027-11-22", KH_OK, 0);
}

static void
test_fingerprint(void **state)
{
	char a[KH_CODE_WORDS_TEXT_LEN], b[KH_CODE_WORDS_TEXT_LEN];
	struct kh_card c;
	struct kh_sign_secret sk;
	unsigned i, words = 1;

	fixed_key(&sk);
	fixed_card(&c);
	kh_sign_public(&sk, &c.signing_key);
	kh_card_fingerprint(&c, a);
	assert_string_equal(
	    a, "science endeared chant thong rise unknowing popcorn pecan");
	for (i = 0; a[i] != '\0'; i++)
		words += a[i] == ' ';
	assert_int_equal(words, KH_CODE_WORDS);
	/* what it is called does not matter, who can open it does */
	memcpy(c.name, "Other", 6);
	kh_card_fingerprint(&c, b);
	assert_string_equal(a, b);
	c.recipients[1].to.pk[31] ^= 1;
	kh_card_fingerprint(&c, b);
	assert_string_not_equal(a, b);
	c.recipients[1].to.pk[31] ^= 1;
	c.n_recipients = 1;
	kh_card_fingerprint(&c, b);
	assert_string_not_equal(a, b);
	c.n_recipients = 2;
	c.signing_key.pk[0] ^= 1;
	kh_card_fingerprint(&c, b);
	assert_string_not_equal(a, b);
}

static void
test_ids(void **state)
{
	static const struct {
		const char *name;
		const char *id;
	} known[] = {
	    {"The Example Times", "the-example-times"},
	    {"  --A  &  B--  ", "a-b"},
	    {"Le Canard encha\xc3\xaen\xc3\xa9", "le-canard-enchaine"},
	    {"Sie & S\xc3\xbc"
	     "ddeutsche 24",
		"sie-suddeutsche-24"},
	    {"../../etc/passwd", "etc-passwd"},
	    {"Haaretz \xd7\x94\xd7\x90\xd7\xa8\xd7\xa5", "haaretz"},
	    {"7 Days", "7-days"},
	};
	char id[KH_CARD_ID_MAX + 1], other[KH_CARD_ID_MAX + 1], name[4096];
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		kh_card_id(known[i].name, id);
		assert_string_equal(id, known[i].id);
		assert_true(kh_card_id_valid(id, strlen(id)));
	}
	/* nothing left of it */
	kh_card_id("\xd7\x94\xd7\x90\xd7\xa8\xd7\xa5", id);
	assert_memory_equal(id, "newsroom-", 9);
	assert_int_equal(strlen(id), 17);
	assert_int_equal(strspn(id + 9, "0123456789abcdef"), 8);
	assert_true(kh_card_id_valid(id, strlen(id)));
	kh_card_id("\xd7\x94\xd7\x90\xd7\xa8\xd7\xa5 24", other);
	assert_memory_equal(other, "newsroom-", 9);
	assert_string_not_equal(id, other);
	kh_card_id("", id);
	assert_memory_equal(id, "newsroom-", 9);
	kh_card_id("\xff\xfe", id);
	assert_memory_equal(id, "newsroom-", 9);
	/* cut, and no dash where it is cut */
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	kh_card_id(name, id);
	assert_true(kh_card_id_valid(id, strlen(id)));
	memset(name, 'x', 100);
	name[100] = '\0';
	kh_card_id(name, id);
	assert_int_equal(strlen(id), KH_CARD_ID_MAX);
	name[KH_CARD_ID_MAX - 1] = ' ';
	kh_card_id(name, id);
	assert_int_equal(strlen(id), KH_CARD_ID_MAX - 1);
	assert_true(kh_card_id_valid(id, strlen(id)));
}

static void
test_id_valid(void **state)
{
	static const char *const bad[] = {"", "-a", "a-", "-", "A", "a b",
	    "a/b", "..", "a.b", "\xc3\xa9", "a_b"};
	char longest[KH_CARD_ID_MAX + 1];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(kh_card_id_valid(bad[i], strlen(bad[i])));
	assert_true(kh_card_id_valid("a", 1));
	assert_true(kh_card_id_valid("0-9", 3));
	assert_false(kh_card_id_valid("a\0b", 3));
	memset(longest, 'a', sizeof(longest));
	assert_true(kh_card_id_valid(longest, KH_CARD_ID_MAX));
	assert_false(kh_card_id_valid(longest, KH_CARD_ID_MAX + 1));
}

static void
test_days(void **state)
{
	static const char *const bad[] = {"", "2026", "2026-11-2",
	    "2026-11-211", "2026/11/21", "2026-00-10", "2026-13-10",
	    "2026-11-00", "2026-11-31", "2027-02-29", "1900-02-29",
	    "2026-1a-10", "+026-11-21", "0000-01-01", "2026-11-21\n"};
	static const char *const good[] = {"2026-11-21", "2028-02-29",
	    "2000-02-29", "9999-12-31", "0001-01-01", "2026-12-31"};
	char got[KH_DAY_LEN + 1], want[KH_DAY_LEN + 1];
	struct tm tm;
	time_t t;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(kh_day_valid(bad[i]));
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(kh_day_valid(good[i]));
	/* against libc, a prime step below a day until the year 2500 */
	for (t = 0; t < INT64_C(16725225600); t += 86399) {
		assert_non_null(gmtime_r(&t, &tm));
		strftime(want, sizeof(want), "%Y-%m-%d", &tm);
		kh_day_of(t, got);
		assert_string_equal(got, want);
		assert_true(kh_day_valid(got));
	}
	kh_day_of(INT64_C(253402300799), got);
	assert_string_equal(got, "9999-12-31");
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
    cmocka_unit_test(test_write_refuses),
    cmocka_unit_test(test_l12_expiry),
    cmocka_unit_test(test_fingerprint),
    cmocka_unit_test(test_ids),
    cmocka_unit_test(test_id_valid),
    cmocka_unit_test(test_days),
};

TAP_MAIN(tests)
