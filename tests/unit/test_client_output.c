/*
 * Final-name-only files and directories of the client (L9), with the file
 * systems that have no O_TMPFILE, no RENAME_NOREPLACE or no room put in their
 * place. Separate: it includes the modules to get between them and the system.
 */
#include "tests/unit/tap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
	int open_errno; /* openat fails for O_TMPFILE */
	int rename_errno; /* renameat2 fails */
	int linkat_errno; /* linkat fails */
	int fsync_errno; /* fsync number `fsync_at` fails */
	int fsync_at;
	int renameat_errno;
} fault;

static int
fault_openat(int dir, const char *name, int flags, mode_t mode)
{
	if ((flags & O_TMPFILE) == O_TMPFILE && fault.open_errno != 0) {
		errno = fault.open_errno;
		return -1;
	}
	return openat(dir, name, flags, mode);
}

static int
fault_renameat2(
    int from, const char *old, int to, const char *name, unsigned flags)
{
	if (fault.rename_errno != 0) {
		errno = fault.rename_errno;
		return -1;
	}
	return renameat2(from, old, to, name, flags);
}

static int
fault_renameat(int from, const char *old, int to, const char *name)
{
	if (fault.renameat_errno != 0) {
		errno = fault.renameat_errno;
		return -1;
	}
	return renameat(from, old, to, name);
}

static int
fault_linkat(int from, const char *old, int to, const char *name, int flags)
{
	if (fault.linkat_errno != 0) {
		errno = fault.linkat_errno;
		return -1;
	}
	return linkat(from, old, to, name, flags);
}

static int
fault_fsync(int fd)
{
	if (fault.fsync_errno != 0 && fault.fsync_at-- == 0) {
		errno = fault.fsync_errno;
		return -1;
	}
	return fsync(fd);
}

/* openat is called with three arguments for directories. */
#define openat(dir, name, ...) \
	fault_openat(          \
	    dir, name, FIRST(__VA_ARGS__, 0), SECOND(__VA_ARGS__, 0, 0))
#define FIRST(a, ...) a
#define SECOND(a, b, ...) b
#define renameat2 fault_renameat2
#define renameat fault_renameat
#define linkat fault_linkat
#define fsync fault_fsync
#include "client/output.c"
#include "client/signals.c"
#include "client/tree.c"
#undef openat
#undef renameat2
#undef renameat
#undef linkat
#undef fsync

struct place {
	char path[64];
	int fd;
};

static int
setup(void **state)
{
	static const char template[] = "/tmp/knothole-test-XXXXXX";
	struct place *p = calloc(1, sizeof(*p));

	memset(&fault, 0, sizeof(fault));
	if (p == NULL)
		return -1;
	memcpy(p->path, template, sizeof(template));
	if (mkdtemp(p->path) == NULL)
		return -1;
	p->fd = open(p->path, O_RDONLY | O_DIRECTORY);
	*state = p;
	return p->fd < 0 ? -1 : 0;
}

/* How many entries there are. */
static size_t
count(const struct place *p)
{
	DIR *d = opendir(p->path);
	size_t n = 0;

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n - 2;
}

static int
teardown(void **state)
{
	struct place *p = *state;
	char command[96];

	close(p->fd);
	(void)snprintf(command, sizeof(command), "rm -rf %s", p->path);
	if (system(command) != 0)
		return -1;
	free(p);
	return 0;
}

static void
put(struct place *p, const char *name, const char *text)
{
	int fd = openat(p->fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void
assert_content(struct place *p, const char *name, const char *text)
{
	char buf[64] = {0};
	int fd = openat(p->fd, name, O_RDONLY | O_NOFOLLOW);

	assert_true(fd >= 0);
	assert_true(read(fd, buf, sizeof(buf) - 1) >= 0);
	assert_string_equal(buf, text);
	close(fd);
}

/* Begin "x", see that it is not there, commit, see that it is. */
static void
write_x(struct place *p, enum kh_err want, size_t left)
{
	struct kh_output o;
	struct stat sb;
	enum kh_err e;

	e = kh_output_open_at(&o, p->fd, "x", 0600);
	assert_int_equal(e, KH_OK);
	assert_int_equal(write(o.fd, "data", 4), 4);
	assert_int_not_equal(fstatat(p->fd, "x", &sb, 0), 0);
	e = kh_output_commit(&o);
	assert_int_equal(e, want);
	assert_int_equal(o.fd, -1);
	assert_int_equal(count(p), left);
	if (want == KH_OK)
		assert_content(p, "x", "data");
}

static void
test_l9_unnamed(void **state)
{
	write_x(*state, KH_OK, 1);
}

static void
test_l9_without_tmpfile(void **state)
{
	static const int says[] = {EOPNOTSUPP, EISDIR, EINVAL, ENOSYS};
	struct place *p = *state;
	size_t i;

	for (i = 0; i < sizeof(says) / sizeof(says[0]); i++) {
		fault.open_errno = says[i];
		write_x(p, KH_OK, 1);
		assert_int_equal(unlinkat(p->fd, "x", 0), 0);
	}
}

static void
test_l9_without_noreplace(void **state)
{
	fault.open_errno = EOPNOTSUPP;
	fault.rename_errno = EINVAL;
	write_x(*state, KH_OK, 1);
}

static void
test_no_way_to_name_it(void **state)
{
	fault.open_errno = EOPNOTSUPP;
	fault.rename_errno = EINVAL;
	fault.linkat_errno = EPERM;
	write_x(*state, KH_ESYS, 0);
	memset(&fault, 0, sizeof(fault));
	fault.linkat_errno = EPERM;
	write_x(*state, KH_ESYS, 0);
}

static void
test_sync_failures_leave_nothing(void **state)
{
	int at;

	for (at = 0; at < 2; at++) {
		fault.fsync_errno = EIO;
		fault.fsync_at = at;
		write_x(*state, KH_ESYS, 0);
		fault.open_errno = EOPNOTSUPP;
		fault.fsync_at = at;
		write_x(*state, KH_ESYS, 0);
		fault.open_errno = 0;
	}
	fault.fsync_errno = ENOSPC;
	fault.fsync_at = 0;
	write_x(*state, KH_EFULL, 0);
	/* Some file systems cannot sync directories: no reason to fail. */
	fault.fsync_errno = EINVAL;
	fault.fsync_at = 1;
	write_x(*state, KH_OK, 1);
}

static void
test_open_failures(void **state)
{
	struct place *p = *state;
	static const char *const bad[] = {"", ".", "..", "a/b", "/"};
	char longest[NAME_MAX + 2];
	struct kh_output o;
	enum kh_err e;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		e = kh_output_open_at(&o, p->fd, bad[i], 0600);
		assert_int_equal(e, KH_ENAME);
	}
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	e = kh_output_open_at(&o, p->fd, longest, 0600);
	assert_int_equal(e, KH_ENAME);
	fault.open_errno = EACCES;
	e = kh_output_open_at(&o, p->fd, "x", 0600);
	assert_int_equal(e, KH_ESYS);
	assert_int_equal(errno, EACCES);
	e = kh_output_open(&o, "/nonexistent/x", 0600);
	assert_int_equal(e, KH_ESYS);
	kh_output_abort(&o);
	assert_int_equal(count(p), 0);
}

/* What appears while we write is not replaced. */
static void
race(struct place *p)
{
	struct kh_output o;
	enum kh_err e;

	e = kh_output_open_at(&o, p->fd, "x", 0600);
	assert_int_equal(e, KH_OK);
	put(p, "x", "theirs");
	e = kh_output_commit(&o);
	assert_int_equal(e, KH_EEXIST);
	assert_content(p, "x", "theirs");
	assert_int_equal(count(p), 1);
	e = kh_output_open_at(&o, p->fd, "x", 0600);
	assert_int_equal(e, KH_EEXIST);
	assert_int_equal(unlinkat(p->fd, "x", 0), 0);
}

static void
test_never_replaces(void **state)
{
	struct place *p = *state;
	struct kh_output o;
	enum kh_err e;

	race(p);
	fault.open_errno = EOPNOTSUPP;
	race(p);
	fault.rename_errno = EINVAL;
	race(p);
	memset(&fault, 0, sizeof(fault));
	assert_int_equal(symlinkat("nowhere", p->fd, "x"), 0);
	e = kh_output_open_at(&o, p->fd, "x", 0600);
	assert_int_equal(e, KH_EEXIST);
}

static void
test_abort_leaves_nothing(void **state)
{
	struct place *p = *state;
	struct kh_output o;
	enum kh_err e;
	int i;

	for (i = 0; i < 2; i++) {
		e = kh_output_open_at(&o, p->fd, "x", 0600);
		assert_int_equal(e, KH_OK);
		assert_int_equal(count(p), i);
		kh_output_abort(&o);
		kh_output_abort(&o);
		assert_int_equal(count(p), 0);
		fault.open_errno = EOPNOTSUPP;
	}
}

static void
test_signals_remember_what_to_unlink(void **state)
{
	struct place *p = *state;
	struct kh_output o[N_FILES + 1];
	enum kh_err e;
	size_t i;

	fault.open_errno = EOPNOTSUPP;
	for (i = 0; i <= N_FILES; i++) {
		e = kh_output_open_at(&o[i], p->fd, "x", 0600);
		assert_int_equal(e, KH_OK);
	}
	for (i = 0; i < N_FILES; i++) {
		assert_ptr_equal(undo.file[i].name, o[i].temp);
		assert_int_equal(undo.file[i].dir_fd, o[i].dir_fd);
	}
	for (i = 0; i <= N_FILES; i++)
		kh_output_abort(&o[i]);
	for (i = 0; i < N_FILES; i++)
		assert_null(undo.file[i].name);
	assert_int_equal(count(p), 0);
}

/* --- trees --- */

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

static void
test_temp_names_differ(void **state)
{
	char a[KH_OUTPUT_TEMP_LEN], b[KH_OUTPUT_TEMP_LEN];

	(void)state;
	kh_output_temp_name(a);
	kh_output_temp_name(b);
	assert_int_equal(strlen(a), KH_OUTPUT_TEMP_LEN - 1);
	assert_int_equal(a[0], '.');
	assert_string_not_equal(a, b);
	/* No object can be extracted to such a name. */
	assert_false(kh_name_is_safe(a, strlen(a)));
}

#define T(x) cmocka_unit_test_setup_teardown(x, setup, teardown)

static const struct CMUnitTest tests[] = {
    T(test_l9_unnamed),
    T(test_l9_without_tmpfile),
    T(test_l9_without_noreplace),
    T(test_no_way_to_name_it),
    T(test_sync_failures_leave_nothing),
    T(test_open_failures),
    T(test_never_replaces),
    T(test_abort_leaves_nothing),
    T(test_signals_remember_what_to_unlink),
    T(test_tree_whole),
    T(test_tree_sums),
    T(test_l1_tree_refuses_paths),
    T(test_l2_tree_follows_no_link),
    T(test_tree_abort_leaves_nothing),
    T(test_tree_never_replaces),
    T(test_tree_without_noreplace),
    T(test_tree_sync_failures),
    cmocka_unit_test(test_temp_names_differ),
};

TAP_MAIN(tests)
