/*
 * The public age test vectors (CCTV), which are not part of the project: their
 * directory comes from KNOTHOLE_AGE_VECTORS, as they are published (with the
 * files in "vectors") or the files alone. Each runs through the opener in one
 * piece, byte by byte and in random pieces, and through the reader.
 */
#include "tests/unit/age_run.h"

#include <dirent.h>
#include <zlib.h>

#include "knothole/rewrap.h"

#define DEFAULT_DIR "../shared/data/age-vectors"
#define VECTOR_MAX (32u << 20)
#define BYTEWISE_MAX (1u << 19) /* larger ones are not fed byte by byte */
#define RANDOM_RUNS 5

enum expect {
	EXPECT_NONE,
	EXPECT_SUCCESS,
	EXPECT_NO_MATCH,
	EXPECT_HMAC,
	EXPECT_HEADER,
	EXPECT_ARMOR,
	EXPECT_PAYLOAD
};

static const char *const expect_names[] = {[EXPECT_NONE] = "",
    [EXPECT_SUCCESS] = "success",
    [EXPECT_NO_MATCH] = "no match",
    [EXPECT_HMAC] = "HMAC failure",
    [EXPECT_HEADER] = "header failure",
    [EXPECT_ARMOR] = "armor failure",
    [EXPECT_PAYLOAD] = "payload failure"};

struct vector {
	enum expect expect;
	bool compressed;
	bool armored;
	bool post_quantum;
	bool has_payload;
	uint8_t payload[crypto_hash_sha256_BYTES];
	struct kh_keyring *kr;
	uint8_t *p;
	size_t n;
};

static void
vector_field(struct vector *v, const char *key, const char *value)
{
	struct kh_identity id;
	size_t i, n;

	if (strcmp(key, "expect") == 0) {
		for (i = 1; i < sizeof(expect_names) / sizeof(char *); i++)
			if (strcmp(value, expect_names[i]) == 0)
				v->expect = (enum expect)i;
	} else if (strcmp(key, "payload") == 0) {
		assert_int_equal(sodium_hex2bin(v->payload, sizeof(v->payload),
				     value, strlen(value), NULL, &n, NULL),
		    0);
		assert_int_equal(n, sizeof(v->payload));
		v->has_payload = true;
	} else if (strcmp(key, "identity") == 0 &&
	    strncmp(value, "AGE-SECRET-KEY-PQ-1", 19) == 0) {
		v->post_quantum = true;
	} else if (strcmp(key, "identity") == 0) {
		assert_int_equal(
		    kh_identity_parse(value, strlen(value), &id), KH_OK);
		assert_int_equal(kh_keyring_add(v->kr, &id), KH_OK);
	} else if (strcmp(key, "passphrase") == 0) {
		assert_int_equal(
		    kh_keyring_passphrase(v->kr, value, strlen(value)), KH_OK);
	} else if (strcmp(key, "compressed") == 0) {
		assert_string_equal(value, "zlib");
		v->compressed = true;
	} else if (strcmp(key, "armored") == 0) {
		v->armored = true;
	} else {
		assert_true(strcmp(key, "file key") == 0 ||
		    strcmp(key, "comment") == 0);
	}
}

static void
vector_inflate(struct vector *v)
{
	uLongf n = VECTOR_MAX;
	uint8_t *p = malloc(n);

	assert_non_null(p);
	assert_int_equal(uncompress(p, &n, v->p, v->n), Z_OK);
	free(v->p);
	v->p = realloc(p, n);
	assert_non_null(v->p);
	v->n = n;
}

/* Read "key: value" lines up to the empty one; the rest is the object. */
static void
vector_load(struct vector *v, const char *path)
{
	char line[4096], *sep;
	size_t n;
	FILE *f;

	memset(v, 0, sizeof(*v));
	assert_int_equal(kh_keyring_new(&v->kr), KH_OK);
	f = fopen(path, "rb");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL && line[0] != '\n') {
		n = strlen(line);
		assert_true(n > 0 && line[n - 1] == '\n');
		line[n - 1] = '\0';
		sep = strstr(line, ": ");
		assert_non_null(sep);
		*sep = '\0';
		vector_field(v, line, sep + 2);
	}
	v->p = malloc(VECTOR_MAX);
	assert_non_null(v->p);
	v->n = fread(v->p, 1, VECTOR_MAX, f);
	assert_true(v->n < VECTOR_MAX && feof(f) && !ferror(f));
	fclose(f);
	if (v->compressed) {
		vector_inflate(v);
	} else {
		/* To its size, so that a sanitizer sees every overread. */
		v->p = realloc(v->p, v->n > 0 ? v->n : 1);
		assert_non_null(v->p);
	}
}

static bool
error_fits(enum expect expect, enum kh_err e)
{
	switch (expect) {
	case EXPECT_SUCCESS:
		return e == KH_OK;
	case EXPECT_NO_MATCH:
		return e == KH_ENOKEY;
	case EXPECT_HMAC:
		return e == KH_EAUTH;
	case EXPECT_HEADER:
		return e == KH_EFORMAT || e == KH_ETRUNC || e == KH_ELIMIT;
	case EXPECT_ARMOR:
		return e == KH_EFORMAT || e == KH_ETRUNC;
	case EXPECT_PAYLOAD:
		return e == KH_EAUTH || e == KH_ETRUNC;
	case EXPECT_NONE:
		break;
	}
	return false;
}

static bool
released_fits(const struct vector *v, const struct bytes *out)
{
	uint8_t hash[crypto_hash_sha256_BYTES];

	if (v->expect != EXPECT_SUCCESS && v->expect != EXPECT_PAYLOAD)
		return out->n == 0 || v->expect == EXPECT_ARMOR;
	crypto_hash_sha256(hash, out->n > 0 ? out->p : hash, out->n);
	return v->has_payload && memcmp(hash, v->payload, sizeof(hash)) == 0;
}

/* One run; all runs of a vector give the same error. */
static bool
run_cut(const struct vector *v, enum cut cut, enum kh_err *first)
{
	struct bytes out = {0};
	enum kh_err e;
	bool ok;

	e = open_cut(v->kr, v->p, v->n, cut, &out);
	if (*first == KH_ERR_N)
		*first = e;
	ok = e == *first && error_fits(v->expect, e) && released_fits(v, &out);
	if (!ok)
		printf("# %s expected, got \"%s\", %zu bytes released\n",
		    expect_names[v->expect], kh_err_text(e), out.n);
	bytes_free(&out);
	return ok;
}

/* Give it to somebody else, who then sees what its owner saw. */
static bool
run_rewrap(const struct vector *v)
{
	struct kh_memory m = {.p = v->p, .n = v->n};
	struct bytes given = {0}, plain = {0};
	struct kh_recipient to;
	struct kh_keyring *kr;
	struct kh_identity id;
	enum kh_err e;
	bool ok;

	kh_identity_generate(&id);
	kh_identity_recipient(&id, &to);
	e = kh_age_rewrap(
	    v->kr, kh_source_memory(&m), &to, 1, bytes_sink(&given));
	if (v->armored || (e == KH_EUNSUP && given.n == 0)) {
		ok = e != KH_OK; /* text, or under a passphrase */
	} else if (e == KH_OK) {
		kr = ring_of(&id);
		e = open_cut(kr, given.p, given.n, CUT_RANDOM, &plain);
		ok = error_fits(v->expect, e) && released_fits(v, &plain);
		kh_keyring_free(kr);
	} else {
		ok = error_fits(v->expect, e);
	}
	if (!ok)
		printf("# rewrapped: \"%s\"\n", kh_err_text(e));
	bytes_free(&given);
	bytes_free(&plain);
	return ok;
}

static bool
run_vector(const struct vector *v)
{
	enum kh_err first = KH_ERR_N, e;
	struct bytes out = {0};
	bool ok;
	int i;

	ok = run_cut(v, CUT_WHOLE, &first);
	if (v->n <= BYTEWISE_MAX)
		ok = run_cut(v, CUT_BYTES, &first) && ok;
	for (i = 0; i < RANDOM_RUNS; i++)
		ok = run_cut(v, CUT_RANDOM, &first) && ok;

	e = open_reader(v->kr, v->p, v->n, &out);
	if (v->armored)
		ok = e != KH_OK && ok;
	else
		ok = error_fits(v->expect, e) && ok;
	if (e == KH_OK)
		ok = released_fits(v, &out) && ok;
	if (!ok)
		printf("# reader: \"%s\"\n", kh_err_text(e));
	bytes_free(&out);
	return run_rewrap(v) && ok;
}

/* The directory of the vectors themselves, its path in `path`; or NULL. */
static DIR *
open_vectors(char *path, size_t size)
{
	const char *dir = getenv("KNOTHOLE_AGE_VECTORS");
	DIR *d;

	if (dir == NULL)
		dir = DEFAULT_DIR;
	assert_true(snprintf(path, size, "%s/vectors", dir) < (int)size);
	d = opendir(path);
	if (d != NULL)
		return d;
	assert_true(snprintf(path, size, "%s", dir) < (int)size);
	return opendir(path);
}

static void
test_vectors(void **state)
{
	unsigned n = 0, failed = 0, skipped = 0;
	char dir[2048], path[4096];
	struct dirent *de;
	struct vector v;
	DIR *d;

	(void)state;
	d = open_vectors(dir, sizeof(dir));
	if (d == NULL) {
		printf("## skipped: no age vectors in %s\n", dir);
		skip();
	}
	while ((de = readdir(d)) != NULL) {
		if (de->d_name[0] == '.')
			continue;
		assert_true(snprintf(path, sizeof(path), "%s/%s", dir,
				de->d_name) < (int)sizeof(path));
		vector_load(&v, path);
		if (v.post_quantum) {
			printf("## skipped %s: post-quantum\n", de->d_name);
			skipped++;
		} else if (!run_vector(&v)) {
			printf("# failed %s\n", de->d_name);
			failed++;
		}
		n++;
		kh_keyring_free(v.kr);
		free(v.p);
	}
	closedir(d);
	printf("## %u vectors, %u skipped, %u failed\n", n, skipped, failed);
	assert_int_equal(failed, 0);
	assert_true(n > skipped);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_vectors),
};

TAP_MAIN(tests)
