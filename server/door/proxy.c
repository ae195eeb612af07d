/*
 * tor's PROXY line. Separate, as it is the only thing in the door that reads
 * bytes from a connection: small enough to be read against the specification
 * in one sitting.
 */
#include "server/door/proxy.h"

#include "lib/base/precond.h"

#define HALF_MAX 0xffffu /* of a circuit's number; a port too */

struct line {
	const uint8_t *p;
	size_t n;
	size_t at;
};

static enum kh_err
literal(struct line *l, const char *text)
{
	for (; *text != '\0'; text++, l->at++) {
		if (l->at == l->n)
			return KH_EAGAIN;
		if (l->p[l->at] != (uint8_t)*text)
			return KH_EFORMAT;
	}
	return KH_OK;
}

/* The value of a digit, or something above every base. */
static uint32_t
digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return (uint32_t)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (uint32_t)(c - 'a') + 10;
	return UINT32_MAX;
}

/* A number without leading zeros, and the byte behind it. */
static enum kh_err
number(struct line *l, uint32_t base, uint8_t end, uint32_t *out)
{
	const size_t first = l->at;
	uint32_t sum = 0;

	for (; l->at < l->n; l->at++) {
		const uint8_t c = l->p[l->at];

		if (c == end && l->at > first) {
			l->at++;
			*out = sum;
			return KH_OK;
		}
		if (digit(c) >= base || (sum == 0 && l->at > first))
			return KH_EFORMAT;
		sum = sum * base + digit(c);
		if (sum > HALF_MAX)
			return KH_EFORMAT;
	}
	return KH_EAGAIN;
}

enum kh_err
kh_proxy_parse(const uint8_t *p, size_t n, uint32_t *circuit, size_t *len)
{
	struct line l = {p, n, 0};
	uint32_t high = 0, low = 0, port;
	enum kh_err e;

	PRECOND((p != NULL || n == 0) && circuit != NULL && len != NULL);

	*circuit = 0;
	*len = 0;
	e = literal(&l, "PROXY TCP6 fc00:dead:beef:4dad::");
	if (e == KH_OK)
		e = number(&l, 16, ':', &high);
	if (e == KH_OK)
		e = number(&l, 16, ' ', &low);
	if (e == KH_OK)
		e = literal(&l, "::1 ");
	if (e == KH_OK)
		e = number(&l, 10, ' ', &port);
	if (e == KH_OK)
		e = number(&l, 10, '\r', &port);
	if (e == KH_OK)
		e = literal(&l, "\n");
	if (e != KH_OK)
		return e;
	*circuit = high << 16 | low;
	*len = l.at;
	return KH_OK;
}
