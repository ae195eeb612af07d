/*
 * How a head that was refused is answered: the same for sources and for
 * couriers. Separate from the parser, which does not know of answers.
 */
#include <string.h>

#include "server/visit/head.h"

unsigned
kh_head_status(enum kh_head_fault fault)
{
	static const unsigned status[] = {
	    [KH_HEAD_FINE] = 400,
	    [KH_HEAD_MALFORMED] = 400,
	    [KH_HEAD_METHOD] = 405,
	    [KH_HEAD_TARGET] = 404,
	    [KH_HEAD_LENGTH] = 411,
	    [KH_HEAD_CODING] = 501,
	    [KH_HEAD_EXPECT] = 417,
	    [KH_HEAD_VERSION] = 505,
	    [KH_HEAD_LARGE] = 431,
	};

	return status[fault];
}

bool
kh_head_wants_none(const void *p, size_t n)
{
	static const char head[] = "HEAD ";

	return n >= sizeof(head) - 1 && memcmp(p, head, sizeof(head) - 1) == 0;
}
