/*
 * Sealing and opening: sizes at every boundary, several recipients, armor,
 * passphrases, pieces of any size, sinks that fail.
 */
#include "tests/unit/age_run.h"

#define LOGN 4 /* scrypt made cheap */

static struct people people;

static const size_t sizes[] = {0, 1, 15, 16, 17, 65519, 65520, 65521, 65535,
    65536, 65537, 131071, 131072, 131073, 5 * 65536, 5 * 65536 + 1};
#define N_SIZES (sizeof(sizes) / sizeof(sizes[0]))

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
assert_opens(const struct kh_keyring *kr, const struct bytes *sealed,
    const uint8_t *plain, size_t n)
{
	struct bytes out = {0};
	enum cut cut;

	for (cut = CUT_WHOLE; cut <= CUT_RANDOM; cut++) {
		assert_int_equal(
		    open_cut(kr, sealed->p, sealed->n, cut, &out), KH_OK);
		assert_int_equal(out.n, n);
		if (n > 0)
			assert_memory_equal(out.p, plain, n);
		bytes_free(&out);
	}
}

/* L10: every boundary, opened as each of 1, 2 and 5 recipients. */
static void
test_l10_boundaries_and_recipients(void **state)
{
	static const size_t counts[] = {1, 2, PEOPLE_MAX};
	struct bytes sealed = {0}, out = {0};
	struct kh_seal_to to = {.recipients = people.to};
	size_t i, j, k;
	uint8_t *plain;

	(void)state;
	for (i = 0; i < N_SIZES; i++) {
		plain = pattern(sizes[i]);
		for (j = 0; j < 3; j++) {
			to.n = counts[j];
			assert_int_equal(
			    seal_cut(&to, plain, sizes[i], CUT_WHOLE, &sealed),
			    KH_OK);
			for (k = 0; k < to.n; k++)
				assert_opens(
				    people.kr[k], &sealed, plain, sizes[i]);
			for (; k < PEOPLE_MAX; k++)
				assert_int_equal(
				    open_cut(people.kr[k], sealed.p, sealed.n,
					CUT_WHOLE, &out),
				    KH_ENOKEY);
			assert_int_equal(out.n, 0);
			bytes_free(&sealed);
		}
		free(plain);
	}
}

/* However the plaintext comes, the sealed object has the same chunks. */
static void
test_seal_pieces(void **state)
{
	struct kh_seal_to to = {.recipients = people.to, .n = 1};
	struct bytes sealed = {0};
	uint8_t *plain;
	size_t i;
	enum cut cut;
	int rep;

	(void)state;
	for (i = 0; i < N_SIZES; i++) {
		plain = pattern(sizes[i]);
		for (cut = CUT_BYTES; cut <= CUT_RANDOM; cut++) {
			for (rep = 0; rep < 4; rep++) {
				assert_int_equal(seal_cut(&to, plain, sizes[i],
						     cut, &sealed),
				    KH_OK);
				assert_opens(
				    people.kr[0], &sealed, plain, sizes[i]);
				bytes_free(&sealed);
			}
		}
		free(plain);
	}
}

/* Header and payload lengths are known beforehand; padding relies on it. */
static void
test_lengths(void **state)
{
	struct kh_seal_to to = {.recipients = people.to};
	struct bytes sealed = {0};
	struct kh_sealer *s;
	size_t i, header;
	uint8_t *plain;

	(void)state;
	for (i = 0; i < N_SIZES; i++) {
		to.n = 1 + i % PEOPLE_MAX;
		plain = pattern(sizes[i]);
		assert_int_equal(
		    kh_sealer_new(&s, &to, bytes_sink(&sealed)), KH_OK);
		header = kh_sealer_header_len(s);
		assert_int_equal(header, sealed.n);
		assert_int_equal(kh_sealer_write(s, plain, sizes[i]), KH_OK);
		assert_int_equal(kh_sealer_finish(s), KH_OK);
		assert_int_equal(header, kh_sealer_header_len(s));
		assert_int_equal(
		    sealed.n, header + kh_age_payload_len(sizes[i]));
		kh_sealer_free(s);
		bytes_free(&sealed);
		free(plain);
	}
	assert_int_equal(kh_age_payload_len(0), 16);
	assert_int_equal(kh_age_payload_len(1), 17);
	assert_int_equal(kh_age_payload_len(65536), 65552);
	assert_int_equal(kh_age_payload_len(65537), 65569);
	assert_true(kh_age_payload_len(UINT64_C(1) << 36) ==
	    (UINT64_C(1) << 36) + (UINT64_C(1) << 24));
}

/* Nothing of two objects is equal but their grammar. */
static void
test_fresh_keys(void **state)
{
	struct kh_seal_to to = {.recipients = people.to, .n = 2};
	struct bytes a = {0}, b = {0};
	static const uint8_t plain[100];
	size_t i, same = 0;

	(void)state;
	assert_int_equal(
	    seal_cut(&to, plain, sizeof(plain), CUT_WHOLE, &a), KH_OK);
	assert_int_equal(
	    seal_cut(&to, plain, sizeof(plain), CUT_WHOLE, &b), KH_OK);
	assert_int_equal(a.n, b.n);
	for (i = a.n - 132; i < a.n; i++) /* nonce, 100 bytes, tag */
		same += a.p[i] == b.p[i];
	assert_true(same < 20);
	assert_memory_not_equal(a.p + 32, b.p + 32, 43); /* share */
	assert_memory_not_equal(a.p + 76, b.p + 76, 43); /* wrapped key */
	bytes_free(&a);
	bytes_free(&b);
}

static void
test_armor(void **state)
{
	struct kh_seal_to to = {.recipients = people.to, .n = 2, .armor = true};
	struct bytes sealed = {0}, out = {0};
	struct kh_sealer *s;
	size_t i, col;
	uint8_t *plain, *nl;
	enum cut cut;

	(void)state;
	for (i = 0; i < N_SIZES; i++) {
		plain = pattern(sizes[i]);
		for (cut = CUT_WHOLE; cut <= CUT_RANDOM; cut++) {
			assert_int_equal(
			    seal_cut(&to, plain, sizes[i], cut, &sealed),
			    KH_OK);
			assert_opens(people.kr[1], &sealed, plain, sizes[i]);
			bytes_free(&sealed);
		}
		free(plain);
	}
	/* Every length modulo 48: full and padded last lines, 64 columns. */
	for (i = 0; i < 100; i++) {
		plain = pattern(i);
		assert_int_equal(
		    seal_cut(&to, plain, i, CUT_RANDOM, &sealed), KH_OK);
		assert_opens(people.kr[0], &sealed, plain, i);
		assert_memory_equal(
		    sealed.p, "-----BEGIN AGE ENCRYPTED FILE-----\n", 35);
		assert_memory_equal(sealed.p + sealed.n - 33,
		    "-----END AGE ENCRYPTED FILE-----\n", 33);
		for (col = 35; col < sealed.n - 33;
		     col = (size_t)(nl - sealed.p) + 1) {
			nl = memchr(sealed.p + col, '\n', sealed.n - col);
			assert_true(nl <= sealed.p + col + 64);
			assert_true(nl == sealed.p + col + 64 ||
			    nl + 1 == sealed.p + sealed.n - 33);
		}
		bytes_free(&sealed);
		free(plain);
	}
	/* Its length does not count the armor. */
	assert_int_equal(kh_sealer_new(&s, &to, bytes_sink(&sealed)), KH_OK);
	assert_int_equal(kh_sealer_header_len(s), 22 + 2 * 98 + 50 + 48 + 16);
	kh_sealer_free(s);
	/* Cut off there, it is truncated. */
	assert_int_equal(
	    open_cut(people.kr[0], sealed.p, sealed.n, CUT_WHOLE, &out),
	    KH_ETRUNC);
	bytes_free(&sealed);
}

/* Armor with something changed: `from` once replaced by `to`. */
static enum kh_err
open_changed(
    const struct bytes *sealed, size_t at, size_t cut_n, const char *insert)
{
	struct bytes out = {0};
	size_t n = strlen(insert);
	uint8_t *p = malloc(sealed->n + n);
	enum kh_err whole, bytewise;

	assert_non_null(p);
	memcpy(p, sealed->p, at);
	memcpy(p + at, insert, n);
	memcpy(p + at + n, sealed->p + at + cut_n, sealed->n - at - cut_n);
	n += sealed->n - cut_n;
	whole = open_cut(people.kr[0], p, n, CUT_WHOLE, &out);
	bytewise = open_cut(people.kr[0], p, n, CUT_BYTES, &out);
	assert_int_equal(whole, bytewise);
	bytes_free(&out);
	free(p);
	return whole;
}

static void
test_armor_strict(void **state)
{
	struct kh_seal_to to = {.recipients = people.to, .n = 1, .armor = true};
	struct bytes sealed = {0};
	char space[1026];
	size_t end, i;

	(void)state;
	assert_int_equal(
	    seal_cut(&to, (const uint8_t *)"knothole", 8, CUT_WHOLE, &sealed),
	    KH_OK);
	end = sealed.n - 33;
	assert_int_equal(open_changed(&sealed, 0, 0, " \t\r\n\n"), KH_OK);
	assert_int_equal(open_changed(&sealed, sealed.n, 0, "\n \t"), KH_OK);
	assert_int_equal(open_changed(&sealed, sealed.n - 1, 1, ""), KH_OK);
	assert_int_equal(open_changed(&sealed, sealed.n - 1, 1, "\r\n"), KH_OK);
	assert_int_equal(open_changed(&sealed, 34, 1, "\r\n"), KH_OK);
	assert_int_equal(open_changed(&sealed, 0, 0, " "), KH_EFORMAT);
	assert_int_equal(open_changed(&sealed, 0, 0, "x\n"), KH_EFORMAT);
	assert_int_equal(open_changed(&sealed, 34, 1, " \n"), KH_EFORMAT);
	assert_int_equal(open_changed(&sealed, 34, 1, "\r\r\n"), KH_EFORMAT);
	assert_int_equal(open_changed(&sealed, 34, 1, ""), KH_EFORMAT);
	assert_int_equal(open_changed(&sealed, 35, 0, "\n"), KH_EFORMAT);
	assert_int_equal(open_changed(&sealed, 35 + 64, 1, ""), KH_EFORMAT);
	assert_int_equal(open_changed(&sealed, 35, 1, ""), KH_EFORMAT);
	assert_int_equal(open_changed(&sealed, 35, 4, ""), KH_EFORMAT);
	assert_int_equal(open_changed(&sealed, 40, 1, "-"), KH_EFORMAT);
	assert_int_equal(open_changed(&sealed, 40, 1, "="), KH_EFORMAT);
	assert_int_equal(open_changed(&sealed, 40, 1, " "), KH_EFORMAT);
	assert_int_equal(open_changed(&sealed, end, 0, "\n"), KH_EFORMAT);
	assert_int_equal(open_changed(&sealed, end, 0, "AAAA\n"), KH_EFORMAT);
	/* Sound armor around three bytes more. */
	assert_int_equal(open_changed(&sealed, end - 1, 0, "AAAA"), KH_EAUTH);
	assert_int_equal(open_changed(&sealed, end, 1, ""), KH_EFORMAT);
	assert_int_equal(
	    open_changed(&sealed, sealed.n - 1, 1, " \n"), KH_EFORMAT);
	assert_int_equal(open_changed(&sealed, sealed.n, 0, "x"), KH_EFORMAT);
	assert_int_equal(
	    open_changed(&sealed, sealed.n, 0, "\n-----BEGIN"), KH_EFORMAT);
	/* White space has its cap on either side. */
	memset(space, '\n', sizeof(space));
	space[1025] = '\0';
	assert_int_equal(open_changed(&sealed, 0, 0, space), KH_EFORMAT);
	/* The object's own line end counts on this side. */
	space[1024] = '\0';
	assert_int_equal(open_changed(&sealed, 0, 0, space), KH_OK);
	assert_int_equal(open_changed(&sealed, sealed.n, 0, space), KH_OK);
	space[1024] = '\n';
	assert_int_equal(open_changed(&sealed, sealed.n, 0, space), KH_EFORMAT);
	/* Cut anywhere before its last line end, it is not complete. */
	for (i = 0; i + 1 < sealed.n; i++) {
		struct bytes out = {0};

		assert_int_equal(
		    open_cut(people.kr[0], sealed.p, i, CUT_RANDOM, &out),
		    KH_ETRUNC);
		assert_int_equal(out.n, 0);
	}
	bytes_free(&sealed);
}

static void
test_passphrase(void **state)
{
	static const char secret[] = "correct horse\0battery";
	struct kh_seal_to to = {
	    .passphrase = secret, .passphrase_len = sizeof(secret)};
	struct kh_keyring *kr = ring_of(&people.id[0]);
	struct bytes sealed = {0}, out = {0};
	static const int logns[] = {1, LOGN, 9, 10, 11};
	char longest[KH_PASSPHRASE_MAX + 1];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(logns) / sizeof(logns[0]); i++) {
		to.logn = logns[i];
		assert_int_equal(seal_cut(&to, (const uint8_t *)"abc", 3,
				     CUT_WHOLE, &sealed),
		    KH_OK);
		/* No passphrase, a wrong one, one cut at its NUL, the right. */
		assert_int_equal(
		    open_cut(people.kr[0], sealed.p, sealed.n, CUT_WHOLE, &out),
		    KH_ENOKEY);
		assert_int_equal(kh_keyring_passphrase(kr, "x", 1), KH_OK);
		assert_int_equal(
		    open_cut(kr, sealed.p, sealed.n, CUT_WHOLE, &out),
		    KH_ENOKEY);
		assert_int_equal(kh_keyring_passphrase(kr, secret, 13), KH_OK);
		assert_int_equal(
		    open_cut(kr, sealed.p, sealed.n, CUT_WHOLE, &out),
		    KH_ENOKEY);
		assert_int_equal(
		    kh_keyring_passphrase(kr, secret, sizeof(secret)), KH_OK);
		assert_opens(kr, &sealed, (const uint8_t *)"abc", 3);
		/* It stands alone: no check stanza of ours beside it. */
		sealed.p[sealed.n - 1] = '\0';
		assert_null(strstr((const char *)sealed.p, "knothole"));
		bytes_free(&sealed);
	}
	memset(longest, 'p', sizeof(longest));
	assert_int_equal(kh_keyring_passphrase(kr, longest, 0), KH_ELIMIT);
	assert_int_equal(
	    kh_keyring_passphrase(kr, longest, sizeof(longest)), KH_ELIMIT);
	assert_int_equal(
	    kh_keyring_passphrase(kr, longest, KH_PASSPHRASE_MAX), KH_OK);
	kh_keyring_free(kr);
}

static void
test_seal_limits(void **state)
{
	struct kh_recipient many[KH_RECIPIENTS_MAX + 1], low = {{1}};
	struct kh_seal_to to = {.recipients = many, .n = KH_RECIPIENTS_MAX + 1};
	struct bytes sealed = {0};
	char longest[KH_PASSPHRASE_MAX + 1];
	size_t i;

	(void)state;
	for (i = 0; i <= KH_RECIPIENTS_MAX; i++)
		many[i] = people.to[i % PEOPLE_MAX];
	assert_int_equal(
	    seal_cut(&to, many[0].pk, 1, CUT_WHOLE, &sealed), KH_ELIMIT);
	assert_int_equal(sealed.calls, 0);
	to.n = KH_RECIPIENTS_MAX;
	assert_int_equal(
	    seal_cut(&to, many[0].pk, 1, CUT_WHOLE, &sealed), KH_OK);
	assert_opens(people.kr[PEOPLE_MAX - 1], &sealed, many[0].pk, 1);
	bytes_free(&sealed);

	/* L7: one key that cannot be sealed to stops it before any output. */
	many[7] = low;
	assert_int_equal(
	    seal_cut(&to, many[0].pk, 1, CUT_WHOLE, &sealed), KH_EKEY);
	assert_int_equal(sealed.calls, 0);

	memset(longest, 'p', sizeof(longest));
	to = (struct kh_seal_to){.passphrase = longest, .logn = LOGN};
	assert_int_equal(
	    seal_cut(&to, many[0].pk, 1, CUT_WHOLE, &sealed), KH_ELIMIT);
	to.passphrase_len = KH_PASSPHRASE_MAX + 1;
	assert_int_equal(
	    seal_cut(&to, many[0].pk, 1, CUT_WHOLE, &sealed), KH_ELIMIT);
	to.passphrase_len = KH_PASSPHRASE_MAX;
	to.logn = KH_SCRYPT_LOGN_MAX + 1;
	assert_int_equal(
	    seal_cut(&to, many[0].pk, 1, CUT_WHOLE, &sealed), KH_ELIMIT);
	to.logn = -1;
	assert_int_equal(
	    seal_cut(&to, many[0].pk, 1, CUT_WHOLE, &sealed), KH_ELIMIT);
	assert_int_equal(sealed.calls, 0);
}

/* A failing sink stops sealing and opening, with the sink's own error, and is
 * not called again. */
static void
test_failing_sinks(void **state)
{
	struct kh_seal_to to = {.recipients = people.to, .n = 1};
	struct bytes sealed = {0}, bad = {.failure = KH_EFULL}, out = {0};
	const size_t n = 9 * 65536 + 5;
	uint8_t *plain = pattern(n);
	enum cut cut;
	size_t calls;
	int armor;

	(void)state;
	for (armor = 0; armor < 2; armor++) {
		to.armor = armor != 0;
		for (cut = CUT_WHOLE; cut <= CUT_RANDOM; cut++) {
			assert_int_equal(
			    seal_cut(&to, plain, n, CUT_WHOLE, &sealed), KH_OK);
			for (calls = 1;
			     calls <= (cut == CUT_RANDOM ? 4 : sealed.calls);
			     calls++) {
				bad.fail_at = calls;
				bad.calls = 0;
				bad.n = 0;
				assert_int_equal(
				    seal_cut(&to, plain, n, cut, &bad),
				    KH_EFULL);
			}
			bytes_free(&bad);
			bad.failure = KH_EFULL;
			assert_int_equal(open_cut(people.kr[0], sealed.p,
					     sealed.n, cut, &out),
			    KH_OK);
			for (calls = 1;
			     calls <= (cut == CUT_RANDOM ? 2 : out.calls);
			     calls++) {
				bad.fail_at = calls;
				bad.calls = 0;
				bad.n = 0;
				assert_int_equal(
				    open_cut(people.kr[0], sealed.p, sealed.n,
					cut, &bad),
				    KH_EFULL);
			}
			bytes_free(&out);
			bytes_free(&bad);
			bad.failure = KH_EFULL;
			bytes_free(&sealed);
		}
	}
	free(plain);
}

/* Whole chunks leave in batches, and at the end of every call at the latest;
 * the one that may be the last stays. */
static void
test_when_output_appears(void **state)
{
	struct kh_seal_to to = {.recipients = people.to, .n = 1};
	struct bytes sealed = {0};
	struct kh_sealer *s;
	uint8_t *plain = pattern(65536 * 8);
	size_t header;

	(void)state;
	assert_int_equal(kh_sealer_new(&s, &to, bytes_sink(&sealed)), KH_OK);
	header = sealed.n;
	assert_int_equal(kh_sealer_write(s, plain, 65536), KH_OK);
	assert_int_equal(sealed.n, header);
	assert_int_equal(kh_sealer_write(s, plain, 0), KH_OK);
	assert_int_equal(sealed.n, header);
	assert_int_equal(kh_sealer_write(s, plain, 1), KH_OK);
	assert_int_equal(sealed.n, header + 65552);
	sealed.calls = 0;
	assert_int_equal(kh_sealer_write(s, plain, 65536 * 8), KH_OK);
	assert_int_equal(sealed.n, header + 65552 * 9);
	assert_int_equal(sealed.calls, 2);
	kh_sealer_free(s);
	bytes_free(&sealed);
	free(plain);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_l10_boundaries_and_recipients),
    cmocka_unit_test(test_seal_pieces),
    cmocka_unit_test(test_lengths),
    cmocka_unit_test(test_fresh_keys),
    cmocka_unit_test(test_armor),
    cmocka_unit_test(test_armor_strict),
    cmocka_unit_test(test_passphrase),
    cmocka_unit_test(test_seal_limits),
    cmocka_unit_test(test_failing_sinks),
    cmocka_unit_test(test_when_output_appears),
};

int
main(void)
{
	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (kh_init() != KH_OK)
		return 99;
	return cmocka_run_group_tests(tests, setup, teardown);
}
