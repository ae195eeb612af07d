/*
 * Bundles written and read again: content, order, sizes at rest, no clocks,
 * and every way in which writing can fail.
 */
#include "tests/unit/bundle.h"

#include <sodium.h>
#include <time.h>

#include "knothole/limits.h"
#include "knothole/name.h"
#include "knothole/padme.h"

#define SHALOM "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d.pdf"
#define SALAAM "\xd8\xb3\xd9\x84\xd8\xa7\xd9\x85.pdf"

static void
test_init(void **state)
{
	(void)state;
	assert_int_equal(kh_bundle_init(), KH_OK);
	assert_int_equal(kh_bundle_init(), KH_OK);
}

static void
test_round_trip(void **state)
{
	struct bytes sealed = {0};
	struct kh_bundle_writer *w = begin(bytes_sink(&sealed), 2);
	struct gather g = {.names = ""};
	const struct kh_manifest *m;
	struct kh_bundle_reader *b;
	struct kh_age_reader *r;
	struct kh_memory mem;
	char want[256];
	uint64_t len;
	size_t n;

	(void)state;
	assert_int_equal(
	    kh_bundle_message(w, (const uint8_t *)"tip", 3), KH_OK);
	add_file(w, "../" SHALOM, "hebrew", 6);
	add_file(w, SALAAM, "arabic", 6);
	add_file(w, "empty", "", 0);
	len = finish(w);
	assert_int_equal(len, sealed.n);

	mem = (struct kh_memory){sealed.p, sealed.n};
	r = open_sealed(kh_source_memory(&mem));
	assert_int_equal(kh_bundle_reader_new(&b, r), KH_OK);
	assert_int_equal(kh_bundle_count(b), 5);
	assert_string_equal(kh_bundle_at(b, 0)->path, "message.txt");
	assert_null(kh_bundle_at(b, 0)->file);
	assert_string_equal(kh_bundle_at(b, 1)->path, "files/001-" SHALOM);
	assert_int_equal(kh_bundle_at(b, 1)->size, 6);
	assert_memory_equal(
	    kh_bundle_at(b, 1)->file->name, "../" SHALOM, 3 + strlen(SHALOM));
	assert_string_equal(kh_bundle_at(b, 4)->path, "manifest.json");
	m = kh_bundle_manifest(b);
	assert_true(m->complete);
	assert_int_equal(m->n_files, 3);
	assert_int_equal(m->n_recipients, 2);
	assert_int_equal(m->mailbox[15], 0x5a);
	assert_int_equal(m->slot_key[0], 0xa5);
	assert_int_equal(m->slot_key[31], 0xa5);
	assert_int_equal(kh_bundle_manifest_json(b, &n)[0], '{');

	assert_int_equal(gather_all(b, &g), KH_OK);
	snprintf(want, sizeof(want),
	    "message.txt:3\nfiles/001-" SHALOM ":6\nfiles/002-" SALAAM
	    ":6\nfiles/003-empty:0\nmanifest.json:%zu\n",
	    n);
	assert_string_equal(g.names, want);
	assert_memory_equal(g.data.p, "tiphebrewarabic{", 16);
	assert_int_equal(g.data.n, 15 + n);
	assert_int_equal(g.done, 5);
	bytes_free(&g.data);
	kh_bundle_reader_free(b);
	kh_age_reader_free(r);
	bytes_free(&sealed);
}

/* L3: three files of one name are three entries. */
static void
test_l3_equal_names(void **state)
{
	struct bytes sealed = {0}, plain;
	struct kh_bundle_writer *w = begin(bytes_sink(&sealed), 1);
	int i;

	(void)state;
	for (i = 0; i < 3; i++)
		add_file(w, SHALOM, &"abc"[i], 1);
	finish(w);
	plain = unseal(&sealed);
	assert_non_null(
	    memmem(plain.p, plain.n, "files/003-" SHALOM, 10 + strlen(SHALOM)));
	assert_non_null(
	    memmem(plain.p, plain.n, "files/001-" SHALOM, 10 + strlen(SHALOM)));
	bytes_free(&plain);
	bytes_free(&sealed);
}

/* Nothing of a name or message shows at rest (L4). */
static void
test_l4_nothing_in_clear(void **state)
{
	struct bytes sealed = {0};
	struct kh_bundle_writer *w = begin(bytes_sink(&sealed), 1);

	(void)state;
	add_file(w, "plantedname.pdf", "plantedbytes", 12);
	finish(w);
	assert_null(memmem(sealed.p, sealed.n, "planted", 7));
	assert_null(memmem(sealed.p, sealed.n, "files/", 6));
	assert_null(memmem(sealed.p, sealed.n, "PK\003\004", 4));
	bytes_free(&sealed);
}

/* Every combination comes out at a Padmé length, to the byte. */
static void
test_padding_exact(void **state)
{
	static const char *const names[] = {
	    "a", "report.pdf", SHALOM, SALAAM, "", "\xff\xff", "x\"y\n"};
	static uint8_t data[300000];
	struct kh_bundle_writer *w;
	uint64_t sealed, len;
	size_t i, k, files;

	(void)state;
	for (i = 0; i < 300; i++) {
		sealed = 0;
		w = begin((struct kh_sink){count_write, &sealed},
		    1 + randombytes_uniform(5));
		if (i % 3 == 0)
			assert_int_equal(kh_bundle_message(w, data,
					     1 + randombytes_uniform(100000)),
			    KH_OK);
		files = i == 7 ? KH_FILES_MAX : randombytes_uniform(20);
		for (k = 0; k < files; k++)
			add_file(w, names[randombytes_uniform(7)], data,
			    randombytes_uniform(
				i % 2 == 0 ? 200 : sizeof(data)));
		len = finish(w);
		assert_int_equal(sealed, len);
		assert_int_equal(kh_padme(len), len);
		assert_true(len >= KH_OBJECT_LEN_MIN);
		if (i == 7)
			continue;
		assert_true(len <= 2 * KH_OBJECT_LEN_MIN ||
		    len <= files * sizeof(data) * 2 + 200000);
	}
}

/* Around the end of a chunk and of the floor, byte by byte. */
static void
test_padding_edges(void **state)
{
	static uint8_t data[200000];
	struct kh_bundle_writer *w;
	uint64_t sealed, len;
	size_t n;

	(void)state;
	for (n = 63600; n < 66000; n += 7) {
		sealed = 0;
		w = begin((struct kh_sink){count_write, &sealed}, 1);
		add_file(w, "f", data, n);
		len = finish(w);
		assert_int_equal(sealed, len);
		assert_int_equal(kh_padme(len), len);
	}
}

/* L11: the same text in any language rests at the same size. */
static void
test_l11_languages(void **state)
{
	static const char *const letters[] = {
	    "e", "\xd7\xa9", "\xd8\xb3", "\xe6\x96\x87", "\xf0\x9f\x93\x84"};
	struct kh_bundle_writer *w;
	static uint8_t text[4 * 10000];
	uint64_t sealed;
	size_t i, k, n;

	(void)state;
	for (i = 0; i < 5; i++) {
		n = strlen(letters[i]);
		for (k = 0; k < 10000; k++)
			memcpy(text + k * n, letters[i], n);
		sealed = 0;
		w = begin((struct kh_sink){count_write, &sealed}, 3);
		assert_int_equal(kh_bundle_message(w, text, 10000 * n), KH_OK);
		assert_int_equal(finish(w), KH_OBJECT_LEN_MIN);
		assert_int_equal(sealed, KH_OBJECT_LEN_MIN);
	}
}

/* The plaintext of one fixed bundle, written in time zone `tz`. */
static struct bytes
written_in(const char *tz)
{
	struct bytes sealed = {0}, plain;
	struct kh_bundle_writer *w;

	setenv("TZ", tz, 1);
	tzset();
	w = begin(bytes_sink(&sealed), 1);
	assert_int_equal(kh_bundle_message(w, (const uint8_t *)"m", 1), KH_OK);
	add_file(w, SHALOM, "abc", 3);
	finish(w);
	plain = unseal(&sealed);
	bytes_free(&sealed);
	return plain;
}

/* L36: no clock, no account, no time zone in what we write. */
static void
test_l36_no_clocks(void **state)
{
	static const char *const zones[] = {
	    "UTC0", "Asia/Tokyo", "America/New_York", "XXX-14", "YYY12"};
	struct bytes first = written_in("UTC0"), again;
	uint32_t now = (uint32_t)time(NULL), v;
	struct tm tm;
	time_t t = (time_t)now;
	unsigned date;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
		again = written_in(zones[i]);
		assert_int_equal(first.n, again.n);
		assert_memory_equal(first.p, again.p, first.n);
		bytes_free(&again);
	}
	unsetenv("TZ");
	tzset();
	gmtime_r(&t, &tm);
	date = (unsigned)((tm.tm_year - 80) << 9 | (tm.tm_mon + 1) << 5);
	for (i = 0; i + 4 <= first.n; i++) {
		v = (uint32_t)first.p[i] | (uint32_t)first.p[i + 1] << 8 |
		    (uint32_t)first.p[i + 2] << 16 |
		    (uint32_t)first.p[i + 3] << 24;
		assert_not_in_range(v, now - 200000, now + 200000);
		assert_not_in_range(
		    __builtin_bswap32(v), now - 200000, now + 200000);
		assert_true((v >> 16 & 0xffe0) != date);
	}
	bytes_free(&first);
}

/* A cut upload is kept, and says so. */
static void
test_cut(void **state)
{
	struct bytes sealed = {0}, plain;
	struct kh_bundle_writer *w = begin(bytes_sink(&sealed), 1);
	const char *name = "second";
	struct kh_bundle_reader *b;
	struct kh_age_reader *r;
	struct kh_memory mem;

	(void)state;
	add_file(w, "first", "whole", 5);
	assert_int_equal(
	    kh_bundle_file(w, (const uint8_t *)name, 6, "", 0), KH_OK);
	assert_int_equal(kh_bundle_data(w, (const uint8_t *)"ha", 2), KH_OK);
	assert_int_equal(kh_bundle_file_end(w, false), KH_OK);
	assert_int_equal(/* a late message, too */
	    kh_bundle_message(w, (const uint8_t *)"late", 4), KH_OK);
	finish(w); /* complete, it says, but a file is not */
	mem = (struct kh_memory){sealed.p, sealed.n};
	r = open_sealed(kh_source_memory(&mem));
	assert_int_equal(kh_bundle_reader_new(&b, r), KH_OK);
	assert_false(kh_bundle_manifest(b)->complete);
	assert_true(kh_bundle_at(b, 0)->file->complete);
	assert_false(kh_bundle_at(b, 1)->file->complete);
	assert_int_equal(kh_bundle_at(b, 1)->size, 2);
	assert_string_equal(kh_bundle_at(b, 2)->path, "message.txt");
	kh_bundle_reader_free(b);
	kh_age_reader_free(r);
	plain = unseal(&sealed);
	bytes_free(&plain);
	bytes_free(&sealed);
}

static enum kh_err
write_one(struct bytes *sealed)
{
	static uint8_t data[200000];
	struct kh_recipient to;
	struct kh_bundle_info info = {.language = "en", .day = "2026-11-21"};
	struct kh_bundle_writer *w;
	enum kh_err e;
	uint64_t len = 1;

	kh_identity_recipient(newsroom(), &to);
	info.reply_to = to;
	e = kh_bundle_writer_new(&w, &to, 1, &info, bytes_sink(sealed));
	if (e != KH_OK) {
		assert_null(w);
		return e;
	}
	/* Errors stay, so that only the last answer counts. */
	e = kh_bundle_message(w, (const uint8_t *)"m", 1);
	e = kh_bundle_file(w, (const uint8_t *)"n", 1, "", 0);
	e = kh_bundle_data(w, data, sizeof(data));
	e = kh_bundle_file_end(w, true);
	if (e == KH_OK)
		e = kh_bundle_finish(w, true, &len);
	assert_true((e == KH_OK) == (len > 1));
	kh_bundle_writer_free(w);
	return e;
}

/* The disk is full at any point: the error comes out, nothing else goes in. */
static void
test_sink_fails(void **state)
{
	struct bytes sealed = {0};
	size_t i, all;

	(void)state;
	assert_int_equal(write_one(&sealed), KH_OK);
	all = sealed.writes;
	bytes_free(&sealed);
	assert_true(all >= 3);
	for (i = 1; i <= all; i++) {
		sealed.fail_at = i;
		assert_int_equal(write_one(&sealed), KH_EFULL);
		assert_int_equal(sealed.writes, i);
		bytes_free(&sealed);
	}
}

/* A file that is refused leaves the bundle as it was. */
static void
test_refused_file(void **state)
{
	static uint8_t name[KH_RAW_NAME_MAX + 1];
	struct bytes sealed = {0};
	struct kh_bundle_writer *w = begin(bytes_sink(&sealed), 1);
	static uint8_t text[KH_MESSAGE_MAX + 1];

	(void)state;
	assert_int_equal(
	    kh_bundle_file(w, name, sizeof(name), "", 0), KH_ELIMIT);
	assert_int_equal(kh_bundle_message(w, text, sizeof(text)), KH_ELIMIT);
	assert_int_equal(kh_bundle_message(w, (const uint8_t *)"m", 1), KH_OK);
	add_file(w, "good", "x", 1);
	finish(w);
	kh_bundle_writer_free(NULL);
	bytes_free(&sealed);
}

static void
test_recipients(void **state)
{
	struct kh_recipient to[KH_RECIPIENTS_MAX + 1] = {0};
	struct kh_bundle_info info = {.language = "en", .day = "2026-11-21"};
	struct bytes sealed = {0};
	struct kh_bundle_writer *w;

	(void)state;
	assert_int_equal(kh_bundle_writer_new(&w, to, KH_RECIPIENTS_MAX + 1,
			     &info, bytes_sink(&sealed)),
	    KH_ELIMIT);
	assert_null(w);
	/* a key of low order: nobody's */
	assert_int_equal(
	    kh_bundle_writer_new(&w, to, 1, &info, bytes_sink(&sealed)),
	    KH_EKEY);
	assert_null(w);
	assert_int_equal(sealed.n, 0);
	finish(begin(bytes_sink(&sealed), KH_RECIPIENTS_MAX));
	bytes_free(&sealed);
}

/* An unfinished object is truncated, and age says so. */
static void
test_unfinished(void **state)
{
	struct bytes sealed = {0};
	struct kh_bundle_writer *w = begin(bytes_sink(&sealed), 1);
	static uint8_t data[200000];
	struct kh_age_reader *r;
	struct kh_keyring *kr;
	struct kh_memory mem;
	size_t n;

	(void)state;
	add_file(w, "f", data, sizeof(data));
	n = sealed.n;
	kh_bundle_writer_free(w);
	assert_int_equal(sealed.n, n); /* freeing wrote nothing */
	mem = (struct kh_memory){sealed.p, sealed.n};
	assert_int_equal(kh_keyring_new(&kr), KH_OK);
	assert_int_equal(kh_keyring_add(kr, newsroom()), KH_OK);
	assert_int_not_equal(
	    kh_age_reader_new(&r, kr, kh_source_memory(&mem)), KH_OK);
	kh_keyring_free(kr);
	bytes_free(&sealed);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_init),
    cmocka_unit_test(test_round_trip),
    cmocka_unit_test(test_l3_equal_names),
    cmocka_unit_test(test_l4_nothing_in_clear),
    cmocka_unit_test(test_padding_exact),
    cmocka_unit_test(test_padding_edges),
    cmocka_unit_test(test_l11_languages),
    cmocka_unit_test(test_l36_no_clocks),
    cmocka_unit_test(test_cut),
    cmocka_unit_test(test_sink_fails),
    cmocka_unit_test(test_refused_file),
    cmocka_unit_test(test_recipients),
    cmocka_unit_test(test_unfinished),
};

TAP_MAIN(tests)
