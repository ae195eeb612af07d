/*
 * The manifest: names kept to the byte, one JSON form, and a reader that
 * takes no other than a sound one.
 */
#include "tests/unit/tap.h"

#include "knothole/manifest.h"
#include "knothole/name.h"

#define KEY "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"

static struct kh_manifest *
sample(void)
{
	struct kh_manifest *m;

	assert_int_equal(kh_manifest_new(&m), KH_OK);
	assert_int_equal(m->n_files, 0);
	memset(m->mailbox, 0xab, sizeof(m->mailbox));
	assert_int_equal(
	    kh_recipient_parse(KEY, strlen(KEY), &m->reply_to), KH_OK);
	m->has_slot_key = true;
	memset(m->slot_key, 0x3c, sizeof(m->slot_key));
	strcpy(m->language, "he");
	strcpy(m->day, "2026-11-21");
	m->complete = true;
	m->recipients = calloc(2, sizeof(*m->recipients));
	assert_non_null(m->recipients);
	m->recipients[0] = m->recipients[1] = m->reply_to;
	m->n_recipients = 2;
	return m;
}

static void
add(struct kh_manifest *m, const char *name, size_t n, const char *type)
{
	assert_int_equal(
	    kh_manifest_add(m, (const uint8_t *)name, n, type, strlen(type)),
	    KH_OK);
	m->files[m->n_files - 1].size = 7 * m->n_files;
	m->files[m->n_files - 1].complete = true;
}

static void
same(const struct kh_manifest *a, const struct kh_manifest *b)
{
	size_t i;

	assert_memory_equal(a->mailbox, b->mailbox, sizeof(a->mailbox));
	assert_memory_equal(&a->reply_to, &b->reply_to, sizeof(a->reply_to));
	assert_int_equal(a->has_slot_key, b->has_slot_key);
	assert_memory_equal(a->slot_key, b->slot_key, sizeof(a->slot_key));
	assert_string_equal(a->language, b->language);
	assert_string_equal(a->day, b->day);
	assert_int_equal(a->complete, b->complete);
	assert_int_equal(a->n_recipients, b->n_recipients);
	for (i = 0; i < a->n_recipients; i++)
		assert_memory_equal(&a->recipients[i], &b->recipients[i],
		    sizeof(a->recipients[i]));
	assert_int_equal(a->n_files, b->n_files);
	for (i = 0; i < a->n_files; i++) {
		assert_string_equal(a->files[i].entry, b->files[i].entry);
		assert_string_equal(a->files[i].type, b->files[i].type);
		assert_int_equal(a->files[i].size, b->files[i].size);
		assert_int_equal(a->files[i].complete, b->files[i].complete);
		assert_int_equal(a->files[i].name_len, b->files[i].name_len);
		assert_memory_equal(
		    a->files[i].name, b->files[i].name, a->files[i].name_len);
	}
}

/* Write, check the characters, read, compare. */
static void
round_trip(const struct kh_manifest *m)
{
	struct kh_manifest *again;
	char *json;
	size_t i, n;

	assert_int_equal(kh_manifest_write(m, &json, &n), KH_OK);
	assert_int_equal(strlen(json), n);
	assert_true(n <= m->json_max);
	for (i = 0; i < n; i++)
		assert_true(
		    json[i] == '\n' || (json[i] >= 0x20 && json[i] <= 0x7e));
	assert_int_equal(kh_manifest_read(json, n, &again), KH_OK);
	same(m, again);
	kh_manifest_free(again);
	kh_secret_free(json);
}

static void
test_form(void **state)
{
	static const char want[] =
	    "{\n \"knothole\": 1,\n"
	    " \"mailbox\": \"abababababababababababababababab\",\n"
	    " \"reply_to\": \"" KEY "\",\n"
	    " \"slot_key\": \"3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c"
	    "3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c\",\n"
	    " \"language\": \"he\",\n \"day\": \"2026-11-21\",\n"
	    " \"complete\": true,\n \"recipients\": [\n"
	    "  \"" KEY "\",\n  \"" KEY "\"\n ],\n \"files\": [\n  {\n"
	    "   \"entry\": \"files/001-a.pdf\",\n"
	    "   \"name\": \"a.pdf\",\n   \"type\": \"application/pdf\",\n"
	    "   \"size\": 7,\n   \"complete\": true\n  }\n ]\n}\n";
	struct kh_manifest *m = sample();
	char *json;
	size_t n;

	(void)state;
	add(m, "a.pdf", 5, "application/pdf");
	assert_int_equal(kh_manifest_write(m, &json, &n), KH_OK);
	assert_string_equal(json, want);
	kh_secret_free(json);
	kh_manifest_free(m);
	kh_manifest_free(NULL);
}

/* Names survive to the byte, whatever they are (L1, L3). */
static void
test_l1_names(void **state)
{
	struct kh_manifest *m = sample();
	char all[256];
	size_t i;

	(void)state;
	for (i = 0; i < 256; i++)
		all[i] = (char)i;
	add(m, all, 256, "");
	add(m, "", 0, "");
	add(m, "a\0b", 3, "");
	add(m, "\xff", 1, "");
	add(m, "\xef\xbf\xbd", 3, "");
	add(m, "\x7f\"\\\x1b\n/", 6, "");
	add(m, "\xf0\x9f\x93\x84", 4, "text/plain");
	add(m, "../../etc/passwd", 16, "");
	round_trip(m);
	for (i = 0; i < m->n_files; i++) {
		assert_true(kh_name_is_safe(
		    m->files[i].entry + 10, strlen(m->files[i].entry) - 10));
		assert_int_equal(strncmp(m->files[i].entry, "files/00", 8), 0);
	}
	assert_string_equal(m->files[7].entry, "files/008-passwd");
	kh_manifest_free(m);
}

/* L3: equal names, in any script, stay distinct entries. */
static void
test_l3_equal_names(void **state)
{
	static const char name[] = "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d.pdf";
	struct kh_manifest *m = sample();
	char want[64];
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++)
		add(m, name, strlen(name), "application/pdf");
	for (i = 0; i < 3; i++) {
		snprintf(want, sizeof(want), "files/00%zu-%s", i + 1, name);
		assert_string_equal(m->files[i].entry, want);
	}
	round_trip(m);
	kh_manifest_free(m);
}

/* What a browser writes for a quote and a line end. */
static void
test_browser_escapes(void **state)
{
	static const char raw[] = "x%22y%0D%0az%0%2e%";
	struct kh_manifest *m = sample();

	(void)state;
	add(m, raw, strlen(raw), "");
	assert_string_equal(m->files[0].entry, "files/001-x_y  z%0%2e%");
	assert_memory_equal(m->files[0].name, raw, strlen(raw));
	add(m, "%22", 3, "");
	assert_string_equal(m->files[1].entry, "files/002-_");
	add(m, "%0a%0D", 6, "");
	assert_string_equal(m->files[2].entry, "files/003-file");
	add(m, "a%2", 3, "");
	assert_string_equal(m->files[3].entry, "files/004-a%2");
	round_trip(m);
	kh_manifest_free(m);
}

static void
test_type(void **state)
{
	struct kh_manifest *m = sample();

	(void)state;
	add(m, "a", 1, "text/\x1b[31m\xc2\x9bplain\n");
	assert_string_equal(m->files[0].type, "text/[31mplain");
	round_trip(m);
	kh_manifest_free(m);
}

static void
test_limits(void **state)
{
	static uint8_t big[KH_RAW_NAME_MAX + 1];
	struct kh_manifest *m = sample(), *none;
	char type[KH_TYPE_MAX + 1];
	size_t i, n;
	char *json;

	(void)state;
	memset(big, 1, sizeof(big));
	memset(type, 't', sizeof(type));
	assert_int_equal(
	    kh_manifest_add(m, big, sizeof(big), "", 0), KH_ELIMIT);
	assert_int_equal(
	    kh_manifest_add(m, big, 1, type, sizeof(type)), KH_ELIMIT);
	assert_int_equal(m->n_files, 0);
	/* The flood of names is refused before it is too late to write. */
	for (i = 0; kh_manifest_add(
			m, big, KH_RAW_NAME_MAX, type, KH_TYPE_MAX) == KH_OK;
	     i++)
		continue;
	assert_in_range(i, 200, 400);
	assert_int_equal(m->n_files, i);
	assert_int_equal(kh_manifest_write(m, &json, &n), KH_OK);
	assert_true(n <= KH_MANIFEST_MAX);
	kh_secret_free(json);
	kh_manifest_free(m);

	m = sample(); /* 999 names of 255 bytes fit, the thousandth does not */
	for (i = 0; i < KH_FILES_MAX; i++)
		assert_int_equal(
		    kh_manifest_add(m, big, 255, type, KH_TYPE_MAX), KH_OK);
	m->complete = false;
	round_trip(m);
	assert_int_equal(kh_manifest_add(m, big, 1, "", 0), KH_ELIMIT);
	kh_manifest_free(m);

	json = calloc(1, KH_MANIFEST_MAX + 1);
	assert_non_null(json);
	memset(json, ' ', KH_MANIFEST_MAX + 1);
	assert_int_equal(
	    kh_manifest_read(json, KH_MANIFEST_MAX + 1, &none), KH_ELIMIT);
	assert_null(none);
	free(json);
}

/* `from` replaced by `to` in the sample's JSON, then read. */
static enum kh_err
reread(const char *from, const char *to)
{
	struct kh_manifest *m = sample(), *out;
	char *json, *at, *text;
	enum kh_err e;
	size_t n;

	add(m, "a.pdf", 5, "text/plain");
	add(m, "\xff.pdf", 5, "");
	m->files[0].size = 70;
	assert_int_equal(kh_manifest_write(m, &json, &n), KH_OK);
	at = strstr(json, from);
	assert_non_null(at);
	text = calloc(1, n + strlen(to) + 1);
	assert_non_null(text);
	memcpy(text, json, (size_t)(at - json));
	strcpy(text + (at - json), to);
	strcat(text, at + strlen(from));
	e = kh_manifest_read(text, strlen(text), &out);
	assert_true((e == KH_OK) == (out != NULL));
	kh_manifest_free(out);
	free(text);
	kh_secret_free(json);
	kh_manifest_free(m);
	return e;
}

static const struct {
	const char *from, *to;
	enum kh_err want;
} strict[] = {
    {"\"he\"", "\"he\", \"later\": [1, {\"x\": null}]", KH_OK},
    {"he", "ar", KH_OK},
    {"knothole\": 1", "knothole\": 2", KH_EUNSUP},
    {"knothole\": 1", "knothole\": \"1\"", KH_EFORMAT},
    {"knothole\": 1", "knothole\": 1.0", KH_EFORMAT},
    {"\"knothole\": 1,", "", KH_EFORMAT},
    {"\"he\"", "\"he\", \"language\": \"he\"", KH_EFORMAT},
    {"\"he\"", "\"h\"", KH_EFORMAT},
    {"\"he\"", "\"HE\"", KH_EFORMAT},
    {"\"he\"", "\"abcdefghi\"", KH_EFORMAT},
    {"\"he\"", "\"h\\u0000\"", KH_EFORMAT},
    {"\"he\"", "7", KH_EFORMAT},
    {"2026-11-21", "2026-13-21", KH_EFORMAT},
    {"2026-11-21", "2026-11-32", KH_EFORMAT},
    {"2026-11-21", "2026-02-29", KH_EFORMAT},
    {"2026-11-21", "0000-11-21", KH_EFORMAT},
    {"2026-11-21", "2026-11-2", KH_EFORMAT},
    {"2026-11-21", "2026/11/21", KH_EFORMAT},
    {"2026-11-21", "2026-11-21T10", KH_EFORMAT},
    {"abab", "ABAB", KH_EFORMAT},
    {"abab", "ab", KH_EFORMAT},
    {"abab", "xxxx", KH_EFORMAT},
    {"reply_to\": \"age1", "reply_to\": \"age2", KH_EFORMAT},
    {"reply_to\": \"age1", "reply_to\": \"AGE1", KH_EFORMAT},
    {"slot_key", "slot_keys", KH_OK}, /* of 0.1.0: it had none */
    {"3c3c", "3C3c", KH_EFORMAT},
    {"3c3c", "3c", KH_EFORMAT},
    {"3c3c", "3c3c3c", KH_EFORMAT},
    {"3c3c", "3x3c", KH_EFORMAT},
    {"3c3c", "3b3c", KH_OK},
    {"\"slot_key\": ", "\"slot_key\": 1, \"x\": ", KH_EFORMAT},
    {"\"slot_key\": ", "\"slot_key\": null, \"x\": ", KH_EFORMAT},
    {"\"recipients\": [", "\"recipients\": [1,", KH_EFORMAT},
    {"\"recipients\": [", "\"recipients\": [], \"x\": [", KH_EFORMAT},
    {"\"recipients\"", "\"recipient\"", KH_EFORMAT},
    {"\"files\"", "\"file\"", KH_EFORMAT},
    {"\"files\": [", "\"files\": {}, \"x\": [", KH_EFORMAT},
    {"\"files\": [", "\"files\": [7,", KH_EFORMAT},
    {"\"complete\": true", "\"complete\": 1", KH_EFORMAT},
    {"\"complete\": true", "\"complete\": false", KH_OK},
    {"\"size\": 70,\n   \"complete\": true",
	"\"size\": 70,\n   \"complete\": false", KH_EFORMAT},
    {"\"size\": 70", "\"size\": -1", KH_EFORMAT},
    {"\"size\": 70", "\"size\": 70.5", KH_EFORMAT},
    {"\"size\": 70", "\"size\": 1e99", KH_EFORMAT},
    {"\"size\": 70", "\"size\": 99999999999999999999", KH_EFORMAT},
    {"\"size\": 70", "\"size\": 68719476737", KH_ELIMIT},
    {"\"size\": 70,", "", KH_EFORMAT},
    {"\"type\": \"text/plain\",", "", KH_EFORMAT},
    {"text/plain", "text\\u001b", KH_EFORMAT},
    {"text/plain", "text\\u00e9", KH_EFORMAT},
    {"files/001-a.pdf", "files/002-a.pdf", KH_EFORMAT},
    {"files/001-a.pdf", "files/1-a.pdf", KH_EFORMAT},
    {"files/001-a.pdf", "files/001-", KH_EFORMAT},
    {"files/001-a.pdf", "files/001-..", KH_EFORMAT},
    {"files/001-a.pdf", "files/001-a/b", KH_EFORMAT},
    {"files/001-a.pdf", "files/001-/etc/x", KH_EFORMAT},
    {"files/001-a.pdf", "files/001-a\\u001b", KH_EFORMAT},
    {"files/001-a.pdf", "files/001-a\\u202e", KH_EFORMAT},
    {"files/001-a.pdf", "files/001-e\\u0301", KH_EFORMAT},
    {"files/001-a.pdf", "../001-a.pdf", KH_EFORMAT},
    {"files/002-_.pdf", "files/001-a.pdf", KH_EFORMAT},
    {"\"name\": \"a.pdf\"", "\"name\": null", KH_EFORMAT},
    {"\"name\": \"a.pdf\"", "\"name\": \"a\\u0000\"", KH_EFORMAT},
    {"\"name\": \"a.pdf\"", "\"name\": \"\\ud800\"", KH_EFORMAT},
    {"\"name\": \"a.pdf\"", "\"name\": \"a.pdf\", \"name_hex\": \"612e706466\"",
	KH_EFORMAT},
    {"\"ff2e706466\"", "\"fe2e706466\"", KH_OK},
    {"\"ff2e706466\"", "\"FF2e706466\"", KH_EFORMAT},
    {"\"ff2e706466\"", "\"ff2e70646\"", KH_EFORMAT},
    {"\"ff2e706466\"", "\"ff2e706467\"", KH_EFORMAT},
    {"\"ff2e706466\"", "7", KH_EFORMAT},
    {"\"he\"", "\"he\", \"x\": \"\xc3\xa9\"", KH_EFORMAT},
    {"\"he\"", "\"he\", \"x\": \"\x7f\"", KH_EFORMAT},
    {"]\n}\n", "]\n}\n{}", KH_EFORMAT},
    {"]\n}\n", "]\n", KH_EFORMAT},
    {"]\n}\n", "]\n}\n  ", KH_OK},
};

static void
test_strict(void **state)
{
	struct kh_manifest *m;
	enum kh_err e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(strict) / sizeof(strict[0]); i++) {
		e = reread(strict[i].from, strict[i].to);
		if (e != strict[i].want)
			fail_msg("%s -> %s: %s", strict[i].from, strict[i].to,
			    kh_err_text(e));
	}
	assert_int_equal(kh_manifest_read(NULL, 0, &m), KH_EFORMAT);
	assert_int_equal(kh_manifest_read("[]", 2, &m), KH_EFORMAT);
	assert_int_equal(kh_manifest_read("{}\0", 3, &m), KH_EFORMAT);
	assert_null(m);
}

/* A manifest without a slot key is read, and written again, without one. */
static void
test_without_slot_key(void **state)
{
	struct kh_manifest *m = sample(), *out;
	char *json;
	size_t n;

	(void)state;
	m->has_slot_key = false;
	memset(m->slot_key, 0, sizeof(m->slot_key));
	assert_int_equal(kh_manifest_write(m, &json, &n), KH_OK);
	assert_null(strstr(json, "slot_key"));
	assert_int_equal(kh_manifest_read(json, n, &out), KH_OK);
	same(m, out);
	kh_manifest_free(out);
	kh_secret_free(json);
	kh_manifest_free(m);
}

static void
test_too_much(void **state)
{
	static char list[80 * (KH_RECIPIENTS_MAX + 1)];
	static char name[3 * KH_RAW_NAME_MAX];
	size_t i;

	(void)state;
	strcpy(list, "\"recipients\": [");
	for (i = 0; i < KH_RECIPIENTS_MAX; i++)
		strcat(list, "\"" KEY "\",");
	assert_int_equal(reread("\"recipients\": [", list), KH_ELIMIT);
	strcpy(name, "\"name\": \"");
	memset(name + 9, 'a', KH_RAW_NAME_MAX + 1);
	strcat(name, "\"");
	assert_int_equal(reread("\"name\": \"a.pdf\"", name), KH_ELIMIT);
	strcpy(name, "\"type\": \"");
	memset(name + 9, 0, sizeof(name) - 9);
	memset(name + 9, 'a', KH_TYPE_MAX + 1);
	strcat(name, "\"");
	assert_int_equal(reread("\"type\": \"text/plain\"", name), KH_ELIMIT);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_form),
    cmocka_unit_test(test_l1_names),
    cmocka_unit_test(test_l3_equal_names),
    cmocka_unit_test(test_browser_escapes),
    cmocka_unit_test(test_type),
    cmocka_unit_test(test_limits),
    cmocka_unit_test(test_strict),
    cmocka_unit_test(test_without_slot_key),
    cmocka_unit_test(test_too_much),
};

TAP_MAIN(tests)
