/*
 * The bundle reader. It reads the ZIP by itself: our archives have one form
 * (zip.h), so each record is encoded anew from what it says and compared, and
 * there is nothing left for two readers to disagree about.
 */
#include "lib/bundle/reader.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "knothole/secret.h"
#include "lib/base/precond.h"
#include "lib/bundle/manifest.h"
#include "lib/bundle/zip.h"

#define CD_MAX (KH_ZIP_ENTRIES_MAX * (size_t)KH_ZIP_CENTRAL_MAX)

struct entry {
	struct kh_bundle_entry pub;
	struct kh_zip_entry zip; /* its name points into the directory */
};

struct kh_bundle_reader {
	struct kh_source src;
	uint8_t *cd; /* the central directory, locked memory */
	size_t cd_len;
	uint64_t cd_off;
	uint8_t *buf; /* KH_CHUNK_LEN bytes, locked memory */
	struct entry *entries;
	size_t n; /* with padding */
	char *json;
	struct kh_manifest *manifest;
};

static uint64_t
get(const uint8_t *p, unsigned n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | p[n];
	return v;
}

static enum kh_err
read_at(struct kh_bundle_reader *b, uint64_t off, void *p, size_t n)
{
	if (off > b->src.size || n > b->src.size - off)
		return KH_EFORMAT;
	return b->src.read_at(b->src.ctx, off, p, n);
}

/* The end records: APPNOTE 4.3.14 to 4.3.16; then the directory itself. */
static enum kh_err
read_directory(struct kh_bundle_reader *b)
{
	uint8_t end[KH_ZIP_END64_LEN], want[KH_ZIP_END64_LEN];
	uint64_t size = b->src.size;
	enum kh_err e;
	size_t len;

	if (size > KH_OBJECT_LEN_MAX)
		return KH_ELIMIT;
	if (size < KH_ZIP_END_LEN)
		return KH_EFORMAT;
	e = read_at(b, size - KH_ZIP_END_LEN, end, KH_ZIP_END_LEN);
	if (e != KH_OK)
		return e;
	b->n = get(end + 8, 2);
	b->cd_len = get(end + 12, 4);
	if (b->n < 2 || b->n > KH_ZIP_ENTRIES_MAX || b->cd_len > CD_MAX ||
	    b->cd_len + KH_ZIP_END64_LEN > size)
		return KH_EFORMAT;
	/* Where it must begin if it ends where the end records begin. */
	b->cd_off = size - KH_ZIP_END_LEN - b->cd_len;
	if (kh_zip_end_len(b->cd_off) != KH_ZIP_END_LEN)
		b->cd_off = size - KH_ZIP_END64_LEN - b->cd_len;
	len = kh_zip_end(b->n, b->cd_len, b->cd_off, want);
	if (b->cd_off + b->cd_len + len != size)
		return KH_EFORMAT;
	e = read_at(b, size - len, end, len);
	if (e != KH_OK)
		return e;
	if (memcmp(end, want, len) != 0)
		return KH_EFORMAT;
	b->cd = kh_secret_alloc(b->cd_len + 1);
	if (b->cd == NULL)
		return KH_ENOMEM;
	return read_at(b, b->cd_off, b->cd, b->cd_len);
}

/*
 * One central header, `left` bytes at `p`, of an entry that begins at `off`.
 * Returns its length, 0 if it is none of ours.
 */
static size_t
take_header(const uint8_t *p, size_t left, uint64_t off, struct kh_zip_entry *e)
{
	uint8_t want[KH_ZIP_CENTRAL_MAX];
	size_t len;

	if (left < KH_ZIP_CENTRAL_LEN)
		return 0;
	e->name_len = get(p + 28, 2);
	if (e->name_len == 0 || e->name_len > KH_ZIP_NAME_MAX ||
	    e->name_len > left - KH_ZIP_CENTRAL_LEN)
		return 0;
	left -= KH_ZIP_CENTRAL_LEN + e->name_len;
	e->name = (const char *)p + 46;
	e->crc = (uint32_t)get(p + 16, 4);
	e->size = get(p + 24, 4);
	e->off = off;
	/* ZIP64 with a size in it: more extra than the ZIP64 offset needs */
	if (e->size == 0xffffffff && get(p + 30, 2) >= 40) {
		if (left < 20)
			return 0;
		e->size = get(p + 66 + e->name_len + 4, 8);
	}
	len = kh_zip_central(e, want);
	if (len > left + KH_ZIP_CENTRAL_LEN + e->name_len ||
	    memcmp(p, want, len) != 0)
		return 0;
	return len;
}

/* All headers: entries one after the other from 0 on, without gaps, up to the
 * directory, which they fill. */
static enum kh_err
walk_directory(struct kh_bundle_reader *b)
{
	uint64_t off = 0, room;
	size_t i, len, at = 0;
	struct kh_zip_entry *z;

	b->entries = calloc(b->n, sizeof(*b->entries));
	if (b->entries == NULL)
		return KH_ENOMEM;
	for (i = 0; i < b->n; i++) {
		z = &b->entries[i].zip;
		len = take_header(b->cd + at, b->cd_len - at, off, z);
		if (len == 0)
			return KH_EFORMAT;
		at += len;
		room = b->cd_off - off;
		len = KH_ZIP_LOCAL_LEN + z->name_len + KH_ZIP_DESCRIPTOR_LEN;
		if (room < len || room - len < z->size)
			return KH_EFORMAT;
		off += len + z->size;
		b->entries[i].pub.size = z->size;
	}
	return at == b->cd_len && off == b->cd_off ? KH_OK : KH_EFORMAT;
}

static bool
is_named(const struct kh_zip_entry *z, const char *name)
{
	return z->name_len == strlen(name) &&
	    memcmp(z->name, name, z->name_len) == 0;
}

/* Does the local header repeat what the directory says, to the byte? And the
 * descriptor? (4.3.7, 4.3.9) */
static enum kh_err
check_local(struct kh_bundle_reader *b, const struct kh_zip_entry *z)
{
	uint8_t is[KH_ZIP_LOCAL_MAX], want[KH_ZIP_LOCAL_MAX];
	enum kh_err e;
	size_t n;

	n = kh_zip_local(z, want);
	e = read_at(b, z->off, is, n);
	if (e == KH_OK && memcmp(is, want, n) != 0)
		e = KH_EFORMAT;
	if (e != KH_OK)
		return e;
	kh_zip_descriptor(z, want);
	e = read_at(b, z->off + n + z->size, is, KH_ZIP_DESCRIPTOR_LEN);
	if (e == KH_OK && memcmp(is, want, KH_ZIP_DESCRIPTOR_LEN) != 0)
		e = KH_EFORMAT;
	return e;
}

static enum kh_err
read_manifest(struct kh_bundle_reader *b, struct entry *m)
{
	const struct kh_zip_entry *z = &m->zip;
	enum kh_err e;
	size_t n;

	if (z->size > KH_MANIFEST_MAX)
		return KH_ELIMIT;
	n = (size_t)z->size;
	e = check_local(b, z);
	if (e != KH_OK)
		return e;
	b->json = kh_secret_alloc(n + 1);
	if (b->json == NULL)
		return KH_ENOMEM;
	e = read_at(b, z->off + KH_ZIP_LOCAL_LEN + z->name_len, b->json, n);
	if (e != KH_OK)
		return e;
	if ((uint32_t)crc32_z(0, (const uint8_t *)b->json, n) != z->crc)
		return KH_EFORMAT;
	m->pub.path = "manifest.json";
	return kh_manifest_read(b->json, n, &b->manifest);
}

/* Names and order of all entries; files against the manifest. */
static enum kh_err
match_entries(struct kh_bundle_reader *b)
{
	const struct kh_manifest *m = b->manifest;
	size_t i, files = 0, messages = 0;
	struct entry *en;

	for (i = 0; i < b->n - 2; i++) {
		en = &b->entries[i];
		if (is_named(&en->zip, "message.txt")) {
			if (++messages > 1 || en->zip.size == 0)
				return KH_EFORMAT;
			if (en->zip.size > KH_MESSAGE_MAX)
				return KH_ELIMIT;
			en->pub.path = "message.txt";
			continue;
		}
		if (files == m->n_files ||
		    !is_named(&en->zip, m->files[files].entry) ||
		    en->zip.size != m->files[files].size)
			return KH_EFORMAT;
		en->pub.file = &m->files[files];
		en->pub.path = m->files[files].entry;
		files++;
	}
	return files == m->n_files ? KH_OK : KH_EFORMAT;
}

enum kh_err
kh_bundle_reader_open(struct kh_bundle_reader **out, struct kh_source src)
{
	struct kh_bundle_reader *b = NULL;
	enum kh_err e = KH_ENOMEM;

	PRECOND(out != NULL && src.read_at != NULL);
	*out = NULL;

	b = calloc(1, sizeof(*b));
	if (b == NULL)
		goto out;
	b->src = src;
	b->buf = kh_secret_alloc(KH_CHUNK_LEN);
	if (b->buf == NULL)
		goto out;
	e = read_directory(b);
	if (e == KH_OK)
		e = walk_directory(b);
	if (e != KH_OK)
		goto out;
	e = KH_EFORMAT;
	if (!is_named(&b->entries[b->n - 2].zip, "manifest.json") ||
	    !is_named(&b->entries[b->n - 1].zip, "padding"))
		goto out;
	e = read_manifest(b, &b->entries[b->n - 2]);
	if (e == KH_OK)
		e = match_entries(b);
	if (e != KH_OK)
		goto out;
	*out = b;
	b = NULL;
out:
	kh_bundle_reader_free(b);
	return e;
}

static enum kh_err
age_read_at(void *ctx, uint64_t off, uint8_t *p, size_t n)
{
	return kh_age_reader_read(ctx, off, p, n);
}

enum kh_err
kh_bundle_reader_new(struct kh_bundle_reader **out, struct kh_age_reader *r)
{
	PRECOND(r != NULL);

	return kh_bundle_reader_open(out,
	    (struct kh_source){.read_at = age_read_at,
		.ctx = r,
		.size = kh_age_reader_size(r)});
}

void
kh_bundle_reader_free(struct kh_bundle_reader *b)
{
	if (b == NULL)
		return;
	kh_manifest_free(b->manifest);
	kh_secret_free(b->json);
	free(b->entries);
	kh_secret_free(b->buf);
	kh_secret_free(b->cd);
	kh_wipe(b, sizeof(*b));
	free(b);
}

const struct kh_manifest *
kh_bundle_manifest(const struct kh_bundle_reader *b)
{
	PRECOND(b != NULL);
	return b->manifest;
}

const char *
kh_bundle_manifest_json(const struct kh_bundle_reader *b, size_t *n)
{
	PRECOND(b != NULL && n != NULL);
	*n = (size_t)b->entries[b->n - 2].zip.size;
	return b->json;
}

size_t
kh_bundle_count(const struct kh_bundle_reader *b)
{
	PRECOND(b != NULL);
	return b->n - 1;
}

const struct kh_bundle_entry *
kh_bundle_at(const struct kh_bundle_reader *b, size_t i)
{
	PRECOND(b != NULL && i < b->n - 1);
	return &b->entries[i].pub;
}

static enum kh_err
only_zeros(void *ctx, const uint8_t *p, size_t n)
{
	size_t i;
	uint8_t all = 0;

	(void)ctx;
	for (i = 0; i < n; i++)
		all |= p[i];
	return all == 0 ? KH_OK : KH_EFORMAT;
}

/* An entry's data into `sink`, in pieces that end where chunks end. */
static enum kh_err
copy_data(struct kh_bundle_reader *b, const struct kh_zip_entry *z,
    struct kh_sink sink)
{
	uint64_t off = z->off + KH_ZIP_LOCAL_LEN + z->name_len;
	uint64_t left = z->size;
	uint32_t crc = 0;
	enum kh_err e;
	size_t k;

	for (; left > 0; left -= k, off += k) {
		k = KH_CHUNK_LEN - off % KH_CHUNK_LEN;
		if (left < k)
			k = (size_t)left;
		e = read_at(b, off, b->buf, k);
		if (e != KH_OK)
			return e;
		crc = (uint32_t)crc32_z(crc, b->buf, k);
		e = sink.write(sink.ctx, b->buf, k);
		if (e != KH_OK)
			return e;
	}
	return crc == z->crc ? KH_OK : KH_EFORMAT;
}

static enum kh_err
visit(struct kh_bundle_reader *b, const struct entry *en,
    const struct kh_bundle_visitor *v)
{
	struct kh_sink sink = {.write = NULL};
	enum kh_err e;

	e = check_local(b, &en->zip);
	if (e == KH_OK)
		e = v->open(v->ctx, &en->pub, &sink);
	if (e != KH_OK || sink.write == NULL)
		return e;
	e = copy_data(b, &en->zip, sink);
	if (e == KH_OK)
		e = v->done(v->ctx, &en->pub);
	return e;
}

enum kh_err
kh_bundle_read(struct kh_bundle_reader *b, const struct kh_bundle_visitor *v)
{
	const struct kh_zip_entry *padding;
	enum kh_err e = KH_OK;
	size_t i;

	PRECOND(b != NULL && v != NULL && v->open != NULL && v->done != NULL);

	for (i = 0; i < b->n - 1 && e == KH_OK; i++)
		e = visit(b, &b->entries[i], v);
	padding = &b->entries[b->n - 1].zip;
	if (e == KH_OK)
		e = check_local(b, padding);
	if (e == KH_OK)
		e = copy_data(
		    b, padding, (struct kh_sink){.write = only_zeros});
	kh_wipe(b->buf, KH_CHUNK_LEN);
	return e;
}
