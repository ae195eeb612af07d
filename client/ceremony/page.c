/*
 * The pages of shares. Separate from who orders them: what is printed must be
 * enough for people who find it in ten years.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client/ceremony/page.h"
#include "client/ceremony/pdf.h"
#include "client/ceremony/qr.h"
#include "knothole/secret.h"
#include "lib/base/precond.h"

#define TEXT_MAX 16384 /* 60 lines, of which 23 have 45 signs of 3 bytes */
#define HALF (KH_CODE_WORDS / 2) /* words on a line */
#define LINE_MAX_LEN 160

/* Everything secret of a page, in kh_secret_alloc memory. */
struct making {
	const struct kh_page *page;
	struct kh_qr qr;
	char line[KH_SHARE_LINE_LEN];
	char set[KH_SHARE_SET_TEXT_LEN];
	char row[KH_CODE_WORDS_TEXT_LEN];
	char half[2][KH_CODE_WORDS_TEXT_LEN];
	char prose[LINE_MAX_LEN];
	char *out; /* text: TEXT_MAX */
	size_t n;
	struct kh_pdf *pdf;
	int y; /* PDF: of the next line */
};

/* What the page says; %-conversions are those of say(). */
static const char *const advice[] = {
    "This page alone opens nothing. Keep it where nobody else comes, apart",
    "from the other pages and from every copy of the identity file. Do not",
    "photograph or copy it; do not scan it with a device that is connected",
    "to a network.",
    "",
    "To open the identity file, its holders bring pages of the same set to",
    "the offline machine and run:  knothole recover -o DIR",
    "Type the words row by row (capitals, blanks and hyphens do not matter;",
    "the last word of each row checks it), or give it what a QR reader on",
    "that machine prints. The form is described in Knothole's FORMAT.md.",
};
#define N_ADVICE (sizeof(advice) / sizeof(advice[0]))

/* --- both forms ------------------------------------------------------------- */

/* Row `row` as two lines of four words. */
static void
split_row(struct making *m, unsigned row)
{
	char *p = m->row;
	unsigned i;

	kh_share_row(m->page->share, row, m->row);
	for (i = 0; i < HALF; i++)
		p = strchr(p, ' ') + 1;
	(void)snprintf(m->half[0], sizeof(m->half[0]), "%.*s",
	    (int)(p - 1 - m->row), m->row);
	(void)snprintf(m->half[1], sizeof(m->half[1]), "%s", p);
}

static const char *
title(struct making *m)
{
	(void)snprintf(m->prose, sizeof(m->prose), "Key share %u of %u",
	    (unsigned)m->page->share->number, (unsigned)m->page->share->count);
	return m->prose;
}

static const char *
purpose(struct making *m)
{
	(void)snprintf(m->prose, sizeof(m->prose),
	    "Any %u of the %u pages of this set open a newsroom's identity "
	    "file.",
	    (unsigned)m->page->share->threshold,
	    (unsigned)m->page->share->count);
	return m->prose;
}

/* --- text --------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void
put(struct making *m, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(m->out + m->n, TEXT_MAX - m->n, fmt, ap);
	va_end(ap);
	PRECOND(n >= 0 && (size_t)n < TEXT_MAX - m->n);
	m->n += (size_t)n;
}

/* Dark modules are black on white paper; two rows of them are one line. */
static void
put_qr(struct making *m)
{
	static const char *const block[2][2] = {
	    {" ", "\xe2\x96\x84"}, {"\xe2\x96\x80", "\xe2\x96\x88"}};
	const struct kh_qr *qr = &m->qr;
	bool upper, lower;
	int x, y;

	for (y = 0; y < qr->width; y += 2) {
		put(m, "      ");
		for (x = 0; x < qr->width; x++) {
			upper = qr->dark[y][x];
			lower = y + 1 < qr->width && qr->dark[y + 1][x];
			put(m, "%s", block[upper][lower]);
		}
		put(m, "\n");
	}
}

static void
make_text(struct making *m)
{
	unsigned row;
	size_t i;

	put(m, "# %s\n#\n", title(m));
	if (m->page->id[0] != '\0')
		put(m, "# newsroom  %s\n", m->page->id);
	put(m, "# set       %s\n#\n", m->set);
	put(m, "# %s\n", purpose(m));
	for (i = 0; i < N_ADVICE; i++)
		put(m, "#%s%s\n", advice[i][0] != '\0' ? " " : "", advice[i]);
	put(m, "\n");
	for (row = 0; row < KH_SHARE_ROWS; row++) {
		split_row(m, row);
		put(m, "%u     %s\n      %s\n", row + 1, m->half[0],
		    m->half[1]);
	}
	put(m, "\n\n");
	put_qr(m);
	put(m, "\n");
}

/* --- PDF ---------------------------------------------------------------------- */

#define MARGIN (20 * KH_PDF_MM)
#define PROSE (10 * KH_PDF_PT)
#define WORDS (15 * KH_PDF_PT)
#define SMALL (6 * KH_PDF_PT + 50)
#define QR_SIDE (60 * KH_PDF_MM)

static void
line(struct making *m, enum kh_pdf_font font, int size, const char *text)
{
	const struct kh_pdf_text how = {font, size, MARGIN, m->y - size};

	kh_pdf_text(m->pdf, &how, text);
	m->y -= size * 3 / 2;
}

/* Boxes for the dark modules, a run of them in one. */
static void
draw_qr(struct making *m)
{
	const struct kh_qr *qr = &m->qr;
	int side = QR_SIDE / (qr->width + 2 * KH_QR_QUIET);
	int x, y, run, left = MARGIN + KH_QR_QUIET * side;
	int top = m->y - KH_QR_QUIET * side;

	for (y = 0; y < qr->width; y++) {
		for (x = 0; x < qr->width; x += run) {
			run = 1;
			if (!qr->dark[y][x])
				continue;
			while (x + run < qr->width && qr->dark[y][x + run])
				run++;
			kh_pdf_box(m->pdf, left + x * side,
			    top - (y + 1) * side, run * side, side);
		}
	}
	m->y -= (qr->width + 2 * KH_QR_QUIET) * side;
}

static void
draw_words(struct making *m)
{
	struct kh_pdf_text number = {KH_PDF_BOLD, WORDS, MARGIN, 0};
	struct kh_pdf_text words = {
	    KH_PDF_FIXED, WORDS, MARGIN + 12 * KH_PDF_MM, 0};
	char digit[2] = "1";
	unsigned row;

	for (row = 0; row < KH_SHARE_ROWS; row++) {
		split_row(m, row);
		digit[0] = (char)('1' + row);
		number.y = words.y = m->y - WORDS;
		kh_pdf_text(m->pdf, &number, digit);
		kh_pdf_text(m->pdf, &words, m->half[0]);
		words.y -= WORDS * 5 / 4;
		kh_pdf_text(m->pdf, &words, m->half[1]);
		m->y -= WORDS * 3;
	}
}

static void
draw_page(struct making *m)
{
	char head[LINE_MAX_LEN];
	size_t i;

	line(m, KH_PDF_BOLD, 20 * KH_PDF_PT, title(m));
	if (m->page->id[0] != '\0') {
		(void)snprintf(head, sizeof(head), "newsroom  %s", m->page->id);
		line(m, KH_PDF_FIXED, PROSE, head);
	}
	(void)snprintf(head, sizeof(head), "set       %s", m->set);
	line(m, KH_PDF_FIXED, PROSE, head);
	m->y -= PROSE;
	line(m, KH_PDF_PLAIN, PROSE, purpose(m));
	for (i = 0; i < N_ADVICE; i++)
		line(m, KH_PDF_PLAIN, PROSE, advice[i]);
	m->y -= PROSE;
	draw_words(m);
	draw_qr(m);
	m->y -= PROSE;
	line(m, KH_PDF_FIXED, SMALL, m->line);
}

static enum kh_err
make_pdf(struct making *m)
{
	static const struct {
		int width, height;
	} size[] = {
	    [KH_PAGE_A4] = {59528, 84189},
	    [KH_PAGE_LETTER] = {61200, 79200},
	};
	const char *file;
	enum kh_err e;
	size_t n;

	e = kh_pdf_new(
	    &m->pdf, size[m->page->paper].width, size[m->page->paper].height);
	if (e != KH_OK)
		return e;
	m->y = size[m->page->paper].height - MARGIN;
	draw_page(m);
	PRECOND(m->y > 0);
	e = kh_pdf_end(m->pdf, &file, &n);
	PRECOND(e == KH_OK);
	m->out = kh_secret_alloc(n);
	if (m->out == NULL)
		return KH_ENOMEM;
	memcpy(m->out, file, n);
	m->n = n;
	return KH_OK;
}

enum kh_err
kh_page_make(const struct kh_page *page, char **out, size_t *n)
{
	struct making *m;
	enum kh_err e;

	PRECOND(page != NULL && page->share != NULL && page->id != NULL);
	PRECOND(out != NULL && n != NULL);
	*out = NULL;
	*n = 0;
	m = kh_secret_alloc((sizeof(*m) + 15) / 16 * 16);
	if (m == NULL)
		return KH_ENOMEM;
	memset(m, 0, sizeof(*m));
	m->page = page;
	kh_share_line(page->share, m->line);
	kh_share_set_text(page->share->set, m->set);
	e = kh_qr_make(m->line, &m->qr);
	if (e == KH_OK && page->format == KH_PAGE_PDF) {
		e = make_pdf(m);
	} else if (e == KH_OK) {
		m->out = kh_secret_alloc(TEXT_MAX);
		e = m->out == NULL ? KH_ENOMEM : KH_OK;
		if (e == KH_OK)
			make_text(m);
	}
	if (e == KH_OK) {
		*out = m->out;
		*n = m->n;
		m->out = NULL;
	}
	kh_secret_free(m->out);
	kh_pdf_free(m->pdf);
	kh_secret_free(m);
	return e;
}
