/*
 * The store's test of itself, with everything that it rests on failing; and the
 * door's.
 */
#include "tests/unit/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "knothole/age.h"
#include "knothole/io.h"
#include "server/door/door.h"
#include "server/store/janitor.h"

static int openat_errno, fsync_errno;
static bool lseek_fails, damaged, shortened, use_disk, no_memory;
static struct statvfs disk;
static uint64_t room_left;
static time_t clock_at;

static int
faulty_openat(int at, const char *name, int flags, mode_t mode)
{
	errno = openat_errno;
	return openat_errno != 0 ? -1 : openat(at, name, flags, mode);
}

static int
faulty_fsync(int fd)
{
	errno = fsync_errno;
	return fsync_errno != 0 ? -1 : fsync(fd);
}

static off_t
faulty_lseek(int fd, off_t at, int whence)
{
	return lseek_fails ? -1 : lseek(fd, at, whence);
}

static enum kh_err
faulty_read_upto(int fd, void *p, size_t cap, size_t *n)
{
	enum kh_err e = kh_read_upto(fd, p, cap, n);

	if (damaged && *n > 1000)
		((uint8_t *)p)[1000] ^= 1;
	if (shortened && *n < cap)
		*n = 0;
	return e;
}

static int
faulty_fstatvfs(int fd, struct statvfs *sv)
{
	*sv = disk;
	return use_disk ? 0 : fstatvfs(fd, sv);
}

static enum kh_err
faulty_room(struct kh_store *st, uint64_t *bytes)
{
	*bytes = room_left;
	return KH_OK;
}

static time_t
faulty_time(time_t *t)
{
	return clock_at != 0 ? clock_at : time(t);
}

static void *
faulty_secret_alloc(size_t n)
{
	return no_memory ? NULL : kh_secret_alloc(n);
}

#define openat faulty_openat
#define fsync faulty_fsync
#define lseek faulty_lseek
#define kh_read_upto faulty_read_upto
#define fstatvfs faulty_fstatvfs
#define kh_store_room faulty_room
#define time faulty_time
#define kh_secret_alloc faulty_secret_alloc
#include "server/store/canary.c"
#undef openat
#undef fsync
#undef lseek
#undef kh_read_upto
#undef fstatvfs
#undef kh_store_room
#undef time
#undef kh_secret_alloc

static char base[64];
static int dir = -1;

static int
set_up(void **state)
{
	openat_errno = fsync_errno = 0;
	lseek_fails = damaged = shortened = use_disk = no_memory = false;
	clock_at = 0;
	room_left = UINT64_C(1) << 30;
	snprintf(base, sizeof(base), "%s/knothole-test-XXXXXX", P_tmpdir);
	if (mkdtemp(base) == NULL)
		return -1;
	dir = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir >= 0 ? 0 : -1;
}

static int
tear_down(void **state)
{
	close(dir);
	return rmdir(base); /* and so nothing is in it */
}

static enum kh_fault
canary(void)
{
	struct kh_store *st = (struct kh_store *)(uintptr_t)1;
	uint32_t quarters = 9;
	enum kh_fault f;

	f = kh_canary(st, dir, &quarters);
	assert_in_range(quarters, 0, 4);
	return f;
}

static void
test_fine(void **state)
{
	int before = dup(dir);

	assert_int_equal(canary(), KH_FAULT_NONE);
	close(before);
	assert_int_equal(dup(dir), before); /* no descriptor is left */
	close(before);
}

static void
test_store_fails(void **state)
{
	static const int errors[] = {EIO, EACCES, EMFILE};
	size_t i;

	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		openat_errno = errors[i];
		assert_int_equal(canary(), KH_FAULT_STORE);
		openat_errno = 0;
		fsync_errno = errors[i];
		assert_int_equal(canary(), KH_FAULT_STORE);
		fsync_errno = 0;
	}
	lseek_fails = true;
	assert_int_equal(canary(), KH_FAULT_STORE);
	lseek_fails = false;
	damaged = true;
	assert_int_equal(canary(), KH_FAULT_STORE);
	damaged = false;
	shortened = true;
	assert_int_equal(canary(), KH_FAULT_STORE);
	shortened = false;
	no_memory = true;
	assert_int_equal(canary(), KH_FAULT_STORE);
	no_memory = false;
	assert_int_equal(canary(), KH_FAULT_NONE);
}

static void
test_l24_disk(void **state)
{
	room_left = ROOM_MIN - 1;
	assert_int_equal(canary(), KH_FAULT_DISK);
	room_left = ROOM_MIN;
	assert_int_equal(canary(), KH_FAULT_NONE);
	openat_errno = ENOSPC;
	assert_int_equal(canary(), KH_FAULT_DISK);
	openat_errno = 0;
	fsync_errno = EDQUOT;
	assert_int_equal(canary(), KH_FAULT_DISK);
}

static void
test_inodes_and_quarters(void **state)
{
	struct kh_store *st = (struct kh_store *)(uintptr_t)1;
	static const struct {
		fsblkcnt_t all, free;
		uint32_t quarters;
	} cases[] = {{1000, 1000, 4}, {1000, 999, 3}, {1000, 750, 3},
	    {1000, 749, 2}, {1000, 250, 1}, {1000, 249, 0}, {1000, 0, 0},
	    {3, 3, 0}, {1000, 5000, 4}};
	uint32_t quarters;
	size_t i;

	use_disk = true;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		disk = (struct statvfs){
		    .f_blocks = cases[i].all, .f_bavail = cases[i].free};
		assert_int_equal(kh_canary(st, dir, &quarters), KH_FAULT_NONE);
		assert_int_equal(quarters, cases[i].quarters);
	}
	disk = (struct statvfs){
	    .f_blocks = 8, .f_files = 1000, .f_favail = INODES_MIN - 1};
	assert_int_equal(canary(), KH_FAULT_INODES);
	disk.f_favail = INODES_MIN;
	assert_int_equal(canary(), KH_FAULT_NONE);
}

static void
test_clock(void **state)
{
	/* The whole of the source's day is possible, the day before is not. */
	assert_int_equal(KH_SOURCE_DATE % 86400, 0);
	assert_true(KH_SOURCE_DATE >= INT64_C(1795219200)); /* 0.1.0 */
	assert_true(CLOCK_MIN == KH_SOURCE_DATE);
	clock_at = CLOCK_MIN - 1;
	assert_int_equal(canary(), KH_FAULT_CLOCK);
	clock_at = CLOCK_MIN;
	assert_int_equal(canary(), KH_FAULT_NONE);
	clock_at = CLOCK_MAX + 1;
	assert_int_equal(canary(), KH_FAULT_CLOCK);
	clock_at = 1;
	assert_int_equal(canary(), KH_FAULT_CLOCK);
}

/* L12: a key that ends is seen before it has, and when it has. */
static void
test_l12_door(void **state)
{
	const int64_t today = INT64_C(1795564800); /* 2026-11-25 */
	struct kh_site *site = calloc(1, sizeof(*site));
	struct kh_card_recipient *r;
	struct kh_msg_report out;
	struct kh_identity id;
	unsigned i;

	assert_non_null(site);
	site->conf.n_outlets = 2;
	for (i = 0; i < 2; i++) {
		r = &site->outlets[i].card.recipients[0];
		site->outlets[i].card.n_recipients = 1;
		kh_identity_generate(&id);
		kh_identity_recipient(&id, &r->to);
		memcpy(r->first, "2026-11-01", sizeof(r->first));
		memcpy(r->last, i == 0 ? "2036-11-01" : "2026-12-08",
		    sizeof(r->last));
	}
	kh_door_test(site, today, &out);
	assert_int_equal(out.fault, KH_FAULT_NONE);
	assert_int_equal(out.weeks, 2); /* 14 days, today and the last one */
	assert_int_equal(out.epochs, 1);
	kh_door_test(site, today + 13 * INT64_C(86400), &out);
	assert_int_equal(out.fault, KH_FAULT_NONE);
	assert_int_equal(out.weeks, 0);
	kh_door_test(site, today + 14 * INT64_C(86400), &out);
	assert_int_equal(out.fault, KH_FAULT_CARDS);
	assert_int_equal(out.epochs, 0);
	kh_door_test(site, -1, &out);
	assert_int_equal(out.fault, KH_FAULT_CARDS);
	memset(&site->outlets[0].card.recipients[0].to, 0,
	    sizeof(struct kh_recipient)); /* of low order */
	kh_door_test(site, today, &out);
	assert_int_equal(out.fault, KH_FAULT_SEALING);
	free(site);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static const struct CMUnitTest tests[] = {
    T(test_fine),
    T(test_store_fails),
    T(test_l24_disk),
    T(test_inodes_and_quarters),
    T(test_clock),
    T(test_l12_door),
};

TAP_MAIN(tests)
