/*
 * Headers written by hand, with a file key that the test knows: grammar, caps,
 * stanzas of known and unknown types, the check stanza, chunks.
 */
#include "tests/unit/age_run.h"

#include "lib/age/stanza.h"
#include "lib/age/stream.h"

/* A header under construction. */
struct draft {
	uint8_t fk[KH_FILE_KEY_LEN];
	uint8_t *p;
	size_t n;
};

static struct people people;

static int
setup(void **state)
{
	(void)state;
	people_make(&people);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	people_free(&people);
	return 0;
}

static void
put(struct draft *d, const void *p, size_t n)
{
	memcpy(d->p + d->n, p, n);
	d->n += n;
}

static void
put_text(struct draft *d, const char *text)
{
	put(d, text, strlen(text));
}

static void
draft_begin(struct draft *d)
{
	memset(d, 0, sizeof(*d));
	d->p = malloc(2 * KH_AGE_HEADER_MAX + 1024);
	assert_non_null(d->p);
	randombytes_buf(d->fk, sizeof(d->fk));
	put_text(d, KH_AGE_VERSION_LINE);
}

static void
put_x25519(struct draft *d, size_t who)
{
	assert_int_equal(
	    kh_stanza_x25519_make(d->fk, &people.to[who], d->p + d->n), KH_OK);
	d->n += KH_STANZA_X25519_LEN;
}

static void
put_check(struct draft *d)
{
	kh_stanza_check_make(d->p, d->n, d->p + d->n);
	d->n += KH_STANZA_CHECK_LEN;
}

/* The MAC that fits, and a payload of "ok". */
static void
draft_end(struct draft *d)
{
	uint8_t mac[KH_AGE_MAC_LEN], nonce[KH_AGE_NONCE_LEN] = {7};
	struct kh_stream st = {.chunk = 0};

	put_text(d, "---");
	kh_age_mac(d->fk, d->p, d->n, mac);
	put_text(d, " ");
	kh_b64_encode(mac, sizeof(mac), (char *)d->p + d->n);
	d->n += KH_B64_LEN(sizeof(mac));
	put_text(d, "\n");
	put(d, nonce, sizeof(nonce));
	kh_age_payload_key(d->fk, nonce, st.key);
	kh_stream_seal(&st, (const uint8_t *)"ok", 2, true, d->p + d->n);
	d->n += 2 + KH_TAG_LEN;
}

/* Open it in pieces of every kind, and by the reader: one verdict. */
static enum kh_err
open_with(struct draft *d, const struct kh_keyring *kr)
{
	struct bytes out = {0};
	enum kh_err e, again;
	enum cut cut;

	e = open_reader(kr, d->p, d->n, &out);
	for (cut = CUT_WHOLE; cut <= CUT_RANDOM; cut++) {
		bytes_free(&out);
		again = open_cut(kr, d->p, d->n, cut, &out);
		assert_int_equal(e, again);
		assert_int_equal(out.n, e == KH_OK ? 2 : 0);
	}
	bytes_free(&out);
	free(d->p);
	return e;
}

static enum kh_err
draft_open(struct draft *d)
{
	draft_end(d);
	return open_with(d, people.kr[0]);
}

/* A header of one good stanza for the first, and this text after it. */
static enum kh_err
open_text(const char *text)
{
	struct draft d;

	draft_begin(&d);
	put_x25519(&d, 0);
	put_text(&d, text);
	return draft_open(&d);
}

static void
test_unknown_stanzas(void **state)
{
	char line[256] = "-> grease ";
	int c;

	(void)state;
	assert_int_equal(open_text(""), KH_OK);
	assert_int_equal(open_text("-> x\n\n"), KH_OK);
	assert_int_equal(open_text("-> a-grease b c d\nAAAA\n"), KH_OK);
	assert_int_equal(
	    open_text("-> a\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		      "AAAAAAAAAAAAAAAA\n\n"),
	    KH_OK);
	assert_int_equal(open_text("-> x25519 !!\nAA\n"), KH_OK);
	assert_int_equal(open_text("-> Scrypt z 9\n\n"), KH_OK);
	/* Every printable character may be in an argument, no other. */
	for (c = 1; c < 256; c++) {
		line[10] = (char)c;
		memcpy(line + 11, "\n\n", 3);
		assert_int_equal(
		    open_text(line), c > 0x20 && c < 0x7f ? KH_OK : KH_EFORMAT);
	}
}

static void
test_malformed_headers(void **state)
{
	static const char *const bad[] = {"->\n\n", "-> \n\n", "->  a\n\n",
	    "-> a \n\n", "-> a  b\n\n", "->a\n\n", "- > a\n\n", "-> a\r\n\n",
	    "-> a\n\r\n", "-> a\nA\n", "-> a\nAB\n", "-> a\nAA==\n",
	    "-> a\nAA=\n", "-> a\nA A\n", "-> a\nAA\nAA\n", "-> a\n", "\n",
	    "x\n", "-> a\n\n\n", "-> a\n-> b\n\n", "--- \n", "---\n",
	    "-> X25519\n\n", "-> X25519 a\n\n", "-> X25519 a b\nAAAA\n",
	    "-> scrypt\n\n", "-> a\n\x80\x81\n",
	    "-> a\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	    "AAAAAAA\n",
	    "-> a\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	    "AAAAAAAA\n\n"};
	static const char *const versions[] = {"age-encryption.org/v2\n",
	    "age-encryption.org/v1\r\n", "age-encryption.org/v1 \n",
	    "age-encryption.org/v\n", "Age-encryption.org/v1\n",
	    "age-encryption.org/v1x", "a\n", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
	struct draft d;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (open_text(bad[i]) != KH_EFORMAT)
			fail_msg("accepted: %s", bad[i]);
	for (i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		draft_begin(&d);
		d.n = 0;
		put_text(&d, versions[i]);
		put_x25519(&d, 0);
		assert_int_equal(draft_open(&d), KH_EFORMAT);
	}
	/* No stanza at all. */
	draft_begin(&d);
	assert_int_equal(draft_open(&d), KH_EFORMAT);
	/* A stanza of the right shape but a body one byte longer. */
	draft_begin(&d);
	put_x25519(&d, 0);
	d.n--;
	put_text(&d, "A\n");
	assert_int_equal(draft_open(&d), KH_EFORMAT);
}

/* The MAC covers every stanza; and its line has one form. */
static void
test_mac(void **state)
{
	struct draft d;
	size_t end;

	(void)state;
	draft_begin(&d);
	put_x25519(&d, 0);
	put_text(&d, "-> grease x\n\n");
	end = d.n;
	draft_end(&d);
	d.p[end - 3] = 'y';
	assert_int_equal(open_with(&d, people.kr[0]), KH_EAUTH);

	draft_begin(&d);
	put_x25519(&d, 0);
	put_text(&d, "--- AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n");
	memset(d.p + d.n, 0, 64);
	d.n += 64;
	assert_int_equal(open_with(&d, people.kr[0]), KH_EAUTH);

	draft_begin(&d);
	put_x25519(&d, 0);
	put_text(&d, "--- AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB\n");
	assert_int_equal(open_with(&d, people.kr[0]), KH_EFORMAT);
}

static void
test_low_order_share(void **state)
{
	struct draft d;

	(void)state;
	/* All-zero share: aborts even with our own stanza after it. */
	draft_begin(&d);
	put_text(&d,
	    "-> X25519 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
	    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n");
	put_x25519(&d, 0);
	assert_int_equal(draft_open(&d), KH_EFORMAT);
}

static void
test_scrypt_stanzas(void **state)
{
	static const struct {
		const char *text;
		enum kh_err e;
	} cases[] = {
	    {"-> scrypt AAAAAAAAAAAAAAAAAAAAAA 1\n", KH_ENOKEY},
	    {"-> scrypt AAAAAAAAAAAAAAAAAAAAAA 10\n", KH_ENOKEY},
	    {"-> scrypt AAAAAAAAAAAAAAAAAAAAAA 21\n", KH_ELIMIT},
	    {"-> scrypt AAAAAAAAAAAAAAAAAAAAAA 99999999999999999999\n",
		KH_ELIMIT},
	    {"-> scrypt AAAAAAAAAAAAAAAAAAAAAA 4294967297\n", KH_ELIMIT},
	    {"-> scrypt AAAAAAAAAAAAAAAAAAAAAA 0\n", KH_EFORMAT},
	    {"-> scrypt AAAAAAAAAAAAAAAAAAAAAA 01\n", KH_EFORMAT},
	    {"-> scrypt AAAAAAAAAAAAAAAAAAAAAA +1\n", KH_EFORMAT},
	    {"-> scrypt AAAAAAAAAAAAAAAAAAAAAA 1x\n", KH_EFORMAT},
	    {"-> scrypt AAAAAAAAAAAAAAAAAAAAAA 1 1\n", KH_EFORMAT},
	    {"-> scrypt AAAAAAAAAAAAAAAAAAAAAA\n", KH_EFORMAT},
	    {"-> scrypt AAAAAAAAAAAAAAAAAAAAAB 1\n", KH_EFORMAT},
	    {"-> scrypt AAAAAAAAAAAAAAAAAAAAAAA 1\n", KH_EFORMAT},
	};
	static const char body[] =
	    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n";
	struct kh_keyring *kr = ring_of(&people.id[0]);
	struct draft d;
	size_t i;

	(void)state;
	assert_int_equal(kh_keyring_passphrase(kr, "x", 1), KH_OK);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		draft_begin(&d);
		put_text(&d, cases[i].text);
		put_text(&d, body);
		draft_end(&d);
		assert_int_equal(open_with(&d, kr), cases[i].e);
	}
	/* Never beside another: not even beside one that would open. */
	draft_begin(&d);
	put_text(&d, cases[0].text);
	put_text(&d, body);
	put_x25519(&d, 0);
	draft_end(&d);
	assert_int_equal(open_with(&d, kr), KH_EFORMAT);
	draft_begin(&d);
	put_text(&d, "-> unknown\n\n");
	put_text(&d, cases[0].text);
	put_text(&d, body);
	draft_end(&d);
	assert_int_equal(open_with(&d, kr), KH_EFORMAT);
	kh_keyring_free(kr);
}

static void
test_caps(void **state)
{
	struct draft d;
	size_t i, room;

	(void)state;
	draft_begin(&d);
	for (i = 1; i < KH_AGE_STANZAS_MAX; i++)
		put_text(&d, "-> g\n\n");
	put_x25519(&d, 0);
	assert_int_equal(draft_open(&d), KH_OK);
	draft_begin(&d);
	for (i = 0; i < KH_AGE_STANZAS_MAX; i++)
		put_text(&d, "-> g\n\n");
	put_x25519(&d, 0);
	assert_int_equal(draft_open(&d), KH_ELIMIT);

	/* A header of exactly the cap, and one byte more. */
	for (i = 0; i < 2; i++) {
		draft_begin(&d);
		put_x25519(&d, 0);
		put_text(&d, "-> g ");
		room = KH_AGE_HEADER_MAX - d.n - 2 - 48 + i;
		memset(d.p + d.n, 'x', room);
		d.n += room;
		put_text(&d, "\n\n");
		assert_int_equal(draft_open(&d), i == 0 ? KH_OK : KH_ELIMIT);
	}
	/* A line that never ends. */
	draft_begin(&d);
	put_text(&d, "-> ");
	memset(d.p + d.n, 'x', KH_AGE_HEADER_MAX);
	d.n += KH_AGE_HEADER_MAX;
	assert_int_equal(open_with(&d, people.kr[0]), KH_ELIMIT);
}

static void
test_check_stanza(void **state)
{
	static const char head[] = "-> knothole.example/check ";
	static const char *const malformed[] = {"-> knothole.example/check\n\n",
	    "-> knothole.example/check AAAAAAAAAAAAAAAAAAAAAA\n\n",
	    "-> knothole.example/check AAAAAAAAAAAAAAAAAAAAAB\n\n",
	    "-> knothole.example/check AAAAAAAAAAAAAAAAAAAAAAA\n\n",
	    "-> knothole.example/check x y\n\n"};
	struct draft d;
	size_t i;

	(void)state;
	/* The bytes, pinned: BLAKE2b by another implementation. */
	draft_begin(&d);
	put_text(&d, "-> x y\nAAAA\n");
	put_check(&d);
	assert_memory_equal(d.p + d.n - 50, head, 26);
	assert_memory_equal(d.p + d.n - 24, "65gLIgRmIU2Y/oN/uYXHJg\n\n", 24);
	free(d.p);

	/* Not for us, and whole. */
	draft_begin(&d);
	put_x25519(&d, 1);
	put_check(&d);
	assert_int_equal(draft_open(&d), KH_ENOKEY);
	/* Not for us, as far as can be seen, but damaged. */
	draft_begin(&d);
	put_x25519(&d, 1);
	put_check(&d);
	draft_end(&d);
	d.p[40] = d.p[40] == 'A' ? 'B' : 'A';
	assert_int_equal(open_with(&d, people.kr[0]), KH_EAUTH);
	/* With one that does not fit, or is malformed. */
	for (i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
		draft_begin(&d);
		put_x25519(&d, 1);
		put_text(&d, malformed[i]);
		assert_int_equal(draft_open(&d), KH_EAUTH);
		/* It has no say where the MAC verifies. */
		draft_begin(&d);
		put_x25519(&d, 0);
		put_text(&d, malformed[i]);
		assert_int_equal(draft_open(&d), KH_OK);
	}
	/* A body, or a stanza after it. */
	draft_begin(&d);
	put_x25519(&d, 1);
	put_check(&d);
	d.n--;
	put_text(&d, "AAAA\n");
	assert_int_equal(draft_open(&d), KH_EAUTH);
	draft_begin(&d);
	put_x25519(&d, 1);
	put_check(&d);
	put_text(&d, "-> g\n\n");
	assert_int_equal(draft_open(&d), KH_EAUTH);
}

/* Its own type changed: an unknown stanza, and nothing to judge by. */
static void
test_check_stanza_unknown(void **state)
{
	struct draft d;
	size_t at;

	(void)state;
	draft_begin(&d);
	put_x25519(&d, 1);
	at = d.n;
	put_check(&d);
	d.p[at + 3] = 'K';
	assert_int_equal(draft_open(&d), KH_ENOKEY);
}

/* An empty last chunk, sealed as it should be, is for an empty payload only;
 * a short chunk is the last one or none. */
static void
test_empty_and_short_chunks(void **state)
{
	static const struct {
		size_t first, second;
		enum kh_err e;
	} cases[] = {{65536, 0, KH_ETRUNC}, {65536, 1, KH_OK},
	    {100, 1, KH_EAUTH}, {100, 0, KH_EAUTH}};
	uint8_t nonce[KH_AGE_NONCE_LEN] = {7}, *plain = pattern(65536);
	struct bytes out = {0};
	struct kh_stream st;
	struct draft d;
	size_t i;
	enum cut cut;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		draft_begin(&d);
		put_x25519(&d, 0);
		draft_end(&d);
		d.n -= 2 + KH_TAG_LEN;
		memset(&st, 0, sizeof(st));
		kh_age_payload_key(d.fk, nonce, st.key);
		kh_stream_seal(&st, plain, cases[i].first,
		    cases[i].first < 65536, d.p + d.n);
		d.n += cases[i].first + KH_TAG_LEN;
		kh_stream_seal(&st, plain, cases[i].second, true, d.p + d.n);
		d.n += cases[i].second + KH_TAG_LEN;
		for (cut = CUT_WHOLE; cut <= CUT_RANDOM; cut++) {
			assert_int_equal(
			    open_cut(people.kr[0], d.p, d.n, cut, &out),
			    cases[i].e);
			bytes_free(&out);
		}
		assert_int_equal(
		    open_reader(people.kr[0], d.p, d.n, &out), cases[i].e);
		bytes_free(&out);
		free(d.p);
	}
	free(plain);
}

/* Several identities, several stanzas: whichever pair fits. */
static void
test_many_keys(void **state)
{
	struct kh_keyring *kr = ring_of(NULL);
	struct draft d;
	size_t i;

	(void)state;
	for (i = 0; i < KH_IDENTITIES_MAX - 1; i++)
		assert_int_equal(kh_keyring_add(kr, &people.id[i % 2]), KH_OK);
	assert_int_equal(kh_keyring_add(kr, &people.id[3]), KH_OK);
	assert_int_equal(kh_keyring_count(kr), KH_IDENTITIES_MAX);
	assert_int_equal(kh_keyring_add(kr, &people.id[4]), KH_ELIMIT);
	assert_int_equal(kh_keyring_count(kr), KH_IDENTITIES_MAX);
	for (i = 2; i < PEOPLE_MAX; i++) {
		draft_begin(&d);
		put_x25519(&d, 2);
		put_x25519(&d, i);
		put_x25519(&d, 4);
		draft_end(&d);
		assert_int_equal(open_with(&d, kr), i == 3 ? KH_OK : KH_ENOKEY);
	}
	kh_keyring_free(kr);
	kh_keyring_free(NULL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_unknown_stanzas),
    cmocka_unit_test(test_malformed_headers),
    cmocka_unit_test(test_mac),
    cmocka_unit_test(test_low_order_share),
    cmocka_unit_test(test_scrypt_stanzas),
    cmocka_unit_test(test_caps),
    cmocka_unit_test(test_check_stanza),
    cmocka_unit_test(test_check_stanza_unknown),
    cmocka_unit_test(test_empty_and_short_chunks),
    cmocka_unit_test(test_many_keys),
};

int
main(void)
{
	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (kh_init() != KH_OK)
		return 99;
	return cmocka_run_group_tests(tests, setup, teardown);
}
