/*
 * Looking at files without touching them: below a directory that is held
 * open, never through a link, leaving no time of access.
 */
#ifndef KNOTHOLED_DRILL_LOOK_H
#define KNOTHOLED_DRILL_LOOK_H

#include <sys/types.h>

#include "server/drill/report.h"

/* A directory that is looked through. */
struct kh_place {
	struct kh_report *r;
	const char *path; /* for people */
	int fd;
	uid_t owner; /* whose all in it must be... */
	bool or_root; /* ... or else root's, or ours */
};

/* What a file must be like. */
struct kh_rule {
	enum kh_trace trace;
	mode_t type; /* S_IFREG, S_IFDIR, S_IFSOCK */
	mode_t allowed; /* bits of the mode, no others */
	bool fixed_time; /* modified in 1980 */
	bool (*size)(uint64_t n); /* NULL: any */
	/* Looks at its contents; may be NULL. `fd` is the callee's to read and
	 * the caller's to close. */
	enum kh_err (*content)(
	    const struct kh_place *p, const char *name, int fd);
};

/*
 * Open a directory, or a regular file, for reading.
 * Errors: KH_ENOENT it is not there; KH_EFORMAT a link, or another kind of
 * file; KH_ESYS. *fd is -1 then.
 */
KH_CHECKED enum kh_err kh_look_open_dir(int at, const char *name, int *fd);
KH_CHECKED enum kh_err kh_look_open_file(int at, const char *name, int *fd);

/* Call `each` for everything in it but "." and "..". What cannot be read is
 * reported. Errors: KH_ENOMEM, and what `each` returns. */
KH_CHECKED enum kh_err kh_look_through(const struct kh_place *p,
    enum kh_err (*each)(const struct kh_place *p, const char *name));

/*
 * Look at one file, count it, and report where it is not as the rule has it.
 * One that has gone meanwhile is passed over.
 *	name	in the place; "" for the place itself
 * Errors: KH_ENOMEM, and what rule->content returns.
 */
KH_CHECKED enum kh_err kh_look_at(
    const struct kh_place *p, const char *name, const struct kh_rule *rule);

/* Something that no rule is for: report what it is. Errors: KH_ENOMEM. */
KH_CHECKED enum kh_err kh_look_unexpected(
    const struct kh_place *p, const char *name);

#endif
