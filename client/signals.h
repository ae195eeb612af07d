/*
 * What an interrupted run must undo: a terminal that does not echo, a
 * temporary file that has a name, a half-extracted directory.
 */
#ifndef KNOTHOLE_CLIENT_SIGNALS_H
#define KNOTHOLE_CLIENT_SIGNALS_H

#include <stdbool.h>
#include <termios.h>

/* Catch SIGINT, SIGTERM, SIGHUP and SIGQUIT (unless they are ignored), and
 * ignore SIGPIPE and SIGXFSZ: a closed pipe, or a file that may not grow, is a
 * failed write. */
void kh_signals_start(void);

/* Restore `was` on `fd` before dying; NULL: no longer. */
void kh_signals_terminal(int fd, const struct termios *was);

/* Unlink `name` under `dir_fd` before dying, until kh_signals_keep(name). The
 * string stays the caller's and must live as long; at most 8 at a time, more
 * are passed over. */
void kh_signals_unlink(int dir_fd, const char *name);
void kh_signals_keep(const char *name);

/* true: a signal is only remembered, and the caller asks kh_signals_caught at
 * every step. false: back to dying at once, now if one was remembered. */
void kh_signals_defer(bool on);
bool kh_signals_caught(void);

#endif
