/*
 * Signatures: our own round trip, every way to damage one, and both directions
 * against the stock minisign where it is installed.
 */
#include "tests/unit/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <spawn.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

static bool alloc_fails;

static void *
test_alloc(size_t n)
{
	return alloc_fails ? NULL : kh_secret_alloc(n);
}

#define kh_secret_alloc test_alloc
#include "lib/card/minisign.c"
#undef kh_secret_alloc

extern char **environ;

static const char msg[] = "Knothole\nminisign\n";
#define MSG ((const uint8_t *)msg)
#define MSG_LEN (sizeof(msg) - 1)

static void
make(struct kh_sign_secret *sk, struct kh_sign_public *pk,
    char sig[static KH_SIGNATURE_TEXT_MAX])
{
	kh_sign_generate(sk);
	kh_sign_public(sk, pk);
	assert_int_equal(kh_sign(sk, MSG, MSG_LEN, "made by a test",
			     "a test, \xc3\xa9", sig),
	    KH_OK);
}

static void
test_round_trip(void **state)
{
	char sig[KH_SIGNATURE_TEXT_MAX], text[KH_SIGN_PUBLIC_TEXT_LEN + 1];
	struct kh_sign_public pk, back;
	struct kh_sign_secret sk;

	make(&sk, &pk, sig);
	assert_int_equal(
	    kh_sign_verify(&pk, MSG, MSG_LEN, sig, strlen(sig)), KH_OK);
	kh_sign_public_format(&pk, text);
	assert_int_equal(strlen(text), 56);
	assert_memory_equal(text, "RW", 2);
	assert_int_equal(
	    kh_sign_public_parse(text, strlen(text), &back), KH_OK);
	assert_memory_equal(&pk, &back, sizeof(pk));
	/* nothing at all can be signed as well */
	assert_int_equal(kh_sign(&sk, NULL, 0, "", "", sig), KH_OK);
	assert_int_equal(kh_sign_verify(&pk, NULL, 0, sig, strlen(sig)), KH_OK);
}

/* Fixed seed, fixed answer, computed with Python: nothing of the clock is in a
 * signature (L36). */
static void
test_l36_known_answer(void **state)
{
	char sig[KH_SIGNATURE_TEXT_MAX], text[KH_SIGN_PUBLIC_TEXT_LEN + 1];
	struct kh_sign_public pk;
	struct kh_sign_secret sk;

	memset(sk.key_id, 0x42, sizeof(sk.key_id));
	memset(sk.seed, 0x17, sizeof(sk.seed));
	kh_sign_public(&sk, &pk);
	kh_sign_public_format(&pk, text);
	assert_string_equal(
	    text, "RWRCQkJCQkJCQjHevlXTfHInaLE3ExyqYIcICy4LYLlL14XRRXXPpJi8");
	assert_int_equal(
	    kh_sign(&sk, (const uint8_t *)"test", 4, "u", "t", sig), KH_OK);
	assert_string_equal(sig,
	    "untrusted comment: u\n"
	    "RURCQkJCQkJCQhXJPtqrWVL2U9in7X4hSzq7Xm5fo0WyN9LOTarn6jdoIBQzx4SD"
	    "xCqlyipdpuyJP0AYmuC0DAnEmbf5ylsASwg=\n"
	    "trusted comment: t\n"
	    "JYVTFCHpgtzRsSz6mFWv0iHVK/K7nTBdeK9oxUhLIq9kMmfAPUasj4gduWzGVVLJ"
	    "oRuJFuHcRD/5sLEdrfrNDQ==\n");
}

static void
test_every_byte_counts(void **state)
{
	char sig[KH_SIGNATURE_TEXT_MAX], bad[KH_SIGNATURE_TEXT_MAX];
	const char *first_end;
	struct kh_sign_public pk;
	struct kh_sign_secret sk;
	size_t i, n, untrusted_begin, untrusted_end;
	uint8_t other[MSG_LEN];
	enum kh_err e;

	make(&sk, &pk, sig);
	n = strlen(sig);
	first_end = strchr(sig, '\n');
	untrusted_begin = strlen("untrusted comment: ");
	untrusted_end = (size_t)(first_end - sig);
	for (i = 0; i < n; i++) {
		memcpy(bad, sig, sizeof(bad));
		bad[i] = (char)(bad[i] ^ 1);
		e = kh_sign_verify(&pk, MSG, MSG_LEN, bad, n);
		/* the untrusted comment is just that */
		if (i >= untrusted_begin && i < untrusted_end)
			assert_int_equal(e, KH_OK);
		else
			assert_true(e == KH_EAUTH || e == KH_EFORMAT);
	}
	for (i = 0; i < 8 * MSG_LEN; i++) {
		memcpy(other, msg, MSG_LEN);
		other[i / 8] ^= (uint8_t)(1U << (i % 8));
		assert_int_equal(
		    kh_sign_verify(&pk, other, MSG_LEN, sig, n), KH_EAUTH);
	}
	assert_int_equal(
	    kh_sign_verify(&pk, MSG, MSG_LEN - 1, sig, n), KH_EAUTH);
}

static void
test_wrong_form(void **state)
{
	char sig[KH_SIGNATURE_TEXT_MAX], bad[2 * KH_SIGNATURE_TEXT_MAX];
	struct kh_sign_public pk;
	struct kh_sign_secret sk;
	size_t i, n;
	char *p;

	make(&sk, &pk, sig);
	n = strlen(sig);
	/* L8: cut anywhere, or with something behind it */
	for (i = 0; i < n; i++)
		assert_int_equal(
		    kh_sign_verify(&pk, MSG, MSG_LEN, sig, i), KH_EFORMAT);
	memcpy(bad, sig, n);
	bad[n] = '\n';
	assert_int_equal(
	    kh_sign_verify(&pk, MSG, MSG_LEN, bad, n + 1), KH_EFORMAT);
	bad[n] = '\0';
	assert_int_equal(
	    kh_sign_verify(&pk, MSG, MSG_LEN, bad, n + 1), KH_EFORMAT);
	memset(bad, 'x', sizeof(bad));
	memcpy(bad, sig, strlen("untrusted comment: "));
	assert_int_equal(
	    kh_sign_verify(&pk, MSG, MSG_LEN, bad, sizeof(bad)), KH_EFORMAT);
	/* CR before LF, in a comment's line and in a signature's */
	for (p = strchr(sig, '\n'); p != NULL; p = strchr(p + 1, '\n')) {
		i = (size_t)(p - sig);
		memcpy(bad, sig, i);
		bad[i] = '\r';
		memcpy(bad + i + 1, p, n - i);
		assert_int_equal(
		    kh_sign_verify(&pk, MSG, MSG_LEN, bad, n + 1), KH_EFORMAT);
	}
	/* an algorithm that is neither */
	p = strchr(sig, '\n') + 1;
	memcpy(bad, sig, n);
	bad[p - sig] = 'S';
	assert_int_equal(kh_sign_verify(&pk, MSG, MSG_LEN, bad, n), KH_EFORMAT);
}

/* Both signatures have to fit each other, not only each the key. */
static void
test_parts_exchanged(void **state)
{
	char a[KH_SIGNATURE_TEXT_MAX], b[KH_SIGNATURE_TEXT_MAX];
	char mixed[KH_SIGNATURE_TEXT_MAX];
	struct kh_sign_public pk, other;
	struct kh_sign_secret sk, sk2;
	size_t cut;

	make(&sk, &pk, a);
	assert_int_equal(
	    kh_sign(&sk, MSG, MSG_LEN - 1, "made by a test", "other", b),
	    KH_OK);
	cut = (size_t)(strstr(a, "trusted comment: a") - a);
	memcpy(mixed, a, cut);
	memcpy(mixed + cut, b + cut, strlen(b) - cut + 1);
	assert_int_equal(
	    kh_sign_verify(&pk, MSG, MSG_LEN, mixed, strlen(mixed)), KH_EAUTH);
	/* another key, and another key with this one's number */
	kh_sign_generate(&sk2);
	kh_sign_public(&sk2, &other);
	assert_int_equal(
	    kh_sign_verify(&other, MSG, MSG_LEN, a, strlen(a)), KH_EAUTH);
	memcpy(other.key_id, pk.key_id, sizeof(pk.key_id));
	assert_int_equal(
	    kh_sign_verify(&other, MSG, MSG_LEN, a, strlen(a)), KH_EAUTH);
	/* this key with another number */
	pk.key_id[0] ^= 1;
	assert_int_equal(
	    kh_sign_verify(&pk, MSG, MSG_LEN, a, strlen(a)), KH_EAUTH);
}

static void
test_public_key_refused(void **state)
{
	char text[KH_SIGN_PUBLIC_TEXT_LEN + 2];
	struct kh_sign_public pk, out;
	static const struct kh_sign_public zero;
	struct kh_sign_secret sk;
	size_t i;

	kh_sign_generate(&sk);
	kh_sign_public(&sk, &pk);
	kh_sign_public_format(&pk, text);
	for (i = 0; i < KH_SIGN_PUBLIC_TEXT_LEN; i++)
		assert_int_equal(kh_sign_public_parse(text, i, &out), KH_EKEY);
	text[56] = '=';
	assert_int_equal(kh_sign_public_parse(text, 57, &out), KH_EKEY);
	text[1] = 'X'; /* another algorithm */
	assert_int_equal(kh_sign_public_parse(text, 56, &out), KH_EKEY);
	kh_sign_public_format(&pk, text);
	text[20] = '-'; /* base64url */
	assert_int_equal(kh_sign_public_parse(text, 56, &out), KH_EKEY);
	text[20] = ' ';
	assert_int_equal(kh_sign_public_parse(text, 56, &out), KH_EKEY);
	/* points of low order, and off the curve */
	memset(pk.pk, 0, sizeof(pk.pk));
	kh_sign_public_format(&pk, text);
	assert_int_equal(kh_sign_public_parse(text, 56, &out), KH_EKEY);
	pk.pk[0] = 1;
	kh_sign_public_format(&pk, text);
	assert_int_equal(kh_sign_public_parse(text, 56, &out), KH_EKEY);
	memset(pk.pk, 0xff, sizeof(pk.pk));
	kh_sign_public_format(&pk, text);
	memset(&out, 0xa5, sizeof(out));
	assert_int_equal(kh_sign_public_parse(text, 56, &out), KH_EKEY);
	assert_memory_equal(&out, &zero, sizeof(out));
}

/* libsodium 1.0.18 reads bytes above 0x7f as '/': a second spelling. */
static void
test_base64_high_bytes(void **state)
{
	char text[KH_SIGN_PUBLIC_TEXT_LEN + 1], sig[KH_SIGNATURE_TEXT_MAX];
	char *at = NULL, *end, *p;
	struct kh_sign_public pk, out;
	struct kh_sign_secret sk;
	int i;

	while (at == NULL) {
		make(&sk, &pk, sig);
		kh_sign_public_format(&pk, text);
		at = strchr(text, '/');
	}
	for (i = 0x80; i <= 0xff; i++) {
		*at = (char)i;
		assert_int_equal(kh_sign_public_parse(text, 56, &out), KH_EKEY);
	}
	/* the same in the signature's two lines */
	end = sig + strlen(sig);
	for (p = strchr(sig, '\n'); p < end; p++) {
		if (*p != '/')
			continue;
		*p = (char)0xbf;
		assert_int_equal(
		    kh_sign_verify(&pk, MSG, MSG_LEN, sig, (size_t)(end - sig)),
		    KH_EFORMAT);
		*p = '/';
	}
}

static void
test_no_memory(void **state)
{
	char sig[KH_SIGNATURE_TEXT_MAX];
	struct kh_sign_secret sk;

	kh_sign_generate(&sk);
	alloc_fails = true;
	assert_int_equal(kh_sign(&sk, MSG, MSG_LEN, "u", "t", sig), KH_ENOMEM);
	alloc_fails = false;
	assert_int_equal(sig[0], '\0');
}

/* --- stock minisign -------------------------------------------------------- */

static char dir[64];

/* Run minisign in `dir`; its exit status, -1 if there is none. */
static int
minisign(char *const argv[])
{
	posix_spawn_file_actions_t fa;
	int status = -1;
	pid_t pid;

	assert_int_equal(posix_spawn_file_actions_init(&fa), 0);
	assert_int_equal(
	    posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0),
	    0);
	assert_int_equal(
	    posix_spawn_file_actions_addopen(&fa, 1, "/dev/null", O_WRONLY, 0),
	    0);
	assert_int_equal(
	    posix_spawn_file_actions_addopen(&fa, 2, "/dev/null", O_WRONLY, 0),
	    0);
	assert_int_equal(posix_spawn_file_actions_addchdir_np(&fa, dir), 0);
	if (posix_spawnp(&pid, "minisign", &fa, NULL, argv, environ) == 0) {
		assert_int_equal(waitpid(pid, &status, 0), pid);
		status = WIFEXITED(status) ? WEXITSTATUS(status) : 255;
	}
	posix_spawn_file_actions_destroy(&fa);
	return status == 127 ? -1 : status;
}

static void
put_file(const char *name, const char *p, size_t n)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static size_t
get_file(const char *name, char *p, size_t cap)
{
	char path[128];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "rb");
	assert_non_null(f);
	n = fread(p, 1, cap, f);
	assert_int_equal(fclose(f), 0);
	return n;
}

static int
have_stock(void **state)
{
	char *const version[] = {"minisign", "-v", NULL};

	snprintf(dir, sizeof(dir), "%s/knothole-test-XXXXXX", P_tmpdir);
	if (mkdtemp(dir) == NULL)
		return -1;
	*state = minisign(version) == 0 ? dir : NULL;
	return 0;
}

static int
clean(void **state)
{
	static const char *const names[] = {"m", "m.minisig", "k.pub", "k.key"};
	char path[128];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	rmdir(dir);
	return 0;
}

static int
stock_verifies(const char *key)
{
	char *const argv[] = {
	    "minisign", "-V", "-m", "m", "-P", (char *)(uintptr_t)key, NULL};

	return minisign(argv);
}

static void
test_stock_verifies_ours(void **state)
{
	char sig[KH_SIGNATURE_TEXT_MAX], key[KH_SIGN_PUBLIC_TEXT_LEN + 1];
	char long_u[KH_UNTRUSTED_COMMENT_MAX + 1];
	char long_t[KH_TRUSTED_COMMENT_MAX + 1];
	struct kh_sign_public pk;
	struct kh_sign_secret sk;

	if (*state == NULL)
		skip();
	make(&sk, &pk, sig);
	kh_sign_public_format(&pk, key);
	put_file("m", msg, MSG_LEN);
	put_file("m.minisig", sig, strlen(sig));
	assert_int_equal(stock_verifies(key), 0);
	put_file("m", msg, MSG_LEN - 1);
	assert_int_not_equal(stock_verifies(key), 0);
	/* the longest comments that we write */
	memset(long_u, 'u', sizeof(long_u) - 1);
	long_u[sizeof(long_u) - 1] = '\0';
	memset(long_t, 't', sizeof(long_t) - 1);
	long_t[sizeof(long_t) - 1] = '\0';
	assert_int_equal(
	    kh_sign(&sk, MSG, MSG_LEN - 1, long_u, long_t, sig), KH_OK);
	put_file("m.minisig", sig, strlen(sig));
	assert_int_equal(stock_verifies(key), 0);
	assert_int_equal(
	    kh_sign_verify(&pk, MSG, MSG_LEN - 1, sig, strlen(sig)), KH_OK);
}

static void
test_ours_verifies_stock(void **state)
{
	char *const generate[] = {
	    "minisign", "-G", "-W", "-p", "k.pub", "-s", "k.key", NULL};
	char *const sign[] = {"minisign", "-S", "-s", "k.key", "-m", "m", NULL};
	char *const legacy[] = {
	    "minisign", "-S", "-l", "-s", "k.key", "-m", "m", NULL};
	char pub[512], sig[KH_SIGNATURE_TEXT_MAX], *key;
	struct kh_sign_public pk;
	size_t n;

	if (*state == NULL)
		skip();
	assert_int_equal(minisign(generate), 0);
	put_file("m", msg, MSG_LEN);
	assert_int_equal(minisign(sign), 0);
	pub[get_file("k.pub", pub, sizeof(pub) - 1)] = '\0';
	key = strchr(pub, '\n');
	assert_non_null(key);
	assert_int_equal(kh_sign_public_parse(key + 1, 56, &pk), KH_OK);
	n = get_file("m.minisig", sig, sizeof(sig));
	assert_int_equal(kh_sign_verify(&pk, MSG, MSG_LEN, sig, n), KH_OK);
	assert_int_equal(
	    kh_sign_verify(&pk, MSG, MSG_LEN - 1, sig, n), KH_EAUTH);
	/* not pre-hashed: refused as what it is */
	assert_int_equal(minisign(legacy), 0);
	n = get_file("m.minisig", sig, sizeof(sig));
	assert_int_equal(kh_sign_verify(&pk, MSG, MSG_LEN, sig, n), KH_EUNSUP);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_round_trip),
    cmocka_unit_test(test_l36_known_answer),
    cmocka_unit_test(test_every_byte_counts),
    cmocka_unit_test(test_wrong_form),
    cmocka_unit_test(test_parts_exchanged),
    cmocka_unit_test(test_public_key_refused),
    cmocka_unit_test(test_base64_high_bytes),
    cmocka_unit_test(test_no_memory),
    cmocka_unit_test_setup_teardown(
	test_stock_verifies_ours, have_stock, clean),
    cmocka_unit_test_setup_teardown(
	test_ours_verifies_stock, have_stock, clean),
};

TAP_MAIN(tests)
