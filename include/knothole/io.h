/*
 * Where bytes go and come from: two callback interfaces, and both of them
 * over descriptors. Nothing here buffers.
 */
#ifndef KNOTHOLE_IO_H
#define KNOTHOLE_IO_H

#include <stddef.h>
#include <stdint.h>

#include "knothole/err.h"

/*
 * Takes all `n` bytes at `p` or fails; after a failure it is not called
 * again. `p` is valid during the call only.
 */
struct kh_sink {
	enum kh_err (*write)(void *ctx, const uint8_t *p, size_t n);
	void *ctx;
};

/*
 * Reads exactly `n` bytes at offset `off`; off + n <= size always holds.
 * KH_ETRUNC when the bytes are not there after all.
 */
struct kh_source {
	enum kh_err (*read_at)(void *ctx, uint64_t off, uint8_t *p, size_t n);
	void *ctx;
	uint64_t size; /* bytes in all */
};

/* A sink into descriptor `*fd`, which stays the caller's (and must outlive
 * the sink). KH_EFULL on ENOSPC and EDQUOT, else KH_ESYS. */
struct kh_sink kh_sink_fd(int *fd);

/* A source over a regular file's descriptor `*fd` (must outlive the source).
 * Errors: KH_ESYS; KH_EUNSUP when it is not a regular file. */
KH_CHECKED enum kh_err kh_source_fd(int *fd, struct kh_source *out);

/* A source over memory, which the caller keeps alive. */
struct kh_memory {
	const uint8_t *p;
	size_t n;
};
struct kh_source kh_source_memory(struct kh_memory *m);

/* KH_EFULL where errno is ENOSPC or EDQUOT, else KH_ESYS. Keeps errno. */
enum kh_err kh_io_error(void);

/* Write all of it, whatever the signals. KH_EFULL, KH_ESYS. */
KH_CHECKED enum kh_err kh_write_all(int fd, const void *p, size_t n);

/* Read until `cap` bytes or the end; `*n` receives how many. KH_ESYS. */
KH_CHECKED enum kh_err kh_read_upto(int fd, void *p, size_t cap, size_t *n);

#endif
