/*
 * Words in lines. Separate from what they say.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "knothole/name.h"
#include "lib/base/precond.h"
#include "server/drill/print.h"

/* One character: its bytes, and the columns that it may take (2 for all that
 * terminals may show wide, to be sure). */
static size_t
step(const char *p, size_t *columns)
{
	const unsigned char c = (unsigned char)*p;
	size_t n = 1;

	*columns = c < 0xe1 ? 1 : 2;
	if (c >= 0xc0) {
		while ((p[n] & 0xc0) == 0x80)
			n++;
	}
	return n;
}

/* How many bytes of the word fit into `room` columns. */
static size_t
fit(const char *word, size_t n, size_t room, size_t *columns)
{
	size_t at = 0, len, wide;

	*columns = 0;
	while (at < n) {
		len = step(word + at, &wide);
		if (*columns + wide > room)
			break;
		*columns += wide;
		at += len;
	}
	return at;
}

static enum kh_err
put(FILE *to, const char *p, size_t n)
{
	return fwrite(p, 1, n, to) == n ? KH_OK : KH_ESYS;
}

static enum kh_err
blanks(FILE *to, size_t n)
{
	enum kh_err e = KH_OK;

	while (n-- > 0 && e == KH_OK)
		e = put(to, " ", 1);
	return e;
}

static enum kh_err
new_line(FILE *to, size_t indent, size_t *at)
{
	enum kh_err e = put(to, "\n", 1);

	*at = indent;
	return e == KH_OK ? blanks(to, indent) : e;
}

/* A word, cut where a line of its own does not hold it. */
static enum kh_err
put_word(FILE *to, size_t indent, size_t *at, const char *word, size_t n)
{
	enum kh_err e = KH_OK;
	size_t columns, some;
	bool apart = *at > indent;

	(void)fit(word, n, SIZE_MAX, &columns);
	if (apart && *at + 1 + columns > KH_DRILL_COLUMNS) {
		e = new_line(to, indent, at);
		apart = false;
	}
	if (e == KH_OK && apart) {
		e = put(to, " ", 1);
		++*at;
	}
	while (e == KH_OK && n > 0) {
		some = fit(word, n, KH_DRILL_COLUMNS - *at, &columns);
		e = put(to, word, some);
		*at += columns;
		word += some;
		n -= some;
		if (e == KH_OK && n > 0)
			e = new_line(to, indent, at);
	}
	return e;
}

enum kh_err
kh_drill_wrap(FILE *to, const char *label, size_t indent, const char *text)
{
	size_t at = indent, n, len = strlen(label);
	enum kh_err e;

	PRECOND(len <= indent && indent <= KH_DRILL_COLUMNS / 2);
	e = put(to, label, len);
	if (e == KH_OK)
		e = blanks(to, indent - len);
	while (e == KH_OK && *text != '\0') {
		n = strcspn(text, " ");
		if (n > 0)
			e = put_word(to, indent, &at, text, n);
		text += n;
		text += strspn(text, " ");
	}
	return e == KH_OK ? put(to, "\n", 1) : e;
}

char *
kh_drill_escape(const char *text)
{
	const size_t n = strlen(text), cap = 4 * n + 16;
	char *out = malloc(cap);

	if (out != NULL)
		(void)kh_text_escape((const uint8_t *)text, n, out, cap);
	return out;
}
