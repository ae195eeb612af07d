/*
 * The reader of key shares: pages, what a QR reader prints, and words as people
 * type them. What it accepts must come back the same in both spellings; what it
 * refuses must say where.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "knothole/secret.h"
#include "knothole/share.h"

#define REQUIRE(x)               \
	do {                     \
		if (!(x))        \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
same_again(const struct kh_share *s, const char *text, size_t n)
{
	struct kh_share again[KH_SHARES_MAX];
	struct kh_share_fault fault;
	size_t count;

	REQUIRE(kh_share_read(text, n, again, &count, &fault) == KH_OK);
	REQUIRE(count == 1);
	REQUIRE(memcmp(&again[0], s, sizeof(*s)) == 0);
}

static void
check_share(const struct kh_share *s)
{
	char line[KH_SHARE_LINE_LEN];
	char words[KH_SHARE_ROWS * KH_CODE_WORDS_TEXT_LEN];
	struct kh_share_fault fault;
	size_t n = 0, len;
	unsigned row;

	REQUIRE(s->threshold >= KH_SHARE_THRESHOLD_MIN);
	REQUIRE(s->threshold <= s->count && s->count <= KH_SHARES_MAX);
	REQUIRE(s->number >= 1 && s->number <= s->count);
	kh_share_line(s, line);
	same_again(s, line, strlen(line));
	for (row = 0; row < KH_SHARE_ROWS; row++) {
		kh_share_row(s, row, words + n);
		len = strlen(words + n);
		REQUIRE(
		    kh_share_row_check(words + n, len, row, &fault) == KH_OK);
		n += len;
		words[n++] = '\n';
	}
	same_again(s, words, n);
}

static void
check_fault(const struct kh_share_fault *f, enum kh_err e)
{
	REQUIRE(memchr(f->text, '\0', sizeof(f->text)) != NULL);
	REQUIRE(f->share <= KH_SHARES_MAX);
	REQUIRE(f->row <= KH_SHARE_ROWS && f->word <= KH_CODE_WORDS);
	REQUIRE(
	    strspn(f->text, "abcdefghijklmnopqrstuvwxyz?") == strlen(f->text));
	if (e == KH_EWORD)
		REQUIRE(f->share > 0 && f->row > 0 && f->word > 0 &&
		    f->text[0] != '\0');
	if (e == KH_ECHECK || e == KH_ETRUNC)
		REQUIRE(f->share > 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kh_share s[KH_SHARES_MAX];
	struct kh_share_fault fault;
	struct kh_identity id;
	size_t n = 99, i;
	unsigned row;
	enum kh_err e;

	REQUIRE(kh_init() == KH_OK);
	e = kh_share_read((const char *)data, size, s, &n, &fault);
	REQUIRE((e == KH_OK) == (n > 0) && n <= KH_SHARES_MAX);
	REQUIRE(size <= KH_SHARE_TEXT_MAX || e == KH_ELIMIT);
	check_fault(&fault, e);
	for (i = 0; i < n; i++)
		check_share(&s[i]);
	if (e == KH_OK)
		(void)!kh_share_join(s, n, &id);
	for (row = 0; row < KH_SHARE_ROWS; row++) {
		e = kh_share_row_check((const char *)data, size, row, &fault);
		REQUIRE(fault.row == row + 1 || e == KH_ELIMIT);
		if (e == KH_EWORD)
			REQUIRE(fault.word >= 1 && fault.word <= KH_CODE_WORDS);
	}
	return 0;
}
