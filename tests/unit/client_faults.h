/*
 * The modules of the client that write files, with the file systems that have
 * no O_TMPFILE, no RENAME_NOREPLACE or no room put in their place, and a
 * directory to try them in.
 */
#ifndef KH_TESTS_CLIENT_FAULTS_H
#define KH_TESTS_CLIENT_FAULTS_H

#include "tests/unit/tap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
	int open_errno; /* openat fails for O_TMPFILE */
	int rename_errno; /* renameat2 fails */
	int linkat_errno; /* linkat fails */
	int fsync_errno; /* fsync number `fsync_at` fails */
	int fsync_at;
	int renameat_errno;
} fault;

static inline int
fault_openat(int dir, const char *name, int flags, mode_t mode)
{
	if ((flags & O_TMPFILE) == O_TMPFILE && fault.open_errno != 0) {
		errno = fault.open_errno;
		return -1;
	}
	return openat(dir, name, flags, mode);
}

static inline int
fault_renameat2(
    int from, const char *old, int to, const char *name, unsigned flags)
{
	if (fault.rename_errno != 0) {
		errno = fault.rename_errno;
		return -1;
	}
	return renameat2(from, old, to, name, flags);
}

static inline int
fault_renameat(int from, const char *old, int to, const char *name)
{
	if (fault.renameat_errno != 0) {
		errno = fault.renameat_errno;
		return -1;
	}
	return renameat(from, old, to, name);
}

static inline int
fault_linkat(int from, const char *old, int to, const char *name, int flags)
{
	if (fault.linkat_errno != 0) {
		errno = fault.linkat_errno;
		return -1;
	}
	return linkat(from, old, to, name, flags);
}

static inline int
fault_fsync(int fd)
{
	if (fault.fsync_errno != 0 && fault.fsync_at-- == 0) {
		errno = fault.fsync_errno;
		return -1;
	}
	return fsync(fd);
}

/* openat is called with three arguments for directories. */
#define openat(dir, name, ...) \
	fault_openat(          \
	    dir, name, FIRST(__VA_ARGS__, 0), SECOND(__VA_ARGS__, 0, 0))
#define FIRST(a, ...) a
#define SECOND(a, b, ...) b
#define renameat2 fault_renameat2
#define renameat fault_renameat
#define linkat fault_linkat
#define fsync fault_fsync
#include "client/output.c"
#include "client/signals.c"
#include "client/tree.c"
#undef openat
#undef renameat2
#undef renameat
#undef linkat
#undef fsync

struct place {
	char path[64];
	int fd;
};

static inline int
setup(void **state)
{
	static const char template[] = "/tmp/knothole-test-XXXXXX";
	struct place *p = calloc(1, sizeof(*p));

	memset(&fault, 0, sizeof(fault));
	if (p == NULL)
		return -1;
	memcpy(p->path, template, sizeof(template));
	if (mkdtemp(p->path) == NULL)
		return -1;
	p->fd = open(p->path, O_RDONLY | O_DIRECTORY);
	*state = p;
	return p->fd < 0 ? -1 : 0;
}

/* How many entries there are. */
static inline size_t
count(const struct place *p)
{
	DIR *d = opendir(p->path);
	size_t n = 0;

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n - 2;
}

static inline int
teardown(void **state)
{
	struct place *p = *state;
	char command[96];

	close(p->fd);
	(void)snprintf(command, sizeof(command), "rm -rf %s", p->path);
	if (system(command) != 0)
		return -1;
	free(p);
	return 0;
}

static inline void
put(struct place *p, const char *name, const char *text)
{
	int fd = openat(p->fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static inline void
assert_content(struct place *p, const char *name, const char *text)
{
	char buf[64] = {0};
	int fd = openat(p->fd, name, O_RDONLY | O_NOFOLLOW);

	assert_true(fd >= 0);
	assert_true(read(fd, buf, sizeof(buf) - 1) >= 0);
	assert_string_equal(buf, text);
	close(fd);
}

#define T(x) cmocka_unit_test_setup_teardown(x, setup, teardown)

#endif
