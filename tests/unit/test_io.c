/*
 * lib/base, all but secrets: error texts, descriptors, sinks and sources.
 */
#include "tests/unit/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "knothole/io.h"
#include "knothole/writeback.h"
#include "tests/unit/aborts.h"

/* An unlinked file of `n` bytes, each the low byte of its offset. */
static int
file_of(size_t n)
{
	char path[] = "/tmp/kh-test-io-XXXXXX";
	uint8_t c;
	size_t i;
	int fd;

	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(unlink(path), 0);
	for (i = 0; i < n; i++) {
		c = (uint8_t)i;
		assert_int_equal(write(fd, &c, 1), 1);
	}
	return fd;
}

static void
test_every_error_has_its_text(void **state)
{
	const char *a;
	int i, j;

	(void)state;
	for (i = 0; i < KH_ERR_N; i++) {
		a = kh_err_text((enum kh_err)i);
		assert_non_null(a);
		assert_string_not_equal(a, "");
		assert_string_not_equal(a, "unknown error");
		assert_int_not_equal(a[strlen(a) - 1], '.');
		assert_null(strchr(a, '\n'));
		for (j = 0; j < i; j++)
			assert_string_not_equal(a, kh_err_text((enum kh_err)j));
	}
}

static void
test_other_values_have_a_text(void **state)
{
	(void)state;
	assert_string_equal(kh_err_text(KH_ERR_N), "unknown error");
	assert_string_equal(kh_err_text((enum kh_err) - 1), "unknown error");
	assert_string_equal(kh_err_text((enum kh_err)4711), "unknown error");
}

static void
test_write_all_on_a_full_disk(void **state)
{
	struct kh_file_sink f = {0};
	struct kh_sink s;
	int fd;

	(void)state;
	fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(kh_write_all(fd, "x", 1), KH_EFULL);
	assert_int_equal(kh_write_all(fd, "x", 0), KH_OK);
	s = kh_sink_fd(&fd);
	assert_int_equal(s.write(s.ctx, (const uint8_t *)"x", 1), KH_EFULL);
	f.fd = fd;
	s = kh_sink_file(&f);
	assert_int_equal(s.write(s.ctx, (const uint8_t *)"x", 1), KH_EFULL);
	assert_int_equal(f.written, 0);
	close(fd);
}

static void
test_write_all_errors(void **state)
{
	struct rlimit limit, old;
	int fd;

	(void)state;
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(kh_write_all(fd, "x", 1), KH_ESYS);
	close(fd);
	assert_int_equal(kh_write_all(-1, "x", 1), KH_ESYS);
	assert_int_equal(errno, EBADF);

	/* A limit is no full disk. */
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = old;
	limit.rlim_cur = 4;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	fd = file_of(0);
	assert_int_equal(kh_write_all(fd, "12345678", 8), KH_ESYS);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	close(fd);
}

static void
on_alarm(int sig)
{
	(void)sig;
}

/* A reader that takes its time, and signals all the while: every write and
 * read is short or interrupted now and then. */
static void
test_short_writes_reads_and_signals(void **state)
{
	static uint8_t out[1 << 20], in[1 << 20];
	struct sigaction sa = {.sa_handler = on_alarm}, old;
	struct itimerval it = {{0, 500}, {0, 500}}, off = {{0, 0}, {0, 0}};
	int p[2], status;
	size_t i, n;
	pid_t pid;

	(void)state;
	for (i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 31 + (i >> 8));
	assert_int_equal(pipe(p), 0);
	assert_int_equal(sigaction(SIGALRM, &sa, &old), 0); /* no SA_RESTART */
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(p[0]);
		setitimer(ITIMER_REAL, &it, NULL);
		_exit(kh_write_all(p[1], out, sizeof(out)) == KH_OK ? 0 : 1);
	}
	close(p[1]);
	usleep(20000); /* the pipe is full: its writes are interrupted */
	assert_int_equal(setitimer(ITIMER_REAL, &it, NULL), 0);
	assert_int_equal(kh_read_upto(p[0], in, sizeof(in), &n), KH_OK);
	assert_int_equal(setitimer(ITIMER_REAL, &off, NULL), 0);
	assert_int_equal(sigaction(SIGALRM, &old, NULL), 0);
	assert_int_equal(n, sizeof(in));
	assert_memory_equal(in, out, sizeof(in));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(p[0]);
}

static void
test_read_upto(void **state)
{
	uint8_t buf[16] = {0};
	size_t n = 99;
	int fd;

	(void)state;
	fd = file_of(10);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(kh_read_upto(fd, buf, 4, &n), KH_OK);
	assert_int_equal(n, 4);
	assert_memory_equal(buf, "\0\1\2\3\0", 5);
	assert_int_equal(kh_read_upto(fd, buf, sizeof(buf), &n), KH_OK);
	assert_int_equal(n, 6);
	assert_memory_equal(buf, "\4\5\6\7\10\11", 6);
	assert_int_equal(kh_read_upto(fd, buf, sizeof(buf), &n), KH_OK);
	assert_int_equal(n, 0);
	n = 99;
	assert_int_equal(kh_read_upto(fd, buf, 0, &n), KH_OK);
	assert_int_equal(n, 0);
	close(fd);
	n = 99;
	assert_int_equal(kh_read_upto(-1, buf, sizeof(buf), &n), KH_ESYS);
	assert_int_equal(n, 0);
}

static void
test_source_over_a_file(void **state)
{
	struct kh_source s;
	uint8_t buf[16];
	int fd, bad;

	(void)state;
	fd = file_of(10);
	assert_int_equal(kh_source_fd(&fd, &s), KH_OK);
	assert_int_equal(s.size, 10);
	assert_int_equal(s.read_at(s.ctx, 0, buf, 10), KH_OK);
	assert_memory_equal(buf, "\0\1\2\3\4\5\6\7\10\11", 10);
	assert_int_equal(s.read_at(s.ctx, 7, buf, 3), KH_OK);
	assert_memory_equal(buf, "\7\10\11", 3);
	assert_int_equal(s.read_at(s.ctx, 10, buf, 0), KH_OK);
	/* Past the end, and across an end that has moved. */
	assert_int_equal(s.read_at(s.ctx, 10, buf, 1), KH_ETRUNC);
	assert_int_equal(s.read_at(s.ctx, 8, buf, 3), KH_ETRUNC);
	assert_int_equal(ftruncate(fd, 4), 0);
	assert_int_equal(s.read_at(s.ctx, 3, buf, 2), KH_ETRUNC);
	assert_int_equal(s.read_at(s.ctx, 3, buf, 1), KH_OK);
	bad = fd;
	close(fd);
	assert_int_equal(s.read_at(s.ctx, 0, buf, 1), KH_ESYS);
	assert_int_equal(kh_source_fd(&bad, &s), KH_ESYS);
	assert_null(s.read_at);
}

static void
test_source_is_for_regular_files(void **state)
{
	struct kh_source s;
	int p[2], fd;

	(void)state;
	assert_int_equal(pipe(p), 0);
	assert_int_equal(kh_source_fd(&p[0], &s), KH_EUNSUP);
	assert_null(s.read_at);
	close(p[0]);
	close(p[1]);
	fd = open("/", O_RDONLY | O_DIRECTORY);
	assert_int_equal(kh_source_fd(&fd, &s), KH_EUNSUP);
	close(fd);
}

static void
test_source_over_memory(void **state)
{
	struct kh_memory m = {(const uint8_t *)"knothole", 8};
	struct kh_source s = kh_source_memory(&m);
	uint8_t buf[8];

	(void)state;
	assert_int_equal(s.size, 8);
	assert_int_equal(s.read_at(s.ctx, 4, buf, 4), KH_OK);
	assert_memory_equal(buf, "hole", 4);
	assert_int_equal(s.read_at(s.ctx, 8, buf, 0), KH_OK);
	assert_int_equal(s.read_at(s.ctx, 4, buf, 5), KH_ETRUNC);
	assert_int_equal(s.read_at(s.ctx, 9, buf, 0), KH_ETRUNC);
	assert_int_equal(s.read_at(s.ctx, UINT64_MAX, buf, 2), KH_ETRUNC);
}

static void
test_sinks(void **state)
{
	struct kh_file_sink f = {0};
	struct kh_sink s;
	uint8_t buf[8];
	size_t n;
	int fd;

	(void)state;
	fd = file_of(0);
	s = kh_sink_fd(&fd);
	assert_int_equal(s.write(s.ctx, (const uint8_t *)"knot", 4), KH_OK);
	f.fd = fd;
	s = kh_sink_file(&f);
	assert_int_equal(s.write(s.ctx, (const uint8_t *)"hole", 4), KH_OK);
	assert_int_equal(f.written, 4);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(kh_read_upto(fd, buf, 8, &n), KH_OK);
	assert_int_equal(n, 8);
	assert_memory_equal(buf, "knothole", 8);
	close(fd);
	assert_int_equal(s.write(s.ctx, (const uint8_t *)"x", 1), KH_ESYS);
}

/* It starts writing back early, and does without where that cannot be done. */
static void
test_writeback(void **state)
{
	static uint8_t block[1 << 20];
	struct kh_file_sink f = {0};
	struct kh_sink s;
	unsigned i;

	(void)state;
	f.fd = file_of(0);
	s = kh_sink_file(&f);
	for (i = 0; i < 20; i++)
		assert_int_equal(s.write(s.ctx, block, sizeof(block)), KH_OK);
	assert_int_equal(f.written, 20 << 20);
	assert_true(f.started > 0 && f.started <= f.written);
	assert_int_equal(lseek(f.fd, 0, SEEK_CUR), 20 << 20);
	close(f.fd);

	f = (struct kh_file_sink){0};
	f.fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	for (i = 0; i < 20; i++)
		assert_int_equal(s.write(s.ctx, block, sizeof(block)), KH_OK);
	close(f.fd);
}

static void
sink_of_nothing(void *ctx)
{
	(void)ctx;
	(void)kh_sink_fd(NULL);
}

static void
sink_of_closed(void *ctx)
{
	(void)kh_sink_fd(ctx);
}

static void
file_sink_of_closed(void *ctx)
{
	struct kh_file_sink f = {.fd = *(int *)ctx};

	(void)kh_sink_file(&f);
}

static void
source_of_nothing(void *ctx)
{
	(void)kh_source_memory(ctx);
}

static void
test_preconditions(void **state)
{
	int closed = -1;

	(void)state;
	assert_true(aborts(sink_of_nothing, NULL));
	assert_true(aborts(sink_of_closed, &closed));
	assert_true(aborts(file_sink_of_closed, &closed));
	assert_true(aborts(source_of_nothing, NULL));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_every_error_has_its_text),
    cmocka_unit_test(test_other_values_have_a_text),
    cmocka_unit_test(test_write_all_on_a_full_disk),
    cmocka_unit_test(test_write_all_errors),
    cmocka_unit_test(test_short_writes_reads_and_signals),
    cmocka_unit_test(test_read_upto),
    cmocka_unit_test(test_source_over_a_file),
    cmocka_unit_test(test_source_is_for_regular_files),
    cmocka_unit_test(test_source_over_memory),
    cmocka_unit_test(test_sinks),
    cmocka_unit_test(test_writeback),
    cmocka_unit_test(test_preconditions),
};

TAP_MAIN(tests)
