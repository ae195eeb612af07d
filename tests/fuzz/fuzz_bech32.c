/*
 * Fuzz the text of keys: what is accepted has one spelling in each case, and
 * identity files are taken whole or not at all.
 */
#include <stdlib.h>
#include <string.h>

#include "knothole/age.h"
#include "knothole/secret.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Equal but for the case of letters? */
static int
same_text(const char *a, const char *b, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if ((a[i] | 0x20) != (b[i] | 0x20))
			return 0;
	return 1;
}

static void
recipient(const char *text, size_t n)
{
	static const struct kh_recipient zero;
	char again[KH_RECIPIENT_TEXT_LEN + 1];
	struct kh_recipient r;

	if (kh_recipient_parse(text, n, &r) != KH_OK) {
		if (memcmp(&r, &zero, sizeof(r)) != 0)
			abort();
		return;
	}
	kh_recipient_format(&r, again);
	if (n != KH_RECIPIENT_TEXT_LEN || !same_text(text, again, n))
		abort();
}

static void
identity(const char *text, size_t n)
{
	char again[KH_IDENTITY_TEXT_LEN + 1];
	struct kh_identity id, back;

	if (kh_identity_parse(text, n, &id) != KH_OK)
		return;
	kh_identity_format(&id, again);
	if (n != KH_IDENTITY_TEXT_LEN || !same_text(text, again, n))
		abort();
	if (kh_identity_parse(again, n, &back) != KH_OK ||
	    !kh_equal(&id, &back, sizeof(id)))
		abort();
}

/* Any 32 bytes make an identity, and survive the way through text. */
static void
key_bytes(const uint8_t *data)
{
	char text[KH_IDENTITY_TEXT_LEN + 1];
	struct kh_identity id, back;

	memcpy(id.sk, data, sizeof(id.sk));
	kh_identity_format(&id, text);
	if (kh_identity_parse(text, KH_IDENTITY_TEXT_LEN, &back) != KH_OK ||
	    !kh_equal(&id, &back, sizeof(id)))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct kh_keyring *kr;
	enum kh_err e;

	if (kh_init() != KH_OK)
		abort();
	recipient(text, size);
	identity(text, size);
	if (size >= KH_X25519_LEN)
		key_bytes(data);
	if (kh_keyring_new(&kr) != KH_OK)
		abort();
	e = kh_keyring_add_file(kr, text, size);
	if ((e == KH_OK) != (kh_keyring_count(kr) > 0))
		abort();
	kh_keyring_free(kr);
	return 0;
}
