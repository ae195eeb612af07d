/*
 * CRC-32, eight bytes at a step, so that reading a bundle costs little more
 * than opening it. Here because no library that we link offers it.
 */
#include "lib/bundle/crc32.h"

#include "lib/base/precond.h"

void
kh_crc32_init(struct kh_crc32 *c)
{
	uint32_t v;
	unsigned i, k;

	PRECOND(c != NULL);

	for (i = 0; i < 256; i++) {
		v = i;
		for (k = 0; k < 8; k++)
			v = (v >> 1) ^ ((v & 1) != 0 ? 0xedb88320U : 0);
		c->t[0][i] = v;
	}
	for (k = 1; k < 8; k++)
		for (i = 0; i < 256; i++)
			c->t[k][i] = (c->t[k - 1][i] >> 8) ^
			    c->t[0][c->t[k - 1][i] & 0xff];
}

uint32_t
kh_crc32(const struct kh_crc32 *c, uint32_t crc, const uint8_t *p, size_t n)
{
	uint32_t v = ~crc;

	PRECOND(c != NULL && (p != NULL || n == 0));

	for (; n >= 8; n -= 8, p += 8) {
		v ^= (uint32_t)p[0] | (uint32_t)p[1] << 8 |
		    (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
		v = c->t[7][v & 0xff] ^ c->t[6][v >> 8 & 0xff] ^
		    c->t[5][v >> 16 & 0xff] ^ c->t[4][v >> 24] ^ c->t[3][p[4]] ^
		    c->t[2][p[5]] ^ c->t[1][p[6]] ^ c->t[0][p[7]];
	}
	for (; n > 0; n--, p++)
		v = (v >> 8) ^ c->t[0][(v ^ *p) & 0xff];
	return ~v;
}
