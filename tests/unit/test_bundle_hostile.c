/*
 * Archives that the bundle writer did not make: every single bit changed,
 * other orders and names, and what libarchive can put into a ZIP (L1, L2).
 */
#include "tests/unit/bundle.h"

#include <archive.h>
#include <archive_entry.h>

#include "knothole/limits.h"
#include "lib/bundle/reader.h"
#include "lib/bundle/zipper.h"

/* Open plaintext as a bundle and read all of it. */
static enum kh_err
read_plain(const uint8_t *p, size_t n)
{
	struct kh_memory mem = {p, n};
	struct gather g = {.names = ""};
	struct kh_bundle_reader *b;
	enum kh_err e;

	e = kh_bundle_reader_open(&b, kh_source_memory(&mem));
	assert_true((e == KH_OK) == (b != NULL));
	if (e == KH_OK)
		e = gather_all(b, &g);
	kh_bundle_reader_free(b);
	bytes_free(&g.data);
	return e;
}

/* What the manifest is to say, and the entries as they are. */
struct item {
	const char *name;
	const char *data;
};

static void
zip_item(struct kh_zipper *z, const char *name, const void *p, size_t n)
{
	assert_int_equal(kh_zipper_begin(z, name), KH_OK);
	assert_int_equal(kh_zipper_data(z, p, n), KH_OK);
	assert_int_equal(kh_zipper_end(z), KH_OK);
}

/* JSON for files "a" and "b", of 3 and 0 bytes. */
static char *
manifest_ab(size_t *n)
{
	struct kh_manifest *m;
	char *json;

	assert_int_equal(kh_manifest_new(&m), KH_OK);
	strcpy(m->language, "en");
	strcpy(m->day, "2026-11-21");
	kh_identity_recipient(newsroom(), &m->reply_to);
	m->recipients = malloc(sizeof(*m->recipients));
	assert_non_null(m->recipients);
	m->recipients[0] = m->reply_to;
	m->n_recipients = 1;
	assert_int_equal(
	    kh_manifest_add(m, (const uint8_t *)"a", 1, "", 0), KH_OK);
	m->files[0].size = 3;
	assert_int_equal(
	    kh_manifest_add(m, (const uint8_t *)"b", 1, "", 0), KH_OK);
	assert_int_equal(kh_manifest_write(m, &json, n), KH_OK);
	kh_manifest_free(m);
	return json;
}

/* An archive of `items`; a NULL `data` stands for the manifest. */
static struct bytes
zip_of(const struct item *items)
{
	struct bytes plain = {0};
	struct kh_zipper *z;
	char *json;
	size_t n;

	json = manifest_ab(&n);
	assert_int_equal(kh_zipper_new(&z, bytes_sink(&plain)), KH_OK);
	for (; items->name != NULL; items++)
		if (items->data != NULL)
			zip_item(
			    z, items->name, items->data, strlen(items->data));
		else
			zip_item(z, items->name, json, n);
	assert_int_equal(kh_zipper_close(z), KH_OK);
	kh_zipper_free(z);
	kh_secret_free(json);
	return plain;
}

static enum kh_err
read_items(const struct item *items)
{
	struct bytes plain = zip_of(items);
	enum kh_err e = read_plain(plain.p, plain.n);

	bytes_free(&plain);
	return e;
}

#define A                            \
	{                            \
		"files/001-a", "aaa" \
	}
#define B                         \
	{                         \
		"files/002-b", "" \
	}
#define M                            \
	{                            \
		"message.txt", "tip" \
	}
#define J                             \
	{                             \
		"manifest.json", NULL \
	}
#define P                     \
	{                     \
		"padding", "" \
	}
#define END                \
	{                  \
		NULL, NULL \
	}

static const struct item good[] = {M, A, B, J, P, END};

static const struct item orders_good[][8] = {
    {M, A, B, J, P, END},
    {A, B, J, P, END},
    {A, M, B, J, P, END},
    {A, B, M, J, P, END},
    {A, B, J, {"padding", "\0"}, END},
};

static const struct item orders_bad[][8] = {
    {J, P, END},
    {A, J, P, END},
    {B, J, P, END},
    {B, A, J, P, END},
    {A, A, B, J, P, END},
    {A, B, {"files/003-c", ""}, J, P, END},
    {M, M, A, B, J, P, END},
    {A, B, P, J, END},
    {A, B, J, END},
    {A, B, P, END},
    {P, END},
    {A, B, J, P, P, END},
    {A, B, J, J, P, END},
    {A, B, J, M, P, END},
    {A, B, J, P, M, END},
    {J, A, B, P, END},
    {{"message.txt", ""}, A, B, J, P, END},
    {{"Message.txt", "tip"}, A, B, J, P, END},
    {{"files/001-a", "aa"}, B, J, P, END},
    {{"files/001-a", "aaaa"}, B, J, P, END},
    {{"files/001-b", "aaa"}, B, J, P, END},
    {{"files/1-a", "aaa"}, B, J, P, END},
    {{"files/001-../x", "aaa"}, B, J, P, END},
    {{"../001-a", "aaa"}, B, J, P, END},
    {{"/etc/passwd", "aaa"}, B, J, P, END},
    {{"files\\001-a", "aaa"}, B, J, P, END},
    {{"files/001-a\x1b[2J", "aaa"}, B, J, P, END},
    {{"files/001-a/", "aaa"}, B, J, P, END},
    {A, B, {"manifest.json", "{}"}, P, END},
    {A, B, {"manifest.json", ""}, P, END},
    {A, B, J, {"padding", "\1"}, END},
    {A, B, J, {"pad", ""}, END},
};

static void
test_l2_order_and_names(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(orders_good) / sizeof(orders_good[0]); i++)
		assert_int_equal(read_items(orders_good[i]), KH_OK);
	for (i = 0; i < sizeof(orders_bad) / sizeof(orders_bad[0]); i++)
		if (read_items(orders_bad[i]) != KH_EFORMAT)
			fail_msg("archive %zu was taken", i);
}

/* One form only: no bit of an archive can be changed unnoticed, nothing cut
 * off, put before, after or between. */
static void
test_every_bit(void **state)
{
	struct bytes plain = zip_of(good);
	uint8_t *longer = calloc(1, plain.n + 1);
	size_t i;

	(void)state;
	assert_non_null(longer);
	assert_int_equal(read_plain(plain.p, plain.n), KH_OK);
	for (i = 0; i < plain.n * 8; i++) {
		plain.p[i / 8] ^= (uint8_t)(1 << i % 8);
		if (read_plain(plain.p, plain.n) == KH_OK)
			fail_msg("bit %zu of byte %zu", i % 8, i / 8);
		plain.p[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	for (i = 0; i < plain.n; i++)
		assert_int_not_equal(read_plain(plain.p, i), KH_OK);
	for (i = 0; i <= plain.n; i++) {
		memcpy(longer, plain.p, i);
		longer[i] = i % 2 == 0 ? 0 : 'P';
		memcpy(longer + i + 1, plain.p + i, plain.n - i);
		assert_int_not_equal(read_plain(longer, plain.n + 1), KH_OK);
	}
	free(longer);
	bytes_free(&plain);
}

/* L2: what libarchive writes of other kinds, sealed like an object. */
struct kind {
	const char *path;
	mode_t type;
	const char *option, *value;
	time_t mtime;
};

static const struct kind kinds[] = {
    {"files/001-a", AE_IFLNK, NULL, NULL, 0},
    {"files/001-a", AE_IFDIR, NULL, NULL, 0},
    {"files/001-a", AE_IFREG, "compression", "deflate", 0},
    {"files/001-a", AE_IFREG, "encryption", "traditional", 0},
    {"files/001-a", AE_IFREG, "encryption", "aes256", 0},
    {"files/001-a", AE_IFREG, "zip64", "1", 0},
    {"files/001-a", AE_IFREG, "experimental", "1", 0},
    {"files/001-a", AE_IFREG, NULL, NULL, 1790000000},
    {"../../../tmp/x", AE_IFREG, NULL, NULL, 0},
    {"/tmp/x", AE_IFREG, NULL, NULL, 0},
    {"files/001-a\x1b[2J", AE_IFREG, NULL, NULL, 0},
};

static la_ssize_t
la_write(struct archive *a, void *ctx, const void *p, size_t n)
{
	(void)a;
	return bytes_write(ctx, p, n) == KH_OK ? (la_ssize_t)n : -1;
}

static void
la_entry(struct archive *a, const struct kind *k, const void *p, size_t n)
{
	struct archive_entry *ae = archive_entry_new();

	archive_entry_set_pathname(ae, k->path);
	archive_entry_set_filetype(ae, k->type);
	archive_entry_set_perm(ae, 0600);
	if (k->mtime != 0)
		archive_entry_set_mtime(ae, k->mtime, 0);
	if (k->type == AE_IFLNK)
		archive_entry_set_symlink(ae, "/etc/passwd");
	assert_int_equal(archive_write_header(a, ae), ARCHIVE_OK);
	if (k->type == AE_IFREG && n > 0)
		assert_int_equal(archive_write_data(a, p, n), n);
	archive_entry_free(ae);
}

static struct bytes
la_archive(const struct kind *k)
{
	static const struct kind b = {.path = "files/002-b", .type = AE_IFREG};
	static const struct kind j = {
	    .path = "manifest.json", .type = AE_IFREG};
	static const struct kind p = {.path = "padding", .type = AE_IFREG};
	struct archive *a = archive_write_new();
	struct bytes plain = {0};
	char *json;
	size_t n;

	archive_write_set_format_zip(a);
	archive_write_set_bytes_per_block(a, 0);
	archive_write_set_bytes_in_last_block(a, 1);
	archive_write_set_passphrase(a, "x");
	assert_int_equal(
	    archive_write_set_format_option(a, "zip", "compression", "store"),
	    ARCHIVE_OK);
	if (k->option != NULL)
		assert_int_equal(archive_write_set_format_option(
				     a, "zip", k->option, k->value),
		    ARCHIVE_OK);
	assert_int_equal(
	    archive_write_open(a, &plain, NULL, la_write, NULL), ARCHIVE_OK);
	la_entry(a, k, "aaa", 3);
	la_entry(a, &b, "", 0);
	json = manifest_ab(&n);
	la_entry(a, &j, json, n);
	kh_secret_free(json);
	la_entry(a, &p, "", 0);
	assert_int_equal(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);
	return plain;
}

/* Seal `plain`, open it as an object. */
static enum kh_err
seal_and_open(const struct bytes *plain)
{
	struct bytes sealed = {0};
	struct kh_bundle_reader *b;
	struct kh_recipient to;
	struct kh_seal_to all = {.recipients = &to, .n = 1};
	struct kh_age_reader *r;
	struct kh_sealer *s;
	struct kh_memory mem;
	struct gather g = {.names = ""};
	enum kh_err e;

	kh_identity_recipient(newsroom(), &to);
	assert_int_equal(kh_sealer_new(&s, &all, bytes_sink(&sealed)), KH_OK);
	assert_int_equal(kh_sealer_write(s, plain->p, plain->n), KH_OK);
	assert_int_equal(kh_sealer_finish(s), KH_OK);
	kh_sealer_free(s);
	mem = (struct kh_memory){sealed.p, sealed.n};
	r = open_sealed(kh_source_memory(&mem));
	e = kh_bundle_reader_new(&b, r);
	if (e == KH_OK)
		e = gather_all(b, &g);
	kh_bundle_reader_free(b);
	kh_age_reader_free(r);
	bytes_free(&sealed);
	bytes_free(&g.data);
	return e;
}

static void
test_l2_kinds(void **state)
{
	static const struct kind plain_file = {
	    .path = "files/001-a", .type = AE_IFREG};
	struct bytes plain = la_archive(&plain_file);
	size_t i;

	(void)state;
	assert_int_equal(seal_and_open(&plain), KH_OK); /* the control */
	bytes_free(&plain);
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		plain = la_archive(&kinds[i]);
		if (seal_and_open(&plain) != KH_EFORMAT)
			fail_msg("archive %zu was taken", i);
		bytes_free(&plain);
	}
	plain.n = 0;
	assert_int_equal(seal_and_open(&plain), KH_EFORMAT); /* empty */
}

/* Callbacks decide: entries passed over, and errors of theirs. */
static void
test_visitor(void **state)
{
	struct bytes plain = zip_of(good);
	struct kh_memory mem = {plain.p, plain.n};
	struct gather g = {.skip = 2};
	struct kh_bundle_reader *b;

	(void)state;
	assert_int_equal(
	    kh_bundle_reader_open(&b, kh_source_memory(&mem)), KH_OK);
	assert_int_equal(gather_all(b, &g), KH_OK);
	assert_int_equal(g.opened, 4);
	assert_int_equal(g.done, 3);
	assert_memory_equal(g.data.p, "tip{", 4);
	bytes_free(&g.data);
	g = (struct gather){.on_open = KH_EEXIST};
	assert_int_equal(gather_all(b, &g), KH_EEXIST);
	assert_int_equal(g.opened, 1);
	g = (struct gather){.on_done = KH_EFULL};
	assert_int_equal(gather_all(b, &g), KH_EFULL);
	assert_int_equal(g.done, 1);
	bytes_free(&g.data);
	g = (struct gather){.data = {.fail_at = 2}};
	assert_int_equal(gather_all(b, &g), KH_EFULL);
	bytes_free(&g.data);
	kh_bundle_reader_free(b);
	kh_bundle_reader_free(NULL);
	bytes_free(&plain);
}

/* A source that fails, at each of its reads in turn. */
struct faulty {
	struct kh_memory mem;
	size_t reads, fail_at;
	uint64_t bytes;
};

static enum kh_err
faulty_read(void *ctx, uint64_t off, uint8_t *p, size_t n)
{
	struct faulty *f = ctx;
	struct kh_source s = kh_source_memory(&f->mem);

	f->bytes += n;
	if (++f->reads == f->fail_at)
		return KH_EAUTH;
	return s.read_at(s.ctx, off, p, n);
}

static void
test_source_fails(void **state)
{
	struct bytes plain = zip_of(good);
	struct kh_bundle_reader *b;
	struct gather g;
	struct faulty f;
	enum kh_err e;
	size_t i;

	(void)state;
	for (i = 1;; i++) {
		f = (struct faulty){.mem = {plain.p, plain.n}, .fail_at = i};
		g = (struct gather){.skip = 0};
		e = kh_bundle_reader_open(
		    &b, (struct kh_source){faulty_read, &f, plain.n});
		if (e == KH_OK)
			e = gather_all(b, &g);
		kh_bundle_reader_free(b);
		bytes_free(&g.data);
		if (f.reads < i)
			break;
		assert_int_equal(e, KH_EAUTH);
	}
	assert_int_equal(e, KH_OK);
	assert_true(i > 15);
	bytes_free(&plain);
}

/* Listing a large object reads its header, directory and manifest only. */
static void
test_listing_reads_little(void **state)
{
	static uint8_t data[1 << 20];
	struct bytes sealed = {0};
	struct kh_bundle_writer *w = begin(bytes_sink(&sealed), 2);
	struct kh_bundle_reader *b;
	struct kh_age_reader *r;
	struct faulty f = {.reads = 0};
	int i;

	(void)state;
	assert_int_equal(
	    kh_bundle_file(w, (const uint8_t *)"big", 3, "", 0), KH_OK);
	for (i = 0; i < 64; i++)
		assert_int_equal(kh_bundle_data(w, data, sizeof(data)), KH_OK);
	assert_int_equal(kh_bundle_file_end(w, true), KH_OK);
	finish(w);
	f.mem = (struct kh_memory){sealed.p, sealed.n};
	r = open_sealed((struct kh_source){faulty_read, &f, sealed.n});
	assert_int_equal(kh_bundle_reader_new(&b, r), KH_OK);
	assert_int_equal(kh_bundle_at(b, 0)->size, 64 << 20);
	assert_true(f.bytes < 1 << 20);
	kh_bundle_reader_free(b);
	kh_age_reader_free(r);
	bytes_free(&sealed);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_l2_order_and_names),
    cmocka_unit_test(test_every_bit),
    cmocka_unit_test(test_l2_kinds),
    cmocka_unit_test(test_visitor),
    cmocka_unit_test(test_source_fails),
    cmocka_unit_test(test_listing_reads_little),
};

TAP_MAIN(tests)
