/*
 * Dying tidily. Separate because it holds the only state that a signal
 * handler touches; the handler calls async-signal-safe functions only.
 */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#include "client/signals.h"

static const int fatal[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

#define N_FILES 8 /* keygen has four */
#define N_FATAL (sizeof(fatal) / sizeof(fatal[0]))

/* Changed with the signals blocked, read by the handler. */
static struct {
	bool tty_set;
	int tty_fd;
	struct termios tty_was;
	struct {
		int dir_fd;
		const char *name;
	} file[N_FILES];
} undo;

static volatile sig_atomic_t deferred;
static volatile sig_atomic_t caught;

static void
die_of(int sig)
{
	sigset_t one;

	signal(sig, SIG_DFL);
	raise(sig);
	sigemptyset(&one);
	sigaddset(&one, sig);
	sigprocmask(SIG_UNBLOCK, &one, NULL);
}

static void
on_signal(int sig)
{
	int saved = errno;
	size_t i;

	if (deferred) {
		caught = sig;
		return;
	}
	if (undo.tty_set)
		(void)tcsetattr(undo.tty_fd, TCSANOW, &undo.tty_was);
	for (i = 0; i < N_FILES; i++)
		if (undo.file[i].name != NULL)
			(void)unlinkat(
			    undo.file[i].dir_fd, undo.file[i].name, 0);
	die_of(sig);
	errno = saved;
}

static void
block(sigset_t *before)
{
	sigset_t set;
	size_t i;

	sigemptyset(&set);
	for (i = 0; i < N_FATAL; i++)
		sigaddset(&set, fatal[i]);
	sigprocmask(SIG_BLOCK, &set, before);
}

/* In the first slot that holds `old`, put `name`. */
static void
replace(const char *old, int dir_fd, const char *name)
{
	sigset_t before;
	size_t i;

	block(&before);
	for (i = 0; i < N_FILES && undo.file[i].name != old; i++)
		;
	if (i < N_FILES) {
		undo.file[i].dir_fd = dir_fd;
		undo.file[i].name = name;
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
}

void
kh_signals_start(void)
{
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	struct sigaction was;
	size_t i;

	sigemptyset(&sa.sa_mask);
	for (i = 0; i < N_FATAL; i++)
		sigaddset(&sa.sa_mask, fatal[i]);
	for (i = 0; i < N_FATAL; i++) {
		if (sigaction(fatal[i], NULL, &was) == 0 &&
		    was.sa_handler == SIG_IGN)
			continue; /* nohup, or a background job */
		(void)sigaction(fatal[i], &sa, NULL);
	}
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
}

void
kh_signals_terminal(int fd, const struct termios *was)
{
	sigset_t before;

	block(&before);
	undo.tty_set = was != NULL;
	undo.tty_fd = fd;
	if (was != NULL)
		undo.tty_was = *was;
	sigprocmask(SIG_SETMASK, &before, NULL);
}

void
kh_signals_unlink(int dir_fd, const char *name)
{
	replace(NULL, dir_fd, name);
}

void
kh_signals_keep(const char *name)
{
	replace(name, -1, NULL);
}

void
kh_signals_defer(bool on)
{
	deferred = on;
	/* In this order: one that comes between kills at once. */
	if (!on && caught != 0)
		die_of(caught);
}

bool
kh_signals_caught(void)
{
	return caught != 0;
}
