/*
 * Aliases and finding a thread by one. Separate because what people type is
 * looked at here, and nowhere else.
 */
#include <sodium.h>
#include <stdbool.h>
#include <string.h>

#include "client/desk/alias.h"
#include "knothole/code.h"
#include "lib/base/precond.h"

#define HEX_MAX (2 * KH_MAILBOX_LEN)

static const char label[] = "knothole alias v1";

_Static_assert(KH_ALIAS_MAX == 2 * KH_WORD_MAX + 1, "two words and a blank");

/* `p` as a number, its remainder by the list's length; the quotient is left
 * in `p`. Big-endian. */
static unsigned
next_digit(uint8_t *p, size_t n)
{
	unsigned rest = 0, v;
	size_t i;

	for (i = 0; i < n; i++) {
		v = rest << 8 | p[i];
		p[i] = (uint8_t)(v / KH_WORDLIST_N);
		rest = v % KH_WORDLIST_N;
	}
	return rest;
}

void
kh_alias(const uint8_t mailbox[static KH_MAILBOX_LEN],
    char out[static KH_ALIAS_MAX + 1])
{
	uint8_t h[crypto_generichash_BYTES];
	uint8_t msg[sizeof(label) - 1 + KH_MAILBOX_LEN];
	const char *first, *second;
	size_t n;

	memcpy(msg, label, sizeof(label) - 1);
	memcpy(msg + sizeof(label) - 1, mailbox, KH_MAILBOX_LEN);
	crypto_generichash(h, sizeof(h), msg, sizeof(msg), NULL, 0);
	first = kh_word(next_digit(h, sizeof(h)));
	second = kh_word(next_digit(h, sizeof(h)));
	n = strlen(first);
	memcpy(out, first, n);
	out[n] = ' ';
	memcpy(out + n + 1, second, strlen(second) + 1);
}

static char
folded(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return c == ' ' ? '-' : c;
}

static bool
same_alias(const char *alias, const char *name)
{
	for (; *alias != '\0' && folded(*alias) == folded(*name); alias++)
		name++;
	return *alias == '\0' && *name == '\0';
}

static bool
begins_with(
    const uint8_t mailbox[static KH_MAILBOX_LEN], const char *hex, size_t n)
{
	char own[HEX_MAX + 1];
	size_t i;

	sodium_bin2hex(own, sizeof(own), mailbox, KH_MAILBOX_LEN);
	for (i = 0; i < n; i++)
		if (folded(hex[i]) != own[i])
			return false;
	return true;
}

static bool
is_prefix(const char *name, size_t n)
{
	return n >= KH_THREAD_PREFIX_MIN && n <= HEX_MAX &&
	    strspn(name, "0123456789abcdefABCDEF") == n;
}

enum kh_alias_match
kh_alias_find(const struct kh_index *ix, const char *name, size_t *i)
{
	enum kh_alias_match found = KH_ALIAS_NONE;
	char alias[KH_ALIAS_MAX + 1];
	size_t k, n = strlen(name);
	bool hex = is_prefix(name, n);

	PRECOND(ix != NULL && i != NULL);
	*i = KH_NO_THREAD;
	for (k = 0; k < ix->n_threads; k++) {
		kh_alias(ix->threads[k].mailbox, alias);
		if (!same_alias(alias, name) &&
		    !(hex && begins_with(ix->threads[k].mailbox, name, n)))
			continue;
		if (found != KH_ALIAS_NONE)
			return KH_ALIAS_SEVERAL;
		found = KH_ALIAS_ONE;
		*i = k;
	}
	return found;
}
