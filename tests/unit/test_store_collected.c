/*
 * What was collected: objects go when the last newsroom has them and not
 * before, whatever fails and wherever it is cut short; and retention.
 */
#include "tests/unit/tap.h"

#include <sys/wait.h>
#include <time.h>

#include "tests/unit/store_faults.h"

static struct kh_collectors rooms;

static void
newsrooms(uint32_t n)
{
	uint8_t key[32];
	uint32_t i;

	memset(&rooms, 0, sizeof(rooms));
	for (i = 0; i < n; i++) {
		memset(key, (int)i + 1, sizeof(key));
		kh_collector_id(key, rooms.id[i]);
	}
	rooms.n = n;
}

static struct kh_object_ids
new_objects(struct kh_store *st, uint32_t n)
{
	struct kh_object_ids ids = {.n = n};
	uint32_t i;

	for (i = 0; i < n; i++)
		assert_int_equal(
		    kh_store_commit(st, draft_of(st, 10), ids.id[i]), KH_OK);
	return ids;
}

static unsigned
count_marks(void)
{
	const struct dirent *de;
	unsigned n = 0;
	DIR *d;

	d = opendir(collected);
	assert_non_null(d);
	while ((de = readdir(d)) != NULL) {
		if (de->d_name[0] == '.')
			continue;
		assert_int_equal(strlen(de->d_name), 65);
		n++;
	}
	closedir(d);
	return n;
}

static enum kh_err
collect(struct kh_store *st, uint32_t who, const struct kh_object_ids *ids)
{
	calls[0] = '\0';
	return kh_store_collect(st, &rooms, who, ids);
}

static void
test_last_one_takes_it_away(void **state)
{
	struct kh_store *st = open_store();
	struct kh_object_ids ids = new_objects(st, 3), two;

	newsrooms(3);
	assert_int_equal(collect(st, 0, &ids), KH_OK);
	assert_string_equal(calls, "CUCUCUUFU"); /* one wait for all marks */
	assert_int_equal(count_marks(), 3);
	/* again, and again: nothing more */
	assert_int_equal(collect(st, 0, &ids), KH_OK);
	assert_int_equal(collect(st, 0, &ids), KH_OK);
	assert_int_equal(count_marks(), 3);
	assert_int_equal(count_objects(), 3);
	two = ids;
	two.n = 2;
	assert_int_equal(collect(st, 2, &two), KH_OK);
	assert_int_equal(count_objects(), 3);
	assert_int_equal(count_marks(), 5);
	assert_int_equal(collect(st, 1, &ids), KH_OK);
	/* the marks are durable before the objects go, and go after that */
	assert_string_equal(calls, "RRRRCUUFUFRRRRRRU");
	assert_int_equal(count_objects(), 1);
	assert_int_equal(count_marks(), 2);
	/* what is gone is fine, and leaves no mark */
	assert_int_equal(collect(st, 1, &ids), KH_OK);
	assert_int_equal(count_marks(), 2);
	assert_int_equal(collect(st, 2, &ids), KH_OK);
	assert_int_equal(count_objects(), 0);
	assert_int_equal(count_marks(), 0);
	check_fixed_mtime(collected);
	kh_store_close(st);
}

static void
test_one_newsroom_needs_no_marks(void **state)
{
	struct kh_store *st = open_store();
	struct kh_object_ids ids = new_objects(st, 3);

	newsrooms(1);
	/* not even when there is no room for any */
	fault(CREATE, ENOSPC, 0, 9);
	assert_int_equal(collect(st, 0, &ids), KH_OK);
	assert_int_equal(count_objects(), 0);
	ids.n = 0;
	assert_int_equal(collect(st, 0, &ids), KH_OK);
	kh_store_close(st);
}

/* The same id twice in one list is the same as once. */
static void
test_twice_in_a_list(void **state)
{
	struct kh_store *st = open_store();
	struct kh_object_ids ids = new_objects(st, 1);

	newsrooms(2);
	ids.n = 2;
	memcpy(ids.id[1], ids.id[0], sizeof(ids.id[0]));
	assert_int_equal(collect(st, 0, &ids), KH_OK);
	assert_int_equal(count_objects(), 1);
	assert_int_equal(collect(st, 1, &ids), KH_OK);
	assert_int_equal(count_objects(), 0);
	assert_int_equal(count_marks(), 0);
	kh_store_close(st);
}

/* An error is reported, nothing is lost by it, and saying it again helps. */
static void
test_failures(void **state)
{
	static const struct {
		enum call call;
		int err;
		unsigned skip;
		enum kh_err want;
	} cases[] = {
	    {FSTATAT, EIO, 0, KH_ESYS}, /* is there an object? */
	    {FSTATAT, EIO, 1, KH_ESYS}, /* is there a mark? */
	    {CREATE, ENOSPC, 0, KH_EFULL}, {CREATE, EDQUOT, 0, KH_EFULL},
	    {CREATE, EACCES, 0, KH_ESYS}, {UNLINKAT, EIO, 0, KH_ESYS},
	    {FSYNC, EIO, 0, KH_ESYS}, /* of the marks */
	    {FSYNC, EIO, 1, KH_ESYS}, /* of the objects */
	};
	struct kh_store *st = open_store();
	struct kh_object_ids ids, first;
	unsigned before = open_descriptors();
	size_t i;

	newsrooms(2);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ids = first = new_objects(st, 2);
		first.n = 1;
		assert_int_equal(collect(st, 1, &first), KH_OK);
		/* the first goes, the second is marked */
		fault(cases[i].call, cases[i].err, cases[i].skip, 1);
		assert_int_equal(collect(st, 0, &ids), cases[i].want);
		assert_int_equal(faults[cases[i].call].times, 0);
		assert_int_equal(open_descriptors(), before);
		assert_true(count_objects() >= 1);
		assert_int_equal(collect(st, 0, &ids), KH_OK);
		assert_int_equal(count_objects(), 1);
		assert_int_equal(collect(st, 1, &ids), KH_OK);
		assert_int_equal(count_objects(), 0);
		assert_int_equal(kh_store_sweep(st, &rooms), KH_OK);
		assert_int_equal(count_marks(), 0);
	}
	kh_store_close(st);
}

/* In a child that dies at the next removal. */
static void
dies_in(int (*what)(struct kh_store *, const struct kh_object_ids *),
    struct kh_store *st, const struct kh_object_ids *ids)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		die_at_unlinkat = true;
		_exit(what(st, ids));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static int
collect_as_second(struct kh_store *st, const struct kh_object_ids *ids)
{
	return kh_store_collect(st, &rooms, 1, ids) == KH_OK;
}

/* Killed between the first mark and the removal: the object is still there,
 * and goes when the second newsroom says so once more. */
static void
test_killed_before_the_removal(void **state)
{
	struct kh_store *st = open_store();
	struct kh_object_ids ids = new_objects(st, 1);

	newsrooms(2);
	assert_int_equal(collect(st, 0, &ids), KH_OK);
	dies_in(collect_as_second, st, &ids);
	kh_store_close(st);
	st = open_store();
	assert_int_equal(kh_store_sweep(st, &rooms), KH_OK);
	assert_int_equal(count_objects(), 1);
	assert_int_equal(count_marks(), 1);
	assert_int_equal(collect(st, 1, &ids), KH_OK);
	assert_int_equal(count_objects(), 0);
	kh_store_close(st);
}

/* Cut short between removal and marks, or by a replaced half: orphans. */
static void
test_sweep_drops_orphans(void **state)
{
	struct kh_store *st = open_store();
	struct kh_object_ids ids = new_objects(st, 3);
	char path[512];
	int fd;

	newsrooms(3);
	assert_int_equal(collect(st, 0, &ids), KH_OK);
	assert_int_equal(kh_store_remove(st, ids.id[1]), KH_OK);
	/* a stranger's file is left alone */
	snprintf(path, sizeof(path), "%s/.note", collected);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(kh_store_sweep(st, &rooms), KH_OK);
	assert_int_equal(count_objects(), 2);
	assert_int_equal(count_marks(), 2);
	assert_int_equal(access(path, F_OK), 0);
	kh_store_close(st);
}

/* A newsroom less: what all others have goes; one more: nothing does. */
static void
test_sweep_with_other_newsrooms(void **state)
{
	struct kh_store *st = open_store();
	struct kh_object_ids ids = new_objects(st, 2), one;

	newsrooms(3);
	one = ids;
	one.n = 1;
	assert_int_equal(collect(st, 0, &ids), KH_OK);
	assert_int_equal(collect(st, 1, &one), KH_OK);
	assert_int_equal(kh_store_sweep(st, &rooms), KH_OK);
	assert_int_equal(count_objects(), 2);
	newsrooms(2);
	assert_int_equal(kh_store_sweep(st, &rooms), KH_OK);
	assert_int_equal(count_objects(), 1);
	assert_int_equal(count_marks(), 1);
	/* Without anybody who collects nothing goes. */
	newsrooms(0);
	assert_int_equal(kh_store_sweep(st, &rooms), KH_OK);
	assert_int_equal(count_objects(), 1);
	kh_store_close(st);
}

static void
test_sweep_failures(void **state)
{
	static const struct {
		enum call call;
		unsigned skip;
	} cases[] = {{OPEN, 0}, {OPEN, 1}, {FDOPENDIR, 0}, {READDIR, 0},
	    {FSTATAT, 0}, {FSTATAT, 1}, {UNLINKAT, 0}, {FSYNC, 0}, {FSYNC, 1}};
	struct kh_store *st = open_store();
	unsigned before = open_descriptors();
	struct kh_object_ids ids;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ids = new_objects(st, 1);
		newsrooms(2);
		assert_int_equal(collect(st, 0, &ids), KH_OK);
		newsrooms(1);
		fault(cases[i].call, EIO, cases[i].skip, 1);
		assert_int_equal(kh_store_sweep(st, &rooms), KH_ESYS);
		assert_int_equal(open_descriptors(), before);
		assert_int_equal(kh_store_sweep(st, &rooms), KH_OK);
		assert_int_equal(count_objects(), 0);
		assert_int_equal(count_marks(), 0);
	}
	kh_store_close(st);
}

static void
test_retention(void **state)
{
	struct kh_store *st = open_store();
	struct kh_object_ids ids = new_objects(st, 2);
	int64_t now = (int64_t)time(NULL);
	size_t i;
	static const struct {
		enum call call;
		unsigned skip;
	} cases[] = {{OPEN, 0}, {FSTATAT, 0}, {UNLINKAT, 0}, {FSYNC, 0}};

	newsrooms(2);
	ids.n = 1;
	assert_int_equal(collect(st, 0, &ids), KH_OK);
	assert_int_equal(kh_store_expire(st, 0), KH_OK);
	assert_int_equal(kh_store_expire(st, KH_STORE_TIME), KH_OK);
	assert_int_equal(kh_store_expire(st, now - 60), KH_OK);
	assert_int_equal(count_objects(), 2);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fault(cases[i].call, EIO, cases[i].skip, 1);
		assert_int_equal(kh_store_expire(st, now + 60), KH_ESYS);
	}
	/* collected or not; with its marks */
	assert_int_equal(kh_store_expire(st, now + 60), KH_OK);
	assert_int_equal(count_objects(), 0);
	assert_int_equal(kh_store_sweep(st, &rooms), KH_OK);
	assert_int_equal(count_marks(), 0);
	kh_store_close(st);
}

/* Its mode is changed, as by a restored backup: it is as old as that, and its
 * fixed mtime does not count. */
static void
test_retention_goes_by_ctime(void **state)
{
	struct kh_store *st = open_store();
	struct kh_object_ids ids = new_objects(st, 1);
	char name[KH_OBJECT_NAME_LEN + 1], path[512];
	struct stat sb;

	kh_object_name(ids.id[0], name);
	snprintf(path, sizeof(path), "%s/%s", objects, name);
	assert_int_equal(stat(path, &sb), 0);
	assert_int_equal(sb.st_mtim.tv_sec, KH_STORE_TIME);
	assert_int_equal(kh_store_expire(st, sb.st_ctim.tv_sec - 1), KH_OK);
	assert_int_equal(count_objects(), 1);
	assert_int_equal(kh_store_expire(st, sb.st_ctim.tv_sec), KH_OK);
	assert_int_equal(count_objects(), 0);
	kh_store_close(st);
}

static void
test_newsrooms_are_told_apart(void **state)
{
	uint8_t a[KH_COLLECTOR_LEN], b[KH_COLLECTOR_LEN], key[32] = {1};

	kh_collector_id(key, a);
	key[31] = 1;
	kh_collector_id(key, b);
	assert_memory_not_equal(a, b, sizeof(a));
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static const struct CMUnitTest tests[] = {
    T(test_last_one_takes_it_away),
    T(test_one_newsroom_needs_no_marks),
    T(test_twice_in_a_list),
    T(test_failures),
    T(test_killed_before_the_removal),
    T(test_sweep_drops_orphans),
    T(test_sweep_with_other_newsrooms),
    T(test_sweep_failures),
    T(test_retention),
    T(test_retention_goes_by_ctime),
    T(test_newsrooms_are_told_apart),
};

TAP_MAIN(tests)
