/*
 * SHA256SUMS as a file of the stick, and hashing what is there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/courier/sha256.h"
#include "client/courier/sums.h"
#include "client/signals.h"
#include "knothole/io.h"
#include "lib/base/precond.h"

#define NAME "SHA256SUMS"
#define SIGNATURE "SHA256SUMS.minisig"
#define NEW ".part-SHA256SUMS"
#define LINE_EXTRA (KH_SHA256_HEX_LEN - 1 + 3) /* hex, two blanks, LF */
#define READ_LEN 1048576 /* bytes hashed at once */

/* All of the file, allocated; *text is NULL when there is none. */
static enum kh_err
read_file(const struct kh_stick *k, char **text, size_t *n)
{
	uint64_t size;
	enum kh_err e;
	int fd;

	*text = NULL;
	*n = 0;
	fd = kh_stick_file(k->top_fd, NAME, &size);
	if (fd < 0)
		return errno == ENOENT                   ? KH_OK
		    : errno == ELOOP || errno == ENOTSUP ? KH_EFORMAT
							 : KH_ESYS;
	if (size > KH_SUMS_MAX) {
		close(fd);
		return KH_ELIMIT;
	}
	*text = malloc((size_t)size + 1);
	e = *text == NULL ? KH_ENOMEM
			  : kh_read_upto(fd, *text, (size_t)size + 1, n);
	close(fd);
	return e;
}

/* Leave out the lines of files that are not there. */
static void
forget_missing(struct kh_sums *s, const struct kh_stick *k)
{
	struct stat sb;
	size_t i, n = 0;

	for (i = 0; i < s->n; i++) {
		if (fstatat(k->top_fd, s->sum[i].path, &sb,
			AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(sb.st_mode)) {
			s->sum[n++] = s->sum[i];
			continue;
		}
		free(s->sum[i].path);
		s->changed = true;
	}
	s->n = n;
}

enum kh_err
kh_sums_load(struct kh_sums *s, const struct kh_stick *k)
{
	char *text;
	enum kh_err e;
	size_t n;

	PRECOND(s != NULL && k != NULL && k->top_fd >= 0);
	memset(s, 0, sizeof(*s));
	e = read_file(k, &text, &n);
	if (e == KH_OK)
		e = kh_sums_parse(s, text == NULL ? "" : text, n);
	free(text);
	if (e == KH_EFORMAT || e == KH_ELIMIT) {
		kh_stick_say("", NAME,
		    "not as sha256sum writes it, sorted; it is made anew "
		    "for the objects");
		s->changed = true;
		e = KH_OK;
	}
	if (e == KH_OK)
		forget_missing(s, k);
	return e;
}

static char *
to_text(const struct kh_sums *s, size_t *n)
{
	char *text, *p;
	size_t i, len;

	*n = 0;
	for (i = 0; i < s->n; i++)
		*n += strlen(s->sum[i].path) + LINE_EXTRA;
	text = p = malloc(*n + 1);
	for (i = 0; p != NULL && i < s->n; i++) {
		memcpy(p, s->sum[i].hex, KH_SHA256_HEX_LEN - 1);
		p += KH_SHA256_HEX_LEN - 1;
		memcpy(p, "  ", 2);
		len = strlen(s->sum[i].path);
		memcpy(p + 2, s->sum[i].path, len);
		p[2 + len] = '\n';
		p += len + 3;
	}
	return text;
}

/* Remove if it is there. */
static bool
removed(const struct kh_stick *k, const char *name)
{
	return unlinkat(k->top_fd, name, 0) == 0 || errno == ENOENT;
}

/* Written under another name, synced, then renamed. */
static enum kh_err
replace(const struct kh_stick *k, const char *text, size_t n)
{
	enum kh_err e;
	int fd;

	if (!removed(k, NEW))
		return KH_ESYS;
	fd = openat(k->top_fd, NEW, KH_STICK_NEW, 0600);
	if (fd < 0)
		return kh_io_error();
	e = kh_write_all(fd, text, n);
	if (e == KH_OK && fsync(fd) != 0)
		e = KH_ESYS;
	close(fd);
	if (e != KH_OK)
		return e;
	if (!removed(k, SIGNATURE) ||
	    renameat(k->top_fd, NEW, k->top_fd, NAME) != 0)
		return KH_ESYS;
	return kh_stick_sync_dir(k->top_fd);
}

enum kh_err
kh_sums_save(struct kh_sums *s, const struct kh_stick *k)
{
	enum kh_err e;
	char *text;
	size_t n;

	PRECOND(s != NULL && k != NULL && k->top_fd >= 0);
	if (!s->changed)
		return KH_OK;
	text = to_text(s, &n);
	if (text == NULL)
		return KH_ENOMEM;
	e = replace(k, text, n);
	free(text);
	s->changed = e != KH_OK;
	return e;
}

enum kh_err
kh_sums_hash(int fd, char hex[static KH_SHA256_HEX_LEN])
{
	struct kh_sha256 hash;
	uint8_t *buf = malloc(READ_LEN);
	enum kh_err e = buf == NULL ? KH_ENOMEM : KH_OK;
	size_t n = 1;

	kh_sha256_begin(&hash);
	while (e == KH_OK && n > 0) {
		e = kh_read_upto(fd, buf, READ_LEN, &n);
		if (e == KH_OK)
			kh_sha256_add(&hash, buf, n);
		if (e == KH_OK && kh_signals_caught())
			e = KH_EAGAIN;
	}
	kh_sha256_end(&hash, hex);
	free(buf);
	return e;
}
