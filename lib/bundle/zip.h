/*
 * The records of our ZIP, to the byte (PKWARE APPNOTE 6.3.10, section 4.3).
 * A bundle has exactly one form: given names, sizes and CRCs, every other
 * byte is fixed. The writer plans its length with these, the reader encodes
 * what it has read and compares.
 *
 *	{ local header, data, descriptor }...  central header...  end records
 *
 * Stored; sizes after the data; ZIP64 in every local header and descriptor,
 * and in the directory where 32 bits do not suffice; no times (DOS time is
 * 1980-01-01 00:00, the extended time stamp is empty); uid and gid 0; mode
 * 0600. It is what libarchive 3.6.2 writes.
 */
#ifndef KNOTHOLE_LIB_BUNDLE_ZIP_H
#define KNOTHOLE_LIB_BUNDLE_ZIP_H

#include <stddef.h>
#include <stdint.h>

#include "knothole/err.h"
#include "knothole/limits.h"

#define KH_ZIP_NAME_MAX (10 + KH_NAME_MAX) /* "files/NNN-" and the name */
#define KH_ZIP_LOCAL_LEN 70 /* and the name: 30 fixed, 40 extra */
#define KH_ZIP_LOCAL_MAX (KH_ZIP_LOCAL_LEN + KH_ZIP_NAME_MAX)
#define KH_ZIP_DESCRIPTOR_LEN 24
#define KH_ZIP_CENTRAL_LEN 66 /* and the name: 46 fixed, 20 extra */
#define KH_ZIP_CENTRAL_MAX (KH_ZIP_CENTRAL_LEN + KH_ZIP_NAME_MAX + 28)
#define KH_ZIP_END_LEN 22
#define KH_ZIP_END64_LEN 98 /* ZIP64 end record, locator, end record */
#define KH_ZIP_ENTRIES_MAX (KH_FILES_MAX + 3)

struct kh_zip_entry {
	const char *name; /* not NUL-terminated */
	size_t name_len; /* 1 to KH_ZIP_NAME_MAX */
	uint64_t size; /* bytes of data */
	uint64_t off; /* of its local header */
	uint32_t crc;
};

/* Each writes one record and returns its length. */
size_t kh_zip_local(
    const struct kh_zip_entry *e, uint8_t out[static KH_ZIP_LOCAL_MAX]);
void kh_zip_descriptor(
    const struct kh_zip_entry *e, uint8_t out[static KH_ZIP_DESCRIPTOR_LEN]);
size_t kh_zip_central(
    const struct kh_zip_entry *e, uint8_t out[static KH_ZIP_CENTRAL_MAX]);
size_t kh_zip_end(size_t n, uint64_t cd_len, uint64_t cd_off,
    uint8_t out[static KH_ZIP_END64_LEN]);

/* The same lengths without writing. */
size_t kh_zip_central_len(size_t name_len, uint64_t size, uint64_t off);
size_t kh_zip_end_len(uint64_t cd_off);

/*
 * How many zero bytes must the entry `padding` have, so that the sealed
 * object has a Padmé length?
 *	header_len	as for kh_padme_plan
 *	off		where the local header of `padding` begins
 *	cd_len		bytes of directory for the entries before it
 *	pad		receives the number
 *	plain_len	receives the length of the whole archive
 * Errors: KH_ELIMIT.
 */
KH_CHECKED enum kh_err kh_zip_plan(size_t header_len, uint64_t off,
    uint64_t cd_len, uint64_t *pad, uint64_t *plain_len);

#endif
