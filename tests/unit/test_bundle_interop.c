/*
 * Stock unzip and Python's zipfile open what is inside an object, and names
 * come out as they were sent. Needs the programs; says so when they are
 * missing.
 */
#include "tests/unit/bundle.h"

#include <dirent.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "knothole/io.h"
#include "lib/bundle/reader.h"

#define SHALOM "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d.pdf"
#define SALAAM "\xd8\xb3\xd9\x84\xd8\xa7\xd9\x85.pdf"

extern char **environ;

/* Run argv, gather what it prints. Returns its exit status, -1 if there is no
 * such program. */
static int
run(char *const argv[], char *out, size_t cap)
{
	posix_spawn_file_actions_t fa;
	int p[2], status = -1;
	size_t n = 0;
	pid_t pid;

	assert_int_equal(pipe(p), 0);
	assert_int_equal(posix_spawn_file_actions_init(&fa), 0);
	posix_spawn_file_actions_adddup2(&fa, p[1], STDOUT_FILENO);
	posix_spawn_file_actions_addopen(
	    &fa, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addclose(&fa, p[0]);
	posix_spawn_file_actions_addclose(&fa, p[1]);
	if (posix_spawnp(&pid, argv[0], &fa, NULL, argv, environ) == 0) {
		close(p[1]);
		p[1] = -1;
		assert_int_equal(kh_read_upto(p[0], out, cap - 1, &n), KH_OK);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		status = WIFEXITED(status) ? WEXITSTATUS(status) : 255;
	}
	out[n] = '\0';
	posix_spawn_file_actions_destroy(&fa);
	close(p[0]);
	if (p[1] >= 0)
		close(p[1]);
	return status;
}

/* The plaintext of an object in a file: its name in `path`. */
static void
make_zip(char *path, size_t files)
{
	struct bytes sealed = {0}, plain;
	struct kh_bundle_writer *w = begin(bytes_sink(&sealed), 1);
	size_t i;
	int fd;

	assert_int_equal(
	    kh_bundle_message(w, (const uint8_t *)"tip", 3), KH_OK);
	add_file(w, SHALOM, "hebrew", 6);
	add_file(w, SALAAM, "", 0);
	for (i = 2; i < files; i++)
		add_file(w, "again.bin", sealed.p, sealed.n / 2);
	finish(w);
	plain = unseal(&sealed);
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(kh_write_all(fd, plain.p, plain.n), KH_OK);
	close(fd);
	bytes_free(&plain);
	bytes_free(&sealed);
}

static void
check_unzip(size_t files)
{
	char path[] = "/tmp/kh-bundle-XXXXXX", out[65536];
	char *const test[] = {"unzip", "-tqq", path, NULL};
	char *const list[] = {"unzip", "-Z1", path, NULL};
	int r;

	make_zip(path, files);
	r = run(test, out, sizeof(out));
	if (r == 0)
		r = run(list, out, sizeof(out));
	unlink(path);
	if (r < 0) {
		print_message("# unzip is not installed\n");
		skip();
	}
	assert_int_equal(r, 0);
	assert_non_null(strstr(
	    out, "message.txt\nfiles/001-" SHALOM "\nfiles/002-" SALAAM "\n"));
	assert_non_null(strstr(out, "\nmanifest.json\npadding\n"));
}

static void
test_unzip(void **state)
{
	(void)state;
	setenv("LC_ALL", "C.UTF-8", 1);
	check_unzip(2);
	check_unzip(30);
}

static void
test_python(void **state)
{
	static char script[] =
	    "import sys, zipfile\n"
	    "z = zipfile.ZipFile(sys.argv[1])\n"
	    "assert z.testzip() is None\n"
	    "for i in z.infolist():\n"
	    "    assert i.date_time == (1980, 1, 1, 0, 0, 0)\n"
	    "    assert i.compress_type == zipfile.ZIP_STORED\n"
	    "    assert i.external_attr == 0o100600 << 16\n"
	    "    assert not i.comment and not z.comment\n"
	    "    if i.filename not in ('manifest.json', 'padding'):\n"
	    "        print(i.filename + ':' + z.read(i).decode())\n";
	char path[] = "/tmp/kh-bundle-XXXXXX", out[65536];
	char *const test[] = {"python3", "-m", "zipfile", "-t", path, NULL};
	char *const list[] = {
	    "python3", "-X", "utf8", "-c", script, path, NULL};
	int r;

	(void)state;
	make_zip(path, 2);
	r = run(test, out, sizeof(out));
	if (r == 0)
		r = run(list, out, sizeof(out));
	unlink(path);
	if (r < 0) {
		print_message("# python3 is not installed\n");
		skip();
	}
	assert_int_equal(r, 0);
	assert_string_equal(out,
	    "message.txt:tip\nfiles/001-" SHALOM ":hebrew\nfiles/002-" SALAAM
	    ":\n");
}

static enum kh_err
read_file(const char *path)
{
	struct gather g = {.names = ""};
	struct kh_bundle_reader *b;
	struct kh_source src;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum kh_err e;

	assert_true(fd >= 0);
	assert_int_equal(kh_source_fd(&fd, &src), KH_OK);
	e = kh_bundle_reader_open(&b, src);
	if (e == KH_OK)
		e = gather_all(b, &g);
	kh_bundle_reader_free(b);
	bytes_free(&g.data);
	close(fd);
	return e;
}

/* Archives of another writer (tests/fuzz/seed_bundle.py), made from the
 * description of the format alone: the good ones open, no other does. */
static void
test_second_writer(void **state)
{
	static const char dir[] = "tests/fuzz/corpus/bundle";
	struct dirent *de;
	char path[512];
	int good = 0, bad = 0;
	DIR *d = opendir(dir);

	(void)state;
	assert_non_null(d);
	while ((de = readdir(d)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", dir, de->d_name);
		if (strncmp(de->d_name, "good-", 5) == 0) {
			assert_int_equal(read_file(path), KH_OK);
			good++;
		} else if (strncmp(de->d_name, "bad-", 4) == 0) {
			assert_int_equal(read_file(path), KH_EFORMAT);
			bad++;
		}
	}
	closedir(d);
	assert_true(good >= 5 && bad >= 8);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_second_writer),
    cmocka_unit_test(test_unzip),
    cmocka_unit_test(test_python),
};

TAP_MAIN(tests)
