/*
 * Form tokens: nothing that we did not seal opens, and what we sealed opens to
 * what it was, in that one spelling.
 *
 *	the input as a token; then as a form: upload[16] digits[14] place[1]
 *	byte[1], sealed, opened, and spoiled by writing `byte` at `place`
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

static void
any_text(const uint8_t *data, size_t size)
{
	static const struct kh_form zero;
	struct kh_form f;

	memset(&f, 0x77, sizeof(f));
	must(kh_token_open(&keys, (const char *)data, size, &f) == KH_EAUTH);
	must(memcmp(&f, &zero, sizeof(f)) == 0);
}

static void
any_form(const uint8_t *data)
{
	char token[KH_TOKEN_LEN + 1], spoiled[KH_TOKEN_LEN + 1];
	struct kh_form f, back;
	size_t i, place;

	memset(&f, 0, sizeof(f));
	memcpy(f.upload, data, KH_UPLOAD_ID_LEN);
	data += KH_UPLOAD_ID_LEN;
	for (i = 0; i < KH_CODE_WORDS - 1; i++)
		f.code.digit[i] =
		    (uint16_t)((data[2 * i] << 8 | data[2 * i + 1]) %
			KH_WORDLIST_N);
	data += i * 2;
	kh_token_seal(&keys, &f, token);
	must(strlen(token) == KH_TOKEN_LEN);
	must(kh_token_open(&keys, token, KH_TOKEN_LEN, &back) == KH_OK);
	must(memcmp(back.upload, f.upload, sizeof(f.upload)) == 0);
	must(memcmp(&back.code, &f.code, sizeof(f.code)) == 0);

	place = data[0] % KH_TOKEN_LEN;
	memcpy(spoiled, token, sizeof(spoiled));
	spoiled[place] = (char)data[1];
	must((kh_token_open(&keys, spoiled, KH_TOKEN_LEN, &back) == KH_OK) ==
	    (spoiled[place] == token[place]));
	must(kh_token_open(&keys, token, place, &back) == KH_EAUTH);
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
	if (size >= KH_UPLOAD_ID_LEN + 2 * (KH_CODE_WORDS - 1) + 2)
		any_form(data);
	return 0;
}
