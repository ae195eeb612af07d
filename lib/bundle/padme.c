/*
 * Padmé lengths, and which plaintext length makes a sealed object of one.
 * Apart from the bundle, so that the size rule can be tested over all sizes.
 */
#include "knothole/padme.h"

#include <stdbool.h>

#include "knothole/age.h"
#include "knothole/limits.h"
#include "lib/base/precond.h"

#define SEALED_CHUNK (KH_CHUNK_LEN + KH_TAG_LEN)

/* floor(log2 n), n > 0 */
static unsigned
log2_floor(uint64_t n)
{
	return 63 - (unsigned)__builtin_clzll(n);
}

/*
 * PURBs (PETS 2019), section 4: with E = floor(log2 L), S = floor(log2 E) + 1,
 * round L up until its last E - S bits are zero.
 */
uint64_t
kh_padme(uint64_t n)
{
	uint64_t mask;
	unsigned e;

	PRECOND(n <= UINT64_C(1) << 62);

	if (n <= KH_OBJECT_LEN_MIN)
		return KH_OBJECT_LEN_MIN;
	e = log2_floor(n);
	mask = (UINT64_C(1) << (e - log2_floor(e) - 1)) - 1;
	return (n + mask) & ~mask;
}

/*
 * Plaintext bytes in a payload of `body` sealed bytes. False when there is no
 * such payload: C2SP age, "Payload": the last chunk is empty only if it is
 * the only one.
 */
static bool
plain_of(uint64_t body, uint64_t *plain)
{
	uint64_t n = body / SEALED_CHUNK, rest = body % SEALED_CHUNK;

	if (rest > 0 && rest < KH_TAG_LEN + (n > 0 ? 1 : 0))
		return false;
	if (n == 0 && rest == 0)
		return false;
	*plain = n * KH_CHUNK_LEN + (rest > 0 ? rest - KH_TAG_LEN : 0);
	return true;
}

enum kh_err
kh_padme_plan(size_t header_len, uint64_t plain_min, uint64_t *plain_len)
{
	uint64_t total;

	PRECOND(plain_len != NULL);

	*plain_len = 0;
	if (plain_min > KH_OBJECT_LEN_MAX || header_len > KH_OBJECT_LEN_MAX)
		return KH_ELIMIT;
	total = header_len + kh_age_payload_len(plain_min);
	for (;;) {
		total = kh_padme(total);
		if (total > KH_OBJECT_LEN_MAX)
			return KH_ELIMIT;
		if (plain_of(total - header_len, plain_len))
			return KH_OK;
		total++;
	}
}
