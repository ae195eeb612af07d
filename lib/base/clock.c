/*
 * The monotonic clock. Separate, so that there is one of it.
 */
#include <time.h>

#include "lib/base/clock.h"
#include "lib/base/precond.h"

int64_t
kh_clock_ms(void)
{
	struct timespec ts;

	PRECOND(clock_gettime(CLOCK_MONOTONIC, &ts) == 0);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}
