/*
 * Every allocation of sealing and opening, failing in turn: KH_ENOMEM, nothing
 * leaked (the address sanitizer says), nothing wrong released. The sources are
 * included, so that their calls of the allocators come here.
 */
#include "tests/unit/age_run.h"

#include <sodium.h>

static size_t n_allocs, fail_at;

static bool
fails(void)
{
	return ++n_allocs == fail_at;
}

static void *
counted_malloc(size_t n)
{
	return fails() ? NULL : malloc(n);
}

static void *
counted_calloc(size_t n, size_t size)
{
	return fails() ? NULL : calloc(n, size);
}

static void *
counted_realloc(void *p, size_t n)
{
	return fails() ? NULL : realloc(p, n);
}

static void *
counted_secret_alloc(size_t n)
{
	return fails() ? NULL : kh_secret_alloc(n);
}

/* scrypt takes its memory itself. */
static int
counted_scrypt(const uint8_t *pass, size_t pass_len, const uint8_t *salt,
    size_t salt_len, uint64_t n, uint32_t r, uint32_t p, uint8_t *out,
    size_t out_len)
{
	if (fails())
		return -1;
	return crypto_pwhash_scryptsalsa208sha256_ll(
	    pass, pass_len, salt, salt_len, n, r, p, out, out_len);
}

#define malloc counted_malloc
#define calloc counted_calloc
#define realloc counted_realloc
#define kh_secret_alloc counted_secret_alloc
#define crypto_pwhash_scryptsalsa208sha256_ll counted_scrypt
#include "lib/age/seal.c"
#undef BATCH_CHUNKS
#undef BATCH_LEN
#undef MAC_LINE_LEN
#include "lib/age/header.c"

#include "lib/age/keyring.c"
#include "lib/age/open.c"
#include "lib/age/reader.c"

#include "lib/age/armor_write.c"
#undef LINES
#include "lib/age/armor_read.c"

#include "lib/age/stanza_scrypt.c"
#undef malloc
#undef calloc
#undef realloc
#undef kh_secret_alloc

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

/* Seal, open and read once; which step failed is of no interest. */
static enum kh_err
round_trip(const struct kh_seal_to *to, struct kh_keyring *kr)
{
	const uint8_t in[] = "knothole";
	struct bytes s = {0}, out = {0};
	struct kh_opener *o = NULL;
	enum kh_err e;

	e = seal_cut(to, in, sizeof(in), CUT_WHOLE, &s);
	if (e == KH_OK)
		e = kh_opener_new(&o, kr, bytes_sink(&out));
	if (e == KH_OK)
		e = kh_opener_write(o, s.p, s.n);
	if (e == KH_OK)
		e = kh_opener_finish(o);
	kh_opener_free(o);
	assert_true(e == KH_OK || out.n == 0);
	if (e == KH_OK && !to->armor) {
		bytes_free(&out);
		e = open_reader(kr, s.p, s.n, &out);
	}
	bytes_free(&s);
	bytes_free(&out);
	return e;
}

static void
fail_each(const struct kh_seal_to *to, struct kh_keyring *kr, size_t least)
{
	size_t all, i;

	fail_at = 0;
	n_allocs = 0;
	assert_int_equal(round_trip(to, kr), KH_OK);
	all = n_allocs;
	assert_true(all >= least);
	for (i = 1; i <= all; i++) {
		fail_at = i;
		n_allocs = 0;
		assert_int_equal(round_trip(to, kr), KH_ENOMEM);
		assert_int_equal(n_allocs, i);
	}
	fail_at = 0;
}

static void
test_recipients(void **state)
{
	/* 50 stanzas: the header's buffer grows on the way. */
	struct kh_recipient many[50];
	struct kh_seal_to to = {.recipients = many, .n = 50};
	size_t i;

	(void)state;
	for (i = 0; i < 50; i++)
		many[i] = people.to[i % 2];
	fail_each(&to, people.kr[1], 13);
	to.armor = true;
	fail_each(&to, people.kr[1], 11);
}

static void
test_scrypt_memory(void **state)
{
	struct kh_seal_to to = {
	    .passphrase = "x", .passphrase_len = 1, .logn = 1};
	struct kh_keyring *kr = ring_of(NULL);

	(void)state;
	assert_int_equal(kh_keyring_passphrase(kr, "x", 1), KH_OK);
	fail_each(&to, kr, 12);
	kh_keyring_free(kr);
}

static void
test_keyring(void **state)
{
	struct kh_keyring *kr;

	(void)state;
	fail_at = 1;
	n_allocs = 0;
	assert_int_equal(kh_keyring_new(&kr), KH_ENOMEM);
	assert_null(kr);
	fail_at = 0;
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_recipients),
    cmocka_unit_test(test_scrypt_memory),
    cmocka_unit_test(test_keyring),
};

int
main(void)
{
	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (kh_init() != KH_OK)
		return 99;
	return cmocka_run_group_tests(tests, setup, teardown);
}
