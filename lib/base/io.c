/*
 * Sinks and sources over descriptors and memory. Every loop over read(2) and
 * write(2) in the library is one of these.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "knothole/io.h"
#include "lib/base/precond.h"

enum kh_err
kh_io_error(void)
{
	return errno == ENOSPC || errno == EDQUOT ? KH_EFULL : KH_ESYS;
}

enum kh_err
kh_write_all(int fd, const void *buf, size_t n)
{
	const uint8_t *p = buf;
	ssize_t r;

	while (n > 0) {
		r = write(fd, p, n);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return kh_io_error();
		p += r;
		n -= (size_t)r;
	}
	return KH_OK;
}

enum kh_err
kh_read_upto(int fd, void *buf, size_t cap, size_t *n)
{
	uint8_t *p = buf;
	ssize_t r;

	*n = 0;
	while (*n < cap) {
		r = read(fd, p + *n, cap - *n);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return KH_ESYS;
		if (r == 0)
			break;
		*n += (size_t)r;
	}
	return KH_OK;
}

static enum kh_err
sink_fd_write(void *ctx, const uint8_t *p, size_t n)
{
	return kh_write_all(*(const int *)ctx, p, n);
}

struct kh_sink
kh_sink_fd(int *fd)
{
	PRECOND(fd != NULL && *fd >= 0);
	return (struct kh_sink){.write = sink_fd_write, .ctx = fd};
}

static enum kh_err
source_fd_read_at(void *ctx, uint64_t off, uint8_t *p, size_t n)
{
	int fd = *(const int *)ctx;
	ssize_t r;

	while (n > 0) {
		r = pread(fd, p, n, (off_t)off);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return KH_ESYS;
		if (r == 0)
			return KH_ETRUNC;
		p += r;
		off += (uint64_t)r;
		n -= (size_t)r;
	}
	return KH_OK;
}

enum kh_err
kh_source_fd(int *fd, struct kh_source *out)
{
	struct stat sb;

	PRECOND(fd != NULL && *fd >= 0 && out != NULL);
	memset(out, 0, sizeof(*out));
	if (fstat(*fd, &sb) != 0)
		return KH_ESYS;
	if (!S_ISREG(sb.st_mode))
		return KH_EUNSUP;
	out->read_at = source_fd_read_at;
	out->ctx = fd;
	out->size = (uint64_t)sb.st_size;
	return KH_OK;
}

static enum kh_err
source_memory_read_at(void *ctx, uint64_t off, uint8_t *p, size_t n)
{
	const struct kh_memory *m = ctx;

	if (off > m->n || n > m->n - off)
		return KH_ETRUNC;
	memcpy(p, m->p + off, n);
	return KH_OK;
}

struct kh_source
kh_source_memory(struct kh_memory *m)
{
	PRECOND(m != NULL);
	return (struct kh_source){
	    .read_at = source_memory_read_at, .ctx = m, .size = m->n};
}
