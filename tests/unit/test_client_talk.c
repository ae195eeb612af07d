/*
 * What the client says: exit statuses, messages, numbers, progress. Separate
 * from the system test because every error is reached here, also those that
 * no command line produces.
 */
#include "tests/unit/tap.h"

#include <fcntl.h>
#include <unistd.h>

#include "client/args.c"
#include "client/exit.c"
#include "client/progress.c"

/* Every error has the status that knothole(1) gives it. */
static void
test_exit_codes(void **state)
{
	static const struct {
		enum kh_err e;
		int object, key, output;
	} want[] = {{KH_OK, 0, 0, 0}, {KH_EAGAIN, 74, 74, 74},
	    {KH_ENOMEM, 74, 74, 74}, {KH_ESYS, 74, 74, 74},
	    {KH_EFORMAT, 65, 65, 65}, {KH_ETRUNC, 65, 65, 65},
	    {KH_EAUTH, 65, 65, 65}, {KH_ELIMIT, 65, 65, 65},
	    {KH_EKEY, 65, 65, 65}, {KH_ENOKEY, 77, 77, 77},
	    {KH_ENAME, 65, 64, 73}, {KH_EEXIST, 73, 73, 73},
	    {KH_ENOENT, 66, 66, 73}, {KH_EFULL, 74, 74, 74},
	    {KH_EBUSY, 74, 74, 74}, {KH_EEXPIRED, 78, 78, 78},
	    {KH_EUNSUP, 65, 65, 73}, {KH_EPROTO, 74, 74, 74},
	    {KH_EWORD, 74, 74, 74}, {KH_ECHECK, 74, 74, 74}};
	size_t i;

	(void)state;
	assert_int_equal(sizeof(want) / sizeof(want[0]), KH_ERR_N);
	for (i = 0; i < KH_ERR_N; i++) {
		assert_int_equal(want[i].e, i);
		assert_int_equal(
		    kh_exit_code(KH_ON_OBJECT, want[i].e), want[i].object);
		assert_int_equal(
		    kh_exit_code(KH_ON_KEY, want[i].e), want[i].key);
		assert_int_equal(
		    kh_exit_code(KH_ON_OUTPUT, want[i].e), want[i].output);
	}
	assert_int_equal(kh_exit_code(KH_ON_KEY, (enum kh_err)KH_ERR_N), 74);
}

/* What kh_fail writes, in `out`. */
static void
said(enum kh_err e, const char *subject, char *out, size_t cap)
{
	int fd[2], keep = dup(STDERR_FILENO);
	ssize_t n;

	assert_int_equal(pipe(fd), 0);
	fflush(stderr);
	assert_int_equal(dup2(fd[1], STDERR_FILENO), STDERR_FILENO);
	(void)kh_fail(KH_ON_OBJECT, subject, e);
	fflush(stderr);
	assert_int_equal(dup2(keep, STDERR_FILENO), STDERR_FILENO);
	close(keep);
	close(fd[1]);
	n = read(fd[0], out, cap - 1);
	assert_true(n > 0);
	out[n] = '\0';
	close(fd[0]);
}

static void
test_l37_messages(void **state)
{
	char text[1024];

	(void)state;
	said(KH_EAUTH, "a\x1b[31m\nb\xff", text, sizeof(text));
	assert_null(strchr(text, '\x1b'));
	assert_memory_equal(text, "knothole: a\\x1b[31m\\x0ab\\xff: ", 30);
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	errno = ENOTDIR;
	said(KH_ESYS, NULL, text, sizeof(text));
	assert_string_equal(text, "knothole: Not a directory\n");
	said((enum kh_err)KH_ERR_N, NULL, text, sizeof(text));
	assert_string_equal(text, "knothole: unknown error\n");
}

static void
test_args_number(void **state)
{
	static const char *const bad[] = {"", "-1", "+1", " 1", "1 ", "1x",
	    "0x1", "11", "99999999999999999999", "4294967297", "0"};
	unsigned v;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(kh_args_number(bad[i], 1, 10, &v));
	assert_true(kh_args_number("10", 1, 10, &v));
	assert_int_equal(v, 10);
	assert_true(kh_args_number("007", 1, 10, &v));
	assert_int_equal(v, 7);
	assert_true(kh_args_number("4294967295", 0, UINT32_MAX, &v));
	assert_int_equal(v, UINT32_MAX);
	assert_false(kh_args_number("4294967296", 0, UINT32_MAX, &v));
	assert_true(kh_args_number("0", 0, 0, &v));
	assert_false(kh_args_number("1", 0, 0, &v));
}

static void
test_amounts(void **state)
{
	static const struct {
		uint64_t n;
		const char *text;
	} want[] = {{0, "0 B"}, {1023, "1023 B"}, {1024, "1.0 KiB"},
	    {1536, "1.5 KiB"}, {1048575, "1.0 MiB"}, {1048576, "1.0 MiB"},
	    {UINT64_C(5) << 30, "5.0 GiB"}, {UINT64_MAX, "16.0 EiB"}};
	char out[KH_AMOUNT_LEN];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		kh_amount(want[i].n, out);
		assert_string_equal(out, want[i].text);
	}
}

static void
test_progress_line(void **state)
{
	struct kh_progress p = {.verb = "extracting", .all = 2048};
	char line[KH_PROGRESS_LEN + 1];

	(void)state;
	kh_progress_line(&p, 1024, 2, line);
	assert_string_equal(
	    line, "knothole: extracting 1.0 KiB of 2.0 KiB (50 %), 512 B/s");
	kh_progress_line(&p, 4096, 0, line); /* never more than all */
	assert_string_equal(
	    line, "knothole: extracting 2.0 KiB of 2.0 KiB (100 %), 0 B/s");
	p.all = 0;
	kh_progress_line(&p, 1024, 1, line);
	assert_string_equal(line, "knothole: extracting 1.0 KiB, 1.0 KiB/s");
	/* Off, as it is without a terminal, it shows nothing. */
	kh_progress_show(&p, 1);
	assert_false(p.shown);
	kh_progress_end(&p);
}

static void
test_progress_of_files(void **state)
{
	struct kh_progress p = {.verb = "fetching", .all = 20 << 20};
	char line[KH_PROGRESS_LEN + 1];

	(void)state;
	kh_progress_files(&p, 20, 2 << 20);
	p.file = 3;
	kh_progress_line(&p, 4 << 20, 2, line);
	assert_string_equal(line,
	    "fetching 3/20: 4.0 MiB of 20.0 MiB, 1.0 MiB/s, 0:00:16 left");
	kh_progress_line(&p, 2 << 20, 5, line); /* nothing moved yet */
	assert_string_equal(line, "fetching 3/20: 2.0 MiB of 20.0 MiB, 0 B/s");
	kh_progress_line(&p, 1 << 20, 5, line); /* a part was started over */
	assert_string_equal(line, "fetching 3/20: 1.0 MiB of 20.0 MiB, 0 B/s");
	p.all = UINT64_MAX;
	p.file = p.files = 262144;
	kh_progress_line(&p, UINT64_MAX - 1, 1, line);
	assert_in_range(strlen(line), 1, KH_PROGRESS_LEN);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_exit_codes),
    cmocka_unit_test(test_l37_messages),
    cmocka_unit_test(test_args_number),
    cmocka_unit_test(test_amounts),
    cmocka_unit_test(test_progress_line),
    cmocka_unit_test(test_progress_of_files),
};

TAP_MAIN(tests)
