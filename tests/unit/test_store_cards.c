/*
 * Renewed cards in the store: kept, replaced, read back, with every step of it
 * failing, and with what must not be there.
 */
#include "tests/unit/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "knothole/io.h"

enum call {
	OPENAT,
	WRITE,
	RENAMEAT,
	FSYNC,
	CALLS
};

static int failing[CALLS]; /* errno of the next call, 0: it works */

static int
next(enum call c)
{
	int err = failing[c];

	failing[c] = 0;
	errno = err;
	return err;
}

static int
faulty_openat(int at, const char *name, int flags, ...)
{
	if ((flags & O_CREAT) != 0 && next(OPENAT) != 0)
		return -1;
	return openat(at, name, flags, 0400);
}

static enum kh_err
faulty_write_all(int fd, const void *p, size_t n)
{
	if (failing[WRITE] == 0)
		return kh_write_all(fd, p, n);
	assert_int_equal(kh_write_all(fd, p, n / 2), KH_OK);
	return next(WRITE) == ENOSPC ? KH_EFULL : KH_ESYS;
}

static int
faulty_renameat(int a, const char *from, int b, const char *to)
{
	return next(RENAMEAT) != 0 ? -1 : renameat(a, from, b, to);
}

static int
faulty_fsync(int fd)
{
	return next(FSYNC) != 0 ? -1 : fsync(fd);
}

#define openat faulty_openat
#define kh_write_all faulty_write_all
#define renameat faulty_renameat
#define fsync faulty_fsync
#include "lib/store/cards.c"
#undef openat
#undef kh_write_all
#undef renameat
#undef fsync

#define PATH "cards/01020300000000000000000000000000.card"

static const uint8_t who[KH_COLLECTOR_LEN] = {1, 2, 3};
static char base[] = P_tmpdir "/knothole-test-XXXXXX";
static struct kh_store *st;
static int root;

static int
set_up(void **state)
{
	(void)state;
	memset(failing, 0, sizeof(failing));
	memcpy(base + sizeof(base) - 7, "XXXXXX", 6);
	if (mkdtemp(base) == NULL || kh_store_open(base, &st) != KH_OK)
		return -1;
	root = open(base, O_RDONLY | O_DIRECTORY);
	return root < 0 ? -1 : 0;
}

static int
tear_down(void **state)
{
	static const char *const names[] = {
	    "objects", "replies", "collected", "cards"};
	size_t i;

	(void)state;
	(void)unlinkat(root, PATH, 0);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unlinkat(root, names[i], AT_REMOVEDIR);
	close(root);
	kh_store_close(st);
	return rmdir(base); /* and so nothing else is left */
}

static enum kh_err
put_text(const char *text)
{
	return kh_store_card_put(st, who, (const uint8_t *)text, strlen(text));
}

static void
kept(const char *text)
{
	static char got[KH_CARD_MAX];
	size_t n = 99;

	if (text == NULL) {
		assert_int_equal(
		    kh_store_card_get(root, who, got, &n), KH_ENOENT);
		assert_int_equal(n, 0);
		return;
	}
	assert_int_equal(kh_store_card_get(root, who, got, &n), KH_OK);
	assert_int_equal(n, strlen(text));
	assert_memory_equal(got, text, n);
}

static void
test_l36_kept(void **state)
{
	struct stat sb;

	(void)state;
	kept(NULL);
	assert_int_equal(put_text("one"), KH_OK);
	kept("one");
	assert_int_equal(put_text("another"), KH_OK);
	kept("another");
	assert_int_equal(fstatat(root, PATH, &sb, 0), 0);
	assert_int_equal(sb.st_mode & 07777, 0400);
	assert_int_equal(sb.st_mtim.tv_sec, KH_STORE_TIME);
	assert_int_equal(fstatat(root, "cards", &sb, 0), 0);
	assert_int_equal(sb.st_mode & 07777, 0700);
	assert_int_equal(sb.st_mtim.tv_sec, KH_STORE_TIME);
}

static void
test_sizes(void **state)
{
	static uint8_t large[KH_CARD_MAX + 1];

	(void)state;
	memset(large, 'x', sizeof(large));
	assert_int_equal(
	    kh_store_card_put(st, who, large, sizeof(large)), KH_ELIMIT);
	assert_int_equal(kh_store_card_put(st, who, large, 0), KH_ELIMIT);
	kept(NULL);
	assert_int_equal(
	    kh_store_card_put(st, who, large, sizeof(large) - 1), KH_OK);
}

/* Whatever fails, the earlier one is whole, and nothing lies beside it. */
static void
test_failures(void **state)
{
	static const struct {
		enum call call;
		int err;
		enum kh_err want;
	} cases[] = {{OPENAT, ENOSPC, KH_EFULL}, {OPENAT, EIO, KH_ESYS},
	    {WRITE, ENOSPC, KH_EFULL}, {WRITE, EIO, KH_ESYS},
	    {RENAMEAT, EIO, KH_ESYS}, {RENAMEAT, EDQUOT, KH_EFULL}};
	size_t i;

	(void)state;
	assert_int_equal(put_text("one"), KH_OK);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		failing[cases[i].call] = cases[i].err;
		assert_int_equal(put_text("another"), cases[i].want);
		kept("one");
		assert_int_equal(faccessat(root, PATH ".new", F_OK, 0), -1);
	}
	/* Only this one is there already, though nobody knows for how long. */
	failing[FSYNC] = EIO;
	assert_int_equal(put_text("another"), KH_ESYS);
	kept("another");
}

/* What a run that was cut has left does not stand in the way. */
static void
test_cut_before(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(put_text("one"), KH_OK);
	fd = openat(root, PATH ".new", O_CREAT | O_WRONLY, 0400);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(put_text("another"), KH_OK);
	kept("another");
	assert_int_equal(faccessat(root, PATH ".new", F_OK, 0), -1);
}

static void
test_not_a_card_file(void **state)
{
	static char got[KH_CARD_MAX];
	size_t n;
	int fd;

	(void)state;
	assert_int_equal(put_text("one"), KH_OK);
	assert_int_equal(unlinkat(root, PATH, 0), 0);
	assert_int_equal(symlinkat("/etc/passwd", root, PATH), 0);
	assert_int_equal(kh_store_card_get(root, who, got, &n), KH_EFORMAT);
	assert_int_equal(unlinkat(root, PATH, 0), 0);
	assert_int_equal(mkfifoat(root, PATH, 0600), 0); /* not waited for */
	assert_int_equal(kh_store_card_get(root, who, got, &n), KH_EFORMAT);
	assert_int_equal(unlinkat(root, PATH, 0), 0);
	fd = openat(root, PATH, O_CREAT | O_WRONLY, 0400);
	assert_int_equal(ftruncate(fd, KH_CARD_MAX + 1), 0);
	close(fd);
	assert_int_equal(kh_store_card_get(root, who, got, &n), KH_EFORMAT);
	assert_int_equal(n, 0);
	assert_int_equal(unlinkat(root, PATH, 0), 0);
	assert_int_equal(unlinkat(root, "cards", AT_REMOVEDIR), 0);
	assert_int_equal(symlinkat("/tmp", root, "cards"), 0);
	assert_int_equal(kh_store_card_get(root, who, got, &n), KH_EFORMAT);
	assert_int_not_equal(put_text("one"), KH_OK);
	assert_int_equal(unlinkat(root, "cards", 0), 0);
}

#define T(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

static const struct CMUnitTest tests[] = {
    T(test_l36_kept),
    T(test_sizes),
    T(test_failures),
    T(test_cut_before),
    T(test_not_a_card_file),
};

TAP_MAIN(tests)
