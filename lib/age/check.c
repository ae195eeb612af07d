/*
 * The check stanza: lets a reader whose key opens nothing tell a damaged
 * header from one that was never addressed to it. Separate because it is ours
 * and not the spec's; other readers pass over it as an unknown stanza.
 *
 *	"-> knothole.example/check " ARG LF
 *	LF
 *
 * It is the last stanza of every header sealed to X25519 recipients. ARG is
 * the unpadded base64 (22 characters) of the first 16 bytes of D, where
 *
 *	D = BLAKE2b(all header bytes before this stanza's "->",
 *	    digest length 32, no key, salt of zeros,
 *	    personalisation "knothole check" and two NULs)
 *
 * Whoever has the header can compute it: it authenticates nothing, and a
 * header whose MAC verifies is never judged by it. Someone who wants a reader
 * to see "not for you" can write a header that says so anyway.
 */
#include <sodium.h>
#include <string.h>

#include "knothole/secret.h"
#include "lib/age/stanza.h"
#include "lib/base/precond.h"

#define N_ARGS 2
#define FULL_DIGEST_LEN 32

_Static_assert(KH_CHECK_DIGEST_LEN <= FULL_DIGEST_LEN, "a prefix");

static void
digest(const uint8_t *header, size_t n, uint8_t out[static FULL_DIGEST_LEN])
{
	static const uint8_t
	    personal[crypto_generichash_blake2b_PERSONALBYTES] =
		"knothole check";
	static const uint8_t salt[crypto_generichash_blake2b_SALTBYTES];

	PRECOND(crypto_generichash_blake2b_salt_personal(out, FULL_DIGEST_LEN,
		    header, n, NULL, 0, salt, personal) == 0);
}

void
kh_stanza_check_make(
    const uint8_t *header, size_t n, uint8_t out[static KH_STANZA_CHECK_LEN])
{
	static const char lead[] = "-> " KH_STANZA_CHECK " ";
	uint8_t d[FULL_DIGEST_LEN];
	uint8_t *p = out;

	digest(header, n, d);
	memcpy(p, lead, sizeof(lead) - 1);
	p += sizeof(lead) - 1;
	kh_b64_encode(d, KH_CHECK_DIGEST_LEN, (char *)p);
	p += KH_B64_LEN(KH_CHECK_DIGEST_LEN);
	*p++ = '\n';
	*p++ = '\n';
	PRECOND((size_t)(p - out) == KH_STANZA_CHECK_LEN);
}

/* Well-formed, and over what is before it? */
static bool
fits(const struct kh_age_header *h, const struct kh_stanza *s)
{
	uint8_t d[FULL_DIGEST_LEN], said[KH_CHECK_DIGEST_LEN];
	const uint8_t *p;
	size_t n;

	if (s->n_args != N_ARGS || s->body_len != 0)
		return false;
	p = kh_stanza_arg(h, s, 1, &n);
	if (kh_b64_decode(p, n, said, sizeof(said)) != KH_OK)
		return false;
	digest(kh_age_header_bytes(h), s->start, d);
	return kh_equal(d, said, sizeof(said));
}

bool
kh_age_header_damaged(const struct kh_age_header *h)
{
	size_t i, n = kh_age_header_stanzas(h);
	const struct kh_stanza *s;

	for (i = 0; i < n; i++) {
		s = kh_age_header_stanza(h, i);
		if (!kh_stanza_is(h, s, KH_STANZA_CHECK))
			continue;
		/* It is written last: what follows it was put there. */
		if (i + 1 < n || !fits(h, s))
			return true;
	}
	return false;
}
