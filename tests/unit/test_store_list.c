/*
 * Objects, listed and opened: order and pages, whatever else lies in the
 * directory, and every step failing.
 */
#include "tests/unit/tap.h"

#include <sodium.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/unit/store_faults.h"

static struct kh_object_page page;

/* An object of `size` bytes with an id of our choice. */
static void
make(const char *name, size_t size)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", objects, name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	close(fd);
}

/* Number `i`, so that ids are in the order of numbers. */
static void
id_of(unsigned i, uint8_t id[static KH_OBJECT_ID_LEN])
{
	memset(id, 0x5a, KH_OBJECT_ID_LEN);
	id[0] = (uint8_t)(i >> 8);
	id[1] = (uint8_t)i;
}

static void
make_numbers(unsigned n)
{
	char name[KH_OBJECT_NAME_LEN + 1];
	uint8_t id[KH_OBJECT_ID_LEN];
	unsigned i, k;

	for (i = 0; i < n; i++) {
		k = i * 7919 % n; /* 7919 is a prime: in no order */
		id_of(k, id);
		kh_object_name(id, name);
		make(name, k + 1);
	}
}

/* All pages of this limit, one after the other. */
static void
walk(struct kh_store *st, uint32_t limit, unsigned n)
{
	uint8_t after[KH_OBJECT_ID_LEN], id[KH_OBJECT_ID_LEN];
	unsigned seen = 0, pages = 0;
	uint32_t i;

	do {
		assert_int_equal(
		    kh_store_list(st, seen > 0 ? after : NULL, limit, &page),
		    KH_OK);
		assert_in_range(page.n, n == 0 ? 0 : 1, limit);
		for (i = 0; i < page.n; i++) {
			id_of(seen, id);
			assert_memory_equal(page.object[i].id, id, sizeof(id));
			assert_true(page.object[i].size == seen + 1);
			seen++;
		}
		assert_int_equal(page.more, seen < n);
		if (page.n > 0)
			assert_memory_equal(page.last, id, sizeof(id));
		memcpy(after, page.last, sizeof(after));
		assert_true(++pages <= n / limit + 1);
	} while (page.more == 1);
	assert_int_equal(seen, n);
}

static void
test_pages(void **state)
{
	static const uint32_t limits[] = {1, 2, 3, 255, KH_OBJECT_PAGE_MAX};
	struct kh_store *st = open_store();
	size_t i;

	walk(st, 1, 0);
	make_numbers(600);
	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		walk(st, limits[i], 600);
	kh_store_close(st);
}

/* Behind an id that is not there; behind the last one. */
static void
test_after(void **state)
{
	uint8_t id[KH_OBJECT_ID_LEN];
	struct kh_store *st = open_store();

	make_numbers(3);
	id_of(0, id);
	id[15]++;
	assert_int_equal(kh_store_list(st, id, 9, &page), KH_OK);
	assert_int_equal(page.n, 2);
	assert_int_equal(page.object[0].id[1], 1);
	id_of(2, id);
	assert_int_equal(kh_store_list(st, id, 9, &page), KH_OK);
	assert_int_equal(page.n, 0);
	assert_int_equal(page.more, 0);
	memset(id, 0xff, sizeof(id));
	assert_int_equal(kh_store_list(st, id, 9, &page), KH_OK);
	assert_int_equal(page.n, 0);
	kh_store_close(st);
}

/* L2: names that are nearly those of objects, and what is no file. */
static void
test_l2_listing_takes_objects_only(void **state)
{
	static const char *const names[] = {"000102030405060708090a0b0c0d0e0f",
	    "x", "000102030405060708090a0b0c0d0e0f.age.age",
	    "000102030405060708090A0B0C0D0E0F.age",
	    "000102030405060708090a0b0c0d0e0.age",
	    "g00102030405060708090a0b0c0d0e0f.age",
	    ".00102030405060708090a0b0c0d0e0f.age"};
	struct kh_store *st = open_store();
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	uint8_t id[KH_OBJECT_ID_LEN];
	char path[512];
	size_t i;
	int fd, sock;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		make(names[i], 1);
	snprintf(path, sizeof(path), "%s/%032x.age", objects, 1);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/%032x.age", objects, 2);
	assert_int_equal(symlink(names[0], path), 0);
	snprintf(path, sizeof(path), "%s/%032x.age", objects, 3);
	assert_int_equal(mkfifo(path, 0600), 0);
	snprintf(path, sizeof(path), "%s/%032x.age", objects, 4);
	assert_true(strlen(path) < sizeof(a.sun_path));
	memcpy(a.sun_path, path, strlen(path));
	sock = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(sock, (struct sockaddr *)&a, sizeof(a)), 0);
	close(sock);
	assert_int_equal(kh_store_list(st, NULL, 2, &page), KH_OK);
	assert_int_equal(page.n, 0);
	/* There is more to look at, and from where. */
	assert_int_equal(page.more, 1);
	assert_int_equal(page.last[15], 2);
	assert_int_equal(kh_store_list(st, page.last, 9, &page), KH_OK);
	assert_int_equal(page.n, 0);
	assert_int_equal(page.more, 0);
	for (i = 1; i <= 5; i++) {
		memset(id, 0, sizeof(id));
		id[15] = (uint8_t)i;
		fd = 7;
		assert_int_equal(kh_store_object_open(st, id, &fd), KH_ENOENT);
		assert_int_equal(fd, -1);
	}
	snprintf(path, sizeof(path), "%s/%032x.age", objects, 1);
	assert_int_equal(rmdir(path), 0);
	kh_store_close(st);
}

static void
test_open(void **state)
{
	uint8_t id[KH_OBJECT_ID_LEN];
	struct kh_store *st = open_store();
	unsigned before = open_descriptors();
	char buf[16];
	int fd;

	assert_int_equal(kh_store_commit(st, draft_of(st, 5), id), KH_OK);
	assert_int_equal(kh_store_object_open(st, id, &fd), KH_OK);
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(read(fd, buf, sizeof(buf)), 5);
	/* It is all there, also when it has gone meanwhile. */
	assert_int_equal(kh_store_remove(st, id), KH_OK);
	assert_int_equal(pread(fd, buf, sizeof(buf), 0), 5);
	close(fd);
	assert_int_equal(kh_store_object_open(st, id, &fd), KH_ENOENT);
	assert_int_equal(open_descriptors(), before);
	kh_store_close(st);
}

static void
test_failures(void **state)
{
	static const struct kh_object_page zero;
	static const struct {
		enum call call;
		int err;
	} cases[] = {{OPEN, EMFILE}, {FDOPENDIR, ENOMEM}, {READDIR, EIO},
	    {FSTATAT, EIO}};
	uint8_t id[KH_OBJECT_ID_LEN];
	struct kh_store *st = open_store();
	unsigned before = open_descriptors();
	size_t i;
	int fd;

	assert_int_equal(kh_store_commit(st, draft_of(st, 5), id), KH_OK);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(&page, 1, sizeof(page));
		fault(cases[i].call, cases[i].err, 0, 1);
		assert_int_equal(kh_store_list(st, NULL, 9, &page), KH_ESYS);
		assert_memory_equal(&page, &zero, sizeof(page));
		assert_int_equal(open_descriptors(), before);
	}
	/* one that went between the two looks */
	fault(FSTATAT, ENOENT, 0, 1);
	assert_int_equal(kh_store_list(st, NULL, 9, &page), KH_OK);
	assert_int_equal(page.n, 0);
	fault(OPEN, EMFILE, 0, 1);
	assert_int_equal(kh_store_object_open(st, id, &fd), KH_ESYS);
	fault(FSTAT, EIO, 0, 1);
	assert_int_equal(kh_store_object_open(st, id, &fd), KH_ESYS);
	assert_int_equal(fd, -1);
	assert_int_equal(open_descriptors(), before);
	kh_store_close(st);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static const struct CMUnitTest tests[] = {
    T(test_pages),
    T(test_after),
    T(test_l2_listing_takes_objects_only),
    T(test_open),
    T(test_failures),
};

TAP_MAIN(tests)
