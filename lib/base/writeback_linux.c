/*
 * sync_file_range(2) behind a sink. Separate, because it is Linux's alone and
 * only a matter of speed: durability comes from the fdatasync that follows.
 */
#include <fcntl.h>

#include "knothole/writeback.h"
#include "lib/base/precond.h"

#define STEP (UINT64_C(8) << 20) /* bytes between two starts */

static enum kh_err
write_file(void *ctx, const uint8_t *p, size_t n)
{
	struct kh_file_sink *f = ctx;
	enum kh_err e;

	e = kh_write_all(f->fd, p, n);
	if (e != KH_OK)
		return e;
	f->written += n;
	if (f->written - f->started >= STEP) {
		/* Not supported everywhere, and then not needed. */
		(void)sync_file_range(f->fd, (off64_t)f->started,
		    (off64_t)(f->written - f->started), SYNC_FILE_RANGE_WRITE);
		f->started = f->written;
	}
	return KH_OK;
}

struct kh_sink
kh_sink_file(struct kh_file_sink *f)
{
	PRECOND(f != NULL && f->fd >= 0);
	return (struct kh_sink){.write = write_file, .ctx = f};
}
