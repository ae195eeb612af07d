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
upload(uint8_t id, size_t n, bool complete)
{
	struct kh_msg m = {.type = KH_MSG_BEGIN};
	int fd, none, visit = new_visit();

	memset(m.u.begin.upload, id, sizeof(m.u.begin.upload));
	assert_int_equal(kh_ipc_send(visit, &m, -1), KH_OK);
	receive(visit, KH_ROLE_STORE, KH_ROLE_VISIT, &m, &fd);
	if (m.type == KH_MSG_DRAFT) {
		assert_int_equal(ftruncate(fd, (off_t)n), 0);
		close(fd);
		m = (struct kh_msg){.type = KH_MSG_COMMIT};
		m.u.commit.complete = complete ? 1 : 0;
		assert_int_equal(kh_ipc_send(visit, &m, -1), KH_OK);
		receive(visit, KH_ROLE_STORE, KH_ROLE_VISIT, &m, &none);
	}
	close(visit);
	return (enum kh_verdict)m.u.verdict.verdict;
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

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_visit_that_does_not_read, start, end),
    cmocka_unit_test_setup_teardown(test_old_half_stays, start, end),
    cmocka_unit_test_setup_teardown(test_out_of_order, start, end),
};

TAP_MAIN(tests)
