/*
 * Encoders for the records of our ZIP, and the arithmetic of its length. One
 * place knows the layout; writer and reader both lean on it.
 */
#include "lib/bundle/zip.h"

#include <string.h>

#include "knothole/padme.h"
#include "lib/base/precond.h"

#define PADDING_NAME_LEN 7 /* "padding" */
#define MAX32 0xffffffffU

/* APPNOTE 4.5.2: extended time stamp (no times), Info-ZIP Unix (uid 0, gid 0) */
static const uint8_t extra[20] = {
    'U', 'T', 1, 0, 0, 'u', 'x', 11, 0, 1, 4, 0, 0, 0, 0, 4, 0, 0, 0, 0};

static uint8_t *
put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
	return p + 2;
}

static uint8_t *
put32(uint8_t *p, uint32_t v)
{
	return put16(put16(p, v & 0xffff), v >> 16);
}

static uint8_t *
put64(uint8_t *p, uint64_t v)
{
	return put32(put32(p, (uint32_t)v), (uint32_t)(v >> 32));
}

static uint8_t *
put(uint8_t *p, const void *from, size_t n)
{
	memcpy(p, from, n);
	return p + n;
}

static uint32_t
clamp32(uint64_t v)
{
	return v > MAX32 ? MAX32 : (uint32_t)v;
}

/* General purpose bits: 3 sizes follow the data, 11 the name is UTF-8. */
static unsigned
flags(const struct kh_zip_entry *e)
{
	size_t i;

	for (i = 0; i < e->name_len; i++)
		if ((uint8_t)e->name[i] > 0x7f)
			return 1U << 3 | 1U << 11;
	return 1U << 3;
}

/* Local file header, 4.3.7. */
size_t
kh_zip_local(const struct kh_zip_entry *e, uint8_t out[static KH_ZIP_LOCAL_MAX])
{
	uint8_t *p = out;

	PRECOND(e != NULL && e->name_len > 0 && e->name_len <= KH_ZIP_NAME_MAX);

	p = put(p, "PK\003\004", 4);
	p = put16(p, 45); /* version needed: ZIP64 */
	p = put16(p, flags(e));
	p = put16(p, 0); /* stored */
	p = put32(p, 0x210000); /* 1980-01-01 00:00 */
	p = put32(p, 0); /* CRC follows */
	p = put32(p, MAX32); /* so do the sizes, in 64 bits */
	p = put32(p, MAX32);
	p = put16(p, (unsigned)e->name_len);
	p = put16(p, 40);
	p = put(p, e->name, e->name_len);
	p = put(p, extra, sizeof(extra));
	p = put16(p, 1); /* ZIP64, 4.5.3 */
	p = put16(p, 16);
	p = put64(p, 0);
	p = put64(p, 0);
	return (size_t)(p - out);
}

/* Data descriptor, 4.3.9, with the 64-bit sizes of 4.3.9.2. */
void
kh_zip_descriptor(
    const struct kh_zip_entry *e, uint8_t out[static KH_ZIP_DESCRIPTOR_LEN])
{
	uint8_t *p = out;

	PRECOND(e != NULL);

	p = put(p, "PK\007\010", 4);
	p = put32(p, e->crc);
	p = put64(p, e->size);
	put64(p, e->size);
}

/* Bytes of the ZIP64 field in a central header. Size or offset of exactly
 * 2^32 - 1 stand there only if the other needs the field anyway. */
static size_t
zip64_len(uint64_t size, uint64_t off)
{
	if (size <= MAX32 && off <= MAX32)
		return 0;
	return 4U + (size >= MAX32 ? 16 : 0) + (off >= MAX32 ? 8 : 0);
}

size_t
kh_zip_central_len(size_t name_len, uint64_t size, uint64_t off)
{
	return KH_ZIP_CENTRAL_LEN + name_len + zip64_len(size, off);
}

/* Central directory header, 4.3.12. */
size_t
kh_zip_central(
    const struct kh_zip_entry *e, uint8_t out[static KH_ZIP_CENTRAL_MAX])
{
	size_t n64;
	uint8_t *p = out;

	PRECOND(e != NULL && e->name_len > 0 && e->name_len <= KH_ZIP_NAME_MAX);

	n64 = zip64_len(e->size, e->off);
	p = put(p, "PK\001\002", 4);
	p = put16(p, 3U << 8 | 45); /* made by Unix, version 4.5 */
	p = put16(p, 45);
	p = put16(p, flags(e));
	p = put16(p, 0);
	p = put32(p, 0x210000);
	p = put32(p, e->crc);
	p = put32(p, clamp32(e->size));
	p = put32(p, clamp32(e->size));
	p = put16(p, (unsigned)e->name_len);
	p = put16(p, (unsigned)(sizeof(extra) + n64));
	p = put16(p, 0); /* comment */
	p = put16(p, 0); /* disk */
	p = put16(p, 0); /* internal attributes */
	p = put32(p, 0100600U << 16); /* regular file, mode 0600 */
	p = put32(p, clamp32(e->off));
	p = put(p, e->name, e->name_len);
	p = put(p, extra, sizeof(extra));
	if (n64 > 0) {
		p = put16(p, 1);
		p = put16(p, (unsigned)(n64 - 4));
	}
	if (n64 > 0 && e->size >= MAX32)
		p = put64(put64(p, e->size), e->size);
	if (n64 > 0 && e->off >= MAX32)
		p = put64(p, e->off);
	return (size_t)(p - out);
}

size_t
kh_zip_end_len(uint64_t cd_off)
{
	return cd_off > MAX32 ? KH_ZIP_END64_LEN : KH_ZIP_END_LEN;
}

/* End records, 4.3.14 to 4.3.16. */
size_t
kh_zip_end(size_t n, uint64_t cd_len, uint64_t cd_off,
    uint8_t out[static KH_ZIP_END64_LEN])
{
	uint8_t *p = out;

	PRECOND(n <= KH_ZIP_ENTRIES_MAX && cd_len < MAX32);

	if (kh_zip_end_len(cd_off) == KH_ZIP_END64_LEN) {
		p = put(p, "PK\006\006", 4);
		p = put64(p, 44);
		p = put16(p, 45);
		p = put16(p, 45);
		p = put64(p, 0); /* disks */
		p = put64(p, n);
		p = put64(p, n);
		p = put64(p, cd_len);
		p = put64(p, cd_off);
		p = put(p, "PK\006\007", 4);
		p = put32(p, 0);
		p = put64(p, cd_off + cd_len);
		p = put32(p, 1);
	}
	p = put(p, "PK\005\006", 4);
	p = put32(p, 0);
	p = put16(p, (unsigned)n);
	p = put16(p, (unsigned)n);
	p = put32(p, (uint32_t)cd_len);
	p = put32(p, clamp32(cd_off));
	p = put16(p, 0);
	return (size_t)(p - out);
}

/*
 * The end records are longer when the directory begins beyond 4 GiB, and the
 * padding moves it there. A length at which neither form fits (the 76 bytes
 * between them straddle 4 GiB) is passed over for the next one.
 */
enum kh_err
kh_zip_plan(size_t header_len, uint64_t off, uint64_t cd_len, uint64_t *pad,
    uint64_t *plain_len)
{
	uint64_t data, rest, min;
	enum kh_err e;

	PRECOND(pad != NULL && plain_len != NULL);
	*pad = *plain_len = 0;
	if (off > KH_OBJECT_LEN_MAX || cd_len > KH_OBJECT_LEN_MAX)
		return KH_ELIMIT;

	cd_len += kh_zip_central_len(PADDING_NAME_LEN, 0, off);
	data = off + KH_ZIP_LOCAL_LEN + PADDING_NAME_LEN;
	rest = KH_ZIP_DESCRIPTOR_LEN + cd_len;
	min = data + rest + KH_ZIP_END_LEN;
	for (;;) {
		e = kh_padme_plan(header_len, min, plain_len);
		if (e != KH_OK)
			return e;
		if (*plain_len - cd_len - KH_ZIP_END_LEN <= MAX32) {
			rest += KH_ZIP_END_LEN;
			break;
		}
		if (*plain_len - cd_len - KH_ZIP_END64_LEN > MAX32 &&
		    *plain_len >= data + rest + KH_ZIP_END64_LEN) {
			rest += KH_ZIP_END64_LEN;
			break;
		}
		min = *plain_len + 1;
	}
	*pad = *plain_len - data - rest;
	return KH_OK;
}
