/*
 * Preconditions: a caller's bug aborts at once; outside input never does.
 */
#ifndef KNOTHOLE_PRECOND_H
#define KNOTHOLE_PRECOND_H

#include <stdlib.h>

#define PRECOND(x)               \
	do {                     \
		if (!(x))        \
			abort(); \
	} while (0)

#endif
