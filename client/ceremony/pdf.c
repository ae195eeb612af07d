/*
 * A PDF writer for one page. Ours, because what is printed is a secret: the
 * libraries that write PDF keep it in memory that nobody wipes, and can much
 * that has no use here.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "client/ceremony/pdf.h"
#include "knothole/secret.h"
#include "lib/base/precond.h"

/* A page of ours has 20 KiB, most of it the QR code's boxes. */
#define CONTENT_MAX 61440
#define FILE_MAX 65536
#define OBJECTS (4 + KH_PDF_FONTS)
#define PAGE_OBJECT 3
#define CONTENT_OBJECT 4

static const char *const font_names[KH_PDF_FONTS] = {
    [KH_PDF_PLAIN] = "Helvetica",
    [KH_PDF_BOLD] = "Helvetica-Bold",
    [KH_PDF_FIXED] = "Courier",
};

/* All of it in kh_secret_alloc memory. */
struct kh_pdf {
	int width, height;
	bool full;
	size_t n; /* of content */
	size_t file_n;
	size_t at[OBJECTS]; /* of each object in the file */
	char content[CONTENT_MAX];
	char file[FILE_MAX];
};

#define PDF_LEN ((sizeof(struct kh_pdf) + 15) / 16 * 16)

enum kh_err
kh_pdf_new(struct kh_pdf **out, int width, int height)
{
	struct kh_pdf *p = kh_secret_alloc(PDF_LEN);

	PRECOND(out != NULL && width > 0 && height > 0);
	*out = p;
	if (p == NULL)
		return KH_ENOMEM;
	memset(p, 0, sizeof(*p));
	p->width = width;
	p->height = height;
	return KH_OK;
}

void
kh_pdf_free(struct kh_pdf *p)
{
	kh_secret_free(p);
}

/* Append to the content, or note that it does not fit. */
__attribute__((format(printf, 2, 3))) static void
put_content(struct kh_pdf *p, const char *fmt, ...)
{
	size_t room = sizeof(p->content) - p->n;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(p->content + p->n, room, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= room)
		p->full = true;
	else
		p->n += (size_t)n;
}

/* A length; no float, whose point depends on the locale. */
static void
put_length(struct kh_pdf *p, int v)
{
	PRECOND(v >= 0);
	put_content(p, "%d.%02d ", v / KH_PDF_PT, v % KH_PDF_PT);
}

void
kh_pdf_text(struct kh_pdf *p, const struct kh_pdf_text *how, const char *text)
{
	const char *c;

	PRECOND(p != NULL && how != NULL && text != NULL);
	PRECOND((unsigned)how->font < KH_PDF_FONTS);
	put_content(p, "BT /F%u ", (unsigned)how->font);
	put_length(p, how->size);
	put_content(p, "Tf ");
	put_length(p, how->x);
	put_length(p, how->y);
	put_content(p, "Td (");
	for (c = text; *c != '\0'; c++) {
		PRECOND(*c >= ' ' && *c <= '~');
		/* ISO 32000-1, 7.3.4.2 */
		if (*c == '(' || *c == ')' || *c == '\\')
			put_content(p, "\\");
		put_content(p, "%c", *c);
	}
	put_content(p, ") Tj ET\n");
}

void
kh_pdf_box(struct kh_pdf *p, int x, int y, int w, int h)
{
	PRECOND(p != NULL);
	put_length(p, x);
	put_length(p, y);
	put_length(p, w);
	put_length(p, h);
	put_content(p, "re\n");
	put_content(p, "f\n");
}

__attribute__((format(printf, 2, 3))) static void
add(struct kh_pdf *p, const char *fmt, ...)
{
	size_t room = sizeof(p->file) - p->file_n;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(p->file + p->file_n, room, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= room)
		p->full = true;
	else
		p->file_n += (size_t)n;
}

/* Object `number` begins here. */
static void
begin(struct kh_pdf *p, unsigned number)
{
	p->at[number - 1] = p->file_n;
	add(p, "%u 0 obj\n", number);
}

static void
add_objects(struct kh_pdf *p)
{
	unsigned i;

	begin(p, 1);
	add(p, "<< /Type /Catalog /Pages 2 0 R >>\nendobj\n");
	begin(p, 2);
	add(p, "<< /Type /Pages /Kids [%d 0 R] /Count 1 >>\nendobj\n",
	    PAGE_OBJECT);
	begin(p, PAGE_OBJECT);
	add(p,
	    "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d.%02d %d.%02d]\n"
	    "/Contents %d 0 R /Resources << /Font <<",
	    p->width / KH_PDF_PT, p->width % KH_PDF_PT, p->height / KH_PDF_PT,
	    p->height % KH_PDF_PT, CONTENT_OBJECT);
	for (i = 0; i < KH_PDF_FONTS; i++)
		add(p, " /F%u %u 0 R", i, CONTENT_OBJECT + 1 + i);
	add(p, " >> >> >>\nendobj\n");
	begin(p, CONTENT_OBJECT);
	add(p, "<< /Length %zu >>\nstream\n", p->n);
	if (sizeof(p->file) - p->file_n > p->n) {
		memcpy(p->file + p->file_n, p->content, p->n);
		p->file_n += p->n;
	} else {
		p->full = true;
	}
	add(p, "\nendstream\nendobj\n");
	for (i = 0; i < KH_PDF_FONTS; i++) {
		begin(p, CONTENT_OBJECT + 1 + i);
		add(p,
		    "<< /Type /Font /Subtype /Type1 /BaseFont /%s >>\n"
		    "endobj\n",
		    font_names[i]);
	}
}

enum kh_err
kh_pdf_end(struct kh_pdf *p, const char **out, size_t *n)
{
	size_t i, xref;

	PRECOND(p != NULL && out != NULL && n != NULL);
	p->file_n = 0;
	/* Bytes above 127 in the second line: it is not text (7.5.2). */
	add(p, "%%PDF-1.4\n%%\xc2\xb5\xc2\xb6\n");
	add_objects(p);
	xref = p->file_n;
	add(p, "xref\n0 %d\n0000000000 65535 f \n", OBJECTS + 1);
	for (i = 0; i < OBJECTS; i++)
		add(p, "%010zu 00000 n \n", p->at[i]);
	add(p, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%zu\n%%%%EOF\n",
	    OBJECTS + 1, xref);
	*out = p->file;
	*n = p->file_n;
	return p->full ? KH_ELIMIT : KH_OK;
}
