/*
 * How much of a partial download is really on the stick. While the stick stays
 * where it is, every byte that was written is there, also after the program
 * was killed. When it was pulled out, or the machine stopped, the length of a
 * file says nothing: blocks that never arrived read as zeros, or as something
 * else. So a small file says which attachment of the stick it was written in,
 * and how many bytes of which part are known to have arrived:
 *
 *	knothole-courier 1 LF
 *	<32 hex digits: the attachment> LF
 *	<32 hex digits: an id, or zeros> <20 digits: bytes of its part> LF
 *
 * The attachment is a hash over the boot and the device's sequence number.
 */
#ifndef KNOTHOLE_COURIER_PARTS_H
#define KNOTHOLE_COURIER_PARTS_H

#include <stdint.h>

#include "client/courier/stick.h"
#include "knothole/err.h"

#define KH_PARTS_RECORD_LEN (19 + 33 + 33 + 21)

struct kh_parts {
	int fd; /* of the record, or -1 */
	char attachment[33];
};

/*
 * Begin: cut parts that an earlier attachment left to what is known of them (or
 * remove them), then say that this attachment writes now. No part may be made
 * before this. Errors: KH_EFULL, KH_ESYS.
 */
KH_CHECKED enum kh_err kh_parts_begin(
    struct kh_parts *p, const struct kh_stick *s);

/* The first `bytes` of this object's part are synced. KH_EFULL, KH_ESYS. */
KH_CHECKED enum kh_err kh_parts_note(
    struct kh_parts *p, const char *id, uint64_t bytes);

/* End: if no part is left, the record goes. */
void kh_parts_end(struct kh_parts *p, const struct kh_stick *s);

#endif
