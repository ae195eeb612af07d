/*
 * Reading files and standard input. Separate so that all of them refuse
 * directories alike, and plaintext passes through locked memory only.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/exit.h"
#include "client/input.h"
#include "knothole/io.h"
#include "knothole/secret.h"
#include "lib/base/precond.h"

const char *
kh_input_name(const char *path)
{
	if (path == NULL || strcmp(path, "-") == 0)
		return "standard input";
	return path;
}

bool
kh_input_is_age(const char *text, size_t n)
{
	static const char binary[] = "age-encryption.org/";
	static const char armor[] = "-----BEGIN AGE ENCRYPTED FILE-----";

	return (n >= sizeof(binary) - 1 &&
		   memcmp(text, binary, sizeof(binary) - 1) == 0) ||
	    (n >= sizeof(armor) - 1 &&
		memcmp(text, armor, sizeof(armor) - 1) == 0);
}

int
kh_input_open(const char *path, int *fd)
{
	struct stat sb;

	PRECOND(fd != NULL);
	*fd = STDIN_FILENO;
	if (path == NULL || strcmp(path, "-") == 0)
		return KH_EXIT_OK;
	*fd = open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	if (*fd < 0)
		return kh_fail_open(path);
	if (fstat(*fd, &sb) == 0 && S_ISDIR(sb.st_mode)) {
		close(*fd);
		*fd = -1;
		errno = EISDIR;
		return kh_fail_open(path);
	}
	return KH_EXIT_OK;
}

void
kh_input_close(int fd)
{
	if (fd > STDERR_FILENO)
		close(fd);
}

enum kh_err
kh_input_all(int fd, size_t cap, char **p, size_t *n)
{
	enum kh_err e;
	int err;

	PRECOND(fd >= 0 && cap > 0 && p != NULL && n != NULL);
	*n = 0;
	*p = kh_secret_alloc(cap + 1);
	if (*p == NULL)
		return KH_ENOMEM;
	e = kh_read_upto(fd, *p, cap + 1, n);
	if (e == KH_OK && *n > cap)
		e = KH_ELIMIT;
	if (e != KH_OK) {
		err = errno;
		kh_secret_free(*p);
		*p = NULL;
		*n = 0;
		errno = err;
	}
	return e;
}

static enum kh_err
pump(int fd, struct kh_input_to *to, uint8_t *buf, int *failed_read)
{
	size_t got;
	enum kh_err e;

	for (;;) {
		e = kh_read_upto(fd, buf, KH_INPUT_LEN, &got);
		if (e != KH_OK) {
			*failed_read = 1;
			return e;
		}
		if (got == 0)
			return KH_OK;
		e = to->write(to->ctx, buf, got);
		if (e != KH_OK)
			return e;
		to->n += got;
		if (to->progress != NULL)
			to->progress(to->progress_ctx, to->n);
	}
}

enum kh_err
kh_input_pump(int fd, struct kh_input_to *to, int *failed_read)
{
	uint8_t *buf;
	enum kh_err e;
	int err;

	PRECOND(fd >= 0 && to != NULL && failed_read != NULL);
	*failed_read = 0;
	buf = kh_secret_alloc(KH_INPUT_LEN);
	if (buf == NULL)
		return KH_ENOMEM;
	e = pump(fd, to, buf, failed_read);
	err = errno;
	kh_secret_free(buf);
	errno = err;
	return e;
}
