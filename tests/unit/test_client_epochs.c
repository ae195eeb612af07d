/*
 * Epochs in the text of an identity file: read, burnt, split; comments that
 * look like them and are none; and changing the file, with every step of that
 * failing.
 */
#include "tests/unit/tap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "knothole/io.h"

static int rename_errno, fsync_errno, write_errno;

static int
faulty_renameat(int a, const char *from, int b, const char *to)
{
	errno = rename_errno;
	return rename_errno != 0 ? -1 : renameat(a, from, b, to);
}

static int
faulty_fsync(int fd)
{
	errno = fsync_errno;
	return fsync_errno != 0 ? -1 : fsync(fd);
}

static enum kh_err
faulty_write_all(int fd, const void *p, size_t n)
{
	errno = write_errno;
	return write_errno != 0 ? KH_ESYS : kh_write_all(fd, p, n);
}

#include "client/args.c"
#include "client/epochs.c"
#include "client/exit.c"
#include "client/identity.c"
#include "client/input.c"
#include "client/keys.h"
#include "client/passphrase.c"
#include "client/progress.c"
#include "client/signals.c"
#undef PROC_FD_LEN
#define renameat faulty_renameat
#define fsync faulty_fsync
#define kh_write_all faulty_write_all
#include "client/file.c"
#include "client/idfile.c"
#undef renameat
#undef fsync
#undef kh_write_all

/* Nothing here is sealed. */
int
kh_keys_passphrase_for(const char *of, int fd, struct kh_passphrase *have)
{
	(void)of;
	(void)fd;
	(void)have;
	fail();
	return KH_EXIT_USAGE;
}

bool
kh_keys_sealed_to_keys(const char *text, size_t n)
{
	(void)text;
	(void)n;
	return false;
}

int
kh_unlock_file(struct kh_unlock *u, const char *path, struct kh_unlocked *out)
{
	(void)u;
	(void)path;
	(void)out;
	fail();
	return KH_EXIT_USAGE;
}

void
kh_unlock_end(struct kh_unlock *u)
{
	(void)u;
	fail();
}

enum kh_err
kh_reseal(const struct kh_reseal *r, struct kh_sealed_file *id,
    struct kh_sealed_file *rec)
{
	(void)r;
	(void)id;
	(void)rec;
	fail();
	return KH_EAUTH;
}

bool
kh_reseal_recovery(const char *path, char out[static PATH_MAX])
{
	(void)path;
	out[0] = '\0';
	fail();
	return false;
}

void
kh_sealed_file_free(struct kh_sealed_file *f)
{
	(void)f;
}

int
kh_replace_file(const char *path, const void *p, size_t n)
{
	(void)path;
	(void)p;
	(void)n;
	fail();
	return KH_EXIT_IO;
}

/* Of client/output.c, which needs far more. */
void
kh_output_temp_name(char out[static KH_OUTPUT_TEMP_LEN])
{
	memcpy(out, ".knothole-test", sizeof(".knothole-test"));
}

#define KEYS 3

/* Three keys: one without an epoch, two of 2026-03 and 2026-04. */
struct keys {
	struct kh_identity id[KEYS];
	struct kh_recipient to[KEYS];
	char secret[KEYS][KH_IDENTITY_TEXT_LEN + 1];
	char public[KEYS][KH_RECIPIENT_TEXT_LEN + 1];
	char text[2048];
};

static struct keys k;

static int
set_up(void **state)
{
	char lines[KH_EPOCH_LINES_LEN];
	struct kh_epoch e;
	size_t i;

	(void)state;
	for (i = 0; i < KEYS; i++) {
		kh_identity_generate(&k.id[i]);
		kh_identity_recipient(&k.id[i], &k.to[i]);
		kh_identity_format(&k.id[i], k.secret[i]);
		kh_recipient_format(&k.to[i], k.public[i]);
	}
	(void)snprintf(k.text, sizeof(k.text), "# mine\n%s\n\n", k.secret[0]);
	for (i = 1; i < KEYS; i++) {
		kh_epoch_from(i == 1 ? "2026-03-01" : "2026-04-01", &e);
		kh_epoch_lines(&e, &k.id[i], lines);
		memcpy(k.text + strlen(k.text), lines, strlen(lines) + 1);
	}
	rename_errno = fsync_errno = write_errno = 0;
	return 0;
}

static void
test_lines(void **state)
{
	char want[512];

	(void)state;
	(void)snprintf(want, sizeof(want),
	    "# epoch 2026-03 2026-03-01 2026-03-31\n# public key: %s\n%s\n",
	    k.public[1], k.secret[1]);
	assert_non_null(strstr(k.text, want));
	assert_true(strlen(want) < KH_EPOCH_LINES_LEN);
}

static void
test_parse(void **state)
{
	struct kh_epochs e;

	(void)state;
	assert_int_equal(kh_epochs_parse(k.text, strlen(k.text), &e), KH_OK);
	assert_int_equal(e.n, 3);
	assert_string_equal(e.key[0].epoch.label, "");
	assert_string_equal(e.key[1].epoch.label, "2026-03");
	assert_string_equal(e.key[2].epoch.first, "2026-04-01");
	assert_string_equal(e.key[2].epoch.last, "2026-04-30");
	assert_memory_equal(&e.key[2].to, &k.to[2], sizeof(k.to[2]));
	assert_int_equal(kh_epochs_count(&e, "2026-03", false), 1);
	assert_int_equal(kh_epochs_count(&e, "2026-03", true), 0);
	assert_int_equal(kh_epochs_parse("", 0, &e), KH_OK);
	assert_int_equal(e.n, 0);
	assert_int_equal(kh_epochs_parse("x\n", 2, &e), KH_EFORMAT);
	assert_int_equal(e.n, 0);
}

/* Nearly a label is a note, and the key behind it has no epoch. */
static void
test_notes(void **state)
{
	static const char *const notes[] = {"# epoch 2026-03",
	    "# epoch 2026-03 2026-03-01", "# epoch 2026-03 2026-03-01 ",
	    "# epoch 2026-13 2026-03-01 2026-03-31",
	    "# epoch 2026-03 2026-03-01 2026-02-31",
	    "# epoch 2026-03 2026-03-31 2026-03-01",
	    "# epoch 2026-03 2026-03-01 2026-03-31 ",
	    "# epoch 2026-03 2026-03-01 2026-03-31x",
	    "#  epoch 2026-03 2026-03-01 2026-03-31",
	    "# epoch  2026-03 2026-03-01 2026-03-31",
	    "# epochs 2026-03 2026-03-01 2026-03-31",
	    "# burnt 2026-03 2026-03-01 2026-03-31 2026-05-02",
	    "# burnt 2026-03 2026-03-01 2026-03-31 2026-05-02 age1", "#", "# "};
	struct kh_epochs e;
	char text[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(notes) / sizeof(notes[0]); i++) {
		(void)snprintf(
		    text, sizeof(text), "%s\n%s", notes[i], k.secret[0]);
		assert_int_equal(
		    kh_epochs_parse(text, strlen(text), &e), KH_OK);
		if (e.n != 1 || e.key[0].epoch.label[0] != '\0')
			fail_msg("%s", notes[i]);
	}
}

static void
test_burn(void **state)
{
	char want[256], *out = NULL;
	struct kh_epochs e;

	(void)state;
	assert_int_equal(kh_epochs_burn(k.text, strlen(k.text), "2026-03",
			     "2026-05-02", &out),
	    KH_OK);
	assert_null(strstr(out, k.secret[1]));
	assert_non_null(strstr(out, k.secret[0]));
	assert_non_null(strstr(out, k.secret[2]));
	assert_non_null(strstr(out, "# mine\n"));
	(void)snprintf(want, sizeof(want),
	    "\n# burnt 2026-03 2026-03-01 2026-03-31 2026-05-02 %s\n"
	    "# epoch 2026-04 ",
	    k.public[1]);
	assert_non_null(strstr(out, want));
	assert_int_equal(kh_epochs_parse(out, strlen(out), &e), KH_OK);
	assert_int_equal(e.n, 3);
	assert_string_equal(e.key[1].burnt, "2026-05-02");
	assert_memory_equal(&e.key[1].to, &k.to[1], sizeof(k.to[1]));
	assert_int_equal(kh_epochs_count(&e, "2026-03", true), 1);
	kh_secret_free(out);
	out = NULL;
	assert_int_equal(kh_epochs_burn(k.text, strlen(k.text), "2026-05",
			     "2026-05-02", &out),
	    KH_ENOENT);
	assert_null(out);
}

/* Keys with CR LF, notes in between, two of one month, no LF at the end. */
static void
test_burn_odd_forms(void **state)
{
	char text[1024], *out = NULL;
	struct kh_epochs e;

	(void)state;
	(void)snprintf(text, sizeof(text),
	    "# epoch 2026-03 2026-03-01 2026-03-31\r\n# a note\r\n%s\r\n"
	    "# kept\r\n%s\r\n# epoch 2026-03 2026-03-01 2026-03-31\r\n%s",
	    k.secret[0], k.secret[1], k.secret[2]);
	assert_int_equal(
	    kh_epochs_burn(text, strlen(text), "2026-03", "2026-05-02", &out),
	    KH_OK);
	assert_null(strstr(out, k.secret[0]));
	assert_non_null(strstr(out, k.secret[1]));
	assert_null(strstr(out, k.secret[2]));
	assert_non_null(strstr(out, "# kept\r\n"));
	assert_int_equal(kh_epochs_parse(out, strlen(out), &e), KH_OK);
	assert_int_equal(e.n, 3);
	assert_int_equal(kh_epochs_count(&e, "2026-03", true), 2);
	assert_string_equal(e.key[1].epoch.label, "");
	kh_secret_free(out);
}

static void
test_split(void **state)
{
	struct kh_keyring *in = NULL, *out = NULL;
	struct kh_identity id;

	(void)state;
	assert_int_equal(
	    kh_epochs_split(k.text, strlen(k.text), "2026-04", &in, &out),
	    KH_OK);
	assert_int_equal(kh_keyring_count(in), 1);
	assert_true(kh_keyring_has(in, &k.to[2]));
	assert_int_equal(kh_keyring_count(out), 2);
	assert_false(kh_keyring_has(out, &k.to[2]));
	kh_keyring_free(in);
	kh_keyring_free(out);
	assert_int_equal(
	    kh_epochs_split("x", 1, "2026-04", &in, &out), KH_EFORMAT);
	assert_null(in);
	assert_null(out);
	assert_int_equal(
	    kh_epochs_secret(k.text, strlen(k.text), &k.to[1], &id), KH_OK);
	assert_memory_equal(&id, &k.id[1], sizeof(id));
	memset(&k.to[1], 9, sizeof(k.to[1]));
	assert_int_equal(
	    kh_epochs_secret(k.text, strlen(k.text), &k.to[1], &id), KH_ENOENT);
}

/* --- the file ---------------------------------------------------------------- */

static char base[] = P_tmpdir "/knothole-test-XXXXXX";
static char path[128];

static int
set_up_file(void **state)
{
	int fd;

	(void)set_up(state);
	memcpy(base + sizeof(base) - 7, "XXXXXX", 6);
	if (mkdtemp(base) == NULL)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/identity.txt", base);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0640);
	if (fd < 0 || kh_write_all(fd, k.text, strlen(k.text)) != KH_OK)
		return -1;
	close(fd);
	return 0;
}

static int
tear_down_file(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(base); /* and so nothing else is in it */
}

static bool
says(const char *text)
{
	char got[2048] = "";
	int fd = open(path, O_RDONLY);
	size_t n;

	assert_int_equal(kh_read_upto(fd, got, sizeof(got) - 1, &n), KH_OK);
	close(fd);
	return strcmp(got, text) == 0;
}

static void
test_replaced(void **state)
{
	struct kh_idfile *f = kh_secret_alloc(sizeof(*f));
	char old[2048] = "";
	struct stat sb;
	int held;
	size_t n;

	(void)state;
	held = open(path, O_RDONLY);
	assert_int_equal(kh_idfile_open(f, path, -1, NULL), KH_EXIT_OK);
	assert_int_equal(f->epochs.n, 3);
	assert_int_equal(kh_idfile_replace(f, "# new\n", 6, true), KH_EXIT_OK);
	assert_true(says("# new\n"));
	assert_int_equal(stat(path, &sb), 0);
	assert_int_equal(sb.st_mode & 0777, 0640);
	assert_int_equal(kh_read_upto(held, old, sizeof(old), &n), KH_OK);
	assert_int_equal(n, strlen(k.text));
	assert_null(memmem(old, n, "AGE-SECRET", 10));
	close(held);
	kh_idfile_close(f);
	kh_secret_free(f);
}

/* Whatever fails, the old file is there, and whole. */
static void
test_not_replaced(void **state)
{
	int *const failing[] = {&rename_errno, &fsync_errno, &write_errno};
	struct kh_idfile *f = kh_secret_alloc(sizeof(*f));
	size_t i;

	(void)state;
	assert_int_equal(kh_idfile_open(f, path, -1, NULL), KH_EXIT_OK);
	for (i = 0; i < sizeof(failing) / sizeof(failing[0]); i++) {
		*failing[i] = EIO;
		assert_int_equal(
		    kh_idfile_replace(f, "# new\n", 6, true), KH_EXIT_IO);
		*failing[i] = 0;
		assert_true(says(k.text));
	}
	kh_idfile_close(f);
	kh_secret_free(f);
}

#define T(t) cmocka_unit_test_setup(t, set_up)
#define F(t) cmocka_unit_test_setup_teardown(t, set_up_file, tear_down_file)

static const struct CMUnitTest tests[] = {
    T(test_lines),
    T(test_parse),
    T(test_notes),
    T(test_burn),
    T(test_burn_odd_forms),
    T(test_split),
    F(test_replaced),
    F(test_not_replaced),
};

TAP_MAIN(tests)
