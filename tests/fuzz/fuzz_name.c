/*
 * Names and text from outside: what comes out is safe, stays as it is, and
 * prints nothing but printable characters.
 */
#include <stdlib.h>
#include <string.h>

#include "knothole/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(int ok)
{
	if (!ok)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char once[KH_NAME_MAX + 1], twice[KH_NAME_MAX + 1], text[512];
	size_t i, n;

	kh_name_make(data, size, once);
	n = strlen(once);
	require(n >= 1 && n <= KH_NAME_MAX);
	kh_name_make((const uint8_t *)once, n, twice);
	require(strcmp(once, twice) == 0);
	require(kh_name_is_safe(once, n));
	require(kh_utf8_valid((const uint8_t *)once, n));
	require(once[0] != '.' && once[0] != '-' && once[0] != ' ');
	require(once[n - 1] != '.' && once[n - 1] != ' ');
	require(strpbrk(once, "/\\:*?\"<>|") == NULL);
	/* The longer way round says the same: is it safe as it stands? */
	require(kh_name_is_safe((const char *)data, size) ==
	    (size == n && memcmp(data, once, n) == 0));

	n = kh_text_escape(data, size, text, sizeof(text));
	require(n < sizeof(text) && strlen(text) == n);
	require(kh_utf8_valid((const uint8_t *)text, n));
	for (i = 0; i < n; i++)
		require((uint8_t)text[i] >= 0x20 && text[i] != 0x7f);
	if (kh_utf8_valid(data, size))
		require(kh_utf8_count(data, size) <= size);
	return 0;
}
