/*
 * Form tokens: only what this server sealed, under its present or its last
 * key, in one spelling.
 */
#include "tests/unit/tap.h"

#include <sodium.h>

#include "server/visit/token.h"

#define SEALED_LEN 135
#define PLAIN_LEN (SEALED_LEN - 24 - 16)
#define VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING

static struct kh_form_keys keys;
static struct kh_form form;
static char token[KH_TOKEN_LEN + 1];

static int
setup(void **state)
{
	(void)state;
	kh_form_keys_init(&keys);
	kh_form_new(&form);
	randombytes_buf(form.seen, sizeof(form.seen));
	kh_token_seal(&keys, KH_TOKEN_SEND, &form, token);
	return 0;
}

static void
assert_refused(const char *text, size_t n)
{
	static const struct kh_form zero;
	struct kh_form out;
	/* Exactly as long as it is, so that a sanitizer sees an overread. */
	char *copy = malloc(n > 0 ? n : 1);

	assert_non_null(copy);
	memcpy(copy, text, n);
	memset(&out, 0x77, sizeof(out));
	assert_int_equal(kh_token_open(&keys, KH_TOKEN_SEND,
			     (struct kh_slice){copy, n}, &out),
	    KH_EAUTH);
	assert_memory_equal(&out, &zero, sizeof(out));
	free(copy);
}

static enum kh_err
open_for(enum kh_token_use use, const char *text, struct kh_form *out)
{
	const struct kh_slice s = {text, KH_TOKEN_LEN};

	return kh_token_open(&keys, use, s, out);
}

static void
assert_opens(const char *text)
{
	struct kh_form out;

	assert_int_equal(open_for(KH_TOKEN_SEND, text, &out), KH_OK);
	assert_memory_equal(out.upload, form.upload, KH_UPLOAD_ID_LEN);
	assert_memory_equal(&out.code, &form.code, sizeof(form.code));
	assert_memory_equal(out.seen, form.seen, sizeof(form.seen));
}

static void
test_round_trip(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < 1000; i++) {
		setup(NULL);
		assert_int_equal(strlen(token), KH_TOKEN_LEN);
		assert_opens(token);
	}
	/* The ends of the range of a code's digits. */
	for (i = 0; i < KH_CODE_WORDS - 1; i++)
		form.code.digit[i] = i % 2 == 0 ? 0 : KH_WORDLIST_N - 1;
	/* ... and of what has been seen, each in its own place. */
	for (i = 0; i < KH_OUTLETS_MAX; i++)
		form.seen[i] = (uint16_t)(i == 0 ? UINT16_MAX : 7 * i);
	kh_token_seal(&keys, KH_TOKEN_SEND, &form, token);
	assert_opens(token);
}

static void
test_safe_in_an_attribute(void **state)
{
	(void)state;
	assert_int_equal(strspn(token,
			     "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuv"
			     "wxyz0123456789-_"),
	    KH_TOKEN_LEN);
}

static void
test_never_the_same_twice(void **state)
{
	char other[KH_TOKEN_LEN + 1];
	struct kh_form f;

	(void)state;
	kh_token_seal(&keys, KH_TOKEN_SEND, &form, other);
	assert_string_not_equal(token, other);
	assert_opens(other);
	kh_form_new(&f);
	assert_memory_not_equal(f.upload, form.upload, KH_UPLOAD_ID_LEN);
	assert_memory_not_equal(&f.code, &form.code, sizeof(f.code));
	/* Nothing has been seen yet, and so nothing can be deleted. */
	for (size_t i = 0; i < KH_OUTLETS_MAX; i++)
		assert_int_equal(f.seen[i], 0);
}

/* L27: what is in an address, to show progress, neither sends nor deletes;
 * what sends does not delete. */
static void
test_l27_uses_are_separate(void **state)
{
	static const struct kh_form zero;
	char text[KH_TOKEN_LEN + 1];
	struct kh_form out;
	unsigned made, use;

	(void)state;
	for (made = KH_TOKEN_SEND; made <= KH_TOKEN_THREAD; made++) {
		kh_token_seal(&keys, (enum kh_token_use)made, &form, text);
		for (use = 0; use <= KH_TOKEN_THREAD + 1; use++) {
			memset(&out, 0x77, sizeof(out));
			if (use == made) {
				assert_int_equal(
				    open_for(
					(enum kh_token_use)use, text, &out),
				    KH_OK);
				assert_memory_equal(
				    out.seen, form.seen, sizeof(form.seen));
				continue;
			}
			assert_int_equal(
			    open_for((enum kh_token_use)use, text, &out),
			    KH_EAUTH);
			assert_memory_equal(&out, &zero, sizeof(out));
		}
	}
	kh_form_keys_rotate(&keys); /* the previous key is no way around it */
	assert_int_equal(open_for(KH_TOKEN_SEND, text, &out), KH_EAUTH);
	assert_int_equal(open_for(KH_TOKEN_THREAD, text, &out), KH_OK);
}

static void
test_every_bit_flipped(void **state)
{
	uint8_t sealed[SEALED_LEN];
	char text[KH_TOKEN_LEN + 1];
	size_t n, bit;

	(void)state;
	assert_int_equal(sodium_base642bin(sealed, sizeof(sealed), token,
			     KH_TOKEN_LEN, NULL, &n, NULL, VARIANT),
	    0);
	assert_int_equal(n, SEALED_LEN);
	for (bit = 0; bit < 8 * SEALED_LEN; bit++) {
		sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
		sodium_bin2base64(
		    text, sizeof(text), sealed, sizeof(sealed), VARIANT);
		assert_refused(text, KH_TOKEN_LEN);
		sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

/* Any other byte at any place: also those that base64 might pass over, and
 * the two bits at the end that carry nothing. */
static void
test_every_character_changed(void **state)
{
	char text[KH_TOKEN_LEN + 1];
	unsigned c;
	size_t i;

	(void)state;
	for (i = 0; i < KH_TOKEN_LEN; i++) {
		memcpy(text, token, sizeof(text));
		for (c = 0; c < 256; c++) {
			if ((char)c == token[i])
				continue;
			text[i] = (char)c;
			assert_refused(text, KH_TOKEN_LEN);
		}
	}
}

static void
test_length(void **state)
{
	char text[KH_TOKEN_LEN + 8];
	size_t n;

	(void)state;
	for (n = 0; n < KH_TOKEN_LEN; n++)
		assert_refused(token, n);
	memcpy(text, token, KH_TOKEN_LEN);
	for (n = 1; n <= 8; n++) {
		memset(text + KH_TOKEN_LEN, n % 2 == 0 ? '=' : 'A', 8);
		assert_refused(text, KH_TOKEN_LEN + n);
	}
	text[KH_TOKEN_LEN] = '\0';
	assert_refused(text, KH_TOKEN_LEN + 1);
	text[KH_TOKEN_LEN] = '\n';
	assert_refused(text, KH_TOKEN_LEN + 1);
}

static void
test_rotation(void **state)
{
	char newer[KH_TOKEN_LEN + 1];

	(void)state;
	kh_form_keys_rotate(&keys);
	assert_opens(token); /* under the previous key */
	kh_token_seal(&keys, KH_TOKEN_SEND, &form, newer);
	assert_opens(newer);
	kh_form_keys_rotate(&keys);
	assert_refused(token, KH_TOKEN_LEN);
	assert_opens(newer);
	kh_form_keys_rotate(&keys);
	assert_refused(newer, KH_TOKEN_LEN);
}

static void
test_keys_are_fresh(void **state)
{
	struct kh_form_keys a, b, old;

	(void)state;
	kh_form_keys_init(&a);
	kh_form_keys_init(&b);
	/* Nobody has the previous key of a start: it opens nothing. */
	assert_memory_not_equal(a.current, a.previous, KH_FORM_KEY_LEN);
	assert_memory_not_equal(a.current, b.current, KH_FORM_KEY_LEN);
	assert_memory_not_equal(a.previous, b.previous, KH_FORM_KEY_LEN);
	old = a;
	kh_form_keys_rotate(&a);
	assert_memory_equal(a.previous, old.current, KH_FORM_KEY_LEN);
	assert_memory_not_equal(a.current, old.current, KH_FORM_KEY_LEN);
	assert_memory_not_equal(a.current, old.previous, KH_FORM_KEY_LEN);
}

static void
test_of_another_server(void **state)
{
	struct kh_form_keys other;

	(void)state;
	kh_form_keys_init(&other);
	kh_token_seal(&other, KH_TOKEN_SEND, &form, token);
	assert_refused(token, KH_TOKEN_LEN);
}

/* Of ours, but of another version of us. */
static void
test_of_another_version(void **state)
{
	uint8_t plain[PLAIN_LEN], sealed[SEALED_LEN];
	const uint8_t use = KH_TOKEN_SEND;
	unsigned version;

	(void)state;
	for (version = 0; version < 256; version++) {
		memset(plain, 0, sizeof(plain));
		plain[0] = (uint8_t)version;
		memcpy(plain + 1, form.upload, KH_UPLOAD_ID_LEN);
		memset(form.code.digit, 0, sizeof(form.code.digit));
		memset(form.seen, 0, sizeof(form.seen));
		randombytes_buf(sealed, 24);
		crypto_aead_xchacha20poly1305_ietf_encrypt(sealed + 24, NULL,
		    plain, sizeof(plain), &use, sizeof(use), NULL, sealed,
		    keys.current);
		sodium_bin2base64(
		    token, sizeof(token), sealed, sizeof(sealed), VARIANT);
		if (version == 2)
			assert_opens(token);
		else
			assert_refused(token, KH_TOKEN_LEN);
	}
}

/* Keeper and doors come to the same keys by the same clock, and none of them
 * leads back. */
static void
test_keys_keep_step(void **state)
{
	struct kh_form_keys a, b, before;
	int64_t at_a = 1000, at_b = 1000;

	kh_form_keys_init(&a);
	b = before = a;
	kh_form_keys_keep(&a, &at_a, 999);
	assert_memory_equal(&a, &before, sizeof(a));
	kh_form_keys_keep(&a, &at_a, 1000);
	assert_memory_equal(a.previous, before.current, KH_FORM_KEY_LEN);
	assert_memory_not_equal(a.current, before.current, KH_FORM_KEY_LEN);
	assert_int_equal(at_a, 1000 + KH_FORM_KEY_MS);
	kh_form_keys_keep(&a, &at_a, 1000 + KH_FORM_KEY_MS);
	kh_form_keys_keep(&b, &at_b, 1001 + KH_FORM_KEY_MS); /* two at once */
	assert_memory_equal(&a, &b, sizeof(a));
	assert_int_equal(at_a, at_b);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup(test_round_trip, setup),
    cmocka_unit_test_setup(test_safe_in_an_attribute, setup),
    cmocka_unit_test_setup(test_never_the_same_twice, setup),
    cmocka_unit_test_setup(test_l27_uses_are_separate, setup),
    cmocka_unit_test_setup(test_every_bit_flipped, setup),
    cmocka_unit_test_setup(test_every_character_changed, setup),
    cmocka_unit_test_setup(test_length, setup),
    cmocka_unit_test_setup(test_rotation, setup),
    cmocka_unit_test_setup(test_keys_are_fresh, setup),
    cmocka_unit_test_setup(test_of_another_server, setup),
    cmocka_unit_test_setup(test_of_another_version, setup),
    cmocka_unit_test_setup(test_keys_keep_step, setup),
};

TAP_MAIN(tests)
