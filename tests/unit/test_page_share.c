/*
 * Pages of shares: what is on them, and the PDF's own bookkeeping, which a
 * reader that mends broken files would not show.
 */
#include "tests/unit/tap.h"

#include "client/ceremony/page.c"
#include "client/ceremony/pdf.c"
#include "client/ceremony/qr.c"

static struct kh_share
a_share(void)
{
	struct kh_identity id;
	struct kh_share s[5];

	kh_identity_generate(&id);
	assert_int_equal(kh_share_split(&id, 3, 5, s), KH_OK);
	return s[1];
}

static char *
page_of(const struct kh_page *p, size_t *n)
{
	char *out;

	assert_int_equal(kh_page_make(p, &out, n), KH_OK);
	assert_non_null(out);
	return out;
}

/* The text page reads back as the share, by its words. */
static void
test_text_reads_back(void **state)
{
	struct kh_share s = a_share(), got[KH_SHARES_MAX];
	const struct kh_page p = {
	    .share = &s, .id = "the-example-times", .format = KH_PAGE_TEXT};
	struct kh_share_fault fault;
	size_t n, count;
	char *text = page_of(&p, &n);

	(void)state;
	assert_int_equal(kh_share_read(text, n, got, &count, &fault), KH_OK);
	assert_int_equal(count, 1);
	assert_memory_equal(&got[0], &s, sizeof(s));
	assert_non_null(memmem(text, n, "# Key share 2 of 5\n", 19));
	assert_non_null(memmem(text, n, "the-example-times", 17));
	kh_secret_free(text);
}

/* Each object is where the table says, and the streams are as long. */
static void
check_pdf(const char *file, size_t n)
{
	char *p = strndup(file, n); /* it has no NUL: nor is one in it */
	char want[32];
	const char *xref, *at;
	unsigned i, offset;
	size_t len;

	assert_non_null(p);
	assert_int_equal(strlen(p), n);
	assert_memory_equal(p, "%PDF-1.4\n", 9);
	assert_memory_equal(p + n - 6, "%%EOF\n", 6);
	at = memmem(p, n, "startxref\n", 10);
	assert_non_null(at);
	assert_int_equal(sscanf(at, "startxref\n%u\n", &offset), 1);
	xref = p + offset;
	assert_memory_equal(xref, "xref\n0 8\n0000000000 65535 f \n", 29);
	for (i = 1; i < 8; i++) {
		assert_int_equal(
		    sscanf(xref + 9 + 20 * i, "%10u 00000 n ", &offset), 1);
		(void)snprintf(want, sizeof(want), "%u 0 obj\n", i);
		assert_memory_equal(p + offset, want, strlen(want));
	}
	at = memmem(p, n, "<< /Length ", 11);
	assert_non_null(at);
	assert_int_equal(sscanf(at, "<< /Length %zu >>", &len), 1);
	at = strstr(at, "stream\n") + 7;
	assert_memory_equal(at + len, "\nendstream\n", 11);
	free(p);
}

static void
test_pdf_reads_back(void **state)
{
	struct kh_share s = a_share(), got[KH_SHARES_MAX];
	struct kh_page p = {.share = &s, .id = "", .format = KH_PAGE_PDF};
	struct kh_share_fault fault;
	size_t n, count;
	char *text;
	int paper;

	(void)state;
	for (paper = KH_PAGE_A4; paper <= KH_PAGE_LETTER; paper++) {
		p.paper = (enum kh_page_paper)paper;
		text = page_of(&p, &n);
		check_pdf(text, n);
		assert_non_null(memmem(text, n,
		    paper == KH_PAGE_A4 ? "[0 0 595.28 841.89]"
					: "[0 0 612.00 792.00]",
		    19));
		assert_int_equal(
		    kh_share_read(text, n, got, &count, &fault), KH_OK);
		assert_int_equal(count, 1);
		assert_memory_equal(&got[0], &s, sizeof(s));
		kh_secret_free(text);
	}
}

static void
test_pdf_escapes(void **state)
{
	static const char want[] =
	    "BT /F0 10.00 Tf 1.05 2.00 Td (a\\(b\\)c\\\\d) Tj ET\n"
	    "0.01 0.20 3.00 40.00 re\nf\n";
	const struct kh_pdf_text how = {KH_PDF_PLAIN, 1000, 105, 200};
	struct kh_pdf *pdf;
	const char *p;
	size_t n;

	(void)state;
	assert_int_equal(kh_pdf_new(&pdf, 1000, 1000), KH_OK);
	kh_pdf_text(pdf, &how, "a(b)c\\d");
	kh_pdf_box(pdf, 1, 20, 300, 4000);
	assert_int_equal(kh_pdf_end(pdf, &p, &n), KH_OK);
	assert_non_null(memmem(p, n, want, strlen(want)));
	kh_pdf_free(pdf);
}

/* More than there is room for is an error, not half a page. */
static void
test_pdf_full(void **state)
{
	struct kh_pdf *pdf;
	const char *p;
	unsigned i;
	size_t n;

	(void)state;
	assert_int_equal(kh_pdf_new(&pdf, 1000, 1000), KH_OK);
	for (i = 0; i < 5000; i++)
		kh_pdf_box(pdf, 1, 20, 300, 4000);
	assert_int_equal(kh_pdf_end(pdf, &p, &n), KH_ELIMIT);
	kh_pdf_free(pdf);
}

static void
test_qr(void **state)
{
	static char long_text[4000];
	struct kh_qr qr;
	int i;

	(void)state;
	assert_int_equal(kh_qr_make(KH_SHARE_MARK "00", &qr), KH_OK);
	assert_true(qr.width >= 21 && qr.width <= KH_QR_WIDTH_MAX);
	/* A finder pattern: seven dark modules, and a light one. */
	for (i = 0; i < 7; i++)
		assert_true(qr.dark[0][i]);
	assert_false(qr.dark[0][7]);
	memset(long_text, 'x', sizeof(long_text) - 1);
	assert_int_equal(kh_qr_make(long_text, &qr), KH_ELIMIT);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_text_reads_back),
    cmocka_unit_test(test_pdf_reads_back),
    cmocka_unit_test(test_pdf_escapes),
    cmocka_unit_test(test_pdf_full),
    cmocka_unit_test(test_qr),
};

TAP_MAIN(tests)
