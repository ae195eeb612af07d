/*
 * A stick, as it goes between the desk and the courier's machine (FORMAT.md,
 * "Stick"). Whoever had it in his hands may have put anything onto it: names
 * are taken in one form only, nothing but regular files is opened, no link is
 * followed (L1, L2), and what is refused is reported, escaped (L37).
 */
#ifndef KNOTHOLE_CLIENT_DESK_STICK_H
#define KNOTHOLE_CLIENT_DESK_STICK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/desk/report.h"
#include "client/desk/table.h"
#include "knothole/err.h"
#include "knothole/limits.h"

#define KH_STICK_OBJECTS "objects"
#define KH_STICK_REPLIES "replies"
#define KH_STICK_CARDS "cards"
#define KH_STICK_COLLECTED "collected.txt"
#define KH_STICK_SUMS "SHA256SUMS"
#define KH_STICK_SIGNATURE "SHA256SUMS.minisig"

struct kh_stick {
	const char *path; /* as given */
	int top_fd, objects_fd, replies_fd; /* -1: not there */
};

/* What a name in objects/ or replies/ is. */
enum kh_stick_name {
	KH_STICK_ODD,
	KH_STICK_WHOLE, /* HEX.age */
	KH_STICK_PART /* .part-HEX */
};

/* `digits` lower-case hex digits are wanted; they are at *hex then, not
 * NUL-terminated. */
enum kh_stick_name kh_stick_name(
    const char *name, size_t digits, const char **hex);

/*
 * Open the stick at `path`.
 *	make	make what is not there (a stick of an export)
 * Says what is wrong; returns the exit status.
 */
int kh_stick_open(struct kh_stick *s, const char *path, bool make);
void kh_stick_close(struct kh_stick *s);

/*
 * The names of a directory that are whole, as bytes of `len` each, sorted;
 * others are refused in the report ("DIR/NAME"), parts are counted.
 *	names	receives memory that the caller frees
 * Errors: KH_ELIMIT more than KH_STICK_OBJECTS_MAX; KH_ESYS; KH_ENOMEM.
 */
struct kh_stick_list {
	const char *dir;
	size_t len; /* bytes of a name, half its digits */
	uint8_t *names;
	size_t n, parts;
};
KH_CHECKED enum kh_err kh_stick_list(
    int dir_fd, struct kh_stick_list *l, struct kh_report *r);

/*
 * Open a regular file of the stick for reading. Anything else is KH_EUNSUP and
 * not opened at all; *fd is -1 on error. Errors: KH_ENOENT, KH_EUNSUP, KH_ESYS.
 */
KH_CHECKED enum kh_err kh_stick_file(
    int dir_fd, const char *name, int *fd, uint64_t *size);

/* All of a small one: malloc memory, NUL-terminated, or NULL. Errors: as above;
 * KH_ELIMIT more than `cap` bytes; KH_ENOMEM. */
KH_CHECKED enum kh_err kh_stick_read(
    int dir_fd, const char *name, size_t cap, char **text, size_t *n);

/* Hashes of objects, as the courier's SHA256SUMS gives them. */
struct kh_stick_sums {
	struct kh_table by_id;
	uint8_t (*sums)[32];
	size_t n, cap;
};

/* Read them; lines about other files are passed over, malformed ones end it.
 * A missing or unreadable list is an empty one. Errors: KH_ENOMEM. */
KH_CHECKED enum kh_err kh_stick_sums_read(
    const struct kh_stick *s, struct kh_stick_sums *out, struct kh_report *r);

/* From text. Errors: KH_EFORMAT what came before is there; KH_ENOMEM. */
KH_CHECKED enum kh_err kh_stick_sums_parse(
    struct kh_stick_sums *out, const char *text, size_t n);

/* The hash for an object, or NULL. */
const uint8_t *kh_stick_sum(
    const struct kh_stick_sums *s, const uint8_t id[static KH_OBJECT_ID_LEN]);
void kh_stick_sums_clear(struct kh_stick_sums *s);

#endif
