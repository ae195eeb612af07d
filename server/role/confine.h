/*
 * The mechanisms that confine a role, one file each, and the table of what
 * each role may do. Each of them either does all of what it says or fails;
 * there is no "if the kernel can".
 */
#ifndef KNOTHOLED_ROLE_CONFINE_H
#define KNOTHOLED_ROLE_CONFINE_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "server/role/role.h"

/* What a role may still do once it is confined. */
struct kh_rights {
	const char *name;
	/* Landlock rights below the directory that it is given, 0: no
	 * directory at all (landlock_linux.c). */
	uint64_t fs;
	/* System calls: sets of them, KH_CALLS_... (calls_linux.c). */
	unsigned calls;
	/* RLIMIT_NPROC, RLIMIT_FSIZE: 0 forbids making processes, or files. */
	bool forks;
	bool writes;
};

/* The table, server/role/table.c. */
extern const struct kh_rights kh_rights[KH_ROLE_N];

/* No core file, no debugger, and what the table does not grant: processes,
 * files. limits_linux.c. Errors: KH_ESYS. */
KH_CHECKED enum kh_err kh_confine_limits(enum kh_role role);

/*
 * Become `uid` for good if we are root (else nothing), give up every
 * capability, and prove that none can be had again. privilege_linux.c.
 *	uid	0: stay who we are
 * Errors: KH_ESYS; KH_EAUTH when it could be regained.
 */
KH_CHECKED enum kh_err kh_confine_privilege(uid_t uid);

/*
 * Landlock (Linux 5.13): below `dir` what the table grants, elsewhere nothing;
 * with newer kernels no TCP, no abstract unix sockets and no signals to
 * outside either.
 *	c	.dir a directory, or -1 for none; .also what else
 * Errors: KH_EUNSUP the kernel has it not; KH_ESYS.
 */
KH_CHECKED enum kh_err kh_confine_landlock(
    enum kh_role role, const struct kh_confine *c);

/* A role's seccomp program, made ahead: a visit loads it in a moment. */
struct kh_filter {
	struct sock_fprog prog; /* .filter is malloc'ed */
};

/* Errors: KH_ENOMEM, KH_EUNSUP, KH_ESYS. */
KH_CHECKED enum kh_err kh_filter_make(enum kh_role role, struct kh_filter *f);
void kh_filter_free(struct kh_filter *f);

/* Load it for this process: whatever is not in it kills the process.
 * Errors: KH_ESYS, KH_EUNSUP. */
KH_CHECKED enum kh_err kh_filter_load(const struct kh_filter *f);

/* Sets of system calls. */
#define KH_CALLS_BASE 1U /* memory, clocks, signals to itself, ending */
#define KH_CALLS_TALK 2U /* messages and bytes on descriptors it holds */
#define KH_CALLS_WAIT 4U /* poll, select, epoll */
#define KH_CALLS_FILE 8U /* write and sync a file that it was given */
#define KH_CALLS_STORE 16U /* openat, linkat, unlinkat, ... */
#define KH_CALLS_FORK 32U /* accept, fork, wait, end its children */
#define KH_CALLS_CONFINE 64U /* a child of its own is confined further */
#define KH_CALLS_EXEC 256U /* start another program, and what that needs */
#define KH_CALLS_SERVE 128U /* send a file that it was given; hand over bytes */

/* Names of the calls of one set, NULL at the end. */
const char *const *kh_calls(unsigned set);

#endif
