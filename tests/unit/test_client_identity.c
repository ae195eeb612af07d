/*
 * Identity files, passphrases, and what the client says: the parts that need
 * no file system. Separate from the system test because every error is
 * reached here, also those that no command line produces.
 */
#include "tests/unit/tap.h"

#include <fcntl.h>
#include <unistd.h>

#include "client/args.c"
#include "client/epochs.c"
#include "client/exit.c"
#include "client/identity.c"
#include "client/input.c"
#include "client/passphrase.c"
#include "client/progress.c"
#include "client/signals.c"

static struct kh_newsroom_keys *
new_keys(void)
{
	struct kh_newsroom_keys *k = kh_secret_alloc(sizeof(*k));

	assert_non_null(k);
	memset(k, 0, sizeof(*k));
	kh_identity_generate(&k->identity);
	kh_sign_generate(&k->signing);
	return k;
}

static struct kh_passphrase
pass_of(const char *text)
{
	struct kh_passphrase p = {.n = strlen(text)};

	p.text = kh_secret_alloc(p.n);
	assert_non_null(p.text);
	memcpy(p.text, text, p.n);
	return p;
}

static enum kh_err
append(void *ctx, const uint8_t *p, size_t n)
{
	struct kh_memory *m = ctx;

	memcpy((uint8_t *)(uintptr_t)m->p + m->n, p, n);
	m->n += n;
	return KH_OK;
}

/* Seal `text` under `pass`, cheaply; returns its length in `out`. */
static size_t
seal_text(
    const char *text, size_t n, const struct kh_passphrase *pass, uint8_t *out)
{
	struct kh_seal_to to = {.passphrase = pass->text,
	    .passphrase_len = pass->n,
	    .logn = 10,
	    .armor = false};
	struct kh_memory m = {.p = out};
	struct kh_sealer *s = NULL;
	enum kh_err e;

	e = kh_sealer_new(
	    &s, &to, (struct kh_sink){.write = append, .ctx = &m});
	assert_int_equal(e, KH_OK);
	e = kh_sealer_write(s, (const uint8_t *)text, n);
	assert_int_equal(e, KH_OK);
	e = kh_sealer_finish(s);
	assert_int_equal(e, KH_OK);
	kh_sealer_free(s);
	return m.n;
}

static enum kh_err
read_one(
    const char *text, size_t n, const struct kh_passphrase *pass, size_t *count)
{
	struct kh_keyring *kr = NULL;
	enum kh_err e = kh_keyring_new(&kr);

	assert_int_equal(e, KH_OK);
	e = kh_identity_file_read(kr, text, n, pass);
	*count = kh_keyring_count(kr);
	kh_keyring_free(kr);
	return e;
}

static void
test_identity_text(void **state)
{
	struct kh_newsroom_keys *k = new_keys();
	char *text = NULL, *line;
	uint8_t raw[40];
	size_t n, got;
	enum kh_err e;

	(void)state;
	e = kh_identity_file_write(k, "The \xd7\xa9 Times", &text, &n);
	assert_int_equal(e, KH_OK);
	assert_int_equal(strlen(text), n);
	assert_memory_equal(text, "# created by knothole\n", 22);
	assert_non_null(strstr(text, "\n# newsroom: The \xd7\xa9 Times\n"));
	assert_non_null(strstr(text, "\n# public key: age1"));
	line = strstr(text, "\n# signing key: ");
	assert_non_null(line);
	assert_int_equal(sodium_base642bin(raw, sizeof(raw), line + 16, 56,
			     NULL, &got, NULL, sodium_base64_VARIANT_ORIGINAL),
	    0);
	assert_int_equal(got, sizeof(raw));
	assert_memory_equal(raw, k->signing.key_id, 8);
	assert_memory_equal(raw + 8, k->signing.seed, 32);
	assert_non_null(strstr(text, "\nAGE-SECRET-KEY-1"));
	assert_int_equal(text[n - 1], '\n');
	e = read_one(text, n, NULL, &got);
	assert_int_equal(e, KH_OK);
	assert_int_equal(got, 1);
	kh_secret_free(text);
	kh_secret_free(k);
}

static void
test_identity_names(void **state)
{
	struct kh_newsroom_keys *k = new_keys();
	char name[KH_CARD_NAME_MAX + 2];
	char *text = NULL;
	size_t n;
	enum kh_err e;

	(void)state;
	/* A second line in a name would be a second identity. */
	e = kh_identity_file_write(k, "a\nAGE-SECRET-KEY-1", &text, &n);
	assert_int_equal(e, KH_ENAME);
	assert_null(text);
	memset(name, 'x', sizeof(name));
	name[KH_CARD_NAME_MAX + 1] = '\0';
	e = kh_identity_file_write(k, name, &text, &n);
	assert_int_equal(e, KH_ENAME);
	name[KH_CARD_NAME_MAX] = '\0';
	e = kh_identity_file_write(k, name, &text, &n);
	assert_int_equal(e, KH_OK);
	kh_secret_free(text);
	kh_secret_free(k);
}

static void
test_identity_sealed(void **state)
{
	struct kh_newsroom_keys *k = new_keys();
	struct kh_passphrase good = pass_of("good"), bad = pass_of("bad");
	uint8_t sealed[4096];
	char *text = NULL;
	size_t n, count, cut;
	enum kh_err e;

	(void)state;
	e = kh_identity_file_write(k, "N", &text, &n);
	assert_int_equal(e, KH_OK);
	n = seal_text(text, n, &good, sealed);
	e = read_one((char *)sealed, n, &good, &count);
	assert_int_equal(e, KH_OK);
	assert_int_equal(count, 1);
	e = read_one((char *)sealed, n, &bad, &count);
	assert_int_equal(e, KH_ENOKEY);
	e = read_one((char *)sealed, n, NULL, &count);
	assert_int_equal(e, KH_ENOKEY);
	assert_int_equal(count, 0);
	sealed[n - 1] ^= 1;
	e = read_one((char *)sealed, n, &good, &count);
	assert_int_equal(e, KH_EAUTH);
	sealed[n - 1] ^= 1;
	/* Cut anywhere it adds nothing (L8); each costs an scrypt. */
	for (cut = 22; cut < n; cut += 7) {
		e = read_one((char *)sealed, cut, &good, &count);
		assert_true(e == KH_ETRUNC || e == KH_EAUTH || e == KH_EFORMAT);
		assert_int_equal(count, 0);
	}
	kh_passphrase_free(&good);
	kh_passphrase_free(&bad);
	kh_secret_free(text);
	kh_secret_free(k);
}

static void
test_identity_sealed_garbage(void **state)
{
	struct kh_passphrase good = pass_of("good");
	uint8_t sealed[4096];
	char *large;
	uint8_t *large_sealed;
	size_t n, count;
	enum kh_err e;

	(void)state;
	n = seal_text("hello\n", 6, &good, sealed);
	e = read_one((char *)sealed, n, &good, &count);
	assert_int_equal(e, KH_EFORMAT);
	/* What opens to more than a file may hold is not taken. */
	large = calloc(1, KH_IDENTITY_FILE_MAX);
	large_sealed = malloc(KH_IDENTITY_FILE_MAX + 4096);
	assert_true(large != NULL && large_sealed != NULL);
	memset(large, '\n', KH_IDENTITY_FILE_MAX);
	n = seal_text(large, KH_IDENTITY_FILE_MAX - 1000, &good, large_sealed);
	e = read_one((char *)large_sealed, n, &good, &count);
	assert_int_equal(e, KH_EFORMAT);
	free(large);
	free(large_sealed);
	kh_passphrase_free(&good);
}

static void
test_identity_opened_cap(void **state)
{
	static uint8_t bytes[KH_IDENTITY_FILE_MAX];
	struct opened o = {.text = kh_secret_alloc(KH_IDENTITY_FILE_MAX)};

	(void)state;
	assert_non_null(o.text);
	assert_int_equal(take(&o, bytes, KH_IDENTITY_FILE_MAX), KH_OK);
	assert_int_equal(take(&o, bytes, 1), KH_ELIMIT);
	kh_secret_free(o.text);
}

/* A pipe that holds `text`. */
static int
pipe_of(const char *text, size_t n)
{
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	assert_int_equal(write(fd[1], text, n), n);
	close(fd[1]);
	return fd[0];
}

static void
test_passphrase_read(void **state)
{
	struct kh_passphrase p;
	char rest[8] = {0};
	char longest[KH_PASSPHRASE_MAX + 2];
	enum kh_err e;
	int fd;

	(void)state;
	fd = pipe_of("two words \nrest", 15);
	e = kh_passphrase_read(fd, &p);
	assert_int_equal(e, KH_OK);
	assert_int_equal(p.n, 10);
	assert_memory_equal(p.text, "two words ", 10);
	kh_passphrase_free(&p);
	/* What follows the line is still there for others. */
	assert_int_equal(read(fd, rest, sizeof(rest)), 4);
	assert_string_equal(rest, "rest");
	close(fd);
	/* The line end of another system is no part of what people type. */
	fd = pipe_of("two words\r\n", 11);
	e = kh_passphrase_read(fd, &p);
	assert_int_equal(e, KH_EFORMAT);
	close(fd);
	memset(longest, 'x', sizeof(longest));
	longest[KH_PASSPHRASE_MAX] = '\n';
	fd = pipe_of(longest, KH_PASSPHRASE_MAX + 1);
	e = kh_passphrase_read(fd, &p);
	assert_int_equal(e, KH_OK);
	assert_int_equal(p.n, KH_PASSPHRASE_MAX);
	kh_passphrase_free(&p);
	close(fd);
}

static void
test_passphrase_read_errors(void **state)
{
	static const struct {
		const char *text;
		size_t n;
	} bad[] = {{"", 0}, {"\n", 1}, {"\nx\n", 3}, {"a\0b\n", 4}};
	struct kh_passphrase p;
	char longest[KH_PASSPHRASE_MAX + 2];
	enum kh_err e;
	size_t i;
	int fd;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fd = pipe_of(bad[i].text, bad[i].n);
		e = kh_passphrase_read(fd, &p);
		assert_int_equal(e, KH_EFORMAT);
		assert_null(p.text);
		close(fd);
	}
	memset(longest, 'x', sizeof(longest));
	fd = pipe_of(longest, sizeof(longest));
	e = kh_passphrase_read(fd, &p);
	assert_int_equal(e, KH_ELIMIT);
	assert_null(p.text);
	close(fd);
	e = kh_passphrase_read(fd, &p);
	assert_int_equal(e, KH_ESYS);
	assert_int_equal(errno, EBADF);
}

static void
test_passphrase_same(void **state)
{
	struct kh_passphrase a = pass_of("abc"), b = pass_of("abc"),
			     c = pass_of("abd"), d = pass_of("ab");

	(void)state;
	assert_true(kh_passphrase_same(&a, &b));
	assert_false(kh_passphrase_same(&a, &c));
	assert_false(kh_passphrase_same(&a, &d));
	kh_passphrase_free(&a);
	kh_passphrase_free(&b);
	kh_passphrase_free(&c);
	kh_passphrase_free(&d);
}

static void
test_input_all(void **state)
{
	char *p;
	size_t n;
	enum kh_err e;
	int fd;

	(void)state;
	fd = pipe_of("12345", 5);
	e = kh_input_all(fd, 5, &p, &n);
	assert_int_equal(e, KH_OK);
	assert_int_equal(n, 5);
	assert_memory_equal(p, "12345", 5);
	kh_secret_free(p);
	close(fd);
	fd = pipe_of("123456", 6);
	e = kh_input_all(fd, 5, &p, &n);
	assert_int_equal(e, KH_ELIMIT);
	assert_null(p);
	close(fd);
	e = kh_input_all(fd, 5, &p, &n);
	assert_int_equal(e, KH_ESYS);
}

static void
test_input_is_age(void **state)
{
	static const char binary[] = "age-encryption.org/v1\n";
	static const char armor[] = "-----BEGIN AGE ENCRYPTED FILE-----\n";

	(void)state;
	assert_true(kh_input_is_age(binary, sizeof(binary) - 1));
	assert_true(kh_input_is_age(armor, sizeof(armor) - 1));
	assert_false(kh_input_is_age(binary, 18));
	assert_false(kh_input_is_age(armor, 33));
	assert_false(kh_input_is_age("", 0));
	assert_false(kh_input_is_age("AGE-SECRET-KEY-1ABCDEFGHIJK", 27));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_identity_text),
    cmocka_unit_test(test_identity_names),
    cmocka_unit_test(test_identity_sealed),
    cmocka_unit_test(test_identity_sealed_garbage),
    cmocka_unit_test(test_identity_opened_cap),
    cmocka_unit_test(test_passphrase_read),
    cmocka_unit_test(test_passphrase_read_errors),
    cmocka_unit_test(test_passphrase_same),
    cmocka_unit_test(test_input_all),
    cmocka_unit_test(test_input_is_age),
};

TAP_MAIN(tests)
