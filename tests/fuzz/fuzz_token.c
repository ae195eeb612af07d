/*
 * Form tokens: nothing that we did not seal opens, and what we sealed opens to
 * what it was, in that one spelling.
 *
 *	the input as a token; then as a form: upload[16] digits[14] place[1]
 *	byte[1] use[1] seen[64], sealed, opened, and spoiled by writing `byte`
 *	at `place`
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "knothole/secret.h"
#include "server/visit/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct kh_form_keys keys;

static void
must(bool x)
{
	if (!x)
		abort();
}

static enum kh_err
open_for(unsigned use, const char *text, size_t n, struct kh_form *out)
{
	const struct kh_slice s = {text, n};

	return kh_token_open(&keys, (enum kh_token_use)use, s, out);
}

static void
any_text(const uint8_t *data, size_t size)
{
	static const struct kh_form zero;
	struct kh_form f;
	unsigned use;

	for (use = KH_TOKEN_SEND; use <= KH_TOKEN_THREAD; use++) {
		memset(&f, 0x77, sizeof(f));
		must(open_for(use, (const char *)data, size, &f) == KH_EAUTH);
		must(memcmp(&f, &zero, sizeof(f)) == 0);
	}
}

static void
any_form(const uint8_t *data)
{
	char token[KH_TOKEN_LEN + 1], spoiled[KH_TOKEN_LEN + 1];
	struct kh_form f, back;
	unsigned use, other;
	size_t i, place;

	memset(&f, 0, sizeof(f));
	memcpy(f.upload, data, KH_UPLOAD_ID_LEN);
	data += KH_UPLOAD_ID_LEN;
	for (i = 0; i < KH_CODE_WORDS - 1; i++)
		f.code.digit[i] =
		    (uint16_t)((data[2 * i] << 8 | data[2 * i + 1]) %
			KH_WORDLIST_N);
	data += i * 2;
	for (i = 0; i < KH_OUTLETS_MAX; i++)
		f.seen[i] = (uint16_t)(data[3 + 2 * i] << 8 | data[4 + 2 * i]);
	use = KH_TOKEN_SEND + data[2] % 3U;
	kh_token_seal(&keys, (enum kh_token_use)use, &f, token);
	must(strlen(token) == KH_TOKEN_LEN);
	must(open_for(use, token, KH_TOKEN_LEN, &back) == KH_OK);
	must(memcmp(back.upload, f.upload, sizeof(f.upload)) == 0);
	must(memcmp(&back.code, &f.code, sizeof(f.code)) == 0);
	must(memcmp(back.seen, f.seen, sizeof(f.seen)) == 0);
	for (other = KH_TOKEN_SEND; other <= KH_TOKEN_THREAD; other++)
		must((open_for(other, token, KH_TOKEN_LEN, &back) == KH_OK) ==
		    (other == use));

	place = data[0] % KH_TOKEN_LEN;
	memcpy(spoiled, token, sizeof(spoiled));
	spoiled[place] = (char)data[1];
	must((open_for(use, spoiled, KH_TOKEN_LEN, &back) == KH_OK) ==
	    (spoiled[place] == token[place]));
	must(open_for(use, token, place, &back) == KH_EAUTH);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;

	if (!ready) {
		must(kh_init() == KH_OK);
		kh_form_keys_init(&keys);
		ready = true;
	}
	any_text(data, size);
	if (size >=
	    KH_UPLOAD_ID_LEN + 2 * (KH_CODE_WORDS - 1) + 3 + 2 * KH_OUTLETS_MAX)
		any_form(data);
	return 0;
}
