/*
 * Signals that are put off: remembered, and died of when they no longer are.
 */
#include "tests/unit/tap.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/signals.c"

/* What becomes of a process that this is sent to while it defers, if at all. */
static int
status_of(int sig, bool put_off)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		/* Whoever runs this may ignore it: then it stays ignored. */
		if (sig != 0)
			signal(sig, SIG_DFL);
		kh_signals_start();
		kh_signals_defer(put_off);
		if (sig != 0)
			raise(sig);
		if (kh_signals_caught() != (sig != 0))
			_exit(1);
		kh_signals_defer(false);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
test_deferred(void **state)
{
	static const int sigs[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	size_t i;
	int status;

	(void)state;
	for (i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++) {
		status = status_of(sigs[i], true);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), sigs[i]);
		status = status_of(sigs[i], false);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), sigs[i]);
	}
	assert_int_equal(status_of(0, true), 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_deferred),
};

TAP_MAIN(tests)
