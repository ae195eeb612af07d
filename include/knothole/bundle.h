/*
 * The bundle: what is inside a sealed object. A ZIP archive, stored, written
 * in one pass (sizes follow the data), every time stamp 1980-01-01, entries in
 * this order (FORMAT.md, "Bundle"):
 *
 *	message.txt			if there is a message
 *	files/001-NAME ...		in the order sent
 *	manifest.json
 *	padding				zero bytes, to a Padmé size
 *
 * A message that arrives late may stand after any of the files instead.
 */
#ifndef KNOTHOLE_BUNDLE_H
#define KNOTHOLE_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "knothole/age.h"
#include "knothole/err.h"
#include "knothole/manifest.h"

/*
 * Try out libarchive before the first bundle: it must write ZIP to the byte
 * as FORMAT.md has it. This also makes libc read its locale and time zone, so
 * that afterwards, and in every process forked afterwards, bundles can be
 * written where a sandbox forbids opening files.
 * Errors: KH_EPROTO if it writes differently; KH_ESYS without the locale;
 * KH_ENOMEM.
 */
KH_CHECKED enum kh_err kh_bundle_init(void);

/*
 * Writing. A bundle writer seals straight into its sink: no byte of plaintext
 * rests anywhere but in the chunk being filled.
 */
struct kh_bundle_writer;

/* What the manifest says of the whole; copied. */
struct kh_bundle_info {
	uint8_t mailbox[KH_MAILBOX_LEN];
	struct kh_recipient reply_to;
	uint8_t slot_key[KH_SLOT_KEY_LEN]; /* secret: wipe after use */
	const char *language; /* [a-z]{2,8} */
	const char *day; /* YYYY-MM-DD */
	const struct kh_bridge *bridges; /* not in the manifest, not kept */
	size_t n_bridges; /* as in struct kh_seal_to */
};

/*
 * Start an object for `n` recipients (1 to KH_RECIPIENTS_MAX): writes the age
 * header to `sink`. Errors as kh_sealer_new.
 */
KH_CHECKED enum kh_err kh_bundle_writer_new(struct kh_bundle_writer **out,
    const struct kh_recipient *recipients, size_t n,
    const struct kh_bundle_info *info, struct kh_sink sink);

/* Write message.txt, at most once and not within a file. n > 0.
 * Errors: KH_ELIMIT beyond KH_MESSAGE_MAX (nothing is written then). */
KH_CHECKED enum kh_err kh_bundle_message(
    struct kh_bundle_writer *w, const uint8_t *text, size_t n);

/* Begin a file. Arguments as kh_manifest_add; when that says KH_ELIMIT,
 * nothing is written and the bundle can go on without this file. Any other
 * error, of any of these calls, stays: the object cannot be finished. */
KH_CHECKED enum kh_err kh_bundle_file(struct kh_bundle_writer *w,
    const uint8_t *name, size_t name_len, const char *type, size_t type_len);

/* Bytes of the file begun. */
KH_CHECKED enum kh_err kh_bundle_data(
    struct kh_bundle_writer *w, const uint8_t *p, size_t n);

/* End it. `complete` false: it was cut. */
KH_CHECKED enum kh_err kh_bundle_file_end(
    struct kh_bundle_writer *w, bool complete);

/*
 * Write manifest, padding and directory and seal the last chunk; the object
 * then has exactly a Padmé length. Not within a file.
 *	complete	false: the submission was cut; implied by a file that was
 *	sealed_len	receives the object's length in bytes; or NULL
 * Errors: any of the above; KH_EPROTO if the archive did not come out at the
 * length that was planned (a libarchive that writes ZIP differently).
 */
KH_CHECKED enum kh_err kh_bundle_finish(
    struct kh_bundle_writer *w, bool complete, uint64_t *sealed_len);

void kh_bundle_writer_free(struct kh_bundle_writer *w); /* NULL is fine */

/*
 * Reading. Names, order, types and sizes are checked against each other and
 * against the manifest before anything is reported: an archive that this
 * module did not write is KH_EFORMAT (L1, L2).
 */
struct kh_bundle_reader;

struct kh_bundle_entry {
	const char *path; /* "message.txt", "manifest.json", "files/..." */
	uint64_t size; /* bytes */
	/* the manifest's record of a file, or NULL */
	const struct kh_manifest_file *file;
};

/* Reads directory and manifest only (what else the archive has is checked
 * by kh_bundle_read). `r` must outlive the reader.
 * Errors: KH_EFORMAT, KH_EAUTH, KH_ELIMIT, KH_EUNSUP, KH_ENOMEM. */
KH_CHECKED enum kh_err kh_bundle_reader_new(
    struct kh_bundle_reader **out, struct kh_age_reader *r);
void kh_bundle_reader_free(struct kh_bundle_reader *b); /* NULL is fine */

/* The manifest, parsed and checked against the archive; the reader's. */
const struct kh_manifest *kh_bundle_manifest(const struct kh_bundle_reader *b);

/* manifest.json as it stands; not NUL-terminated; the reader's. */
const char *kh_bundle_manifest_json(
    const struct kh_bundle_reader *b, size_t *n);

/* Entries in their order, padding left out: i < kh_bundle_count. */
size_t kh_bundle_count(const struct kh_bundle_reader *b);
const struct kh_bundle_entry *kh_bundle_at(
    const struct kh_bundle_reader *b, size_t i);

/*
 * Read all entries in order, each into the sink that `open` gives for it.
 * Each entry's local header must repeat what the directory says, to the byte,
 * before `open` is called for it; CRCs are checked, and that padding is zero;
 * `done` follows each entry that was whole.
 * `open` may set sink->write to NULL to pass an entry over.
 * Errors: KH_EFORMAT, KH_EAUTH, KH_ETRUNC and whatever the callbacks return.
 * Authenticates only what it reads: call kh_age_reader_verify before trusting
 * that the object is whole.
 */
struct kh_bundle_visitor {
	enum kh_err (*open)(
	    void *ctx, const struct kh_bundle_entry *e, struct kh_sink *sink);
	enum kh_err (*done)(void *ctx, const struct kh_bundle_entry *e);
	void *ctx;
};
KH_CHECKED enum kh_err kh_bundle_read(
    struct kh_bundle_reader *b, const struct kh_bundle_visitor *v);

#endif
