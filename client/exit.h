/*
 * What the program says when something went wrong, and the status it then
 * exits with. Data goes to stdout; everything here goes to stderr.
 */
#ifndef KNOTHOLE_CLIENT_EXIT_H
#define KNOTHOLE_CLIENT_EXIT_H

#include <stddef.h>

#include "knothole/err.h"

/* sysexits(3), those that we use; EXIT STATUS of
 * knothole(1) and knothole-courier(1). */
enum kh_exit {
	KH_EXIT_OK = 0,
	KH_EXIT_USAGE = 64, /* the command line is wrong */
	KH_EXIT_DATA = 65, /* malformed, truncated or tampered with */
	KH_EXIT_NOINPUT = 66, /* no such input, or it cannot be opened */
	KH_EXIT_ONLINE = 69, /* a network is in reach of the desk */
	KH_EXIT_UNREACHED = 69, /* the server is not reached, or refuses */
	KH_EXIT_CREATE = 73, /* an output cannot be made, or exists */
	KH_EXIT_IO = 74, /* reading or writing failed; no memory */
	KH_EXIT_BUSY = 75, /* another knothole is at work; try again */
	KH_EXIT_AGAIN = 75, /* interrupted: run it again */
	KH_EXIT_NOKEY = 77, /* no key given opens it */
	KH_EXIT_TOKEN = 77, /* the server does not know the token */
	KH_EXIT_CONFIG = 78 /* a card is not valid today */
};

/* What was being worked on when a library call failed. */
enum kh_on {
	KH_ON_OBJECT, /* a sealed object or other input data */
	KH_ON_KEY, /* an identity file, a recipient or a card */
	KH_ON_OUTPUT, /* a file or directory being made */
	KH_ON_N
};

/* Longest text that kh_shown makes of a path or name, with its NUL. */
#define KH_SHOWN_MAX 4096

/* The exit status for `e` while working on `on`. Never 0 but for KH_OK. */
int kh_exit_code(enum kh_on on, enum kh_err e);

/* `s` escaped for a terminal (kh_text_escape) into `out`; returns `out`. */
const char *kh_shown(const char *s, char out[static KH_SHOWN_MAX]);

/* The name that messages begin with; "knothole" until this is called. The
 * string is kept. */
void kh_say_as(const char *name);

/*
 * "PROGRAM: SUBJECT: TEXT" on stderr. `subject` is escaped and may be NULL;
 * the format and its arguments are our own text: what came from outside must
 * have gone through kh_shown.
 */
void kh_say(const char *subject, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Say what `e` means for `subject` and what can be done about it; for KH_ESYS
 * errno says what happened. Returns the exit status.
 */
int kh_fail(enum kh_on on, const char *subject, enum kh_err e);

/* An epoch (YYYY-MM) was burnt on that day: kh_fail says so when no key fits an
 * object, since then this may be why. */
void kh_exit_burnt(const char *label, const char *day);

/* Opening `subject` for reading failed; errno says why. Returns the status. */
int kh_fail_open(const char *subject);

/* Say what is wrong with the command line. Returns KH_EXIT_USAGE. */
int kh_fail_usage(const char *subject, const char *text);

#endif
