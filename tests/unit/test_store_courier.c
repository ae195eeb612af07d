/*
 * The store process, asked by couriers: every question, and questions that no
 * honest courier asks.
 */
#include "tests/unit/tap.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

#include "knothole/io.h"
#include "tests/unit/store_role.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define NAME "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define ID_TEXT "000102030405060708090a0b0c0d0e0f"

static int64_t ahead; /* seconds: what the store process takes for the time */

/* In place of the C library's, for the code under test in this program. */
time_t
time(time_t *out)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += ahead;
	if (out != NULL)
		*out = ts.tv_sec;
	return ts.tv_sec;
}

static void
put_object(const char *hex)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "objects/%s.age", hex);
	fd = openat(dir, path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0400);
	assert_true(fd >= 0);
	assert_int_equal(kh_write_all(fd, "abc", 3), KH_OK);
	close(fd);
}

static bool
there(const char *path)
{
	return faccessat(dir, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* One question and its answer. */
static void
ask(int c, struct kh_msg *m, int with, int *fd)
{
	assert_int_equal(kh_ipc_send(c, m, with), KH_OK);
	receive(c, KH_ROLE_STORE, KH_ROLE_ERRAND, m, fd);
}

/* It is told so by being dropped. */
static void
dropped(struct kh_msg m, int with)
{
	int c = announced_by(courier), fd;

	assert_int_equal(kh_ipc_send(c, &m, with), KH_OK);
	assert_int_equal(
	    kh_ipc_recv(c, KH_ROLE_STORE, KH_ROLE_ERRAND, &m, &fd), KH_EPROTO);
	close(c);
}

static void
test_list_and_open(void **state)
{
	struct kh_msg m = {.type = KH_MSG_LIST, .u.list.limit = 5};
	int c = announced_by(courier), fd;
	char buf[8];

	ask(c, &m, -1, &fd);
	assert_int_equal(m.type, KH_MSG_OBJECTS);
	assert_int_equal(m.u.objects.n, 0);
	put_object(ID_TEXT);
	m = (struct kh_msg){.type = KH_MSG_LIST, .u.list.limit = 5};
	ask(c, &m, -1, &fd);
	assert_int_equal(m.u.objects.n, 1);
	assert_true(m.u.objects.object[0].size == 3);
	assert_int_equal(m.u.objects.object[0].id[15], 15);
	m = (struct kh_msg){.type = KH_MSG_LIST,
	    .u.list = {.limit = 5, .has_after = 1, .after = {1}}};
	ask(c, &m, -1, &fd);
	assert_int_equal(m.u.objects.n, 0);
	m = (struct kh_msg){.type = KH_MSG_OPEN};
	ask(c, &m, -1, &fd);
	assert_int_equal(m.type, KH_MSG_NO_OBJECT);
	assert_int_equal(m.u.verdict.verdict, KH_VERDICT_NONE);
	m = (struct kh_msg){.type = KH_MSG_OPEN,
	    .u.open.id = {
		0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}};
	ask(c, &m, -1, &fd);
	assert_int_equal(m.type, KH_MSG_OBJECT);
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	assert_int_equal(read(fd, buf, sizeof(buf)), 3);
	close(fd);
	close(c);
}

static void
test_collect(void **state)
{
	struct kh_msg m = {.type = KH_MSG_COLLECT};
	int c = announced_by(courier), fd;
	uint32_t room;

	put_object("00000000000000000000000000000000");
	for (room = 0; room < 2; room++) {
		assert_true(
		    there("objects/00000000000000000000000000000000.age"));
		m = (struct kh_msg){.type = KH_MSG_COLLECT,
		    .u.collect = {.newsroom = room, .ids.n = 2}};
		ask(c, &m, -1, &fd);
		assert_int_equal(m.type, KH_MSG_COLLECTED);
		assert_int_equal(m.u.verdict.verdict, KH_VERDICT_YES);
	}
	assert_false(there("objects/00000000000000000000000000000000.age"));
	close(c);
}

static int
memory(const void *p, size_t n, unsigned seals)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(kh_write_all(fd, p, n), KH_OK);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static struct kh_msg
put_message(uint32_t length)
{
	struct kh_msg m = {.type = KH_MSG_PUT, .u.put.length = length};

	memcpy(m.u.put.name, NAME, sizeof(NAME));
	return m;
}

static void
test_put(void **state)
{
	struct kh_msg m = put_message(5);
	int c = announced_by(courier), with = memory("12345", 5, SEALS), fd;
	char buf[8];

	ask(c, &m, with, &fd);
	assert_int_equal(m.type, KH_MSG_STORED);
	assert_int_equal(m.u.verdict.verdict, KH_VERDICT_YES);
	close(with);
	fd = openat(dir, "replies/" NAME, O_RDONLY | O_CLOEXEC);
	assert_int_equal(read(fd, buf, sizeof(buf)), 5);
	assert_memory_equal(buf, "12345", 5);
	close(fd);
	with = memory("xxxxx", 5, SEALS);
	m = put_message(5);
	ask(c, &m, with, &fd);
	assert_int_equal(m.u.verdict.verdict, KH_VERDICT_TAKEN);
	close(with);
	close(c);
}

/* What could make the store wait, or change under its hands. */
static void
test_put_of_something_else(void **state)
{
	struct kh_msg m = put_message(5);
	int pipes[2], with;

	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	dropped(m, pipes[0]);
	close(pipes[0]);
	close(pipes[1]);
	with = memory("12345", 5, F_SEAL_GROW | F_SEAL_SHRINK);
	dropped(m, with);
	close(with);
	with = memory("1234", 4, SEALS);
	dropped(m, with);
	close(with);
	with = memory("123456", 6, SEALS);
	dropped(m, with);
	m = put_message(KH_ANSWER_LEN_MAX + 1);
	dropped(m, with);
	m = put_message(6);
	m.u.put.zero[2] = 1;
	dropped(m, with);
	m = put_message(6);
	m.u.put.name[3] = 'G';
	dropped(m, with);
	m = put_message(6);
	m.u.put.name[63] = '\0';
	dropped(m, with);
	m = put_message(6);
	m.u.put.name[64] = 'a';
	dropped(m, with);
	close(with);
	assert_false(there("replies/" NAME));
}

static void
test_numbers_that_cannot_be(void **state)
{
	struct kh_msg m = {.type = KH_MSG_LIST};

	dropped(m, -1);
	m.u.list.limit = KH_OBJECT_PAGE_MAX + 1;
	dropped(m, -1);
	m.u.list.limit = 1;
	m.u.list.has_after = 2;
	dropped(m, -1);
	m = (struct kh_msg){.type = KH_MSG_COLLECT};
	m.u.collect.newsroom = 2;
	dropped(m, -1);
	m.u.collect.newsroom = 0;
	m.u.collect.ids.n = KH_OBJECT_PAGE_MAX + 1;
	dropped(m, -1);
}

/* A visit may not ask what couriers ask, nor the other way round. */
static void
test_each_its_own_questions(void **state)
{
	struct kh_msg m = {.type = KH_MSG_LIST, .u.list.limit = 1};
	int v = new_visit(), fd;

	assert_int_equal(kh_ipc_send(v, &m, -1), KH_OK);
	assert_int_equal(
	    kh_ipc_recv(v, KH_ROLE_STORE, KH_ROLE_VISIT, &m, &fd), KH_EPROTO);
	close(v);
	m = (struct kh_msg){.type = KH_MSG_BEGIN};
	dropped(m, -1);
	m = (struct kh_msg){.type = KH_MSG_ROOM};
	dropped(m, -1);
	m = (struct kh_msg){.type = KH_MSG_SLOT};
	dropped(m, -1);
}

static int
start_with_retention(void **state)
{
	static const struct kh_msg_store_dir said = {
	    .max_visits = 8, .retention_days = 30};

	(void)state;
	ahead = 0;
	return start_with(&said);
}

/* Objects of before are gone once the store has started so much later. */
static void
restart(int64_t later)
{
	struct kh_msg m = {.type = KH_MSG_STORE_DIR};
	int link[2], fd;

	close(control);
	close(door);
	close(courier);
	assert_int_equal(waitpid(store, NULL, 0), store);
	ahead = later;
	assert_int_equal(kh_ipc_pair(link), KH_OK);
	store = fork();
	assert_true(store >= 0);
	if (store == 0)
		become_store(link[1]);
	close(link[1]);
	control = link[0];
	m.u.store_dir.max_visits = 8;
	m.u.store_dir.retention_days = 30;
	m.u.store_dir.settle_minutes = 60;
	m.u.store_dir.selftest_minutes = 10;
	assert_int_equal(kh_ipc_send(control, &m, dir), KH_OK);
	receive(control, KH_ROLE_STORE, KH_ROLE_KEEPER, &m, &fd);
	assert_int_equal(kh_ipc_pair(link), KH_OK);
	m = (struct kh_msg){.type = KH_MSG_COURIER_LINK};
	assert_int_equal(kh_ipc_send(control, &m, link[1]), KH_OK);
	close(link[1]);
	courier = link[0];
	door = -1;
	/* It has looked at their age before it listens to anybody. */
	fd = announced_by(courier);
	m = (struct kh_msg){.type = KH_MSG_LIST, .u.list.limit = 1};
	ask(fd, &m, -1, &door);
	close(fd);
}

static void
test_retention(void **state)
{
	put_object(ID_TEXT);
	restart(INT64_C(30) * 86400 - 60);
	assert_true(there("objects/" ID_TEXT ".age"));
	restart(INT64_C(30) * 86400 + 60);
	assert_false(there("objects/" ID_TEXT ".age"));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_list_and_open, start, end),
    cmocka_unit_test_setup_teardown(test_collect, start, end),
    cmocka_unit_test_setup_teardown(test_put, start, end),
    cmocka_unit_test_setup_teardown(test_put_of_something_else, start, end),
    cmocka_unit_test_setup_teardown(test_numbers_that_cannot_be, start, end),
    cmocka_unit_test_setup_teardown(test_each_its_own_questions, start, end),
    cmocka_unit_test_setup_teardown(test_retention, start_with_retention, end),
};

TAP_MAIN(tests)
