/*
 * Settling: what is written anew, and what stays the same.
 */
#include "tests/unit/tap.h"

#include "tests/unit/settle.h"

static ino_t
inode(const char *path)
{
	struct stat sb;

	assert_int_equal(stat(path, &sb), 0);
	return sb.st_ino;
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
};

TAP_MAIN(tests)
