/*
 * The store's test of itself: what a submission needs, tried on an object of
 * its own. It has no name at any time, so nothing of it can be left, and
 * objects/ is not touched.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "knothole/age.h"
#include "knothole/io.h"
#include "knothole/secret.h"
#include "lib/base/precond.h"
#include "server/store/janitor.h"
#include "source_date.h"

#define PIECE 4096
#define PIECES 16 /* of plaintext: an object of the smallest size */
/* Less than this and not even a message is sure to fit; L24: until then there
 * is room for messages, and uploads that do not fit are refused one by one. */
#define ROOM_MIN (UINT64_C(1) << 20)
#define INODES_MIN 256 /* objects, answers, marks; a message takes one */
/* No clock is right before the day of this program's source, nor twenty years
 * after: cards are for ten at most. */
#define CLOCK_MIN KH_SOURCE_DATE
#define CLOCK_MAX (CLOCK_MIN + INT64_C(20) * 365 * 86400)

struct canary {
	int fd;
	struct kh_identity id;
	uint8_t plain[PIECE], sealed[PIECE];
	uint64_t opened; /* bytes that came back as they went in */
	bool differs;
};

static enum kh_err
compare(void *ctx, const uint8_t *p, size_t n)
{
	struct canary *c = ctx;
	size_t i;

	for (i = 0; i < n; i++)
		c->differs |= p[i] != c->plain[(c->opened + i) % PIECE];
	c->opened += n;
	return KH_OK;
}

static enum kh_err
write_sealed(struct canary *c)
{
	struct kh_sealer *s = NULL;
	struct kh_recipient to;
	const struct kh_seal_to all = {.recipients = &to, .n = 1};
	enum kh_err e;
	int i;

	kh_identity_recipient(&c->id, &to);
	e = kh_sealer_new(&s, &all, kh_sink_fd(&c->fd));
	for (i = 0; e == KH_OK && i < PIECES; i++)
		e = kh_sealer_write(s, c->plain, sizeof(c->plain));
	if (e == KH_OK)
		e = kh_sealer_finish(s);
	kh_sealer_free(s);
	if (e == KH_OK && fsync(c->fd) != 0)
		e = kh_io_error();
	return e;
}

static enum kh_err
open_sealed(struct canary *c, const struct kh_keyring *kr)
{
	const struct kh_sink sink = {.write = compare, .ctx = c};
	struct kh_opener *o = NULL;
	enum kh_err e;
	size_t n = 1;

	if (lseek(c->fd, 0, SEEK_SET) != 0)
		return KH_ESYS;
	e = kh_opener_new(&o, kr, sink);
	while (e == KH_OK && n > 0) {
		e = kh_read_upto(c->fd, c->sealed, sizeof(c->sealed), &n);
		if (e == KH_OK && n > 0)
			e = kh_opener_write(o, c->sealed, n);
	}
	if (e == KH_OK)
		e = kh_opener_finish(o);
	kh_opener_free(o);
	if (e == KH_OK && (c->differs || c->opened != PIECE * PIECES))
		e = KH_EAUTH;
	return e;
}

static enum kh_err
sing(int dir)
{
	struct kh_keyring *kr = NULL;
	struct canary *c;
	enum kh_err e = KH_ESYS;

	c = kh_secret_alloc(sizeof(*c));
	if (c == NULL)
		return KH_ENOMEM;
	memset(c, 0, sizeof(*c));
	memset(c->plain, 'k', sizeof(c->plain));
	kh_identity_generate(&c->id);
	c->fd = openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0400);
	if (c->fd < 0) {
		e = kh_io_error();
		goto out;
	}
	e = kh_keyring_new(&kr);
	if (e == KH_OK)
		e = kh_keyring_add(kr, &c->id);
	if (e == KH_OK)
		e = write_sealed(c);
	if (e == KH_OK)
		e = open_sealed(c, kr);
	close(c->fd);
out:
	kh_keyring_free(kr);
	kh_secret_free(c);
	return e;
}

static bool
clock_is_sane(void)
{
	int64_t now = (int64_t)time(NULL);

	return now >= CLOCK_MIN && now <= CLOCK_MAX;
}

/* Room for a message, bytes and inodes; file systems without a number of inodes
 * say 0. */
static enum kh_fault
look_at_disk(struct kh_store *st, int dir, uint32_t *quarters)
{
	struct statvfs sv;
	uint64_t room;

	*quarters = 0;
	if (fstatvfs(dir, &sv) != 0 || kh_store_room(st, &room) != KH_OK)
		return KH_FAULT_STORE;
	if (sv.f_blocks >= 4)
		*quarters = (uint32_t)(sv.f_bavail / (sv.f_blocks / 4));
	if (*quarters > 4)
		*quarters = 4;
	if (room < ROOM_MIN)
		return KH_FAULT_DISK;
	return sv.f_files > 0 && sv.f_favail < INODES_MIN ? KH_FAULT_INODES
							  : KH_FAULT_NONE;
}

enum kh_fault
kh_canary(struct kh_store *st, int dir, uint32_t *quarters)
{
	enum kh_fault f;
	enum kh_err e;

	PRECOND(st != NULL && dir >= 0 && quarters != NULL);
	f = look_at_disk(st, dir, quarters);
	if (f != KH_FAULT_NONE)
		return f;
	if (!clock_is_sane())
		return KH_FAULT_CLOCK;
	e = sing(dir);
	if (e == KH_OK)
		return KH_FAULT_NONE;
	return e == KH_EFULL ? KH_FAULT_DISK : KH_FAULT_STORE;
}
