/*
 * A table of guests, and processes that stand for visits: they come, wait, and
 * end when the test says so.
 */
#ifndef KH_TESTS_GUESTS_H
#define KH_TESTS_GUESTS_H

#include "tests/unit/tap.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/door/door.h"

#define PLACES 4
#define S(n) ((int64_t)(n)*1000)
#define START S(5)

static struct kh_guests g;
static int peer[PLACES]; /* the visitor's end */
static pid_t pids[PLACES];

static int
setup(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < PLACES; i++) {
		peer[i] = -1;
		pids[i] = -1;
	}
	return kh_guests_init(&g, PLACES, -1) == KH_OK ? 0 : -1;
}

static int
teardown(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < PLACES; i++) {
		if (pids[i] > 0) {
			kill(pids[i], SIGKILL);
			waitpid(pids[i], NULL, 0);
			(void)kh_guests_ended(&g, pids[i], 0, START);
		}
		if (peer[i] >= 0)
			close(peer[i]);
	}
	free(g.guest);
	munmap(g.counter, PLACES * sizeof(*g.counter));
	return 0;
}

/* A guest that does nothing by itself. */
static size_t
enter(int64_t now)
{
	ptrdiff_t place = kh_guests_place(&g);
	int conn[2];
	pid_t pid;

	assert_in_range(place, 0, PLACES - 1);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, conn), 0);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		for (;;)
			pause();
	}
	kh_guests_add(&g, (size_t)place, pid, conn[0], now);
	peer[place] = conn[1];
	pids[place] = pid;
	return (size_t)place;
}

static void
leave(size_t i)
{
	assert_int_equal(kill(pids[i], SIGKILL), 0);
	assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
	(void)kh_guests_ended(&g, pids[i], 0, START);
	close(peer[i]);
	peer[i] = -1;
	pids[i] = -1;
}

static void
phase(size_t i, enum kh_phase p)
{
	atomic_store(&g.counter[i].phase, (uint32_t)p);
}

#define WITH_DOOR(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

#endif
