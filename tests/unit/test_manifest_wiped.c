/*
 * Names, types and the slot key leave no trace in the memory that the manifest
 * gives back: not in its own, nor in what jansson had of it. Separate, because
 * it takes the place of free(3) in both halves of the manifest.
 */
#include "tests/unit/tap.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#define MARK "qzmarkedqz"
#define KEY "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"
#define SLOT_LEN 8 /* bytes of the slot key, enough to know it by */

static const uint8_t slot[SLOT_LEN] = {
    0x9e, 0x11, 0xc7, 0x52, 0x3b, 0x88, 0xd4, 0x6f};
static const char slot_hex[] = "9e11c7523b88d46f";
static size_t freed, dirty;

static bool
has(void *p, const void *mark, size_t n)
{
	return memmem(p, malloc_usable_size(p), mark, n) != NULL;
}

/* Looks at what is given back, first. */
static void
inspecting_free(void *p)
{
	if (p != NULL) {
		freed++;
		dirty += has(p, MARK, strlen(MARK)) || has(p, slot, SLOT_LEN) ||
		    has(p, slot_hex, strlen(slot_hex));
	}
	free(p);
}

#define free inspecting_free
#include "lib/bundle/manifest.c"
#include "lib/bundle/manifest_json.c"
#undef free

static struct kh_manifest *
marked(void)
{
	static const uint8_t bad_utf8[] = MARK "\xff";
	struct kh_manifest *m;

	assert_int_equal(kh_manifest_new(&m), KH_OK);
	assert_int_equal(
	    kh_recipient_parse(KEY, strlen(KEY), &m->reply_to), KH_OK);
	m->has_slot_key = true;
	memcpy(m->slot_key + 5, slot, SLOT_LEN);
	memcpy(m->language, "en", 3);
	memcpy(m->day, "2026-11-21", KH_DAY_LEN + 1);
	m->recipients = calloc(1, sizeof(*m->recipients));
	assert_non_null(m->recipients);
	m->recipients[0] = m->reply_to;
	m->n_recipients = 1;
	assert_int_equal(kh_manifest_add(m, (const uint8_t *)MARK ".pdf",
			     strlen(MARK ".pdf"), "text/" MARK, 15),
	    KH_OK);
	assert_int_equal(
	    kh_manifest_add(m, bad_utf8, sizeof(bad_utf8) - 1, NULL, 0), KH_OK);
	return m;
}

static void
test_search_finds(void **state)
{
	char *p;

	(void)state;
	dirty = 0;
	p = strdup("before " MARK " after");
	assert_non_null(p);
	inspecting_free(p);
	assert_int_equal(dirty, 1);
}

static void
test_nothing_is_left(void **state)
{
	struct kh_manifest *m = marked(), *back;
	char *json;
	size_t n;

	(void)state;
	freed = dirty = 0;
	assert_int_equal(kh_manifest_write(m, &json, &n), KH_OK);
	assert_non_null(strstr(json, MARK));
	assert_non_null(strstr(json, slot_hex));
	assert_true(freed > 10); /* jansson's go this way too */
	assert_int_equal(dirty, 0);
	kh_manifest_free(m);
	assert_int_equal(kh_manifest_read(json, n, &back), KH_OK);
	assert_int_equal(dirty, 0);
	kh_manifest_free(back);
	/* a text that is refused when most of it has been read */
	json[n - 2] = ']';
	assert_int_equal(kh_manifest_read(json, n, &back), KH_EFORMAT);
	assert_int_equal(dirty, 0);
	kh_secret_free(json);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_search_finds),
    cmocka_unit_test(test_nothing_is_left),
};

TAP_MAIN(tests)
