/*
 * The record of partial downloads. Separate because it is the only place that
 * looks at the machine it runs on.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "client/courier/list.h"
#include "client/courier/parts.h"
#include "knothole/io.h"
#include "lib/base/precond.h"

#define NAME ".courier"
#define NEW ".courier-new" /* until it is written */

static const char head[] = "knothole-courier 1\n";
static const char no_id[] = "00000000000000000000000000000000";

struct record {
	bool there;
	char attachment[33];
	char id[33];
	uint64_t bytes;
};

/* The first bytes of a file of the kernel's; 0 when there is none. */
static size_t
kernel_says(const char *path, char *out, size_t cap)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t n = 0;

	if (fd < 0)
		return 0;
	if (kh_read_upto(fd, out, cap, &n) != KH_OK)
		n = 0;
	close(fd);
	return n;
}

/* The device's sequence number (Linux 5.15): a stick that is put in again has
 * another one. A partition's is its disk's. What is no block device cannot be
 * pulled out. */
static bool
sequence(dev_t dev, char out[static 32], size_t *n)
{
	static const char *const where[] = {"diskseq", "../diskseq"};
	char path[64];
	size_t i;

	*n = 0;
	if (major(dev) == 0)
		return true;
	for (i = 0; i < 2 && *n == 0; i++) {
		(void)snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%s",
		    major(dev), minor(dev), where[i]);
		*n = kernel_says(path, out, 32);
	}
	return *n > 0;
}

/* Something random when it cannot be known: nothing equals it. */
static void
attachment(int fd, char out[static 33])
{
	static const char boot_id[] = "/proc/sys/kernel/random/boot_id";
	crypto_generichash_state state;
	char boot[64], seq[32];
	uint8_t hash[16];
	struct stat sb;
	size_t n, m;

	n = kernel_says(boot_id, boot, sizeof(boot));
	if (n == 0 || fstat(fd, &sb) != 0 || !sequence(sb.st_dev, seq, &m))
		randombytes_buf(hash, sizeof(hash));
	else {
		crypto_generichash_init(&state, NULL, 0, sizeof(hash));
		crypto_generichash_update(
		    &state, (const uint8_t *)head, sizeof(head));
		crypto_generichash_update(&state, (const uint8_t *)boot, n);
		crypto_generichash_update(&state, (const uint8_t *)seq, m);
		crypto_generichash_update(
		    &state, (const uint8_t *)&sb.st_dev, sizeof(sb.st_dev));
		crypto_generichash_final(&state, hash, sizeof(hash));
	}
	sodium_bin2hex(out, 33, hash, sizeof(hash));
}

/* `n` characters of `set`, then `end`; copied with a NUL. */
static bool
take(const char **p, const char *set, size_t n, char end, char *out)
{
	if (strspn(*p, set) < n || (*p)[n] != end)
		return false;
	memcpy(out, *p, n);
	out[n] = '\0';
	*p += n + 1;
	return true;
}

/* What cannot be read is from an attachment that is not ours. */
static void
read_record(int top_fd, struct record *r)
{
	char text[KH_PARTS_RECORD_LEN + 1] = {0}, digits[21];
	const char *p = text + sizeof(head) - 1;
	size_t n = 0, i;
	int fd;

	memset(r, 0, sizeof(*r));
	fd = kh_stick_file(top_fd, NAME, NULL);
	r->there = fd >= 0 || errno != ENOENT;
	if (fd < 0)
		return;
	if (kh_read_upto(fd, text, sizeof(text) - 1, &n) != KH_OK)
		n = 0;
	close(fd);
	if (n != KH_PARTS_RECORD_LEN ||
	    memcmp(text, head, sizeof(head) - 1) != 0)
		return;
	if (!take(&p, "0123456789abcdef", 32, '\n', r->attachment) ||
	    !take(&p, "0123456789abcdef", 32, ' ', r->id) ||
	    !take(&p, "0123456789", 20, '\n', digits)) {
		memset(r->attachment, 0, sizeof(r->attachment));
		return;
	}
	for (i = 0; i < 20 && r->bytes <= KH_OBJECT_LEN_MAX; i++)
		r->bytes = r->bytes * 10 + (uint64_t)(digits[i] - '0');
}

struct cutting {
	const struct kh_stick *stick;
	const struct record *record;
	enum kh_err e;
};

/* Keep of a part what the record vouches for. */
static enum kh_err
cut_part(const struct cutting *c, const char *name)
{
	int dir = c->stick->objects_fd, fd;
	enum kh_err e = KH_OK;
	struct stat sb;

	if (strcmp(name + KH_PART_NAME_LEN - 1 - KH_ID_LEN, c->record->id) != 0)
		return unlinkat(dir, name, 0) == 0 ? KH_OK : KH_ESYS;
	fd = openat(
	    dir, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &sb) != 0 || !S_ISREG(sb.st_mode))
		e = unlinkat(dir, name, 0) == 0 ? KH_OK : KH_ESYS;
	else if ((uint64_t)sb.st_size > c->record->bytes &&
	    (ftruncate(fd, (off_t)c->record->bytes) != 0 || fsync(fd) != 0))
		e = KH_ESYS;
	if (fd >= 0)
		close(fd);
	return e;
}

static bool
cut_entry(void *ctx, const char *name)
{
	struct cutting *c = ctx;

	if (kh_stick_is_part(name))
		c->e = cut_part(c, name);
	return c->e == KH_OK;
}

static enum kh_err
write_record(const struct kh_parts *p, const char *id, uint64_t bytes)
{
	char text[KH_PARTS_RECORD_LEN + 1];

	(void)snprintf(text, sizeof(text), "%s%s\n%s %020" PRIu64 "\n", head,
	    p->attachment, id, bytes);
	if (pwrite(p->fd, text, KH_PARTS_RECORD_LEN, 0) !=
		KH_PARTS_RECORD_LEN ||
	    fdatasync(p->fd) != 0)
		return kh_io_error();
	return KH_OK;
}

enum kh_err
kh_parts_begin(struct kh_parts *p, const struct kh_stick *s)
{
	struct record record;
	struct cutting c = {s, &record, KH_OK};
	enum kh_err e;
	bool same;

	PRECOND(p != NULL && s != NULL && s->objects_fd >= 0);
	p->fd = -1;
	attachment(s->top_fd, p->attachment);
	read_record(s->top_fd, &record);
	same = strcmp(record.attachment, p->attachment) == 0;
	if (record.there && !same) {
		e = kh_stick_scan(s->objects_fd, cut_entry, &c);
		if (e == KH_OK)
			e = c.e;
		if (e == KH_OK)
			e = kh_stick_sync_dir(s->objects_fd);
		if (e != KH_OK)
			return e;
	}
	/* A new file in any case: what is there may be anything. And never no
	 * file, while there may be parts. */
	if (unlinkat(s->top_fd, NEW, 0) != 0 && errno != ENOENT)
		return KH_ESYS;
	p->fd = openat(s->top_fd, NEW, KH_STICK_NEW, 0600);
	if (p->fd < 0)
		return kh_io_error();
	e = write_record(p, same ? record.id : no_id, same ? record.bytes : 0);
	if (e == KH_OK && renameat(s->top_fd, NEW, s->top_fd, NAME) != 0)
		e = KH_ESYS;
	return e == KH_OK ? kh_stick_sync_dir(s->top_fd) : e;
}

enum kh_err
kh_parts_note(struct kh_parts *p, const char *id, uint64_t bytes)
{
	PRECOND(p != NULL && p->fd >= 0 && id != NULL);
	return write_record(p, id, bytes);
}

static bool
no_part(void *ctx, const char *name)
{
	bool *none = ctx;

	*none = !kh_stick_is_part(name);
	return *none;
}

void
kh_parts_end(struct kh_parts *p, const struct kh_stick *s)
{
	bool none = true;

	PRECOND(p != NULL && s != NULL);
	if (p->fd < 0)
		return;
	close(p->fd);
	p->fd = -1;
	if (kh_stick_scan(s->objects_fd, no_part, &none) == KH_OK && none &&
	    unlinkat(s->top_fd, NAME, 0) == 0)
		(void)fsync(s->top_fd); /* it does no harm if it stays */
}
