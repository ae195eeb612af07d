/*
 * Record locks on an anonymous file. Separate because memfd_create(2) is
 * Linux's alone, and because a process's locks must be reasoned about in one
 * place: they belong to it, not to the descriptor, and are not inherited.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/precond.h"
#include "server/visit/turns.h"

int
kh_turns_make(void)
{
	return memfd_create("turns", MFD_CLOEXEC);
}

/* Lock or unlock the byte that stands for a turn. */
static int
set(int fd, int how, short type, int turn)
{
	struct flock fl = {
	    .l_type = type, .l_whence = SEEK_SET, .l_start = turn, .l_len = 1};
	int r;

	do
		r = fcntl(fd, how, &fl);
	while (r != 0 && errno == EINTR);
	return r;
}

enum kh_err
kh_turns_take(int fd, int *turn)
{
	for (*turn = 0; *turn < KH_TURNS; (*turn)++) {
		if (set(fd, F_SETLK, F_WRLCK, *turn) == 0)
			return KH_OK;
		if (errno != EAGAIN && errno != EACCES)
			return KH_ESYS;
	}
	/* All are taken: queue for one, spread over them. */
	*turn = (int)(getpid() % KH_TURNS);
	return set(fd, F_SETLKW, F_WRLCK, *turn) == 0 ? KH_OK : KH_ESYS;
}

void
kh_turns_give(int fd, int turn)
{
	PRECOND(turn >= 0 && turn < KH_TURNS);
	PRECOND(set(fd, F_SETLK, F_UNLCK, turn) == 0);
}
