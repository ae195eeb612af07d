/*
 * Printing what sources wrote. Separate because a message can be megabytes in
 * one line, and must come out without a control character in it.
 */
#include <stdio.h>
#include <string.h>

#include "client/desk/print.h"
#include "knothole/name.h"
#include "knothole/secret.h"

#define PIECE 1024
#define SHOWN_MAX (8 * PIECE + 1) /* a byte is at most "\u{NNNN}" */

/* How much of a line to escape at once: not through a character. */
static size_t
piece(const uint8_t *p, size_t n)
{
	size_t k = PIECE, i;

	if (n <= PIECE)
		return n;
	for (i = 0; i < 3 && (p[k] & 0xc0) == 0x80; i++)
		k--;
	return (p[k] & 0xc0) == 0x80 ? PIECE : k; /* no character at all */
}

static void
print_line(const uint8_t *p, size_t n, const char *indent)
{
	char shown[SHOWN_MAX];
	size_t k;

	fputs(indent, stdout);
	for (; n > 0; p += k, n -= k) {
		k = piece(p, n);
		(void)kh_text_escape(p, k, shown, sizeof(shown));
		fputs(shown, stdout);
	}
	putchar('\n');
	kh_wipe(shown, sizeof(shown));
}

void
kh_print_text(const uint8_t *p, size_t n, const char *indent)
{
	const uint8_t *end;
	size_t len, skip;

	while (n > 0) {
		end = memchr(p, '\n', n);
		len = end != NULL ? (size_t)(end - p) : n;
		skip = end != NULL ? len + 1 : len;
		if (end != NULL && len > 0 && p[len - 1] == '\r')
			len--;
		print_line(p, len, indent);
		p += skip;
		n -= skip;
	}
}
