/*
 * The door's deadlines, with turned time: who is late is shut down, who is
 * slow is not, and who does not leave is killed.
 */
#include "tests/unit/tap.h"

#include <poll.h>

#include "server/door/table.h"
#include "tests/unit/aborts.h"
#include "tests/unit/guests.h"

static bool
is_shut(size_t i)
{
	char c;
	ssize_t r = recv(peer[i], &c, 1, MSG_DONTWAIT | MSG_PEEK);

	assert_true(r == 0 || (r < 0 && errno == EAGAIN));
	return r == 0;
}

static bool
is_dead(size_t i)
{
	siginfo_t si = {0};

	/* SIGKILL takes a moment. */
	for (int n = 0; n < 100; n++) {
		assert_int_equal(waitid(P_PID, (id_t)pids[i], &si,
				     WEXITED | WNOHANG | WNOWAIT),
		    0);
		if (si.si_pid != 0)
			return si.si_status == SIGKILL;
		usleep(1000);
	}
	return false;
}

/* On a machine that is busy the moment may be long. */
static bool
dies(size_t i)
{
	for (int n = 0; n < 300; n++) {
		if (is_dead(i))
			return true;
	}
	return false;
}

/* Shut down after so many seconds of silence in this phase, not before. */
static void
assert_limit(enum kh_phase p, int64_t limit)
{
	size_t i = enter(START);
	int64_t t = START;

	if (p != KH_PHASE_HEAD) {
		t += S(1);
		phase(i, p);
		kh_guests_deadlines(&g, t); /* sees the new phase */
	}
	kh_guests_deadlines(&g, t + limit / 2);
	kh_guests_deadlines(&g, t + limit);
	assert_false(is_shut(i));
	kh_guests_deadlines(&g, t + limit + 1);
	assert_true(is_shut(i));
	leave(i);
}

static void
test_places(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < PLACES; i++)
		assert_int_equal(enter(START), i);
	assert_int_equal(g.n, PLACES);
	assert_int_equal(kh_guests_place(&g), -1);
	leave(2);
	assert_int_equal(g.n, PLACES - 1);
	assert_int_equal(kh_guests_place(&g), 2);
	assert_int_equal(kh_guests_place(&g), -1); /* it is reserved */
	kh_guests_leave(&g, 2);
	assert_int_equal(enter(START), 2);
	assert_int_equal(kh_guests_place(&g), -1);
}

/* Two doors: what one has the other has not, and both see all of it. */
static void
test_shared_table(void **state)
{
	const int fd = kh_table_make(PLACES);
	struct kh_guests other;
	size_t i, n;

	(void)state;
	assert_true(fd >= 0);
	assert_null(kh_table_map(fd, PLACES + 1));
	assert_int_not_equal(ftruncate(fd, 0), 0);
	munmap(g.counter, PLACES * sizeof(*g.counter));
	free(g.guest);
	assert_int_equal(kh_guests_init(&g, PLACES, fd), KH_OK);
	assert_int_equal(kh_guests_init(&other, PLACES, fd), KH_OK);
	close(fd);
	for (i = 0; i < PLACES - 1; i++)
		n = enter(START);
	atomic_store(&g.counter[n].bytes, 77);
	assert_int_equal(atomic_load(&other.counter[n].bytes), 77);
	assert_int_equal(kh_guests_place(&other), PLACES - 1);
	assert_int_equal(kh_guests_place(&g), -1);
	kh_guests_leave(&other, PLACES - 1);
	leave(n);
	assert_int_equal(atomic_load(&other.counter[n].bytes), 0);
	assert_int_equal(kh_guests_place(&other), n);
	free(other.guest);
	munmap(other.counter, PLACES * sizeof(*other.counter));
}

/* Who was shut down is about to leave, for a moment. */
static void
test_leaving(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < PLACES; i++)
		atomic_store(&g.counter[enter(START)].phase, KH_PHASE_STATUS);
	assert_false(kh_guests_leaving(&g, START));
	kh_guests_relieve(&g, KH_PHASE_STATUS, START);
	assert_true(kh_guests_leaving(&g, START + 999));
	assert_false(kh_guests_leaving(&g, START + 1000));
}

static void
test_idle_head(void **state)
{
	(void)state;
	assert_limit(KH_PHASE_HEAD, S(30));
}

static void
test_idle_body(void **state)
{
	(void)state;
	assert_limit(KH_PHASE_BODY, S(600));
}

static void
test_other_phases(void **state)
{
	(void)state;
	assert_limit(KH_PHASE_STORE, S(900));
	assert_limit(KH_PHASE_REPLY, S(120));
	assert_limit(KH_PHASE_STATUS, S(120));
	assert_limit(KH_PHASE_LINGER, S(60));
}

/* A byte every ten minutes, for a day: an honest upload is never cut. */
static void
test_a_trickling_body_is_never_cut(void **state)
{
	size_t i = enter(START);
	int64_t t = START, end = START + S(24 * 3600);

	(void)state;
	phase(i, KH_PHASE_BODY);
	for (; t < end; t += S(1)) {
		if ((t - START) % S(600) == 0)
			atomic_fetch_add(&g.counter[i].bytes, 1);
		kh_guests_deadlines(&g, t);
	}
	assert_false(is_shut(i));
	/* And when it falls silent it is. */
	kh_guests_deadlines(&g, t + S(601));
	assert_true(is_shut(i));
}

/* No upload expires: one that trickles at 30 kB/s, a piece each
 * second or one every ten minutes, for 4 hours. */
static void
test_a_slow_upload_of_four_hours_is_never_shut(void **state)
{
	size_t i = enter(START), j = enter(START), silent = enter(START);
	int64_t t, end = START + S(4 * 3600);

	(void)state;
	phase(i, KH_PHASE_BODY);
	phase(j, KH_PHASE_BODY);
	phase(silent, KH_PHASE_BODY);
	for (t = START; t < end; t += S(1)) {
		atomic_fetch_add(&g.counter[i].bytes, 30000);
		if ((t - START) % S(599) == 0)
			atomic_fetch_add(&g.counter[j].bytes, 599 * 30000);
		kh_guests_deadlines(&g, t);
		kh_guests_relieve(&g, KH_PHASE_STATUS, t);
	}
	assert_false(is_shut(i));
	assert_false(is_shut(j));
	assert_true(is_shut(silent));
	assert_false(is_dead(i));
	assert_false(is_dead(j));
}

/* With one place in eight free, or fewer, the oldest display of progress
 * goes, one at a time; an upload never does. Of 4 places that is: none. */
static void
test_displays_give_way(void **state)
{
	size_t upload = enter(START), older, newer, last;

	(void)state;
	phase(upload, KH_PHASE_BODY);
	newer = enter(START + S(20));
	older = enter(START + S(10));
	phase(newer, KH_PHASE_STATUS);
	phase(older, KH_PHASE_STATUS);
	kh_guests_relieve(&g, KH_PHASE_STATUS, START + S(30));
	assert_false(is_shut(older)); /* a place is free */
	last = enter(START + S(30));
	phase(last, KH_PHASE_HEAD);
	kh_guests_relieve(&g, KH_PHASE_STATUS, START + S(30));
	assert_true(is_shut(older));
	assert_false(is_shut(newer));
	/* It has not gone yet; the next one takes its turn. */
	kh_guests_relieve(&g, KH_PHASE_STATUS, START + S(31));
	assert_true(is_shut(newer));
	kh_guests_relieve(&g, KH_PHASE_STATUS, START + S(32));
	assert_false(is_shut(upload));
	assert_false(is_shut(last));
	leave(older);
	leave(newer);
	phase(last, KH_PHASE_STATUS);
	kh_guests_relieve(&g, KH_PHASE_STATUS, START + S(33));
	assert_false(is_shut(last));
}

/* Uploads alone give way to nobody. */
static void
test_uploads_do_not_give_way(void **state)
{
	static const enum kh_phase phases[] = {
	    KH_PHASE_BODY, KH_PHASE_STORE, KH_PHASE_REPLY, KH_PHASE_LINGER};
	size_t i;

	(void)state;
	for (i = 0; i < PLACES; i++)
		phase(enter(START), phases[i]);
	for (i = 0; i < 100; i++)
		kh_guests_relieve(&g, KH_PHASE_STATUS, START + S(1));
	for (i = 0; i < PLACES; i++)
		assert_false(is_shut(i));
}

/* Going through the phases in time is fine however long it is in all. */
static void
test_each_phase_has_its_own_time(void **state)
{
	static const int64_t limits[] = {
	    S(30), S(600), S(900), S(120), S(120), S(60)};
	size_t i = enter(START);
	int64_t t = START;
	uint32_t p;

	(void)state;
	assert_int_equal(
	    sizeof(limits) / sizeof(limits[0]), KH_PHASE_LINGER + 1);
	for (p = KH_PHASE_HEAD; p <= KH_PHASE_LINGER; p++) {
		phase(i, (enum kh_phase)p);
		kh_guests_deadlines(&g, t);
		t += limits[p];
		kh_guests_deadlines(&g, t);
	}
	assert_false(is_shut(i));
}

/* What a visit that was taken over may write there. */
static void
test_a_phase_that_does_not_exist(void **state)
{
	size_t i = enter(START);

	(void)state;
	atomic_store(&g.counter[i].phase, UINT32_MAX);
	kh_guests_deadlines(&g, START);
	assert_true(is_shut(i));
}

static void
test_grace_then_kill(void **state)
{
	size_t i = enter(START), j = enter(START + S(20));
	int64_t shut = START + S(31);

	(void)state;
	kh_guests_deadlines(&g, shut);
	assert_true(is_shut(i));
	assert_false(is_shut(j));
	/* It seals what it has: bytes and phases move, and win no time. */
	phase(i, KH_PHASE_STORE);
	phase(j, KH_PHASE_STORE);
	for (int64_t t = shut; t <= shut + S(300); t += S(10)) {
		atomic_fetch_add(&g.counter[i].bytes, 1);
		kh_guests_deadlines(&g, t);
	}
	assert_false(is_dead(i));
	kh_guests_deadlines(&g, shut + S(300) + 1);
	assert_true(dies(i));
	assert_false(is_dead(j));
	assert_false(is_shut(j));
}

static void
test_dismissal(void **state)
{
	size_t i = enter(START), j = enter(START);

	(void)state;
	kh_guests_dismiss(&g, 0); /* the clock may begin at 0 */
	assert_true(is_shut(i));
	assert_true(is_shut(j));
	assert_false(is_dead(i));
	kh_guests_deadlines(&g, S(300));
	assert_false(is_dead(i));
	/* A second dismissal begins no second grace. */
	kh_guests_dismiss(&g, S(300));
	kh_guests_deadlines(&g, S(301));
	assert_true(dies(i));
	assert_true(dies(j));
}

static void
test_a_place_is_left_clean(void **state)
{
	static const struct kh_counter zero;
	size_t i = enter(START);

	(void)state;
	phase(i, KH_PHASE_LINGER);
	atomic_store(&g.counter[i].bytes, 12345);
	atomic_store(&g.counter[i].share, 7);
	atomic_store(&g.counter[i].form, 1);
	atomic_store(&g.counter[i].claim, 12345);
	kh_guests_deadlines(&g, START + S(1));
	leave(i);
	assert_memory_equal(&g.counter[i], &zero, sizeof(zero));
	assert_int_equal(g.guest[i].pid, 0);
	/* The next guest's time is its own. */
	assert_int_equal(enter(START + S(1000)), i);
	kh_guests_deadlines(&g, START + S(1030));
	assert_false(is_shut(i));
}

/* Its end closes the door's copy of the connection. */
static void
test_an_end_closes_the_connection(void **state)
{
	size_t i = enter(START);
	char c;

	(void)state;
	assert_int_equal(kill(pids[i], SIGKILL), 0);
	assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
	assert_int_equal(recv(peer[i], &c, 1, MSG_DONTWAIT), -1);
	(void)kh_guests_ended(&g, pids[i], 0, START);
	assert_int_equal(recv(peer[i], &c, 1, MSG_DONTWAIT), 0);
	pids[i] = -1;
}

/* Only a signal that is not ours is a crash. */
static void
test_crashes_are_told_apart(void **state)
{
	static const struct {
		int status;
		bool killed, crashed;
	} cases[] = {{0, false, false}, {1 << 8, false, false},
	    {SIGSEGV, false, true}, {SIGSYS, false, true},
	    {SIGKILL, false, true}, {SIGKILL, true, false}};
	size_t i, k;

	(void)state;
	for (k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		i = enter(START);
		if (cases[k].killed) {
			phase(i, (enum kh_phase)99);
			kh_guests_deadlines(&g, START);
			kh_guests_deadlines(&g, START + S(301));
		}
		assert_int_equal(kill(pids[i], SIGKILL), 0);
		assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
		assert_int_equal(
		    kh_guests_ended(&g, pids[i], cases[k].status, START),
		    cases[k].crashed);
		close(peer[i]);
		peer[i] = -1;
		pids[i] = -1;
	}
}

static void
test_strangers_change_nothing(void **state)
{
	size_t i = enter(START);

	(void)state;
	(void)kh_guests_ended(&g, getpid(), 0, START);
	assert_int_equal(g.n, 1);
	assert_int_equal(g.guest[i].pid, pids[i]);
}

static void
add_twice(void *ctx)
{
	kh_guests_add(&g, *(size_t *)ctx, getpid(), 0, START);
}

static void
add_nobody(void *ctx)
{
	kh_guests_add(&g, *(size_t *)ctx, 0, 0, START);
}

static void
test_preconditions(void **state)
{
	size_t taken = enter(START), beyond = PLACES, next = 1;

	(void)state;
	assert_true(aborts(add_twice, &taken));
	assert_true(aborts(add_twice, &beyond));
	assert_true(aborts(add_nobody, &next));
	assert_false(aborts(add_twice, &next));
}

static const struct CMUnitTest tests[] = {
    WITH_DOOR(test_places),
    WITH_DOOR(test_shared_table),
    WITH_DOOR(test_leaving),
    WITH_DOOR(test_idle_head),
    WITH_DOOR(test_idle_body),
    WITH_DOOR(test_other_phases),
    WITH_DOOR(test_a_trickling_body_is_never_cut),
    WITH_DOOR(test_a_slow_upload_of_four_hours_is_never_shut),
    WITH_DOOR(test_displays_give_way),
    WITH_DOOR(test_uploads_do_not_give_way),
    WITH_DOOR(test_each_phase_has_its_own_time),
    WITH_DOOR(test_a_phase_that_does_not_exist),
    WITH_DOOR(test_grace_then_kill),
    WITH_DOOR(test_dismissal),
    WITH_DOOR(test_a_place_is_left_clean),
    WITH_DOOR(test_an_end_closes_the_connection),
    WITH_DOOR(test_crashes_are_told_apart),
    WITH_DOOR(test_strangers_change_nothing),
    WITH_DOOR(test_preconditions),
};

TAP_MAIN(tests)
