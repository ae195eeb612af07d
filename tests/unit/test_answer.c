/*
 * Answers to sources: what is sealed comes back, at one of three sizes, only
 * to its source, only from its slot, only from its newsroom, and only whole.
 */
#include "tests/unit/answer.h"

#include <sodium.h>

#include "lib/answer/form.h"

#define SLOT_KEY \
	"c1ba1a31a88f2e65e0fd1cc44b10fa342a2400a5124c322f0ac250f12ca463a1"
#define HEBREW                                                                \
	"\xd7\xaa\xd7\x95\xd7\x93\xd7\x94. \xd7\x90\xd7\xa0\xd7\x90 \xd7\xa9" \
	"\xd7\x9c\xd7\x97\xd7\x95 \xd7\x90\xd7\xaa \xd7\x94\xd7\xa0\xd7\xa1"  \
	"\xd7\xa4\xd7\x97."
#define ARABIC                                                                \
	"\xd8\xb4\xd9\x83\xd8\xb1\xd8\xa7\xd9\x8b. \xd9\x87\xd9\x84 \xd9\x84" \
	"\xd8\xaf\xd9\x8a\xd9\x83\xd9\x85 \xd8\xa7\xd9\x84\xd9\x85\xd9\x84"   \
	"\xd8\xad\xd9\x82\xd8\x9f"

static struct sealed out;
static char long_text[KH_ANSWER_TEXT_MAX + 2];

static enum kh_err
seal(const struct kh_answer *a, struct sealed *s)
{
	const struct kh_sign_secret sk = newsroom_key();
	const struct kh_recipient to = source();

	s->n = 0;
	return kh_answer_seal(
	    a, &to, &sk, (struct kh_sink){.write = sealed_write, .ctx = s});
}

static void
slot_key(uint8_t key[static KH_SLOT_KEY_LEN])
{
	assert_int_equal(sodium_hex2bin(key, KH_SLOT_KEY_LEN, SLOT_KEY,
			     strlen(SLOT_KEY), NULL, NULL, NULL),
	    0);
}

/* Reckoned by another BLAKE2b. */
static void
test_slot_names(void **state)
{
	static const struct {
		uint32_t n;
		const char *name;
	} want[] = {
	    {0,
		"a9870ca9960b167fa597d387f2d98c718e3b2648f5fb45477cc9ed2e3b39"
		"ecae"},
	    {1,
		"564713b8ec64cc998f1aa59bef7ca2653db8d8ae3caec486d726655060e8"
		"7d19"},
	    {255,
		"41f725c13c6ebedb416e1d78ab0fe77949a5d076bf1435270f278d991e04"
		"4886"},
	};
	uint8_t key[KH_SLOT_KEY_LEN];
	char name[KH_SLOT_NAME_LEN + 1];
	struct kh_sign_public outlet = newsroom();
	size_t i;

	slot_key(key);
	for (i = 0; i < 3; i++) {
		kh_slot_name(key, &outlet, want[i].n, name);
		assert_string_equal(name, want[i].name);
	}
	outlet.key_id[0] ^= 1; /* no part of it */
	kh_slot_name(key, &outlet, 0, name);
	assert_string_equal(name, want[0].name);
	outlet.pk[31] ^= 1; /* another newsroom's stream */
	kh_slot_name(key, &outlet, 0, name);
	assert_string_not_equal(name, want[0].name);
	outlet.pk[31] ^= 1;
	key[31] ^= 1; /* another source's */
	kh_slot_name(key, &outlet, 0, name);
	assert_string_not_equal(name, want[0].name);
}

/* No two slots of two sources and two newsrooms have one name. */
static void
test_slots_are_apart(void **state)
{
	static char names[4 * KH_SLOTS_MAX][KH_SLOT_NAME_LEN + 1];
	struct kh_sign_public outlet = newsroom();
	uint8_t key[KH_SLOT_KEY_LEN];
	size_t i, j;

	slot_key(key);
	for (i = 0; i < 4 * KH_SLOTS_MAX; i++) {
		outlet.pk[0] = (uint8_t)(i / KH_SLOTS_MAX % 2);
		key[0] = (uint8_t)(i / KH_SLOTS_MAX / 2);
		kh_slot_name(key, &outlet, i % KH_SLOTS_MAX, names[i]);
		assert_int_equal(
		    strspn(names[i], "0123456789abcdef"), KH_SLOT_NAME_LEN);
		for (j = 0; j < i; j++)
			assert_string_not_equal(names[i], names[j]);
	}
}

static void
test_round_trip(void **state)
{
	static const char *const texts[] = {"", "x", "Thank you.\n\nWhere?\r\n",
	    HEBREW, ARABIC, "\xf0\x9f\x93\x84\x1b[2J\xe2\x80\xae", "\n",
	    "untrusted comment: knothole answer\n"};
	struct kh_answer_opened *o;
	const struct kh_answer *got;
	struct kh_answer a;
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		a = answer((uint32_t)i, texts[i]);
		assert_int_equal(seal(&a, &out), KH_OK);
		assert_int_equal(out.n, 4096);
		assert_null(memmem(out.bytes, out.n, "knothole-answer", 15));
		assert_int_equal(open_as(&out, (uint32_t)i, &o), KH_OK);
		got = kh_answer_get(o);
		assert_memory_equal(
		    got->mailbox, the_mailbox, sizeof(the_mailbox));
		assert_int_equal(got->number, i);
		assert_int_equal(got->kind, a.kind);
		assert_string_equal(got->day, "2026-11-23");
		assert_int_equal(got->text_len, strlen(texts[i]));
		assert_memory_equal(got->text, texts[i], got->text_len);
		kh_answer_free(o);
	}
	kh_answer_free(NULL);
}

/* `n` bytes of text in slot `number`: the size it rests at. */
static size_t
size_of(size_t n, uint32_t number)
{
	struct kh_answer a = answer(number, "x");
	struct kh_answer_opened *o;

	a.text = (const uint8_t *)long_text;
	a.text_len = n;
	if (seal(&a, &out) != KH_OK)
		return 0;
	assert_int_equal(open_as(&out, number, &o), KH_OK);
	assert_int_equal(kh_answer_get(o)->text_len, n);
	assert_memory_equal(kh_answer_get(o)->text, long_text, n);
	kh_answer_free(o);
	return out.n;
}

static void
test_sizes(void **state)
{
	/* Less 250 of age, 1 LF, 258 of signature, 115 of fields without the
	 * digits of number and length, and those of the length. */
	const size_t small = 4096 - 250 - 1 - 258 - 115 - 4;
	const size_t middle = 16384 - 250 - 1 - 258 - 115 - 5;
	size_t i;

	memset(long_text, 'a', sizeof(long_text));
	assert_int_equal(size_of(1, 0), 4096);
	assert_int_equal(size_of(small - 1, 9), 4096);
	assert_int_equal(size_of(small, 9), 16384);
	assert_int_equal(size_of(small - 2, 10), 4096);
	assert_int_equal(size_of(small - 1, 10), 16384);
	assert_int_equal(size_of(small - 3, 255), 4096);
	assert_int_equal(size_of(small - 2, 255), 16384);
	assert_int_equal(size_of(middle - 1, 9), 16384);
	assert_int_equal(size_of(middle, 9), 65536);
	assert_int_equal(size_of(middle - 3, 255), 16384);
	assert_int_equal(size_of(middle - 2, 255), 65536);
	for (i = 0; i < KH_SLOTS_MAX; i += 85) {
		assert_int_equal(
		    size_of(KH_ANSWER_TEXT_MAX, (uint32_t)i), 65536);
		assert_int_equal(
		    size_of(KH_ANSWER_TEXT_MAX + 1, (uint32_t)i), 0);
	}
	assert_true(kh_answer_len_valid(4096));
	assert_true(kh_answer_len_valid(16384));
	assert_true(kh_answer_len_valid(65536));
	for (i = 0; i < 70000; i++)
		assert_true(!kh_answer_len_valid(i) || i == 4096 ||
		    i == 16384 || i == 65536);
}

/* L11: as many characters in any script rest at one size, and "received" too. */
static void
test_l11_answers_in_three_scripts(void **state)
{
	static const char *const of_a_page[] = {"e", "\xd7\xa9", "\xd8\xb4"};
	static char page[3][2 * 1500 + 1];
	struct kh_answer a;
	size_t i, j;

	for (i = 0; i < 3; i++) {
		for (j = 0; j < 1500; j++)
			memcpy(page[i] + j * strlen(of_a_page[i]), of_a_page[i],
			    strlen(of_a_page[i]));
		a = answer(7, page[i]);
		assert_int_equal(seal(&a, &out), KH_OK);
		assert_int_equal(out.n, 4096);
	}
	a = answer(7, "");
	assert_int_equal(seal(&a, &out), KH_OK);
	assert_int_equal(out.n, 4096);
}

static void
test_not_sealed(void **state)
{
	static const char *const bad_texts[] = {
	    "\xff", "a\xc0\xaf", "\xed\xa0\x80", "\xd7", "\xf4\x90\x80\x80"};
	static const char *const bad_days[] = {
	    "2026-11-31", "2026-1-011", "0000-01-01", "2026-11-2", ""};
	struct kh_answer a = answer(1, "text");
	size_t i;

	for (i = 0; i < 5; i++) {
		a = answer(1, bad_texts[i]);
		assert_int_equal(seal(&a, &out), KH_EFORMAT);
		assert_int_equal(out.n, 0);
		a = answer(1, "text");
		memset(a.day, 0, sizeof(a.day));
		memcpy(a.day, bad_days[i], strlen(bad_days[i]));
		assert_int_equal(seal(&a, &out), KH_EFORMAT);
		assert_int_equal(out.n, 0);
	}
	a = answer(1, "text");
	memset(a.day, '1', sizeof(a.day)); /* no NUL */
	assert_int_equal(seal(&a, &out), KH_EFORMAT);
	a = answer(1, "a\0b");
	a.text_len = 3;
	assert_int_equal(seal(&a, &out), KH_EFORMAT);
	a = answer(1, "text");
	a.kind = KH_KIND_RECEIVED;
	assert_int_equal(seal(&a, &out), KH_EFORMAT);
	a.kind = (enum kh_answer_kind)0;
	assert_int_equal(seal(&a, &out), KH_EFORMAT);
	a.kind = (enum kh_answer_kind)3;
	assert_int_equal(seal(&a, &out), KH_EFORMAT);
	a = answer(1, "");
	a.kind = KH_KIND_ANSWER;
	assert_int_equal(seal(&a, &out), KH_EFORMAT);
	a = answer(KH_SLOTS_MAX, "text");
	assert_int_equal(seal(&a, &out), KH_ELIMIT);
	assert_int_equal(out.n, 0);
}

static enum kh_err
full(void *ctx, const uint8_t *p, size_t n)
{
	return --*(int *)ctx < 0 ? KH_EFULL : KH_OK;
}

static void
test_sink_and_recipient_refuse(void **state)
{
	const struct kh_sign_secret sk = newsroom_key();
	struct kh_recipient to = source();
	struct kh_answer a = answer(1, "text");
	int left, writes;

	for (writes = 0;; writes++) {
		left = writes;
		if (kh_answer_seal(&a, &to, &sk,
			(struct kh_sink){.write = full, .ctx = &left}) == KH_OK)
			break;
		assert_int_equal(left, -1);
	}
	assert_in_range(writes, 1, 4);
	memset(&to, 0, sizeof(to));
	left = 99;
	assert_int_equal(kh_answer_seal(&a, &to, &sk,
			     (struct kh_sink){.write = full, .ctx = &left}),
	    KH_EKEY);
	assert_int_equal(left, 99);
}

/* Not to another source, not from another slot, not from another newsroom. */
static void
test_wrong_place(void **state)
{
	struct kh_identity reply = source_key(3), other = source_key(4);
	struct kh_sign_public outlet = newsroom();
	struct kh_answer a = answer(17, "text");
	uint8_t wrong[KH_MAILBOX_LEN];
	struct kh_answer_opened *o = NULL;
	size_t i;

	assert_int_equal(seal(&a, &out), KH_OK);
	assert_int_equal(open_as(&out, 17, &o), KH_OK);
	kh_answer_free(o);
	for (i = 0; i < KH_SLOTS_MAX; i++)
		if (i != 17)
			assert_int_equal(
			    open_as(&out, (uint32_t)i, &o), KH_EAUTH);
	for (i = 0; i < 8 * sizeof(wrong); i++) {
		memcpy(wrong, the_mailbox, sizeof(wrong));
		wrong[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(kh_answer_open(out.bytes, out.n, &reply, wrong,
				     &outlet, 17, &o),
		    KH_EAUTH);
		assert_null(o);
	}
	assert_int_equal(kh_answer_open(out.bytes, out.n, &other, the_mailbox,
			     &outlet, 17, &o),
	    KH_ENOKEY);
	assert_null(o);
	outlet.key_id[7] ^= 1;
	assert_int_equal(kh_answer_open(out.bytes, out.n, &reply, the_mailbox,
			     &outlet, 17, &o),
	    KH_EAUTH);
	outlet.key_id[7] ^= 1;
	outlet.pk[0] ^= 1;
	assert_int_equal(kh_answer_open(out.bytes, out.n, &reply, the_mailbox,
			     &outlet, 17, &o),
	    KH_EAUTH);
	assert_null(o);
}

/* Any byte changed, and cut or lengthened anywhere (L8). */
static void
test_l8_answer_damaged(void **state)
{
	struct kh_answer a = answer(3, HEBREW);
	struct kh_answer_opened *o;
	enum kh_err e;
	size_t i;

	assert_int_equal(seal(&a, &out), KH_OK);
	for (i = 0; i < 4096; i++) {
		out.bytes[i] ^= (uint8_t)(1 << i % 8);
		e = open_as(&out, 3, &o);
		if (e != KH_EAUTH && e != KH_EFORMAT && e != KH_EUNSUP)
			fail_msg("byte %zu: %s", i, kh_err_text(e));
		out.bytes[i] ^= (uint8_t)(1 << i % 8);
	}
	for (out.n = 0; out.n < 4096; out.n++)
		assert_int_equal(open_as(&out, 3, &o), KH_EFORMAT);
	for (out.n = 4097; out.n < 4200; out.n++)
		assert_int_equal(open_as(&out, 3, &o), KH_EFORMAT);
	out.n = 16384; /* bytes behind the end make the next size */
	assert_int_equal(open_as(&out, 3, &o), KH_EAUTH);
	out.n = 4096;
	assert_int_equal(open_as(&out, 3, &o), KH_OK);
	kh_answer_free(o);
	memset(long_text, 'a', sizeof(long_text));
	assert_int_equal(size_of(50000, 3), 65536);
	out.n = 16384;
	assert_int_equal(open_as(&out, 3, &o), KH_EAUTH);
	memset(out.bytes, 'a', sizeof(out.bytes));
	assert_int_equal(open_as(&out, 3, &o), KH_EFORMAT);
	memcpy(out.bytes, "-----BEGIN AGE ENCRYPTED FILE-----\n", 35);
	assert_int_equal(open_as(&out, 3, &o), KH_EFORMAT);
}

/* Headers that are longer than what is there, or than they may be. */
static void
test_headers(void **state)
{
	struct kh_recipient many[41];
	const struct kh_seal_to to = {.recipients = many, .n = 41};
	const struct kh_sink sink = {.write = sealed_write, .ctx = &out};
	struct kh_answer_opened *o;
	struct kh_sealer *s;
	size_t i;

	for (i = 0; i < 41; i++)
		many[i] = source();
	out.n = 0;
	assert_int_equal(kh_sealer_new(&s, &to, sink), KH_OK);
	assert_int_equal(kh_sealer_finish(s), KH_OK);
	kh_sealer_free(s);
	assert_true(out.n > 4096);
	out.n = 4096;
	assert_int_equal(open_as(&out, 3, &o), KH_ETRUNC);
	memcpy(out.bytes, "age-encryption.org/v1\n", 22);
	for (i = 22; i < 4096 - 6; i += 6)
		memcpy(out.bytes + i, "-> a\n\n", 6);
	assert_int_equal(open_as(&out, 3, &o), KH_ELIMIT);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_slot_names),
    cmocka_unit_test(test_slots_are_apart),
    cmocka_unit_test(test_round_trip),
    cmocka_unit_test(test_sizes),
    cmocka_unit_test(test_l11_answers_in_three_scripts),
    cmocka_unit_test(test_not_sealed),
    cmocka_unit_test(test_sink_and_recipient_refuse),
    cmocka_unit_test(test_wrong_place),
    cmocka_unit_test(test_l8_answer_damaged),
    cmocka_unit_test(test_headers),
};

TAP_MAIN(tests)
