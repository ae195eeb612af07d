/*
 * Settling: what is written anew and what stays the same, every call of it
 * failing, and an end of the process at every one of them.
 */
#include "tests/unit/tap.h"

#include <sys/wait.h>

#include "tests/unit/store_faults.h"

#define N 9
#define BIG (3 * 1048576 + 77) /* several steps, and not a whole one */

static uint8_t ids[N][KH_OBJECT_ID_LEN];
static const size_t sizes[N] = {
    65536, 1, BIG, 65536, 70000, PIECE, PIECE + 1, 1 << 20, 65536};

static void
path_of_id(unsigned i, char path[static 256])
{
	char name[KH_OBJECT_NAME_LEN + 1];

	kh_object_name(ids[i], name);
	snprintf(path, 256, "%s/%s", objects, name);
}

/* Object i: sizes[i] bytes, all of them i. */
static void
put_object(struct kh_store *st, unsigned i)
{
	uint8_t *p = malloc(sizes[i]);
	struct kh_draft *d;

	assert_non_null(p);
	memset(p, (int)i, sizes[i]);
	assert_int_equal(kh_store_draft(st, &d), KH_OK);
	assert_int_equal(kh_write_all(kh_draft_fd(d), p, sizes[i]), KH_OK);
	assert_int_equal(kh_store_commit(st, d, ids[i]), KH_OK);
	free(p);
}

static void
slot(unsigned i, char name[static KH_SLOT_NAME_LEN + 1])
{
	memset(name, '0' + (int)i, KH_SLOT_NAME_LEN);
	name[KH_SLOT_NAME_LEN] = '\0';
}

static void
put_answer(struct kh_store *st, unsigned i)
{
	char name[KH_SLOT_NAME_LEN + 1];
	uint8_t p[4096];

	slot(i, name);
	memset(p, (int)i, sizeof(p));
	assert_int_equal(kh_store_answer_put(st, name, p, sizeof(p)), KH_OK);
}

static struct kh_store *
filled(void)
{
	struct kh_store *st = open_store();
	unsigned i;

	assert_int_equal(kh_settle_sweep(st), KH_OK);
	assert_false(kh_settle_due(st));
	for (i = 0; i < N; i++)
		put_object(st, i);
	for (i = 0; i < 3; i++)
		put_answer(st, i);
	assert_true(kh_settle_due(st));
	return st;
}

static ino_t
inode(const char *path)
{
	struct stat sb;

	assert_int_equal(stat(path, &sb), 0);
	return sb.st_ino;
}

static void
check_file(const char *path, uint8_t value, size_t size)
{
	uint8_t *p = malloc(size + 1);
	struct stat sb;
	size_t n, i;
	int fd;

	assert_non_null(p);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail_msg("%s is gone", path);
	assert_int_equal(fstat(fd, &sb), 0);
	assert_int_equal(sb.st_mode, S_IFREG | 0400);
	assert_int_equal(sb.st_nlink, 1);
	assert_int_equal(kh_read_upto(fd, p, size + 1, &n), KH_OK);
	assert_int_equal(n, size);
	for (i = 0; i < n; i++) {
		if (p[i] != value)
			fail_msg("%s is damaged at %zu", path, i);
	}
	close(fd);
	free(p);
	check_fixed_mtime(path);
}

/* All of it is there, whole, and nothing else is. */
static void
check_all(void)
{
	char path[256], name[KH_SLOT_NAME_LEN + 1];
	unsigned i;

	for (i = 0; i < N; i++) {
		path_of_id(i, path);
		check_file(path, (uint8_t)i, sizes[i]);
	}
	assert_int_equal(count_objects(), N);
	for (i = 0; i < 3; i++) {
		slot(i, name);
		snprintf(path, sizeof(path), "%s/%s", replies, name);
		check_file(path, (uint8_t)i, 4096);
	}
}

static enum kh_err
settle(struct kh_store *st, bool mix)
{
	struct kh_settle *s;
	enum kh_err e;

	e = kh_settle_begin(st, mix, &s);
	if (e != KH_OK) {
		assert_null(s);
		return e;
	}
	do
		e = kh_settle_step(s, 0);
	while (e == KH_EAGAIN);
	kh_settle_free(s);
	return e;
}

static void
remember(ino_t out[static N])
{
	char path[256];
	unsigned i;

	for (i = 0; i < N; i++) {
		path_of_id(i, path);
		out[i] = inode(path);
	}
}

static unsigned
rewritten(const ino_t before[static N])
{
	ino_t now[N];
	unsigned i, n = 0;

	remember(now);
	for (i = 0; i < N; i++)
		n += now[i] != before[i];
	return n;
}

static void
test_all_new(void **state)
{
	struct kh_store *st = filled();
	unsigned before = open_descriptors();
	struct timespec a, b;
	struct stat sb;
	char path[256];
	unsigned i;

	assert_int_equal(clock_gettime(CLOCK_REALTIME_COARSE, &a), 0);
	assert_int_equal(settle(st, true), KH_OK);
	assert_int_equal(clock_gettime(CLOCK_REALTIME, &b), 0);
	check_all();
	assert_false(kh_settle_due(st));
	assert_int_equal(open_descriptors(), before);
	for (i = 0; i < N; i++) {
		path_of_id(i, path);
		assert_int_equal(stat(path, &sb), 0);
		assert_true(sb.st_ctim.tv_sec > a.tv_sec ||
		    (sb.st_ctim.tv_sec == a.tv_sec &&
			sb.st_ctim.tv_nsec >= a.tv_nsec));
		assert_true(sb.st_ctim.tv_sec <= b.tv_sec);
	}
	check_fixed_mtime(objects);
	check_fixed_mtime(root);
	snprintf(path, sizeof(path), "%s/settled", root);
	check_fixed_mtime(path);
	kh_store_close(st);
}

/* Nothing is written when nothing is new: neither at once nor after a start. */
static void
test_nothing_new(void **state)
{
	struct kh_store *st = filled();
	ino_t before[N];

	assert_int_equal(settle(st, true), KH_OK);
	remember(before);
	usleep(20000); /* the clock of files is that coarse */
	kh_store_close(st);
	st = open_store();
	assert_int_equal(kh_settle_sweep(st), KH_OK);
	assert_false(kh_settle_due(st));
	calls[0] = '\0';
	assert_int_equal(settle(st, true), KH_OK);
	assert_int_equal(rewritten(before), 0);
	assert_null(strchr(calls, 'L'));
	assert_null(strchr(calls, 'R'));
	kh_store_close(st);
}

/* What came before a start is known to be new after it. */
static void
test_new_after_start(void **state)
{
	struct kh_store *st = filled();

	assert_int_equal(settle(st, true), KH_OK);
	usleep(20000);
	assert_int_equal(kh_store_remove(st, ids[0]), KH_OK);
	put_object(st, 0);
	kh_store_close(st);
	st = open_store();
	assert_false(kh_settle_due(st)); /* not looked yet */
	assert_int_equal(kh_settle_sweep(st), KH_OK);
	assert_true(kh_settle_due(st));
	kh_store_close(st);
}

/* One that is new is not alone in its batch; unless ages must stay. */
static void
test_mixed(void **state)
{
	struct kh_store *st = filled();
	ino_t before[N];

	assert_int_equal(settle(st, true), KH_OK);
	usleep(20000);
	assert_int_equal(kh_store_remove(st, ids[0]), KH_OK);
	put_object(st, 0);
	remember(before);
	assert_int_equal(settle(st, false), KH_OK);
	assert_int_equal(rewritten(before), 1);
	usleep(20000);
	assert_int_equal(kh_store_remove(st, ids[0]), KH_OK);
	put_object(st, 0);
	remember(before);
	assert_int_equal(settle(st, true), KH_OK);
	assert_int_equal(rewritten(before), N);
	check_all();
	kh_store_close(st);
}

/* The bounds of what is mixed in. */
static void
test_mixed_bounds(void **state)
{
	struct kh_batch b = {.n = 200};
	unsigned i, old;
	uint64_t bytes;

	b.file = calloc(b.n, sizeof(*b.file));
	assert_non_null(b.file);
	for (i = 0; i < b.n; i++)
		b.file[i] =
		    (struct kh_batch_file){.size = 1000, .fresh = i % 100 == 0};
	choose(&b, true);
	assert_int_equal(b.n, 2 + MIXED_MIN);
	kh_batch_free(&b);
	b.n = 200;
	b.file = calloc(b.n, sizeof(*b.file));
	for (i = 0; i < b.n; i++)
		b.file[i] = (struct kh_batch_file){
		    .size = MIXED_BYTES_MIN / 10, .fresh = i % 2 == 0};
	b.file[0].size = 1;
	choose(&b, true);
	for (i = 0, old = 0, bytes = 0; i < b.n; i++) {
		old += !b.file[i].fresh;
		bytes += b.file[i].fresh ? 0 : b.file[i].size;
	}
	assert_int_equal(b.n - old, 100);
	assert_int_equal(old, 99);
	assert_true(bytes <= 100 * (MIXED_BYTES_MIN / 10));
	kh_batch_free(&b);
}

/* A courier that is reading gets the rest of what it began. */
static void
test_open_descriptor(void **state)
{
	struct kh_store *st = filled();
	uint8_t *p = malloc(BIG + 1);
	size_t n;
	int fd;

	assert_non_null(p);
	assert_int_equal(kh_store_object_open(st, ids[2], &fd), KH_OK);
	assert_int_equal(kh_read_upto(fd, p, 1000, &n), KH_OK);
	assert_int_equal(settle(st, true), KH_OK);
	assert_int_equal(kh_read_upto(fd, p + 1000, BIG, &n), KH_OK);
	assert_int_equal(n, BIG - 1000);
	for (n = 0; n < BIG; n++)
		assert_int_equal(p[n], 2);
	close(fd);
	free(p);
	kh_store_close(st);
}

/* Removed between any two steps, an object does not come back; what comes
 * between two of them is there and still to be settled. */
static void
test_meanwhile(void **state)
{
	struct kh_store *st = filled();
	struct kh_settle *s;
	unsigned i, steps;
	enum kh_err e;
	char path[256];

	for (steps = 0;; steps++) {
		assert_int_equal(kh_settle_begin(st, true, &s), KH_OK);
		for (i = 0, e = KH_EAGAIN; i < steps && e == KH_EAGAIN; i++)
			e = kh_settle_step(s, 0);
		if (e != KH_EAGAIN)
			break;
		assert_int_equal(kh_store_remove(st, ids[2]), KH_OK);
		assert_int_equal(kh_store_remove(st, ids[0]), KH_OK);
		put_object(st, 0);
		while (e == KH_EAGAIN)
			e = kh_settle_step(s, 0);
		kh_settle_free(s);
		assert_int_equal(e, KH_OK);
		assert_true(kh_settle_due(st));
		path_of_id(2, path);
		assert_int_equal(access(path, F_OK), -1);
		path_of_id(0, path);
		check_file(path, 0, sizes[0]);
		put_object(st, 2);
	}
	assert_true(steps > N);
	kh_settle_free(s);
	kh_store_close(st);
}

/* Given up in the middle: nothing is left of it, and it is still due. */
static void
test_given_up(void **state)
{
	struct kh_store *st = filled();
	unsigned before = open_descriptors(), i, steps;
	struct kh_settle *s;

	for (steps = 0; steps < 12; steps++) {
		assert_int_equal(kh_settle_begin(st, true, &s), KH_OK);
		for (i = 0; i < steps; i++)
			assert_int_equal(kh_settle_step(s, 0), KH_EAGAIN);
		kh_settle_free(s);
		assert_true(kh_settle_due(st));
		assert_int_equal(open_descriptors(), before);
		check_all();
	}
	kh_settle_free(NULL);
	kh_store_close(st);
}

/* L24: where there is no room, or what there is is promised, nothing is
 * written, and it is no failure. */
static void
test_l24_no_room(void **state)
{
	struct kh_store *st = filled();
	struct kh_settle *s;
	ino_t before[N];
	enum kh_err e;

	remember(before);
	memset(&fake_statvfs, 0, sizeof(fake_statvfs));
	fake_statvfs.f_frsize = 4096;
	fake_statvfs.f_blocks = 1 << 20;
	fake_statvfs.f_bavail = 100000;
	use_fake_statvfs = true;
	assert_int_equal(kh_settle_begin(st, true, &s), KH_OK);
	do
		e = kh_settle_step(s, UINT64_C(100000) * 4096);
	while (e == KH_EAGAIN);
	kh_settle_free(s);
	assert_int_equal(e, KH_OK);
	assert_int_equal(rewritten(before), 0);
	check_all();
	kh_store_close(st);
}

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

static int
set_up_in_memory(void **state)
{
	in_memory = true;
	return set_up(state);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up_in_memory, tear_down)

static const struct CMUnitTest tests[] = {
    T(test_all_new),
    T(test_nothing_new),
    T(test_new_after_start),
    T(test_mixed),
    T(test_mixed_bounds),
    T(test_open_descriptor),
    T(test_meanwhile),
    T(test_given_up),
    T(test_l24_no_room),
    T(test_every_call_fails),
    T(test_still_due),
    T(test_crash_anywhere),
    T(test_crash_in_sweep),
};

TAP_MAIN(tests)
