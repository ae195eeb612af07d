/*
 * The records of the ZIP: their lengths on both sides of 4 GiB, the plan for
 * the padding, and directories with room for something else.
 */
#include "tests/unit/bundle.h"

#include "knothole/limits.h"
#include "knothole/padme.h"
#include "lib/bundle/reader.h"
#include "lib/bundle/zip.h"

#define MAX32 UINT64_C(0xffffffff)

/* The plan around 4 GiB, where records change their length. */
static void
test_plan_4gib(void **state)
{
	uint64_t off, pad, plain, cd_off, cd, header, least;

	(void)state;
	for (header = 200; header < 2000; header += 13)
		for (off = 0xf0000000; off < 0x110000000; off += 8388593) {
			cd = 300 + header % 7;
			assert_int_equal(
			    kh_zip_plan(header, off, cd, &pad, &plain), KH_OK);
			cd_off = off + 77 + pad + 24;
			cd += kh_zip_central_len(7, pad, off);
			assert_int_equal(
			    cd_off + cd + kh_zip_end_len(cd_off), plain);
			least = header + kh_age_payload_len(plain);
			assert_int_equal(kh_padme(least), least);
			assert_true(pad < off / 8);
		}
	/* Neither form of the end fits the first length: the next it is. */
	assert_int_equal(kh_padme_plan(216, 0xfffff000, &least), KH_OK);
	cd = least - KH_ZIP_END_LEN - 0xffffffff - 50;
	off = 0xfffff000 - cd;
	assert_int_equal(kh_zip_plan(216, off, cd - 73, &pad, &plain), KH_OK);
	assert_true(plain > least);
	assert_int_equal(off + 77 + pad + 24 + cd + KH_ZIP_END64_LEN, plain);
	assert_int_equal(
	    kh_zip_plan(216, KH_OBJECT_LEN_MAX, 0, &pad, &plain), KH_ELIMIT);
	assert_int_equal(
	    kh_zip_plan(216, UINT64_MAX, 0, &pad, &plain), KH_ELIMIT);
}

/* Each header has the length foretold, and 64 bits where 32 do not do. */
static void
test_central_lengths(void **state)
{
	static const struct {
		uint64_t size, off;
		size_t extra;
	} cases[] = {{0, 0, 0}, {MAX32, 0, 0}, {0, MAX32, 0}, {MAX32, MAX32, 0},
	    {MAX32 + 1, 0, 20}, {0, MAX32 + 1, 12}, {MAX32, MAX32 + 1, 28},
	    {MAX32 + 1, MAX32, 28}, {MAX32 + 1, MAX32 + 1, 28}};
	uint8_t out[KH_ZIP_CENTRAL_MAX];
	struct kh_zip_entry e = {.name = "padding", .name_len = 7};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		e.size = cases[i].size;
		e.off = cases[i].off;
		assert_int_equal(
		    kh_zip_central_len(7, e.size, e.off), 73 + cases[i].extra);
		assert_int_equal(kh_zip_central(&e, out), 73 + cases[i].extra);
		assert_int_equal(out[30], 20 + cases[i].extra);
	}
	assert_int_equal(kh_zip_end_len(MAX32), KH_ZIP_END_LEN);
	assert_int_equal(kh_zip_end_len(MAX32 + 1), KH_ZIP_END64_LEN);
}

static enum kh_err
open_plain(const uint8_t *p, size_t n)
{
	struct kh_memory mem = {p, n};
	struct kh_bundle_reader *b;
	enum kh_err e = kh_bundle_reader_open(&b, kh_source_memory(&mem));

	kh_bundle_reader_free(b);
	return e;
}

/* `plain` with a byte put in at `at`, and one added to the end record's
 * field at `field`. */
static enum kh_err
open_with_byte(const struct bytes *plain, size_t at, size_t field)
{
	uint8_t *p = malloc(plain->n + 1);
	enum kh_err e;

	assert_non_null(p);
	memcpy(p, plain->p, at);
	p[at] = 0;
	memcpy(p + at + 1, plain->p + at, plain->n - at);
	p[plain->n + 1 - KH_ZIP_END_LEN + field]++;
	e = open_plain(p, plain->n + 1);
	free(p);
	return e;
}

/* Bytes that no record accounts for, with an end record that fits them. */
static void
test_no_room_between(void **state)
{
	struct bytes sealed = {0}, plain;
	struct kh_bundle_writer *w = begin(bytes_sink(&sealed), 1);
	uint32_t cd_off;

	(void)state;
	add_file(w, "a", "aaa", 3);
	finish(w);
	plain = unseal(&sealed);
	assert_int_equal(open_plain(plain.p, plain.n), KH_OK);
	memcpy(&cd_off, plain.p + plain.n - 6, 4);
	/* before the directory, which is said to begin after it */
	assert_int_equal(open_with_byte(&plain, cd_off, 16), KH_EFORMAT);
	/* after its last header, and it is said to be longer */
	assert_int_equal(
	    open_with_byte(&plain, plain.n - KH_ZIP_END_LEN, 12), KH_EFORMAT);
	bytes_free(&plain);
	bytes_free(&sealed);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_plan_4gib),
    cmocka_unit_test(test_central_lengths),
    cmocka_unit_test(test_no_room_between),
};

TAP_MAIN(tests)
