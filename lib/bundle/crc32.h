/*
 * CRC-32 as ZIP has it (APPNOTE 4.4.7: polynomial 0xEDB88320, reflected).
 * It guards against bugs only: what vouches for the bytes is the AEAD.
 */
#ifndef KNOTHOLE_LIB_BUNDLE_CRC32_H
#define KNOTHOLE_LIB_BUNDLE_CRC32_H

#include <stddef.h>
#include <stdint.h>

struct kh_crc32 {
	uint32_t t[8][256];
};

/* Fill the tables: 8 KiB, a few microseconds. */
void kh_crc32_init(struct kh_crc32 *c);

/* Continue `crc` (0 at the start) over `n` bytes. */
uint32_t kh_crc32(
    const struct kh_crc32 *c, uint32_t crc, const uint8_t *p, size_t n);

#endif
