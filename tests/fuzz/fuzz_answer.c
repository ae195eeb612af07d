/*
 * Answers. An input is read as the whole of what is inside an answer, again as
 * a body that is signed here, so that the fuzzer gets past the signature, and
 * as a sealed one. A body that is accepted must be the one way to write that
 * answer.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "knothole/day.h"
#include "knothole/name.h"
#include "knothole/secret.h"
#include "lib/answer/form.h"

#define REQUIRE(x)               \
	do {                     \
		if (!(x))        \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The key of the seeds' signatures. */
static const struct kh_sign_secret *
fixed_key(void)
{
	static struct kh_sign_secret sk;

	memset(sk.key_id, 0x42, sizeof(sk.key_id));
	memset(sk.seed, 0x17, sizeof(sk.seed));
	return &sk;
}

static void
check_answer(const struct kh_answer *a, const uint8_t *plain, size_t n)
{
	static uint8_t again[KH_ANSWER_PLAIN_MAX];
	size_t len, i;

	REQUIRE(a->number < KH_SLOTS_MAX);
	REQUIRE(kh_day_valid(a->day));
	REQUIRE(a->text >= plain && a->text_len < n);
	REQUIRE(a->text_len <= KH_ANSWER_TEXT_MAX);
	REQUIRE(kh_utf8_valid(a->text, a->text_len));
	REQUIRE((a->kind == KH_KIND_RECEIVED) == (a->text_len == 0));
	REQUIRE(kh_answer_write(a, fixed_key(), again, &len) == KH_OK);
	REQUIRE(len <= n && memcmp(plain, again, len) == 0);
	for (i = len; i < n; i++)
		REQUIRE(plain[i] == 0);
	REQUIRE(kh_answer_len_valid(kh_answer_len_for(len)));
}

static void
read_plain(const uint8_t *plain, size_t n)
{
	static const struct kh_answer zero;
	struct kh_sign_public pk;
	struct kh_answer a;
	enum kh_err e;

	kh_sign_public(fixed_key(), &pk);
	e = kh_answer_read(plain, n, &pk, &a);
	if (e == KH_OK) {
		check_answer(&a, plain, n);
		return;
	}
	REQUIRE(e == KH_EFORMAT || e == KH_EAUTH || e == KH_ELIMIT ||
	    e == KH_EUNSUP);
	REQUIRE(memcmp(&a, &zero, sizeof(zero)) == 0);
}

static void
read_signed_body(const uint8_t *data, size_t size)
{
	char sig[KH_SIGNATURE_TEXT_MAX];
	uint8_t *plain;
	size_t n;

	REQUIRE(kh_sign(fixed_key(), data, size, KH_ANSWER_COMMENT,
		    KH_ANSWER_COMMENT, sig) == KH_OK);
	n = strlen(sig);
	plain = calloc(1, size + n + 3);
	REQUIRE(plain != NULL);
	if (size > 0)
		memcpy(plain, data, size);
	memcpy(plain + size, sig, n);
	read_plain(plain, size + n);
	read_plain(plain, size + n + 3);
	free(plain);
}

/* As it is, and cut or lengthened to a length that an answer can have. */
static void
open_sealed(const uint8_t *data, size_t size)
{
	static const uint8_t mailbox[KH_MAILBOX_LEN];
	static uint8_t sealed[4096];
	struct kh_answer_opened *o;
	struct kh_sign_public pk;
	struct kh_identity reply;

	memset(&reply, 3, sizeof(reply));
	kh_sign_public(fixed_key(), &pk);
	if (kh_answer_open(data, size, &reply, mailbox, &pk, 1, &o) == KH_OK)
		abort();
	memset(sealed, 0, sizeof(sealed));
	if (size > 0)
		memcpy(sealed, data,
		    size < sizeof(sealed) ? size : sizeof(sealed));
	if (kh_answer_open(
		sealed, sizeof(sealed), &reply, mailbox, &pk, 1, &o) == KH_OK)
		abort();
	REQUIRE(o == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	REQUIRE(kh_init() == KH_OK);
	read_plain(data, size);
	read_signed_body(data, size);
	open_sealed(data, size);
	return 0;
}
