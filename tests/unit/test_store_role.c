/*
 * The store process, asked by visits that do not behave: it runs as a child of
 * the test, which plays keeper, door and visits.
 */
#include "tests/unit/tap.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "knothole/store.h"
#include "server/ipc/ipc.h"
#include "server/role/role.h"

#define ANSWER_MS 10000 /* more than any honest answer takes */

static char base[] = P_tmpdir "/knothole-test-XXXXXX";
static int dir = -1, control = -1, door = -1;
static pid_t store = -1;

static void
receive(int sock, enum kh_role from, enum kh_role to, struct kh_msg *m, int *fd)
{
	struct pollfd pfd = {.fd = sock, .events = POLLIN};

	assert_int_equal(poll(&pfd, 1, ANSWER_MS), 1);
	assert_int_equal(kh_ipc_recv(sock, from, to, m, fd), KH_OK);
}

static void
become_store(int channel)
{
	if (dup2(channel, KH_ROLE_CONTROL_FD) < 0 ||
	    close_range(KH_ROLE_CONTROL_FD + 1, ~0u, 0) != 0)
		_exit(99);
	_exit(kh_store_main());
}

static int
start(void **state)
{
	struct kh_msg m = {.type = KH_MSG_STORE_DIR};
	int link[2], fd;

	(void)state;
	memcpy(base + sizeof(base) - 7, "XXXXXX", 6);
	assert_non_null(mkdtemp(base));
	dir = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(dir >= 0);
	assert_int_equal(kh_ipc_pair(link), KH_OK);
	store = fork();
	assert_true(store >= 0);
	if (store == 0)
		become_store(link[1]);
	close(link[1]);
	control = link[0];
	m.u.store_dir.max_visits = 8;
	assert_int_equal(kh_ipc_send(control, &m, dir), KH_OK);
	receive(control, KH_ROLE_STORE, KH_ROLE_KEEPER, &m, &fd);
	assert_int_equal(m.type, KH_MSG_READY);
	assert_int_equal(kh_ipc_pair(link), KH_OK);
	m = (struct kh_msg){.type = KH_MSG_DOOR_LINK};
	assert_int_equal(kh_ipc_send(control, &m, link[1]), KH_OK);
	close(link[1]);
	door = link[0];
	return 0;
}

static void
empty(const char *name)
{
	int at = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct dirent *de;
	DIR *d = fdopendir(at);

	assert_non_null(d);
	while ((de = readdir(d)) != NULL) {
		if (de->d_name[0] != '.' && unlinkat(at, de->d_name, 0) != 0)
			(void)unlinkat(at, de->d_name, AT_REMOVEDIR);
	}
	closedir(d);
	assert_int_equal(unlinkat(dir, name, AT_REMOVEDIR), 0);
}

static int
end(void **state)
{
	(void)state;
	close(control);
	close(door);
	(void)kill(store, SIGKILL);
	assert_int_equal(waitpid(store, NULL, 0), store);
	empty("objects");
	empty("replies");
	empty("collected");
	close(dir);
	return rmdir(base);
}

static int
new_visit(void)
{
	struct kh_msg m = {.type = KH_MSG_VISIT};
	int link[2];

	assert_int_equal(kh_ipc_pair(link), KH_OK);
	assert_int_equal(kh_ipc_send(door, &m, link[1]), KH_OK);
	close(link[1]);
	return link[0];
}

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
