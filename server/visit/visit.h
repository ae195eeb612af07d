/*
 * A visit: one process, one connection, one request. The door forks it; it
 * confines itself, looks at the request's head, answers or takes a submission
 * in, and ends. Whatever it knew ends with it.
 */
#ifndef KNOTHOLED_VISIT_H
#define KNOTHOLED_VISIT_H

#include "server/visit/context.h"

/* Descriptors of a visit, set by the door: all others are closed. */
#define KH_VISIT_CONN_FD 3
#define KH_VISIT_STORE_FD 4
#define KH_VISIT_TURNS_FD 5
#define KH_VISIT_WRAP_FD 6 /* where there is such a process */

/* Serve the connection. Returns the process's exit status. */
int kh_visit_run(struct kh_visit *v);

#endif
