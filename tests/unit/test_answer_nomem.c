/*
 * Every allocation of sealing and opening an answer, failing in turn:
 * KH_ENOMEM, nothing given out, nothing leaked (the address sanitizer says),
 * no text outside locked memory. The sources are included, so that their calls
 * of the allocators come here.
 */
#include "tests/unit/answer.h"

#include <malloc.h>

#define MARK "qzmarkedqz"

static size_t n_allocs, fail_at, dirty;

static bool
fails(void)
{
	return ++n_allocs == fail_at;
}

static void *
counted_malloc(size_t n)
{
	return fails() ? NULL : malloc(n);
}

static void *
counted_calloc(size_t n, size_t size)
{
	return fails() ? NULL : calloc(n, size);
}

static void *
counted_secret_alloc(size_t n)
{
	return fails() ? NULL : kh_secret_alloc(n);
}

/* What is not locked memory never holds the text. */
static void
inspecting_free(void *p)
{
	if (p != NULL)
		dirty += memmem(p, malloc_usable_size(p), MARK, strlen(MARK)) !=
		    NULL;
	free(p);
}

#define malloc counted_malloc
#define calloc counted_calloc
#define free inspecting_free
#define kh_secret_alloc counted_secret_alloc
#include "lib/answer/read.c"
#include "lib/answer/write.c"

#include "lib/age/keyring.c"
#include "lib/age/reader.c"
#include "lib/age/seal.c"
#include "lib/card/minisign.c"
#undef malloc
#undef calloc
#undef free
#undef kh_secret_alloc

static struct sealed out;

static enum kh_err
seal_marked(void)
{
	const struct kh_sign_secret sk = newsroom_key();
	const struct kh_recipient to = source();
	struct kh_answer a = answer(1, "before " MARK " after");

	out.n = 0;
	return kh_answer_seal(
	    &a, &to, &sk, (struct kh_sink){.write = sealed_write, .ctx = &out});
}

static void
test_sealing(void **state)
{
	enum kh_err e;

	dirty = 0;
	for (fail_at = 1;; fail_at++) {
		n_allocs = 0;
		e = seal_marked();
		if (n_allocs < fail_at)
			break;
		assert_int_equal(e, KH_ENOMEM);
		assert_int_equal(out.n, 0);
	}
	assert_int_equal(e, KH_OK);
	assert_in_range(fail_at, 5, 20);
	assert_int_equal(dirty, 0);
}

static void
test_opening(void **state)
{
	struct kh_answer_opened *o;
	enum kh_err e;

	fail_at = 0;
	assert_int_equal(seal_marked(), KH_OK);
	dirty = 0;
	for (fail_at = 1;; fail_at++) {
		n_allocs = 0;
		e = open_as(&out, 1, &o);
		if (n_allocs < fail_at)
			break;
		assert_int_equal(e, KH_ENOMEM);
		assert_null(o);
	}
	assert_int_equal(e, KH_OK);
	assert_in_range(fail_at, 5, 20);
	assert_int_equal(dirty, 0);
	assert_memory_equal(
	    kh_answer_get(o)->text, "before " MARK " after", 23);
	kh_answer_free(o);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_sealing),
    cmocka_unit_test(test_opening),
};

TAP_MAIN(tests)
