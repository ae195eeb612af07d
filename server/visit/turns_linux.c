/*
 * Record locks on an anonymous file. Separate because memfd_create(2) is
 * Linux's alone, and because a process's locks must be reasoned about in one
 * place: they belong to it, not to the descriptor, and are not inherited.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/precond.h"
#include "server/visit/turns.h"

int
kh_turns_make(void)
{
	return memfd_create("turns", MFD_CLOEXEC);
}

/* Lock or unlock a byte: the turns, and behind them the shares. */
static int
set(int fd, int how, short type, off_t byte)
{
	struct flock fl = {
	    .l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
	int r;

	do
		r = fcntl(fd, how, &fl);
	while (r != 0 && errno == EINTR);
	return r;
}

static off_t
byte_of(uint32_t share)
{
	return KH_TURNS + (off_t)share;
}

enum kh_err
kh_turns_take(int fd, uint32_t share, struct kh_turn *turn)
{
	/* Always the share first: who has it may wait for a turn, and who has
	 * a turn waits for nothing. */
	*turn = (struct kh_turn){.share = share};
	if (share != 0 && set(fd, F_SETLKW, F_WRLCK, byte_of(share)) != 0)
		return KH_ESYS;
	for (; turn->which < KH_TURNS; turn->which++) {
		if (set(fd, F_SETLK, F_WRLCK, turn->which) == 0)
			return KH_OK;
		if (errno != EAGAIN && errno != EACCES)
			return KH_ESYS;
	}
	/* All are taken: queue for one, spread over them. */
	turn->which = (int)(getpid() % KH_TURNS);
	return set(fd, F_SETLKW, F_WRLCK, turn->which) == 0 ? KH_OK : KH_ESYS;
}

void
kh_turns_give(int fd, const struct kh_turn *turn)
{
	PRECOND(turn->which >= 0 && turn->which < KH_TURNS);
	PRECOND(set(fd, F_SETLK, F_UNLCK, turn->which) == 0);
	if (turn->share != 0)
		PRECOND(set(fd, F_SETLK, F_UNLCK, byte_of(turn->share)) == 0);
}
