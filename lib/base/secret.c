/*
 * Locked, guarded, wiped memory: libsodium's, with its failures made visible.
 */
#include <errno.h>
#include <sodium.h>
#include <sys/mman.h>

#include "knothole/secret.h"
#include "lib/base/precond.h"

enum kh_err
kh_init(void)
{
	return sodium_init() < 0 ? KH_ESYS : KH_OK;
}

void *
kh_secret_alloc(size_t n)
{
	PRECOND(n > 0);
	return sodium_malloc(n);
}

void
kh_secret_free(void *p)
{
	sodium_free(p);
}

void
kh_wipe(void *p, size_t n)
{
	if (n > 0)
		sodium_memzero(p, n);
}

bool
kh_equal(const void *a, const void *b, size_t n)
{
	return sodium_memcmp(a, b, n) == 0;
}

enum kh_err
kh_secret_probe(size_t n)
{
	void *p;
	enum kh_err e = KH_OK;

	PRECOND(n > 0);
	p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
	    -1, 0);
	if (p == MAP_FAILED)
		return KH_ENOMEM;
	if (mlock(p, n) != 0)
		e = KH_ENOMEM;
	if (munmap(p, n) != 0)
		e = KH_ENOMEM;
	return e;
}
