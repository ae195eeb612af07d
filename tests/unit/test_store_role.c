/*
 * The store process, asked by visits that do not behave.
 */
#include "tests/unit/tap.h"

#include "tests/unit/store_role.h"

static enum kh_verdict
ask_room(int visit)
{
	struct kh_msg m = {.type = KH_MSG_ROOM, .u.room.bytes = 1000};
	int fd;

	assert_int_equal(kh_ipc_send(visit, &m, -1), KH_OK);
	receive(visit, KH_ROLE_STORE, KH_ROLE_VISIT, &m, &fd);
	assert_int_equal(m.type, KH_MSG_ROOM_ANSWER);
	return (enum kh_verdict)m.u.verdict.verdict;
}

/* Begin this upload, write `n` bytes, have them committed. */
static enum kh_verdict
upload_of(uint8_t id, size_t n, bool complete, uint32_t files, uint32_t begun)
{
	static const uint8_t zeros[65536];
	struct kh_msg m = {.type = KH_MSG_BEGIN};
	int fd, none, visit = new_visit();

	memset(m.u.begin.upload, id, sizeof(m.u.begin.upload));
	assert_int_equal(kh_ipc_send(visit, &m, -1), KH_OK);
	receive(visit, KH_ROLE_STORE, KH_ROLE_VISIT, &m, &fd);
	if (m.type == KH_MSG_DRAFT) {
		/* Written, as a visit does: it may not even truncate. */
		assert_true(n <= sizeof(zeros));
		assert_int_equal(write(fd, zeros, n), n);
		close(fd);
		m = (struct kh_msg){.type = KH_MSG_COMMIT};
		m.u.commit.complete = complete ? 1 : 0;
		m.u.commit.files = files;
		m.u.commit.begun = begun;
		assert_int_equal(kh_ipc_send(visit, &m, -1), KH_OK);
		receive(visit, KH_ROLE_STORE, KH_ROLE_VISIT, &m, &none);
	}
	close(visit);
	return (enum kh_verdict)m.u.verdict.verdict;
}

static enum kh_verdict
upload(uint8_t id, size_t n, bool complete)
{
	return upload_of(id, n, complete, 0, 0);
}

/* The name of the one object. */
static void
only_object(char name[static KH_OBJECT_NAME_LEN + 1])
{
	int at = openat(dir, "objects", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct dirent *de;
	DIR *d = fdopendir(at);
	unsigned n = 0;

	assert_non_null(d);
	while ((de = readdir(d)) != NULL) {
		if (de->d_name[0] == '.')
			continue;
		assert_int_equal(strlen(de->d_name), KH_OBJECT_NAME_LEN);
		memcpy(name, de->d_name, KH_OBJECT_NAME_LEN + 1);
		n++;
	}
	closedir(d);
	assert_int_equal(n, 1);
}

/* A visit that asks and never reads must not make the store wait for it. */
static void
test_visit_that_does_not_read(void **state)
{
	struct kh_msg m = {.type = KH_MSG_ROOM, .u.room.bytes = 1};
	int deaf = new_visit(), other = new_visit(), i;
	struct pollfd pfd = {.fd = deaf, .events = POLLOUT};
	enum kh_err e = KH_OK;

	(void)state;
	for (i = 0; i < 20000 && e == KH_OK; i++) {
		if (poll(&pfd, 1, 1000) != 1)
			break; /* both queues are full: the store waits */
		e = kh_ipc_send(deaf, &m, -1);
	}
	assert_int_equal(ask_room(other), KH_VERDICT_YES);
	assert_int_equal(e, KH_EPROTO); /* it has been dropped */
	close(deaf);
	close(other);
}

/* Once the new object is durable it is sealed, also when the half before it
 * cannot be taken away. */
static void
test_old_half_stays(void **state)
{
	char name[KH_OBJECT_NAME_LEN + 1];
	int at;

	(void)state;
	assert_int_equal(upload(7, 1000, false), KH_VERDICT_YES);
	only_object(name);
	at = openat(dir, "objects", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(at >= 0);
	assert_int_equal(unlinkat(at, name, 0), 0);
	assert_int_equal(mkdirat(at, name, 0700), 0); /* EISDIR */
	assert_int_equal(upload(7, 500, true), KH_VERDICT_YES);
	assert_int_equal(upload(7, 500, true), KH_VERDICT_SEALED);
	assert_int_equal(unlinkat(at, name, AT_REMOVEDIR), 0);
	close(at);
	only_object(name);
}

/* Messages out of order end the conversation, and only that one. */
static void
test_out_of_order(void **state)
{
	struct kh_msg m = {.type = KH_MSG_COMMIT, .u.commit.complete = 1};
	int visit = new_visit(), fd;

	(void)state;
	assert_int_equal(kh_ipc_send(visit, &m, -1), KH_OK);
	assert_int_equal(
	    kh_ipc_recv(visit, KH_ROLE_STORE, KH_ROLE_VISIT, &m, &fd),
	    KH_EPROTO);
	close(visit);
	assert_int_equal(upload(8, 10, true), KH_VERDICT_YES);
}

/* What became of upload `id`; files and begun. */
static struct kh_msg_fate
fate(uint8_t id)
{
	struct kh_msg m = {.type = KH_MSG_FATE};
	int fd, visit = new_visit();

	memset(m.u.begin.upload, id, sizeof(m.u.begin.upload));
	assert_int_equal(kh_ipc_send(visit, &m, -1), KH_OK);
	receive(visit, KH_ROLE_STORE, KH_ROLE_VISIT, &m, &fd);
	assert_int_equal(m.type, KH_MSG_FATE_ANSWER);
	close(visit);
	return m.u.fate;
}

static void
assert_fate(uint8_t id, enum kh_verdict verdict, uint32_t files, uint32_t begun)
{
	const struct kh_msg_fate f = fate(id);

	assert_int_equal(f.verdict, verdict);
	assert_int_equal(f.files, files);
	assert_int_equal(f.begun, begun);
}

/* From never seen to sealed, with the number of files of what is at rest. */
static void
test_fate(void **state)
{
	struct kh_msg m = {.type = KH_MSG_BEGIN};
	int visit, fd;

	(void)state;
	assert_fate(9, KH_VERDICT_FAILED, 0, 0);
	assert_int_equal(upload_of(9, 1000, false, 2, 3), KH_VERDICT_YES);
	assert_fate(9, KH_VERDICT_YES, 2, 3);
	/* A shorter try does not replace it, nor its numbers. */
	assert_int_equal(upload_of(9, 500, false, 1, 2), KH_VERDICT_YES);
	assert_fate(9, KH_VERDICT_YES, 2, 3);
	visit = new_visit();
	memset(m.u.begin.upload, 9, sizeof(m.u.begin.upload));
	assert_int_equal(kh_ipc_send(visit, &m, -1), KH_OK);
	receive(visit, KH_ROLE_STORE, KH_ROLE_VISIT, &m, &fd);
	assert_int_equal(m.type, KH_MSG_DRAFT);
	assert_int_equal(fate(9).verdict, KH_VERDICT_BUSY);
	/* The visit dies: it is what it was before. */
	close(fd);
	close(visit);
	while (fate(9).verdict == KH_VERDICT_BUSY)
		usleep(1000);
	assert_fate(9, KH_VERDICT_YES, 2, 3);
	assert_int_equal(upload_of(9, 2000, true, 5, 5), KH_VERDICT_YES);
	assert_fate(9, KH_VERDICT_SEALED, 5, 5);
	assert_fate(10, KH_VERDICT_FAILED, 0, 0);
}

/* Numbers that cannot be are not taken, and end the conversation. */
static void
test_counts_that_cannot_be(void **state)
{
	static const struct kh_msg_commit bad[] = {{2, 0, 0}, {1, 1, 0},
	    {1, 2, 1}, {0, KH_FILES_MAX + 1, KH_FILES_MAX + 1},
	    {1, 0, KH_FILES_MAX + 1}, {UINT32_MAX, 0, 0}, {1, UINT32_MAX, 1}};
	struct kh_msg m;
	int visit, fd, none;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		visit = new_visit();
		m = (struct kh_msg){.type = KH_MSG_BEGIN};
		memset(m.u.begin.upload, 20, sizeof(m.u.begin.upload));
		assert_int_equal(kh_ipc_send(visit, &m, -1), KH_OK);
		receive(visit, KH_ROLE_STORE, KH_ROLE_VISIT, &m, &fd);
		assert_int_equal(m.type, KH_MSG_DRAFT);
		assert_int_equal(write(fd, "x", 1), 1);
		close(fd);
		m = (struct kh_msg){.type = KH_MSG_COMMIT, .u.commit = bad[i]};
		assert_int_equal(kh_ipc_send(visit, &m, -1), KH_OK);
		assert_int_equal(
		    kh_ipc_recv(visit, KH_ROLE_STORE, KH_ROLE_VISIT, &m, &none),
		    KH_EPROTO);
		close(visit);
	}
	assert_int_equal(fate(20).verdict, KH_VERDICT_FAILED);
	assert_int_equal(upload_of(20, 10, true, KH_FILES_MAX, KH_FILES_MAX),
	    KH_VERDICT_YES);
}

static const char *
slot(unsigned i)
{
	static char name[KH_SLOT_NAME_LEN + 1];

	snprintf(name, sizeof(name), "%064x", i);
	return name;
}

/* An answer lies in slot `i`. */
static void
put_answer(unsigned i, const char *text)
{
	int at = openat(dir, "replies", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = openat(at, slot(i), O_WRONLY | O_CREAT | O_EXCL, 0400);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	close(at);
}

static bool
is_there(unsigned i)
{
	int at = openat(dir, "replies", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool there = faccessat(at, slot(i), F_OK, 0) == 0;

	close(at);
	return there;
}

/* Ask about slot `i`; the descriptor, or -1. */
static int
ask_slot(
    int visit, enum kh_msg_type type, unsigned i, bool last, struct kh_msg *m)
{
	int fd;

	*m = (struct kh_msg){.type = type};
	memcpy(m->u.slot.name, slot(i), KH_SLOT_NAME_LEN);
	m->u.slot.last = last ? 1 : 0;
	assert_int_equal(kh_ipc_send(visit, m, -1), KH_OK);
	receive(visit, KH_ROLE_STORE, KH_ROLE_VISIT, m, &fd);
	return fd;
}

static void
test_slots(void **state)
{
	int visit = new_visit(), fd;
	struct kh_msg m;
	char got[8];

	(void)state;
	put_answer(3, "answer");
	fd = ask_slot(visit, KH_MSG_SLOT, 3, false, &m);
	assert_int_equal(m.type, KH_MSG_ANSWER);
	assert_int_equal(read(fd, got, sizeof(got)), 6);
	assert_memory_equal(got, "answer", 6);
	/* For reading, and for nothing else. */
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	close(fd);
	fd = ask_slot(visit, KH_MSG_SLOT, 4, false, &m);
	assert_int_equal(fd, -1);
	assert_int_equal(m.type, KH_MSG_NO_ANSWER);
	assert_int_equal(m.u.verdict.verdict, KH_VERDICT_YES);
	assert_true(is_there(3));
	close(visit);
}

static struct timespec
changed(void)
{
	struct stat sb;

	assert_int_equal(fstatat(dir, "replies", &sb, 0), 0);
	return sb.st_mtim;
}

/* L20: the one that is named goes, and no other; the last of several makes it
 * durable, and takes the directory's time away. */
static void
test_l20_forget(void **state)
{
	int visit = new_visit();
	struct kh_msg m;
	unsigned i;

	(void)state;
	for (i = 0; i < 5; i++)
		put_answer(i, "answer");
	for (i = 1; i < 4; i++) {
		ask_slot(visit, KH_MSG_FORGET, i, i == 3, &m);
		assert_int_equal(m.type, KH_MSG_FORGOTTEN);
		assert_int_equal(m.u.verdict.verdict, KH_VERDICT_YES);
		assert_int_equal(changed().tv_sec == KH_STORE_TIME, i == 3);
	}
	assert_true(is_there(0));
	assert_true(is_there(4));
	for (i = 1; i < 4; i++)
		assert_false(is_there(i));
	/* What is not there is gone already. */
	ask_slot(visit, KH_MSG_FORGET, 2, true, &m);
	assert_int_equal(m.u.verdict.verdict, KH_VERDICT_YES);
	ask_slot(visit, KH_MSG_SLOT, 2, false, &m);
	assert_int_equal(m.type, KH_MSG_NO_ANSWER);
	close(visit);
}

/* L1: what is no name of a slot is not looked up, and ends the conversation
 * with who asks. */
static void
test_l1_names_of_slots(void **state)
{
	static const char *const bad[] = {"", "..", "/etc/passwd",
	    "../objects/00000000000000000000000000000000.age",
	    "000000000000000000000000000000000000000000000000000000000000000",
	    "00000000000000000000000000000000000000000000000000000000000000/a",
	    "A000000000000000000000000000000000000000000000000000000000000000",
	    "g000000000000000000000000000000000000000000000000000000000000000"};
	struct kh_msg m;
	int visit, fd;
	size_t i;

	(void)state;
	for (i = 0; i < 2 * sizeof(bad) / sizeof(bad[0]) + 6; i++) {
		visit = new_visit();
		m = (struct kh_msg){
		    .type = i % 2 == 0 ? KH_MSG_SLOT : KH_MSG_FORGET};
		memcpy(m.u.slot.name, slot(1), KH_SLOT_NAME_LEN);
		if (i / 2 < sizeof(bad) / sizeof(bad[0]))
			memcpy(
			    m.u.slot.name, bad[i / 2], strlen(bad[i / 2]) + 1);
		else if (i / 2 == sizeof(bad) / sizeof(bad[0]))
			m.u.slot.name[KH_SLOT_NAME_LEN] = '0'; /* no end */
		else if (i / 2 == sizeof(bad) / sizeof(bad[0]) + 1)
			m.u.slot.last = 2;
		else
			m.u.slot.zero[1] = 1;
		assert_int_equal(kh_ipc_send(visit, &m, -1), KH_OK);
		assert_int_equal(
		    kh_ipc_recv(visit, KH_ROLE_STORE, KH_ROLE_VISIT, &m, &fd),
		    KH_EPROTO);
		close(visit);
	}
	assert_int_equal(ask_room(visit = new_visit()), KH_VERDICT_YES);
	close(visit);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_visit_that_does_not_read, start, end),
    cmocka_unit_test_setup_teardown(test_old_half_stays, start, end),
    cmocka_unit_test_setup_teardown(test_out_of_order, start, end),
    cmocka_unit_test_setup_teardown(test_fate, start, end),
    cmocka_unit_test_setup_teardown(test_counts_that_cannot_be, start, end),
    cmocka_unit_test_setup_teardown(test_slots, start, end),
    cmocka_unit_test_setup_teardown(test_l20_forget, start, end),
    cmocka_unit_test_setup_teardown(test_l1_names_of_slots, start, end),
};

TAP_MAIN(tests)
