/*
 * Turns at the key derivation: so many at once, and none is lost with its
 * holder (L18).
 */
#include "tests/unit/tap.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/visit/turns.h"

struct holder {
	pid_t pid;
	int said; /* readable when it has a turn, or has ended */
};

/* A process that takes a turn, says so, and keeps it; with `give` it gives it
 * back and stays. */
static struct holder
start_in(int fd, uint32_t share, bool give)
{
	struct holder h;
	struct kh_turn turn;
	int p[2];

	assert_int_equal(pipe(p), 0);
	h.pid = fork();
	assert_true(h.pid >= 0);
	if (h.pid == 0) {
		if (kh_turns_take(fd, share, &turn) != KH_OK)
			_exit(1);
		if (give)
			kh_turns_give(fd, &turn);
		if (write(p[1], "x", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	close(p[1]);
	h.said = p[0];
	return h;
}

static struct holder
start(int fd, bool give)
{
	return start_in(fd, 0, give);
}

static bool
has_turn(const struct holder *h, int ms)
{
	struct pollfd pfd = {.fd = h->said, .events = POLLIN};
	char c;

	return poll(&pfd, 1, ms) == 1 && read(h->said, &c, 1) == 1;
}

static void
end(const struct holder *h, int sig)
{
	assert_int_equal(kill(h->pid, sig), 0);
	assert_int_equal(waitpid(h->pid, NULL, 0), h->pid);
	close(h->said);
}

static void
test_l18_no_more_than_so_many(void **state)
{
	struct holder h[KH_TURNS], late;
	int fd = kh_turns_make(), i;

	(void)state;
	assert_true(fd >= 0);
	for (i = 0; i < KH_TURNS; i++) {
		h[i] = start(fd, false);
		assert_true(has_turn(&h[i], 10000));
	}
	late = start(fd, false);
	assert_false(has_turn(&late, 200));
	for (i = 0; i < KH_TURNS; i++)
		end(&h[i], SIGTERM);
	assert_true(has_turn(&late, 10000));
	end(&late, SIGTERM);
	close(fd);
}

static void
test_l18_killed_holders_lose_nothing(void **state)
{
	struct holder h[KH_TURNS];
	int fd = kh_turns_make(), round, i;

	(void)state;
	for (round = 0; round < 20; round++) {
		for (i = 0; i < KH_TURNS; i++) {
			h[i] = start(fd, false);
			assert_true(has_turn(&h[i], 10000));
		}
		for (i = 0; i < KH_TURNS; i++)
			end(&h[i], SIGKILL);
	}
	close(fd);
}

static void
test_given_back(void **state)
{
	struct holder h[3 * KH_TURNS];
	int fd = kh_turns_make(), i;

	(void)state;
	for (i = 0; i < 3 * KH_TURNS; i++) {
		h[i] = start(fd, true);
		assert_true(has_turn(&h[i], 10000));
	}
	for (i = 0; i < 3 * KH_TURNS; i++)
		end(&h[i], SIGTERM);
	close(fd);
}

/* Of one circuit's visits one is in the queue, the others behind it. */
static void
test_l22_one_share_is_one_in_the_queue(void **state)
{
	const uint32_t share = UINT32_C(0x40000000);
	struct holder many[4], other, next;
	int fd = kh_turns_make(), i;

	(void)state;
	many[0] = start_in(fd, share, false);
	assert_true(has_turn(&many[0], 10000));
	for (i = 1; i < 4; i++)
		many[i] = start_in(fd, share, false);
	for (i = 1; i < 4; i++)
		assert_false(has_turn(&many[i], 50));
	other = start_in(fd, share + 1, false);
	assert_true(has_turn(&other, 10000));
	end(&other, SIGKILL);
	/* A dead holder's share is free again, for one of those behind it. */
	end(&many[0], SIGKILL);
	for (i = 1; i < 4 && !has_turn(&many[i], 3000); i++)
		;
	assert_in_range(i, 1, 3);
	next = start_in(fd, 0, false);
	assert_true(has_turn(&next, 10000));
	end(&next, SIGKILL);
	for (i = 1; i < 4; i++)
		end(&many[i], SIGKILL);
	close(fd);
}

static void
test_not_a_descriptor(void **state)
{
	struct kh_turn turn;

	(void)state;
	assert_int_equal(kh_turns_take(-1, 0, &turn), KH_ESYS);
	assert_int_equal(kh_turns_take(-1, 7, &turn), KH_ESYS);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_l18_no_more_than_so_many),
    cmocka_unit_test(test_l18_killed_holders_lose_nothing),
    cmocka_unit_test(test_given_back),
    cmocka_unit_test(test_l22_one_share_is_one_in_the_queue),
    cmocka_unit_test(test_not_a_descriptor),
};

TAP_MAIN(tests)
