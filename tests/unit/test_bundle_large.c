/*
 * Beyond 4 GiB, where ZIP changes its records: KNOTHOLE_NIGHTLY=1 runs it,
 * in about a minute. Nothing large is written: zeros become holes.
 */
#include "tests/unit/bundle.h"

#include <sys/stat.h>
#include <unistd.h>

#include "knothole/io.h"
#include "knothole/limits.h"
#include "knothole/padme.h"
#include "lib/bundle/reader.h"
#include "lib/bundle/zip.h"
#include "lib/bundle/zipper.h"

#define MIB ((size_t)1 << 20)

static const uint8_t zeros[MIB];

static void
nightly(void)
{
	const char *s = getenv("KNOTHOLE_NIGHTLY");

	if (s == NULL || strcmp(s, "1") != 0) {
		print_message("# slow: set KNOTHOLE_NIGHTLY=1\n");
		skip();
	}
}

/* A file of `n` zero bytes. */
static void
put_zeros(struct kh_bundle_writer *w, uint64_t n)
{
	size_t k;

	assert_int_equal(
	    kh_bundle_file(w, (const uint8_t *)"big", 3, "", 0), KH_OK);
	for (; n > 0; n -= k) {
		k = n < MIB ? (size_t)n : MIB;
		assert_int_equal(kh_bundle_data(w, zeros, k), KH_OK);
	}
	assert_int_equal(kh_bundle_file_end(w, true), KH_OK);
}

/* The whole way, sealed: sizes planned to the byte on both sides of 4 GiB. */
static void
test_planned(void **state)
{
	static const uint64_t sizes[] = {
	    UINT64_C(0xffffffff), UINT64_C(0x100000000), UINT64_C(0xf7fffe00)};
	struct kh_bundle_writer *w;
	uint64_t sealed, len;
	size_t i;

	(void)state;
	nightly();
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		sealed = 0;
		w = begin((struct kh_sink){count_write, &sealed}, 1);
		put_zeros(w, sizes[i]);
		add_file(w, "behind it", "x", 1);
		len = finish(w);
		assert_int_equal(sealed, len);
		assert_int_equal(kh_padme(len), len);
	}
}

/* Writes to a file; what is a megabyte of zeros becomes a hole. */
static enum kh_err
sparse_write(void *ctx, const uint8_t *p, size_t n)
{
	int fd = *(int *)ctx;

	if (n == MIB)
		return lseek(fd, (off_t)n, SEEK_CUR) < 0 ? KH_ESYS : KH_OK;
	return kh_write_all(fd, p, n);
}

static void
zip_file(struct kh_zipper *z, const char *name, const void *p, uint64_t n)
{
	size_t k;

	assert_int_equal(kh_zipper_begin(z, name), KH_OK);
	for (; p == NULL && n > 0; n -= k) {
		k = n < MIB ? (size_t)n : MIB;
		assert_int_equal(kh_zipper_data(z, zeros, k), KH_OK);
	}
	if (p != NULL)
		assert_int_equal(kh_zipper_data(z, p, (size_t)n), KH_OK);
	assert_int_equal(kh_zipper_end(z), KH_OK);
}

static void
sparse_zip(int fd, uint64_t size)
{
	struct kh_manifest *m;
	struct kh_zipper *z;
	char *json;
	size_t n;

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
	m->files[0].size = size;
	assert_int_equal(
	    kh_manifest_add(m, (const uint8_t *)"b", 1, "", 0), KH_OK);
	m->files[1].size = 3;
	assert_int_equal(kh_manifest_write(m, &json, &n), KH_OK);
	kh_manifest_free(m);

	assert_int_equal(
	    kh_zipper_new(&z, (struct kh_sink){sparse_write, &fd}), KH_OK);
	zip_file(z, "files/001-a", NULL, size);
	zip_file(z, "files/002-b", "bbb", 3);
	zip_file(z, "manifest.json", json, n);
	zip_file(z, "padding", NULL, 1000);
	assert_int_equal(kh_zipper_close(z), KH_OK);
	kh_zipper_free(z);
	kh_secret_free(json);
}

static enum kh_err
tally_open(void *ctx, const struct kh_bundle_entry *e, struct kh_sink *sink)
{
	(void)e;
	*sink = (struct kh_sink){count_write, ctx};
	return KH_OK;
}

static enum kh_err
tally_done(void *ctx, const struct kh_bundle_entry *e)
{
	(void)ctx;
	(void)e;
	return KH_OK;
}

/* What libarchive writes there is what the reader and others read. */
static void
test_read_back(void **state)
{
	/* the sizes, and the offsets of what follows, at 2^32 and about it */
	static const uint64_t sizes[] = {UINT64_C(0xfffffffe),
	    UINT64_C(0xffffffff), UINT64_C(0x100000000),
	    UINT64_C(0xffffffff) - 81 - 24, UINT64_C(0x140000000)};
	char path[] = "/var/tmp/kh-bundle-XXXXXX", cmd[128];
	struct kh_bundle_visitor v = {tally_open, tally_done, NULL};
	struct kh_bundle_reader *b;
	struct kh_source src;
	uint64_t n;
	size_t i;
	int fd;

	(void)state;
	nightly();
	fd = mkstemp(path);
	assert_true(fd >= 0);
	unlink(path);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
		sparse_zip(fd, sizes[i]);
		assert_int_equal(kh_source_fd(&fd, &src), KH_OK);
		assert_int_equal(kh_bundle_reader_open(&b, src), KH_OK);
		assert_int_equal(kh_bundle_at(b, 0)->size, sizes[i]);
		n = 0;
		v.ctx = &n;
		assert_int_equal(kh_bundle_read(b, &v), KH_OK);
		assert_int_equal(n, sizes[i] + 3 + kh_bundle_at(b, 2)->size);
		kh_bundle_reader_free(b);
		snprintf(cmd, sizeof(cmd),
		    "python3 -m zipfile -l /proc/%d/fd/%d >/dev/null", getpid(),
		    fd);
		assert_int_equal(system(cmd), 0);
		snprintf(cmd, sizeof(cmd), "unzip -l /proc/%d/fd/%d >/dev/null",
		    getpid(), fd);
		if (system("unzip -v >/dev/null 2>&1") == 0)
			assert_int_equal(system(cmd), 0);
	}
	close(fd);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_planned),
    cmocka_unit_test(test_read_back),
};

TAP_MAIN(tests)
