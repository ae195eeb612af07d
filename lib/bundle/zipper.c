/*
 * libarchive's ZIP writer behind five calls. Apart from the bundle writer, so
 * that what is peculiar to libarchive is known in one place.
 */
#include "lib/bundle/zipper.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "knothole/limits.h"
#include "lib/base/precond.h"
#include "lib/bundle/zip.h"

#define PIECE_MAX ((size_t)1 << 30) /* libarchive's CRC takes 32-bit lengths */

struct kh_zipper {
	struct archive *a;
	struct kh_sink sink;
	uint64_t len;
	uint64_t cd_len;
	uint64_t off; /* of the entry begun */
	uint64_t size;
	size_t name_len; /* 0: no entry is open */
	enum kh_err err;
	int sys; /* errno that belongs to err */
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static locale_t utf8;

static void
load_locale(void)
{
	utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

static la_ssize_t
pass_on(struct archive *a, void *ctx, const void *p, size_t n)
{
	struct kh_zipper *z = ctx;

	if (z->err != KH_OK)
		return -1;
	if (n > KH_OBJECT_LEN_MAX - z->len)
		z->err = KH_ELIMIT;
	else
		z->err = z->sink.write(z->sink.ctx, p, n);
	if (z->err != KH_OK) {
		z->sys = errno;
		archive_set_error(a, z->sys, "sink");
		return -1;
	}
	z->len += n;
	return (la_ssize_t)n;
}

/* Libarchive said `r`: keep what is behind it. */
static enum kh_err
outcome(struct kh_zipper *z, la_int64_t r)
{
	if (r < ARCHIVE_OK && z->err == KH_OK)
		z->err = z->a != NULL && archive_errno(z->a) == ENOMEM
		    ? KH_ENOMEM
		    : KH_EPROTO;
	if (z->err == KH_ESYS)
		errno = z->sys;
	return z->err;
}

/* Blocks of no length: every byte goes to the sink as it comes, uncopied. */
static int
set_up(struct kh_zipper *z)
{
	int r;

	r = archive_write_set_format_zip(z->a);
	if (r == ARCHIVE_OK)
		r = archive_write_set_format_option(
		    z->a, "zip", "compression", "store");
	if (r == ARCHIVE_OK)
		r = archive_write_set_bytes_per_block(z->a, 0);
	if (r == ARCHIVE_OK)
		r = archive_write_set_bytes_in_last_block(z->a, 1);
	if (r == ARCHIVE_OK)
		r = archive_write_open(z->a, z, NULL, pass_on, NULL);
	return r;
}

enum kh_err
kh_zipper_new(struct kh_zipper **out, struct kh_sink sink)
{
	struct kh_zipper *z = NULL;
	enum kh_err e = KH_ENOMEM;

	PRECOND(out != NULL && sink.write != NULL);
	*out = NULL;

	if (pthread_once(&once, load_locale) != 0 || utf8 == (locale_t)0)
		return KH_ESYS;
	z = calloc(1, sizeof(*z));
	if (z == NULL)
		goto out;
	z->sink = sink;
	z->a = archive_write_new();
	if (z->a == NULL)
		goto out;
	e = outcome(z, set_up(z));
	if (e != KH_OK)
		goto out;
	*out = z;
	z = NULL;
out:
	kh_zipper_free(z);
	return e;
}

/*
 * No time is set, so that libarchive writes its earliest one in every time
 * zone. It marks a name as UTF-8 only in a UTF-8 locale; it converts nothing.
 */
enum kh_err
kh_zipper_begin(struct kh_zipper *z, const char *name)
{
	struct archive_entry *ae;
	locale_t old;
	int r;

	PRECOND(z != NULL && z->name_len == 0 && name != NULL);
	PRECOND(name[0] != '\0' && strlen(name) <= KH_ZIP_NAME_MAX);
	if (z->err != KH_OK)
		return outcome(z, ARCHIVE_OK);

	ae = archive_entry_new();
	if (ae == NULL)
		return z->err = KH_ENOMEM;
	old = uselocale(utf8);
	archive_entry_copy_pathname(ae, name);
	archive_entry_set_filetype(ae, AE_IFREG);
	archive_entry_set_perm(ae, 0600);
	z->off = z->len;
	z->size = 0;
	z->name_len = strlen(name);
	r = archive_write_header(z->a, ae);
	uselocale(old);
	archive_entry_free(ae);
	return outcome(z, r == ARCHIVE_OK ? ARCHIVE_OK : ARCHIVE_FATAL);
}

enum kh_err
kh_zipper_data(struct kh_zipper *z, const uint8_t *p, size_t n)
{
	la_ssize_t r;
	size_t k;

	PRECOND(z != NULL && z->name_len > 0 && (p != NULL || n == 0));

	while (n > 0 && z->err == KH_OK) {
		k = n < PIECE_MAX ? n : PIECE_MAX;
		r = archive_write_data(z->a, p, k);
		if (r < 0 || (size_t)r != k)
			return outcome(z, ARCHIVE_FATAL);
		z->size += k;
		p += k;
		n -= k;
	}
	return outcome(z, ARCHIVE_OK);
}

enum kh_err
kh_zipper_end(struct kh_zipper *z)
{
	PRECOND(z != NULL && z->name_len > 0);

	if (z->err != KH_OK)
		return outcome(z, ARCHIVE_OK);
	if (outcome(z, archive_write_finish_entry(z->a)) != KH_OK)
		return outcome(z, ARCHIVE_OK);
	z->cd_len += kh_zip_central_len(z->name_len, z->size, z->off);
	z->name_len = 0;
	return KH_OK;
}

enum kh_err
kh_zipper_close(struct kh_zipper *z)
{
	PRECOND(z != NULL && (z->name_len == 0 || z->err != KH_OK));

	if (z->err != KH_OK)
		return outcome(z, ARCHIVE_OK);
	return outcome(z, archive_write_close(z->a));
}

/* Closing is what frees libarchive's inner state, also after a failure. It
 * would write the directory as well, so the sink is shut before. */
void
kh_zipper_free(struct kh_zipper *z)
{
	if (z == NULL)
		return;
	if (z->err == KH_OK)
		z->err = KH_EPROTO;
	if (z->a != NULL) {
		archive_write_close(z->a);
		archive_write_free(z->a);
	}
	free(z);
}

uint64_t
kh_zipper_len(const struct kh_zipper *z)
{
	PRECOND(z != NULL);
	return z->len;
}

uint64_t
kh_zipper_size(const struct kh_zipper *z)
{
	PRECOND(z != NULL);
	return z->size;
}

uint64_t
kh_zipper_cd_len(const struct kh_zipper *z)
{
	PRECOND(z != NULL);
	return z->cd_len;
}

struct sample {
	uint8_t p[1024];
	size_t n;
};

static enum kh_err
sample_write(void *ctx, const uint8_t *p, size_t n)
{
	struct sample *s = ctx;

	if (n > sizeof(s->p) - s->n)
		return KH_EPROTO;
	memcpy(s->p + s->n, p, n);
	s->n += n;
	return KH_OK;
}

/* What libarchive makes of two small files. */
static enum kh_err
sample_made(const char *const names[2], struct sample *s)
{
	struct kh_zipper *z = NULL;
	enum kh_err e;
	int i;

	e = kh_zipper_new(
	    &z, (struct kh_sink){.write = sample_write, .ctx = s});
	for (i = 0; i < 2 && e == KH_OK; i++) {
		e = kh_zipper_begin(z, names[i]);
		if (e == KH_OK)
			e = kh_zipper_data(z, (const uint8_t *)"knothole", 8);
		if (e == KH_OK)
			e = kh_zipper_end(z);
	}
	if (e == KH_OK)
		e = kh_zipper_close(z);
	kh_zipper_free(z);
	return e;
}

/* What zip.h says that they should be. */
static void
sample_stated(const char *const names[2], struct sample *s)
{
	struct kh_zip_entry e[2];
	size_t i, cd;

	for (i = 0; i < 2; i++) {
		e[i] = (struct kh_zip_entry){.name = names[i],
		    .name_len = strlen(names[i]),
		    .size = 8,
		    .off = s->n};
		e[i].crc = (uint32_t)crc32_z(0, (const uint8_t *)"knothole", 8);
		s->n += kh_zip_local(&e[i], s->p + s->n);
		memcpy(s->p + s->n, "knothole", 8);
		s->n += 8;
		kh_zip_descriptor(&e[i], s->p + s->n);
		s->n += KH_ZIP_DESCRIPTOR_LEN;
	}
	cd = s->n;
	for (i = 0; i < 2; i++)
		s->n += kh_zip_central(&e[i], s->p + s->n);
	s->n += kh_zip_end(2, s->n - cd, cd, s->p + s->n);
}

enum kh_err
kh_zipper_check(void)
{
	static const char *const names[2] = {
	    "message.txt", "files/001-\xd7\xa2\xd8\xb9"};
	struct sample made = {.n = 0}, stated = {.n = 0};
	enum kh_err e;

	e = sample_made(names, &made);
	if (e != KH_OK)
		return e;
	sample_stated(names, &stated);
	if (made.n != stated.n || memcmp(made.p, stated.p, made.n) != 0)
		return KH_EPROTO;
	return KH_OK;
}
