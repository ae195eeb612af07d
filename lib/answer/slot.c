/*
 * How an answer looks from outside: the name of its slot and its size. Separate
 * because who only stores answers needs nothing else.
 */
#include <sodium.h>
#include <string.h>

#include "knothole/answer.h"
#include "lib/answer/form.h"
#include "lib/base/precond.h"

#define LABEL "knothole slot v1"
#define LABEL_LEN (sizeof(LABEL) - 1)
#define HASH_LEN 32
#define NUMBER_LEN 8

/* What is hashed. */
struct message {
	char label[LABEL_LEN];
	uint8_t outlet[KH_SIGN_PUBLIC_LEN];
	uint8_t number[NUMBER_LEN]; /* least significant byte first */
};

/* The three sizes (FORMAT.md, "Answers"). */
static const size_t lens[] = {4096, 16384, KH_ANSWER_LEN_MAX};

#define N_LENS (sizeof(lens) / sizeof(lens[0]))

_Static_assert(sizeof(struct message) == 56, "no padding");
_Static_assert(KH_SLOT_NAME_LEN == 2 * HASH_LEN, "hex");
_Static_assert(KH_SLOT_KEY_LEN <= crypto_generichash_KEYBYTES_MAX, "key");

void
kh_slot_name(const uint8_t slot_key[static KH_SLOT_KEY_LEN],
    const struct kh_sign_public *outlet, uint32_t n,
    char out[static KH_SLOT_NAME_LEN + 1])
{
	uint8_t h[HASH_LEN];
	struct message m = {.number = {(uint8_t)n, (uint8_t)(n >> 8)}};

	PRECOND(outlet != NULL && n < KH_SLOTS_MAX);
	memcpy(m.label, LABEL, LABEL_LEN);
	memcpy(m.outlet, outlet->pk, sizeof(m.outlet));
	crypto_generichash(h, sizeof(h), (const uint8_t *)&m, sizeof(m),
	    slot_key, KH_SLOT_KEY_LEN);
	sodium_bin2hex(out, KH_SLOT_NAME_LEN + 1, h, sizeof(h));
}

bool
kh_answer_len_valid(size_t n)
{
	size_t i;

	for (i = 0; i < N_LENS; i++) {
		if (n == lens[i])
			return true;
	}
	return false;
}

size_t
kh_answer_len_for(size_t n)
{
	size_t i = 0;

	while (i + 1 < N_LENS && n > lens[i] - KH_ANSWER_AGE_LEN)
		i++;
	PRECOND(n <= lens[i] - KH_ANSWER_AGE_LEN);
	return lens[i];
}
