/*
 * Final-name-only files of the client (L9), on every kind of file system.
 */
#include "tests/unit/client_faults.h"

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
    cmocka_unit_test(test_temp_names_differ),
};

TAP_MAIN(tests)
