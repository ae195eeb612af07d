/*
 * manifest.json, the last entry but one of every bundle: what the server knew
 * when it sealed (FORMAT.md, "Manifest").
 */
#ifndef KNOTHOLE_MANIFEST_H
#define KNOTHOLE_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "knothole/age.h"
#include "knothole/err.h"
#include "knothole/limits.h"

/* One file of a submission. All strings are owned by the manifest. */
struct kh_manifest_file {
	char *entry; /* "files/001-NAME", NUL-terminated, safe */
	uint8_t *name; /* the name as sent: any bytes */
	size_t name_len;
	char *type; /* media type as sent, printable ASCII, "" if none */
	uint64_t size; /* bytes */
	bool complete; /* false: the connection was cut within this file */
};

struct kh_manifest {
	uint8_t mailbox[KH_MAILBOX_LEN];
	struct kh_recipient reply_to;
	bool has_slot_key; /* false: of 0.1.0, which can't be answered */
	uint8_t slot_key[KH_SLOT_KEY_LEN]; /* secret: names answers' slots */
	char language[KH_LANGUAGE_MAX + 1]; /* [a-z]{2,8} */
	char day[KH_DAY_LEN + 1]; /* YYYY-MM-DD, UTC */
	bool complete;
	struct kh_recipient *recipients;
	size_t n_recipients;
	struct kh_manifest_file *files;
	size_t n_files;
	size_t json_max; /* its JSON is not longer; kept by kh_manifest_add */
};

/* An empty manifest (all zero, no files). */
KH_CHECKED enum kh_err kh_manifest_new(struct kh_manifest **out);

/* Free and wipe; NULL is fine. */
void kh_manifest_free(struct kh_manifest *m);

/*
 * Append a file; copies its strings. `size` and `complete` are set later
 * through m->files[m->n_files - 1].
 *	name	as sent, name_len <= KH_RAW_NAME_MAX bytes of anything
 *	type	as sent; what is not printable ASCII is dropped
 * Chooses `entry`: "files/NNN-" and the safe form of the name, in which %22,
 * %0D and %0A stand for what browsers write so (HTML, "multipart/form-data").
 * Errors: KH_ELIMIT beyond KH_FILES_MAX or the caps above, or when the JSON
 * might exceed KH_MANIFEST_MAX; KH_ENOMEM. The manifest is then unchanged.
 */
KH_CHECKED enum kh_err kh_manifest_add(struct kh_manifest *m,
    const uint8_t *name, size_t name_len, const char *type, size_t type_len);

/*
 * To JSON, once language, day and recipients are set: printable ASCII and line
 * ends only, everything else escaped. A name that is not valid UTF-8 has
 * U+FFFD for each bad byte (and for NUL), and "name_hex" gives its bytes.
 * *json is NUL-terminated, *n its length, in kh_secret_alloc memory that the
 * caller frees.
 * Errors: KH_ELIMIT beyond KH_MANIFEST_MAX; KH_ENOMEM.
 */
KH_CHECKED enum kh_err kh_manifest_write(
    const struct kh_manifest *m, char **json, size_t *n);

/*
 * From JSON, strictly: no duplicate or missing members, right types and
 * ranges, entries safe, numbered in order and unique, not complete if a file
 * is not, no byte but printable ASCII and white space. Unknown members are
 * passed over (later versions may add some).
 * Errors: KH_EFORMAT, KH_ELIMIT, KH_ENOMEM; KH_EUNSUP for another version.
 */
KH_CHECKED enum kh_err kh_manifest_read(
    const char *json, size_t n, struct kh_manifest **out);

#endif
