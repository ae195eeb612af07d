/*
 * Memory runs out at each allocation in turn: the answer is KH_ENOMEM, nothing
 * leaks, nothing half-made comes out. Jansson's are among them in writing, and
 * its first in reading; its lexer (2.14) dereferences NULL after later ones.
 */
#include "tests/unit/tap.h"

#include "knothole/bundle.h"

static size_t allocations, fail_at;

static int
fails(void)
{
	return ++allocations == fail_at;
}

static void *
test_malloc_(size_t n)
{
	return fails() ? NULL : malloc(n);
}

static void *
test_calloc_(size_t n, size_t size)
{
	return fails() ? NULL : calloc(n, size);
}

static void *
test_realloc_(void *p, size_t n)
{
	return fails() ? NULL : realloc(p, n);
}

static char *
test_strdup_(const char *s)
{
	return fails() ? NULL : strdup(s);
}

static void *
test_secret_(size_t n)
{
	return fails() ? NULL : kh_secret_alloc(n);
}

#define malloc test_malloc_
#define calloc test_calloc_
#define realloc test_realloc_
#undef strdup
#define strdup test_strdup_
#define kh_secret_alloc test_secret_
#include "lib/bundle/manifest.c"
#include "lib/bundle/manifest_json.c"
#include "lib/bundle/reader.c"
#include "lib/bundle/writer.c"
#undef malloc
#undef calloc
#undef realloc
#undef strdup
#undef kh_secret_alloc

static uint8_t plain[1 << 17];
static size_t plain_n;

static enum kh_err
drop(void *ctx, const uint8_t *p, size_t n)
{
	(void)ctx;
	(void)p;
	(void)n;
	return KH_OK;
}

/* A whole bundle; KH_ENOMEM from anywhere in it. */
static enum kh_err
write_all(void)
{
	struct kh_bundle_info info = {.language = "en", .day = "2026-11-21"};
	struct kh_bundle_writer *w;
	struct kh_recipient to = {.pk = {9}};
	enum kh_err e;

	info.reply_to = to;
	e = kh_bundle_writer_new(
	    &w, &to, 1, &info, (struct kh_sink){.write = drop});
	if (e != KH_OK) {
		assert_null(w);
		return e;
	}
	e = kh_bundle_file(w, (const uint8_t *)"\xff", 1, "x", 1);
	if (e == KH_OK)
		e = kh_bundle_file_end(w, true);
	if (e == KH_OK)
		e = kh_bundle_finish(w, true, NULL);
	kh_bundle_writer_free(w);
	return e;
}

static enum kh_err
read_all(void)
{
	struct kh_memory mem = {plain, plain_n};
	struct kh_bundle_reader *b;
	enum kh_err e;

	e = kh_bundle_reader_open(&b, kh_source_memory(&mem));
	assert_true((e == KH_OK) == (b != NULL));
	kh_bundle_reader_free(b);
	return e;
}

/* Until it went through without a failure. */
static void
run_out(enum kh_err (*call)(void), size_t least)
{
	enum kh_err e;
	size_t i;

	for (i = 1;; i++) {
		allocations = 0;
		fail_at = i;
		e = call();
		fail_at = 0;
		if (allocations < i)
			break;
		if (e != KH_ENOMEM && e != KH_OK)
			fail_msg("allocation %zu: %s", i, kh_err_text(e));
	}
	assert_int_equal(e, KH_OK);
	assert_true(i > least);
}

static void
test_writing(void **state)
{
	(void)state;
	run_out(write_all, 40);
}

static void
load_sample(void)
{
	FILE *f = fopen("tests/fuzz/corpus/bundle/good-files", "rb");

	assert_non_null(f);
	plain_n = fread(plain, 1, sizeof(plain), f);
	fclose(f);
}

static void
test_reading(void **state)
{
	(void)state;
	load_sample();
	assert_int_equal(read_all(), KH_OK); /* jansson is set up now */
	json_set_alloc_funcs(malloc, free);
	run_out(read_all, 15);
	json_set_alloc_funcs(json_malloc, json_free);
}

static void
test_jansson_starved(void **state)
{
	struct kh_manifest *m;

	(void)state;
	assert_int_equal(kh_manifest_read("{}", 2, &m), KH_EFORMAT);
	allocations = 0;
	fail_at = 2; /* the manifest is the first */
	assert_int_equal(kh_manifest_read("{}", 2, &m), KH_ENOMEM);
	fail_at = 0;
	assert_null(m);
	assert_int_equal(kh_manifest_read("{}", 2, &m), KH_EFORMAT);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_writing),
    cmocka_unit_test(test_reading),
    cmocka_unit_test(test_jansson_starved),
};

TAP_MAIN(tests)
