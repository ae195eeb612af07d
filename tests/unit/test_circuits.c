/*
 * Limits for each circuit, with turned time (L22): what one circuit may use,
 * that another does not notice, and that it is forgotten.
 */
#include "tests/unit/tap.h"

#include <sys/wait.h>
#include <unistd.h>

#include "server/door/circuits.h"
#include "tests/unit/aborts.h"

#define S(n) ((int64_t)(n)*1000)
#define START S(100)
#define VISITS 20

static struct kh_circuits c;

static int
setup(void **state)
{
	(void)state;
	return kh_circuits_init(&c, VISITS) == KH_OK ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	kh_circuits_free(&c);
	return 0;
}

static bool
enters(uint32_t id, int64_t now, struct kh_pass *pass)
{
	return kh_circuits_enter(&c, id, false, now, pass) == KH_OK;
}

/* A visit that comes and goes; was it let in? */
static bool
visits(uint32_t id, int64_t now, bool form)
{
	struct kh_pass pass;

	if (!enters(id, now, &pass))
		return false;
	kh_circuits_leave(&c, &pass, form && pass.form);
	return !form || pass.form;
}

static void
test_l22_visits_at_once(void **state)
{
	struct kh_pass in[KH_CIRCUIT_VISITS_MAX], pass;
	size_t i;

	(void)state;
	for (i = 0; i < KH_CIRCUIT_VISITS_MAX; i++) {
		assert_true(enters(1, START, &in[i]));
		assert_true(in[i].form);
		assert_int_equal(in[i].line, in[0].line);
		assert_int_equal(in[i].nice,
		    i < KH_CIRCUIT_VISITS_SCARCE
			? 0
			: i - KH_CIRCUIT_VISITS_SCARCE + 1);
	}
	assert_false(enters(1, START, &pass));
	assert_int_equal(pass.line, -1);
	assert_false(pass.form);
	/* Another does not notice. */
	assert_true(enters(2, START, &pass));
	assert_int_not_equal(pass.line, in[0].line);
	assert_int_equal(pass.nice, 0);
	kh_circuits_leave(&c, &pass, false);
	/* One leaves, one comes. */
	kh_circuits_leave(&c, &in[0], false);
	assert_true(enters(1, START, &in[0]));
	assert_false(enters(1, START, &pass));
	for (i = 0; i < KH_CIRCUIT_VISITS_MAX; i++)
		kh_circuits_leave(&c, &in[i], false);
}

/* Who has come often lately gives way, even one by one; after a while it is as
 * before. */
static void
test_l22_nicer_the_oftener(void **state)
{
	const int64_t whole =
	    1000 * KH_CIRCUIT_VISITS_BURST / KH_CIRCUIT_VISITS_PER_SECOND;
	struct kh_pass in[KH_CIRCUIT_VISITS_MAX], pass;
	uint32_t last;
	int i;

	(void)state;
	for (i = 0; i < KH_CIRCUIT_VISITS_BURST - KH_CIRCUIT_VISITS_MAX; i++) {
		assert_true(enters(1, START, &pass));
		assert_int_equal(pass.nice, i / KH_CIRCUIT_NICE_VISITS);
		kh_circuits_leave(&c, &pass, false);
	}
	for (i = 0; i < KH_CIRCUIT_VISITS_MAX; i++)
		assert_true(enters(1, START, &in[i]));
	last = in[KH_CIRCUIT_VISITS_MAX - 1].nice;
	assert_int_equal(last, 19); /* as far as it goes */
	assert_true(enters(2, START, &pass));
	assert_int_equal(pass.nice, 0);
	kh_circuits_leave(&c, &pass, false);
	for (i = 0; i < KH_CIRCUIT_VISITS_MAX; i++)
		kh_circuits_leave(&c, &in[i], false);
	assert_true(enters(1, START + whole / 2, &pass));
	assert_in_range(pass.nice, 1, 7);
	kh_circuits_leave(&c, &pass, false);
	assert_true(enters(1, START + 2 * whole, &pass));
	assert_int_equal(pass.nice, 0);
	kh_circuits_leave(&c, &pass, false);
}

static void
test_less_when_places_are_scarce(void **state)
{
	struct kh_pass in[KH_CIRCUIT_VISITS_SCARCE], pass;
	size_t i;

	(void)state;
	for (i = 0; i < KH_CIRCUIT_VISITS_SCARCE; i++)
		assert_int_equal(
		    kh_circuits_enter(&c, 1, true, START, &in[i]), KH_OK);
	assert_int_equal(
	    kh_circuits_enter(&c, 1, true, START, &pass), KH_ELIMIT);
	assert_int_equal(kh_circuits_enter(&c, 2, true, START, &pass), KH_OK);
	kh_circuits_leave(&c, &pass, false);
	/* What is refused costs nothing: there is room again, so it comes. */
	assert_true(enters(1, START, &pass));
	kh_circuits_leave(&c, &pass, false);
	for (i = 0; i < KH_CIRCUIT_VISITS_SCARCE; i++)
		kh_circuits_leave(&c, &in[i], false);
}

static void
test_l22_visits_in_time(void **state)
{
	int64_t now = START;
	int i;

	(void)state;
	for (i = 0; i < KH_CIRCUIT_VISITS_BURST; i++)
		assert_true(visits(1, now, false));
	assert_false(visits(1, now, false));
	assert_true(visits(2, now, false));
	/* Then so many a second, however often it is tried. */
	for (i = 0; i < 100; i++) {
		now += 1000 / KH_CIRCUIT_VISITS_PER_SECOND;
		assert_true(visits(1, now, false));
		assert_false(visits(1, now, false));
	}
	/* Pages cost no forms. */
	assert_true(visits(1, now + S(1), true));
}

static void
test_l22_forms_in_time(void **state)
{
	int64_t now = START;
	struct kh_pass pass;
	int i;

	(void)state;
	for (i = 0; i < KH_CIRCUIT_FORMS_BURST; i++)
		assert_true(visits(1, now, true));
	/* Pages still, but no form. */
	assert_true(enters(1, now, &pass));
	assert_false(pass.form);
	kh_circuits_leave(&c, &pass, false);
	assert_true(visits(2, now, true));
	for (i = 0; i < 20; i++) {
		assert_false(
		    visits(1, now + S(KH_CIRCUIT_FORM_SECONDS) - 1, true));
		now += S(KH_CIRCUIT_FORM_SECONDS);
		assert_true(visits(1, now, true));
	}
}

static void
test_many_at_once_are_no_more_forms(void **state)
{
	struct kh_pass in[KH_CIRCUIT_VISITS_MAX];
	int forms = 0, round;
	size_t i;

	(void)state;
	for (round = 0; round < 4; round++) {
		for (i = 0; i < KH_CIRCUIT_VISITS_MAX; i++) {
			assert_true(enters(1, START, &in[i]));
			forms += in[i].form;
		}
		for (i = 0; i < KH_CIRCUIT_VISITS_MAX; i++)
			kh_circuits_leave(&c, &in[i], in[i].form);
	}
	assert_int_equal(forms, KH_CIRCUIT_FORMS_BURST);
}

static void
test_forgotten(void **state)
{
	struct kh_pass pass;
	int i;

	(void)state;
	assert_int_equal(kh_circuits_forget(&c, START), 0);
	assert_true(enters(1, START, &pass));
	assert_int_equal(kh_circuits_forget(&c, START + S(3600)), 1);
	kh_circuits_leave(&c, &pass, false);
	assert_int_equal(kh_circuits_forget(&c, START + S(1)), 0);
	/* Who comes back at once has not gained by that. */
	for (i = 0; i < KH_CIRCUIT_FORMS_BURST; i++)
		assert_true(visits(2, START, true));
	assert_int_equal(kh_circuits_forget(&c, START + S(100)), 1);
	assert_int_equal(
	    kh_circuits_forget(&c,
		START + S(KH_CIRCUIT_FORMS_BURST * KH_CIRCUIT_FORM_SECONDS)),
	    0);
	for (i = 0; i < (int)c.max; i++) {
		assert_int_equal(c.line[i].id, 0);
		assert_int_equal(c.line[i].forms_whole, 0);
	}
}

static void
test_more_circuits_than_lines(void **state)
{
	struct kh_pass in[VISITS], pass;
	uint32_t id;
	size_t i;

	(void)state;
	for (i = 0; i < VISITS; i++)
		assert_true(enters((uint32_t)i, START, &in[i]));
	for (id = 1000; id < 1000 + 3 * KH_CIRCUITS_IDLE_MAX; id++)
		assert_true(visits(id, START, true));
	/* Nobody who is here was forgotten for that. */
	for (i = 0; i < VISITS; i++) {
		assert_true(enters((uint32_t)i, START, &pass));
		assert_int_equal(pass.line, in[i].line);
		kh_circuits_leave(&c, &pass, false);
		kh_circuits_leave(&c, &in[i], false);
	}
	/* Who has used most is remembered longest. */
	for (i = 0; i < KH_CIRCUIT_FORMS_BURST; i++)
		assert_true(visits(1, START, true) || i > 0);
	for (id = 1000; id < 1000 + 3 * KH_CIRCUITS_IDLE_MAX; id++)
		assert_true(visits(id, START, true));
	assert_false(visits(1, START, true));
}

/* A visit is a fork of the door. */
static void
test_a_child_knows_nothing(void **state)
{
	struct kh_pass pass;
	int status;
	pid_t pid;
	size_t i;

	(void)state;
	assert_true(enters(0xdeadbeef, START, &pass));
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		for (i = 0; i < c.max; i++) {
			if (c.line[i].known || c.line[i].id != 0)
				_exit(1);
		}
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(c.line[pass.line].known);
	kh_circuits_leave(&c, &pass, false);
}

static void
leave_far(void *ctx)
{
	const struct kh_pass far = {.line = 1 << 20};

	(void)ctx;
	kh_circuits_leave(&c, &far, false);
}

static void
too_many(void *ctx)
{
	struct kh_circuits other;

	(void)ctx;
	(void)!kh_circuits_init(&other, KH_VISITS_MAX + 1);
}

static void
test_wrong_use(void **state)
{
	const struct kh_pass none = {.line = -1};

	(void)state;
	kh_circuits_leave(&c, &none, true);
	assert_true(aborts(leave_far, NULL));
	assert_true(aborts(too_many, NULL));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static const struct CMUnitTest tests[] = {
    T(test_l22_visits_at_once),
    T(test_l22_nicer_the_oftener),
    T(test_less_when_places_are_scarce),
    T(test_l22_visits_in_time),
    T(test_l22_forms_in_time),
    T(test_many_at_once_are_no_more_forms),
    T(test_forgotten),
    T(test_more_circuits_than_lines),
    T(test_a_child_knows_nothing),
    T(test_wrong_use),
};

TAP_MAIN(tests)
