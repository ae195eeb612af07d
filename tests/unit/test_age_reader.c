/*
 * Seekable reading: random reads, verification of the rest, sources that fail
 * or change under the reader.
 */
#include "tests/unit/age_run.h"

#define N (7 * 65536 + 1234)

struct source {
	struct bytes *sealed;
	size_t calls;
	size_t fail_at; /* from 1; 0 for none */
	uint64_t bytes; /* read in all */
};

static struct people people;
static uint8_t *plain;
static struct bytes sealed;
static size_t payload; /* where the first chunk begins */

static int
setup(void **state)
{
	struct kh_seal_to to = {.recipients = people.to, .n = 2};

	(void)state;
	people_make(&people);
	plain = pattern(N);
	assert_int_equal(seal_cut(&to, plain, N, CUT_WHOLE, &sealed), KH_OK);
	payload = sealed.n - kh_age_payload_len(N);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	people_free(&people);
	free(plain);
	bytes_free(&sealed);
	return 0;
}

static enum kh_err
source_read(void *ctx, uint64_t off, uint8_t *p, size_t n)
{
	struct source *s = ctx;

	/* Nothing outside is ever asked for. */
	assert_true(n > 0 && off <= s->sealed->n && n <= s->sealed->n - off);
	if (++s->calls == s->fail_at)
		return KH_ESYS;
	s->bytes += n;
	memcpy(p, s->sealed->p + off, n);
	return KH_OK;
}

static struct kh_source
source_of(struct source *s)
{
	return (struct kh_source){
	    .read_at = source_read, .ctx = s, .size = s->sealed->n};
}

static void
test_random_reads(void **state)
{
	struct source src = {.sealed = &sealed};
	struct kh_age_reader *r;
	uint8_t *buf = malloc(N);
	size_t off, n;
	int i;

	(void)state;
	assert_non_null(buf);
	assert_int_equal(
	    kh_age_reader_new(&r, people.kr[1], source_of(&src)), KH_OK);
	assert_int_equal(kh_age_reader_size(r), N);
	for (i = 0; i < 2000; i++) {
		off = randombytes_uniform(N + 1);
		n = randombytes_uniform(1U << randombytes_uniform(20));
		n = n < N - off ? n : N - off;
		if (i % 5 == 0)
			off = off / 65536 * 65536;
		memset(buf, 0, n);
		assert_int_equal(kh_age_reader_read(r, off, buf, n), KH_OK);
		assert_memory_equal(buf, plain + off, n);
	}
	assert_int_equal(kh_age_reader_read(r, N, NULL, 0), KH_OK);
	assert_int_equal(kh_age_reader_read(r, 0, buf, N), KH_OK);
	assert_memory_equal(buf, plain, N);
	kh_age_reader_free(r);
	free(buf);
}

/* Small reads in one chunk fetch it once. */
static void
test_sequential_reads_are_cached(void **state)
{
	struct source src = {.sealed = &sealed};
	struct kh_age_reader *r;
	uint8_t c;
	size_t i, calls;

	(void)state;
	assert_int_equal(
	    kh_age_reader_new(&r, people.kr[0], source_of(&src)), KH_OK);
	calls = src.calls;
	for (i = 0; i < 3 * 65536; i++) {
		assert_int_equal(kh_age_reader_read(r, i, &c, 1), KH_OK);
		assert_int_equal(c, plain[i]);
	}
	assert_int_equal(src.calls - calls, 3);
	kh_age_reader_free(r);
}

struct seen {
	uint64_t calls, last, all;
};

static void
note(void *ctx, uint64_t done, uint64_t all)
{
	struct seen *s = ctx;

	assert_true(done >= s->last && done <= all);
	s->calls++;
	s->last = done;
	s->all = all;
}

/* What has been read is not authenticated again. */
static void
test_verify(void **state)
{
	struct source src = {.sealed = &sealed};
	struct seen seen = {0};
	struct kh_age_reader *r;
	uint8_t buf[100];
	uint64_t before;

	(void)state;
	assert_int_equal(
	    kh_age_reader_new(&r, people.kr[0], source_of(&src)), KH_OK);
	assert_int_equal(
	    kh_age_reader_read(r, 2 * 65536 - 50, buf, 100), KH_OK);
	before = src.bytes;
	assert_int_equal(kh_age_reader_verify(r, note, &seen), KH_OK);
	/* Eight chunks, three of them known: the last, and two by reading. */
	assert_int_equal(src.bytes - before, 5 * 65552);
	assert_true(seen.calls >= 2);
	assert_int_equal(seen.last, 8);
	assert_int_equal(seen.all, 8);
	before = src.bytes;
	assert_int_equal(kh_age_reader_verify(r, NULL, NULL), KH_OK);
	assert_int_equal(src.bytes, before);
	kh_age_reader_free(r);
}

/* A changed byte spoils its chunk and no other; verify finds it. */
static void
test_damaged_chunk(void **state)
{
	struct source src = {.sealed = &sealed};
	struct kh_age_reader *r;
	uint8_t *buf = malloc(N), *at = sealed.p + payload + 4 * 65552 + 99;
	size_t i;

	(void)state;
	assert_non_null(buf);
	*at ^= 1;
	assert_int_equal(
	    kh_age_reader_new(&r, people.kr[0], source_of(&src)), KH_OK);
	for (i = 0; i < N; i += 32768) {
		size_t n = N - i < 32768 ? N - i : 32768;

		memset(buf, 0xaa, n);
		if (i / 65536 == 4) {
			assert_int_equal(
			    kh_age_reader_read(r, i, buf, n), KH_EAUTH);
			assert_true(buf[0] == 0xaa && buf[n - 1] == 0xaa);
			/* What was read before it is not lost with it. */
			assert_int_equal(
			    kh_age_reader_read(r, i - 65536, buf, n), KH_OK);
			assert_memory_equal(buf, plain + i - 65536, n);
			continue;
		}
		assert_int_equal(kh_age_reader_read(r, i, buf, n), KH_OK);
		assert_memory_equal(buf, plain + i, n);
	}
	assert_int_equal(kh_age_reader_verify(r, NULL, NULL), KH_EAUTH);
	/* Read whole, straight into the caller's memory: nothing of it. */
	memset(buf, 0xaa, 65536);
	assert_int_equal(
	    kh_age_reader_read(r, 4 * 65536, buf, 65536), KH_EAUTH);
	for (i = 0; i < 65536; i++)
		assert_true(buf[i] == 0 || buf[i] == 0xaa);
	*at ^= 1;
	assert_int_equal(kh_age_reader_verify(r, NULL, NULL), KH_OK);
	kh_age_reader_free(r);
	free(buf);
}

/* The object changes after it was opened: no chunk passes for another. */
static void
test_changes_under_the_reader(void **state)
{
	struct source src = {.sealed = &sealed};
	struct kh_age_reader *r;
	uint8_t buf[10], *save = malloc(sealed.n);

	(void)state;
	assert_non_null(save);
	memcpy(save, sealed.p, sealed.n);
	assert_int_equal(
	    kh_age_reader_new(&r, people.kr[0], source_of(&src)), KH_OK);
	memcpy(sealed.p + payload, sealed.p + payload + 65552, 65552);
	assert_int_equal(kh_age_reader_read(r, 0, buf, 10), KH_EAUTH);
	assert_int_equal(kh_age_reader_read(r, 65536, buf, 10), KH_OK);
	assert_memory_equal(buf, plain + 65536, 10);
	memcpy(sealed.p, save, sealed.n);
	assert_int_equal(kh_age_reader_read(r, 0, buf, 10), KH_OK);
	kh_age_reader_free(r);
	free(save);
}

/* Every read that can fail, failing. */
static void
test_failing_source(void **state)
{
	struct source src = {.sealed = &sealed};
	struct kh_age_reader *r;
	uint8_t *buf = malloc(N);
	size_t calls, i;
	enum kh_err e;

	(void)state;
	assert_non_null(buf);
	assert_int_equal(
	    kh_age_reader_new(&r, people.kr[0], source_of(&src)), KH_OK);
	assert_int_equal(kh_age_reader_read(r, 7, buf, N - 7), KH_OK);
	assert_int_equal(kh_age_reader_verify(r, NULL, NULL), KH_OK);
	kh_age_reader_free(r);
	calls = src.calls;
	for (i = 1; i <= calls; i++) {
		src.calls = 0;
		src.fail_at = i;
		e = kh_age_reader_new(&r, people.kr[0], source_of(&src));
		if (e != KH_OK) {
			assert_int_equal(e, KH_ESYS);
			assert_null(r);
			continue;
		}
		assert_int_equal(kh_age_reader_read(r, 7, buf, N - 7), KH_ESYS);
		/* The failure is not remembered as an answer. */
		assert_int_equal(kh_age_reader_read(r, 7, buf, N - 7), KH_OK);
		assert_memory_equal(buf, plain + 7, N - 7);
		kh_age_reader_free(r);
	}
	free(buf);
}

static void
test_sizes(void **state)
{
	static const size_t sizes[] = {
	    0, 1, 65535, 65536, 65537, 131071, 131072, 131073};
	struct kh_seal_to to = {.recipients = people.to, .n = 1};
	struct bytes s = {0}, out = {0};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_int_equal(
		    seal_cut(&to, plain, sizes[i], CUT_RANDOM, &s), KH_OK);
		assert_int_equal(
		    open_reader(people.kr[0], s.p, s.n, &out), KH_OK);
		assert_int_equal(out.n, sizes[i]);
		if (out.n > 0)
			assert_memory_equal(out.p, plain, out.n);
		bytes_free(&out);
		bytes_free(&s);
	}
	/* Armor is not for seeking in. */
	to.armor = true;
	assert_int_equal(seal_cut(&to, plain, 10, CUT_WHOLE, &s), KH_OK);
	assert_int_equal(open_reader(people.kr[0], s.p, s.n, &out), KH_EFORMAT);
	bytes_free(&s);
}

/* Cut where a chunk ends, it is said to be truncated; and a source that is
 * larger than any object is not even looked at. */
static void
test_l8_sizes_that_cannot_be(void **state)
{
	struct source src = {.sealed = &sealed};
	struct kh_source source = source_of(&src);
	struct kh_age_reader *r;
	size_t k;

	(void)state;
	for (k = 1; k < 8; k++) {
		source.size = payload + k * 65552;
		assert_int_equal(
		    kh_age_reader_new(&r, people.kr[0], source), KH_ETRUNC);
		source.size += 16;
		assert_int_equal(
		    kh_age_reader_new(&r, people.kr[0], source), KH_ETRUNC);
		source.size++;
		assert_int_equal(
		    kh_age_reader_new(&r, people.kr[0], source), KH_EAUTH);
	}
	source.size = KH_OBJECT_LEN_MAX + 1;
	src.calls = 0;
	assert_int_equal(
	    kh_age_reader_new(&r, people.kr[0], source), KH_ELIMIT);
	assert_int_equal(src.calls, 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_random_reads),
    cmocka_unit_test(test_sequential_reads_are_cached),
    cmocka_unit_test(test_verify),
    cmocka_unit_test(test_damaged_chunk),
    cmocka_unit_test(test_changes_under_the_reader),
    cmocka_unit_test(test_failing_source),
    cmocka_unit_test(test_sizes),
    cmocka_unit_test(test_l8_sizes_that_cannot_be),
};

int
main(void)
{
	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (kh_init() != KH_OK)
		return 99;
	return cmocka_run_group_tests(tests, setup, teardown);
}
