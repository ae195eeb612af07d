/*
 * Shares read back from pages, QR readers and keyboards. Separate because this
 * is the parser of outside bytes.
 */
#include <sodium.h>
#include <string.h>

#include "knothole/secret.h"
#include "knothole/share.h"
#include "lib/base/precond.h"
#include "lib/code/typed.h"
#include "lib/share/bytes.h"

#define WORDS_MAX (KH_SHARES_MAX * KH_SHARE_WORDS)
#define HEX_LEN (2 * KH_SHARE_LEN)
#define MARK_LEN (sizeof(KH_SHARE_MARK) - 1)

/* Everything secret on the way, in kh_secret_alloc memory. */
struct reading {
	uint16_t w[WORDS_MAX];
	uint8_t bytes[KH_SHARE_LEN];
	char hex[HEX_LEN + 1];
	size_t n;
	char lines[KH_SHARE_TEXT_MAX]; /* without those that begin with # */
	char folded[KH_SHARE_TEXT_MAX];
};

/* For kh_secret_alloc: what is between guard pages is aligned. */
#define READING_LEN ((sizeof(struct reading) + 15) / 16 * 16)

struct row {
	unsigned number;
};

static bool
row_fits(void *ctx, const uint16_t *w)
{
	const struct row *r = ctx;

	return kh_share_row_word(w, r->number) == w[KH_SHARE_ROW_DIGITS];
}

/* Is there the mark at `p`, in any case? */
static bool
is_mark(const char *p)
{
	static const char mark[] = KH_SHARE_MARK;
	size_t i;
	char c;

	for (i = 0; i < MARK_LEN; i++) {
		c = p[i];
		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		if (c != mark[i])
			return false;
	}
	return true;
}

/* The first mark, or NULL. */
static const char *
find_mark(const char *text, size_t n)
{
	size_t i;

	for (i = 0; n >= MARK_LEN && i <= n - MARK_LEN; i++)
		if (is_mark(text + i))
			return text + i;
	return NULL;
}

static bool
is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
	    (c >= 'A' && c <= 'F');
}

/* What follows a mark: 90 digits, and then none. */
static enum kh_err
read_line(struct reading *r, const char *p, size_t n, struct kh_share *out)
{
	size_t len = 0, got;

	while (len < n && is_hex(p[len]))
		len++;
	if (len < HEX_LEN && len == n)
		return KH_ETRUNC;
	if (len != HEX_LEN)
		return len < HEX_LEN ? KH_ETRUNC : KH_EFORMAT;
	if (sodium_hex2bin(
		r->bytes, sizeof(r->bytes), p, len, NULL, &got, NULL) != 0)
		return KH_EFORMAT;
	return kh_share_from_bytes(r->bytes, out);
}

static enum kh_err
read_lines(struct reading *r, const char *text, size_t n, struct kh_share *out,
    size_t *got, struct kh_share_fault *fault)
{
	const char *at, *end = text + n;
	enum kh_err e = KH_OK;

	while (e == KH_OK && (at = find_mark(text, (size_t)(end - text)))) {
		if (*got == KH_SHARES_MAX)
			return KH_ELIMIT;
		text = at + MARK_LEN;
		fault->share = (unsigned)*got + 1;
		e = read_line(r, text, (size_t)(end - text), &out[*got]);
		*got += e == KH_OK;
	}
	return e;
}

/* Of `count` words, the one with index `i`, by share, row and word. */
static void
place(struct kh_share_fault *fault, size_t i)
{
	fault->share = (unsigned)(i / KH_SHARE_WORDS) + 1;
	fault->row = (unsigned)(i / KH_CODE_WORDS % KH_SHARE_ROWS) + 1;
	fault->word = (unsigned)(i % KH_CODE_WORDS) + 1;
}

/* All words of a text. */
static enum kh_err
get_words(struct reading *r, const char *text, size_t n, size_t max,
    struct kh_share_fault *fault)
{
	struct kh_typed f = {.text = r->folded, .cap = sizeof(r->folded)};
	size_t count = 0, start = 0;
	enum kh_err e;

	e = kh_typed_fold(text, n, &f);
	if (e != KH_OK)
		return e;
	r->n = kh_typed_words(f.text, f.n, r->w, max);
	if (r->n > 0)
		return KH_OK;
	if (!kh_typed_bad(&f, max, &count, &start))
		return count > max ? KH_ELIMIT : KH_EFORMAT;
	place(fault, count);
	kh_typed_token(&f, start, fault->text);
	return KH_EWORD;
}

static enum kh_err
check_row(uint16_t *w, unsigned row)
{
	struct row r = {row};
	const struct kh_typed_check check = {row_fits, &r};

	return kh_typed_fits(w, KH_CODE_WORDS, &check) ? KH_OK : KH_ECHECK;
}

/* One share of KH_SHARE_WORDS words; fault->row becomes that of the error. */
static enum kh_err
from_words(struct reading *r, uint16_t *w, struct kh_share *out,
    struct kh_share_fault *fault)
{
	unsigned row;

	for (row = 0; row < KH_SHARE_ROWS; row++) {
		fault->row = row + 1;
		if (check_row(w + row * KH_CODE_WORDS, row) != KH_OK ||
		    !kh_share_row_bytes(w + row * KH_CODE_WORDS, row, r->bytes))
			return KH_ECHECK;
	}
	fault->row = 0;
	return kh_share_from_bytes(r->bytes, out);
}

/* Without the lines that begin with #. */
static size_t
strip(const char *text, size_t n, char *out)
{
	size_t len = 0, line;
	const char *end;

	while (n > 0) {
		end = memchr(text, '\n', n);
		line = end != NULL ? (size_t)(end - text) + 1 : n;
		if (text[0] != '#') {
			memcpy(out + len, text, line);
			len += line;
		}
		text += line;
		n -= line;
	}
	return len;
}

static enum kh_err
read_words(struct reading *r, const char *text, size_t n, struct kh_share *out,
    size_t *got, struct kh_share_fault *fault)
{
	enum kh_err e;
	size_t i;

	n = strip(text, n, r->lines);
	e = get_words(r, r->lines, n, WORDS_MAX, fault);
	fault->words = (unsigned)r->n;
	for (i = 0; e == KH_OK && i < r->n; i += KH_SHARE_WORDS) {
		place(fault, i);
		fault->word = 0;
		if (r->n - i < KH_SHARE_WORDS)
			return KH_ETRUNC;
		e = from_words(r, r->w + i, &out[*got], fault);
		*got += e == KH_OK;
	}
	return e;
}

enum kh_err
kh_share_read(const char *text, size_t n,
    struct kh_share out[static KH_SHARES_MAX], size_t *got,
    struct kh_share_fault *fault)
{
	struct reading *r;
	enum kh_err e;

	PRECOND((text != NULL || n == 0) && got != NULL && fault != NULL);
	*got = 0;
	memset(fault, 0, sizeof(*fault));
	if (n > KH_SHARE_TEXT_MAX)
		return KH_ELIMIT;
	r = kh_secret_alloc(READING_LEN);
	if (r == NULL)
		return KH_ENOMEM;
	r->n = 0;
	if (find_mark(text, n) != NULL)
		e = read_lines(r, text, n, out, got, fault);
	else
		e = read_words(r, text, n, out, got, fault);
	kh_secret_free(r);
	if (e == KH_OK)
		memset(fault, 0, sizeof(*fault));
	else
		kh_wipe(out, KH_SHARES_MAX * sizeof(out[0]));
	if (e != KH_OK)
		*got = 0;
	return e;
}

enum kh_err
kh_share_row_check(
    const char *text, size_t n, unsigned row, struct kh_share_fault *fault)
{
	struct reading *r;
	enum kh_err e;

	PRECOND((text != NULL || n == 0) && fault != NULL);
	PRECOND(row < KH_SHARE_ROWS);
	memset(fault, 0, sizeof(*fault));
	if (n > KH_CODE_TEXT_MAX)
		return KH_ELIMIT;
	r = kh_secret_alloc(READING_LEN);
	if (r == NULL)
		return KH_ENOMEM;
	r->n = 0;
	e = get_words(r, text, n, KH_CODE_WORDS, fault);
	fault->words = (unsigned)r->n;
	if (e == KH_OK && r->n < KH_CODE_WORDS)
		e = KH_ETRUNC;
	if (e == KH_OK)
		e = check_row(r->w, row);
	fault->row = row + 1;
	kh_secret_free(r);
	return e;
}
