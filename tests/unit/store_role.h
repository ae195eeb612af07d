/*
 * The store process as a child of the test, which plays keeper, door, courier
 * and their visits.
 */
#ifndef KH_TESTS_STORE_ROLE_H
#define KH_TESTS_STORE_ROLE_H

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
static int dir = -1, control = -1, door = -1, courier = -1;
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

/* Start the store with what the keeper says to it. */
static int
start_with(const struct kh_msg_store_dir *said)
{
	struct kh_msg m = {.type = KH_MSG_STORE_DIR};
	int link[2], fd;

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
	m.u.store_dir = *said;
	m.u.store_dir.settle_minutes = 60;
	m.u.store_dir.selftest_minutes = 10;
	assert_int_equal(kh_ipc_send(control, &m, dir), KH_OK);
	receive(control, KH_ROLE_STORE, KH_ROLE_KEEPER, &m, &fd);
	assert_int_equal(m.type, KH_MSG_REPORT);
	assert_int_equal(m.u.report.fault, KH_FAULT_NONE);
	receive(control, KH_ROLE_STORE, KH_ROLE_KEEPER, &m, &fd);
	assert_int_equal(m.type, KH_MSG_READY);
	assert_int_equal(kh_ipc_pair(link), KH_OK);
	m = (struct kh_msg){.type = KH_MSG_DOOR_LINK};
	assert_int_equal(kh_ipc_send(control, &m, link[1]), KH_OK);
	close(link[1]);
	door = link[0];
	assert_int_equal(kh_ipc_pair(link), KH_OK);
	m = (struct kh_msg){.type = KH_MSG_COURIER_LINK};
	assert_int_equal(kh_ipc_send(control, &m, link[1]), KH_OK);
	close(link[1]);
	courier = link[0];
	return 0;
}

static inline int
start(void **state)
{
	/* Two newsrooms, and objects that stay. */
	static const struct kh_msg_store_dir said = {
	    .max_visits = 8, .collectors = {.n = 2, .id = {{1}, {2}}}};

	(void)state;
	return start_with(&said);
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
	close(courier);
	(void)kill(store, SIGKILL);
	assert_int_equal(waitpid(store, NULL, 0), store);
	empty("objects");
	empty("replies");
	empty("collected");
	close(dir);
	return rmdir(base);
}

static int
announced_by(int from)
{
	struct kh_msg m = {.type = KH_MSG_VISIT};
	int link[2];

	assert_int_equal(kh_ipc_pair(link), KH_OK);
	assert_int_equal(kh_ipc_send(from, &m, link[1]), KH_OK);
	close(link[1]);
	return link[0];
}

static inline int
new_visit(void)
{
	return announced_by(door);
}

#endif
