/*
 * Settling with every call of it failing, and an end of the process at every
 * one of them.
 */
#include "tests/unit/tap.h"

#include <sys/wait.h>

#include "tests/unit/settle.h"

/* Every call of it fails once: nothing is lost, nothing is left after the next
 * start, and what failed is done the next time. */
static void
test_every_call_fails(void **state)
{
	struct kh_store *st = filled();
	unsigned at, total, left = 0;
	unsigned before = open_descriptors();

	n_calls = 0;
	assert_int_equal(settle(st, true), KH_OK);
	total = n_calls;
	assert_true(total > 10 * N);
	for (at = 1; at <= total; at++) {
		st->unsettled = true;
		(void)unlinkat(st->root_fd, KH_SETTLED, 0); /* all are new */
		n_calls = 0;
		fail_at = at;
		left += settle(st, true) != KH_OK;
		fail_at = 0;
		assert_int_equal(open_descriptors(), before);
		assert_int_equal(kh_settle_sweep(st), KH_OK);
		check_all();
	}
	assert_true(left > 3);
	st->unsettled = true;
	assert_int_equal(settle(st, true), KH_OK);
	check_all();
	kh_store_close(st);
}

/* What an error of each kind means: what is due stays due. */
static void
test_still_due(void **state)
{
	static const struct {
		enum call call;
		unsigned skip;
	} cases[] = {
	    {FDOPENDIR, 0},
	    {READDIR, 2},
	    {FSYNC, N + 1}, /* the new names' */
	    {FSYNC, N + 2}, /* the old names' */
	    {MALLOC, 0},
	    {MALLOC, 1},
	};
	struct kh_store *st = filled();
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fault(cases[i].call, EIO, cases[i].skip, 1);
		assert_int_not_equal(settle(st, true), KH_OK);
		assert_true(kh_settle_due(st));
		assert_int_equal(faults[cases[i].call].times, 0);
	}
	assert_int_equal(settle(st, true), KH_OK);
	check_all();
	kh_store_close(st);
}

/* An end at every call: at the next start all is there, and only once. */
static void
test_crash_anywhere(void **state)
{
	struct kh_store *st = filled();
	unsigned at, total;
	int status;
	pid_t pid;

	n_calls = 0;
	assert_int_equal(settle(st, true), KH_OK);
	total = n_calls;
	for (at = 1; at <= total; at++) {
		st->unsettled = true;
		(void)unlinkat(st->root_fd, KH_SETTLED, 0);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			n_calls = 0;
			die_at = at;
			_exit(settle(st, true) == KH_OK ? 0 : 1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(kh_settle_sweep(st), KH_OK);
		assert_true(kh_settle_due(st) || at + 6 > total);
		check_all();
	}
	kh_store_close(st);
}

/* What is removed after a settle that failed does not come back with the sweep,
 * wherever it failed. */
static void
test_removed_stays_removed(void **state)
{
	struct kh_store *st = filled();
	char name[KH_SLOT_NAME_LEN + 1];
	unsigned at, total;
	int fd;

	slot(0, name);
	n_calls = 0;
	assert_int_equal(settle(st, true), KH_OK);
	total = n_calls;
	for (at = 1; at <= total; at++) {
		(void)unlinkat(st->root_fd, KH_SETTLED, 0);
		n_calls = 0;
		fail_at = at;
		(void)settle(st, true);
		fail_at = 0;
		assert_int_equal(kh_store_remove(st, ids[0]), KH_OK);
		assert_int_equal(kh_store_answer_remove(st, name), KH_OK);
		assert_int_equal(kh_settle_sweep(st), KH_OK);
		assert_int_equal(
		    kh_store_object_open(st, ids[0], &fd), KH_ENOENT);
		assert_int_equal(
		    kh_store_answer_open(st, name, &fd), KH_ENOENT);
		put_object(st, 0);
		put_answer(st, 0);
		check_all();
	}
	kh_store_close(st);
}

/* And an end at every call of the sweep that follows one. */
static void
test_crash_in_sweep(void **state)
{
	struct kh_store *st = filled();
	char a[256], b[264];
	unsigned at, i;
	int status;
	pid_t pid;

	for (at = 1;; at++) {
		/* one that has both names, one that has only the new one */
		for (i = 0; i < 2; i++) {
			path_of_id(i, a);
			snprintf(b, sizeof(b), "%s.new", a);
			assert_int_equal(link(a, b), 0);
			assert_int_equal(i == 0 ? 0 : unlink(a), 0);
		}
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			n_calls = 0;
			die_at = at;
			_exit(kh_settle_sweep(st) == KH_OK ? 0 : 1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(kh_settle_sweep(st), KH_OK);
		check_all();
		if (WIFEXITED(status))
			break;
	}
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_true(at > 8);
	kh_store_close(st);
}

static const struct CMUnitTest tests[] = {
    T(test_every_call_fails),
    T(test_still_due),
    T(test_removed_stays_removed),
    T(test_crash_anywhere),
    T(test_crash_in_sweep),
};

TAP_MAIN(tests)
