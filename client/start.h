/*
 * What comes first in each of our programs, before any argument is looked at.
 */
#ifndef KNOTHOLE_CLIENT_START_H
#define KNOTHOLE_CLIENT_START_H

/* Descriptors 0 to 2 are open from here on, so that no file of ours becomes
 * "standard error"; each in the direction in which using it fails. Returns -1
 * when that cannot be had. */
int kh_start_fds(void);

/* Secrets must not reach a core dump, nor another process of the same user. */
void kh_start_hide(void);

/* The last act: is all of standard output written? `code`, or KH_EXIT_IO when
 * it is KH_EXIT_OK and something was not, which has been said then. */
int kh_start_finish(int code);

#endif
