/*
 * Directories of extracted objects: all of one or nothing (L9), paths that are
 * ours alone (L1), and never through a link (L2).
 */
#include "tests/unit/client_faults.h"

static void
add(struct kh_tree *t, const char *path, const char *text)
{
	struct kh_tree_file f;
	enum kh_err e;

	e = kh_tree_open(t, &f, path);
	assert_int_equal(e, KH_OK);
	e = kh_tree_write(&f, (const uint8_t *)text, strlen(text));
	assert_int_equal(e, KH_OK);
	e = kh_tree_close(&f);
	assert_int_equal(e, KH_OK);
}

static void
begin_tree(struct place *p, struct kh_tree *t)
{
	enum kh_err e = kh_tree_begin(t, p->fd);

	assert_int_equal(e, KH_OK);
	add(t, "message.txt", "abc");
	add(t, "files/001-a", "a");
	add(t, "files/002-b", "b");
	add(t, "opened/002-b", "bb");
}

static void
test_tree_whole(void **state)
{
	struct place *p = *state;
	struct kh_tree t;
	struct kh_tree_file f;
	enum kh_err e;

	begin_tree(p, &t);
	e = kh_tree_open(&t, &f, "opened/003-c");
	assert_int_equal(e, KH_OK);
	kh_tree_drop(&f);
	e = kh_tree_commit(&t, "x");
	assert_int_equal(e, KH_OK);
	kh_tree_abort(&t); /* nothing is taken back */
	assert_int_equal(count(p), 1);
	assert_content(p, "x/files/002-b", "b");
	assert_content(p, "x/opened/002-b", "bb");
	assert_content(p, "x/message.txt", "abc");
	assert_int_not_equal(faccessat(p->fd, "x/opened/003-c", F_OK, 0), 0);
}

static void
test_tree_sums(void **state)
{
	/* FIPS 180-2, B.1: SHA-256 of "abc". */
	static const char want[] =
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	    "  message.txt\n";
	struct place *p = *state;
	char buf[128] = {0};
	struct kh_tree t;
	enum kh_err e;
	int fd;

	e = kh_tree_begin(&t, p->fd);
	assert_int_equal(e, KH_OK);
	add(&t, "message.txt", "abc");
	e = kh_tree_commit(&t, "x");
	assert_int_equal(e, KH_OK);
	fd = openat(p->fd, "x/SHA256SUMS", O_RDONLY);
	assert_true(read(fd, buf, sizeof(buf) - 1) > 0);
	assert_string_equal(buf, want);
	close(fd);
}

/* Whatever a bundle reader may let through (L1, L2). */
static void
test_l1_tree_refuses_paths(void **state)
{
	static const char *const bad[] = {"", "/", "..", "x", "../message.txt",
	    "/message.txt", "message.txt/", "MESSAGE.TXT", "SHA256SUMS",
	    "files", "files/", "files/a", "files/001", "files/001-",
	    "files/001-a/b", "files/../x", "files/001-..", "files//001-a",
	    "files/001-.a", "files/001--a", "files/001-a\nb",
	    "files/001-\x1b[0m", "files/001-a\\b", "files/01-a",
	    "files/0010-a/", "files/+01-a", "files/001_a", "opened/001-../x",
	    "opened/x", "padding", "files/001-\xe2\x80\xae", "files/001-\xff",
	    "./message.txt", "files/./001-a", "filesx/001-a"};
	struct place *p = *state;
	char longest[300];
	struct kh_tree t;
	struct kh_tree_file f;
	enum kh_err e;
	size_t i;

	e = kh_tree_begin(&t, p->fd);
	assert_int_equal(e, KH_OK);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		e = kh_tree_open(&t, &f, bad[i]);
		assert_int_equal(e, KH_ENAME);
		assert_int_equal(f.fd, -1);
	}
	memset(longest, 'a', sizeof(longest));
	memcpy(longest, "files/001-", 10);
	longest[299] = '\0';
	e = kh_tree_open(&t, &f, longest);
	assert_int_equal(e, KH_ENAME);
	longest[10 + KH_NAME_MAX + 1] = '\0';
	e = kh_tree_open(&t, &f, longest);
	assert_int_equal(e, KH_ENAME);
	longest[10 + KH_NAME_MAX] = '\0';
	e = kh_tree_open(&t, &f, longest);
	assert_int_equal(e, KH_OK);
	kh_tree_drop(&f);
	kh_tree_abort(&t);
	assert_int_equal(count(p), 0);
}

static void
test_l2_tree_follows_no_link(void **state)
{
	struct place *p = *state;
	struct kh_tree t;
	struct kh_tree_file f;
	enum kh_err e;

	put(p, "victim", "safe");
	e = kh_tree_begin(&t, p->fd);
	assert_int_equal(e, KH_OK);
	assert_int_equal(symlinkat("../victim", t.top_fd, "message.txt"), 0);
	e = kh_tree_open(&t, &f, "message.txt");
	assert_int_equal(e, KH_EEXIST);
	assert_int_equal(symlinkat("..", t.top_fd, "files"), 0);
	e = kh_tree_open(&t, &f, "files/001-a");
	assert_int_equal(e, KH_EEXIST);
	kh_tree_abort(&t);
	assert_content(p, "victim", "safe");
	assert_int_equal(count(p), 1);
}

static void
test_tree_abort_leaves_nothing(void **state)
{
	struct place *p = *state;
	struct kh_tree t;
	struct kh_tree_file f;
	enum kh_err e;

	begin_tree(p, &t);
	assert_int_equal(count(p), 1);
	e = kh_tree_open(&t, &f, "files/003-half");
	assert_int_equal(e, KH_OK);
	kh_tree_drop(&f);
	kh_tree_drop(&f);
	kh_tree_abort(&t);
	kh_tree_abort(&t);
	assert_int_equal(count(p), 0);
}

static void
test_tree_never_replaces(void **state)
{
	struct place *p = *state;
	struct kh_tree t;
	enum kh_err e;
	int i;

	assert_int_equal(mkdirat(p->fd, "x", 0700), 0);
	for (i = 0; i < 2; i++) {
		begin_tree(p, &t);
		e = kh_tree_commit(&t, "x");
		assert_int_equal(e, KH_EEXIST);
		kh_tree_abort(&t);
		assert_int_equal(count(p), 1);
		fault.rename_errno = EINVAL;
	}
}

static void
test_tree_without_noreplace(void **state)
{
	struct place *p = *state;
	struct kh_tree t;
	enum kh_err e;

	fault.rename_errno = EINVAL;
	begin_tree(p, &t);
	e = kh_tree_commit(&t, "x");
	assert_int_equal(e, KH_OK);
	assert_content(p, "x/files/001-a", "a");
	assert_int_equal(count(p), 1);
	/* And if even that fails, not even the empty directory stays. */
	fault.renameat_errno = EIO;
	begin_tree(p, &t);
	e = kh_tree_commit(&t, "y");
	assert_int_equal(e, KH_ESYS);
	kh_tree_abort(&t);
	assert_int_equal(count(p), 1);
}

static void
test_tree_sync_failures(void **state)
{
	struct place *p = *state;
	struct kh_tree t;
	enum kh_err e;
	int at;

	/* The sums, two directories, the top. */
	for (at = 0; at < 4; at++) {
		begin_tree(p, &t);
		fault.fsync_errno = ENOSPC;
		fault.fsync_at = at;
		e = kh_tree_commit(&t, "x");
		assert_int_equal(e, KH_EFULL);
		kh_tree_abort(&t);
		fault.fsync_errno = 0;
		assert_int_equal(count(p), 0);
	}
}

static const struct CMUnitTest tests[] = {
    T(test_tree_whole),
    T(test_tree_sums),
    T(test_l1_tree_refuses_paths),
    T(test_l2_tree_follows_no_link),
    T(test_tree_abort_leaves_nothing),
    T(test_tree_never_replaces),
    T(test_tree_without_noreplace),
    T(test_tree_sync_failures),
};

TAP_MAIN(tests)
