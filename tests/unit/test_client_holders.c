/*
 * Who opens an identity file, as lines of its text; and the file in place of an
 * old one, with failing system calls. Separate from the system test because
 * every error is reached here.
 */
#include "tests/unit/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "knothole/io.h"

static int rename_errno, sync_errno, write_errno;

static int
faulty_renameat(int from, const char *name, int to, const char *other)
{
	errno = rename_errno;
	return rename_errno != 0 ? -1 : renameat(from, name, to, other);
}

static int
faulty_fsync(int fd)
{
	errno = sync_errno;
	return sync_errno != 0 ? -1 : fsync(fd);
}

static enum kh_err
faulty_write_all(int fd, const void *p, size_t n)
{
	errno = write_errno;
	return write_errno != 0 ? KH_EFULL : kh_write_all(fd, p, n);
}

#include "client/exit.c"
#include "client/holders.c"
#include "client/signals.c"
#define renameat faulty_renameat
#define fsync faulty_fsync
#define kh_write_all faulty_write_all
#include "client/replace.c"
#undef renameat
#undef fsync
#undef kh_write_all

void
kh_output_temp_name(char out[static KH_OUTPUT_TEMP_LEN])
{
	memcpy(out, ".knothole-test", sizeof(".knothole-test"));
}

#define HEAD "# created by knothole\nAGE-SECRET-KEY-1X\n"

static void
key_text(struct kh_recipient *to, char text[static KH_RECIPIENT_TEXT_LEN + 1])
{
	struct kh_identity id;

	kh_identity_generate(&id);
	kh_identity_recipient(&id, to);
	kh_recipient_format(to, text);
}

static struct kh_editor
editor(const char *name)
{
	char text[KH_RECIPIENT_TEXT_LEN + 1];
	struct kh_editor e = {.name = ""};

	memcpy(e.name, name, strlen(name));
	key_text(&e.to, text);
	return e;
}

static struct kh_holders *
some(void)
{
	struct kh_holders *h = calloc(1, sizeof(*h));
	char text[KH_RECIPIENT_TEXT_LEN + 1];
	struct kh_bridge *b;

	assert_non_null(h);
	h->editor[h->n++] = editor("Ada");
	h->editor[h->n++] = editor("B\xc3\xb6 the Second");
	b = &h->editor[1].bridge;
	b->to = h->editor[1].to;
	memset(b->fpr, 'F', KH_OPENPGP_FPR_LEN);
	b->n = KH_OPENPGP_MESSAGE_MAX;
	memset(b->message, 0xa5, b->n);
	h->shared = true;
	h->threshold = 3;
	h->count = 5;
	key_text(&h->shares, text);
	return h;
}

static void
test_there_and_back(void **state)
{
	struct kh_holders *h = some(), *copied = malloc(sizeof(*copied));
	char *text, *twice;
	size_t n, m;

	(void)state;
	assert_non_null(copied);
	assert_int_equal(
	    kh_holders_write(HEAD, strlen(HEAD), h, &text, &n), KH_OK);
	assert_int_equal(strlen(text), n);
	assert_memory_equal(text, HEAD, strlen(HEAD));
	assert_int_equal(kh_holders_read(text, n, copied), KH_OK);
	assert_memory_equal(copied, h, sizeof(*h));
	/* Written copied, what was there is not there twice. */
	assert_int_equal(kh_holders_write(text, n, copied, &twice, &m), KH_OK);
	assert_string_equal(text, twice);
	kh_secret_free(text);
	kh_secret_free(twice);
	/* Without a line end, and with the other kind. */
	assert_int_equal(
	    kh_holders_write("# x\r\n# y", 8, h, &text, &n), KH_OK);
	assert_memory_equal(text, "# x\r\n# y\n# editor: ", 18);
	kh_secret_free(text);
	free(h);
	free(copied);
}

static void
test_drop_editors(void **state)
{
	struct kh_holders *h = some(), *left = malloc(sizeof(*left));
	char *text, *without;
	size_t n, m, editors;

	(void)state;
	assert_non_null(left);
	assert_int_equal(
	    kh_holders_write(HEAD, strlen(HEAD), h, &text, &n), KH_OK);
	assert_int_equal(
	    kh_holders_drop_editors(text, n, &without, &m, &editors), KH_OK);
	assert_int_equal(editors, 2);
	assert_null(strstr(without, "editor"));
	assert_null(strstr(without, "bridge"));
	assert_int_equal(kh_holders_read(without, m, left), KH_OK);
	assert_int_equal(left->n, 0);
	assert_true(left->shared);
	kh_secret_free(text);
	kh_secret_free(without);
	free(h);
	free(left);
}

static void
test_as_many_as_can_be(void **state)
{
	struct kh_holders *h = calloc(1, sizeof(*h));
	char name[8], line[256], key[KH_RECIPIENT_TEXT_LEN + 1], *text, *more;
	struct kh_recipient to;
	size_t n, len;

	(void)state;
	assert_non_null(h);
	while (h->n < KH_EDITORS_MAX) {
		(void)snprintf(name, sizeof(name), "e%zu", h->n);
		h->editor[h->n] = editor(name);
		h->editor[h->n].bridge.n = KH_OPENPGP_MESSAGE_MAX;
		h->editor[h->n].bridge.to = h->editor[h->n].to;
		memset(h->editor[h->n].bridge.fpr, 'A', KH_OPENPGP_FPR_LEN);
		h->n++;
	}
	assert_int_equal(
	    kh_holders_write(HEAD, strlen(HEAD), h, &text, &n), KH_OK);
	assert_int_equal(kh_holders_read(text, n, h), KH_OK);
	assert_int_equal(h->n, KH_EDITORS_MAX);
	key_text(&to, key);
	(void)snprintf(line, sizeof(line), "# editor: %s one more\n", key);
	len = strlen(line);
	more = malloc(n + len);
	assert_non_null(more);
	memcpy(more, text, n);
	memcpy(more + n, line, len);
	assert_int_equal(kh_holders_read(more, n + len, h), KH_ELIMIT);
	assert_int_equal(h->n, 0);
	kh_secret_free(text);
	free(more);
	free(h);
}

/* %s: a key; %S: the same once more. */
static void
test_malformed(void **state)
{
	static const char *const bad[] = {"# editor: ", "# editor: %s",
	    "# editor: %s ", "# editor: %s  Ada", "# editor: %s Ada ",
	    "# editor: %sAda", "# editor:  %s Ada", "# editor: age1x Ada",
	    "# editor: %s A\x1b", "# editor: %s \xff",
	    "# editor: %s Ada\n# editor: %s Bob", "# bridge: x",
	    "# editor: %s Ada\n# bridge: FF AAAA",
	    "# editor: %s Ada\n"
	    "# bridge: 0123456789abcdef0123456789abcdef01234567 AAAA",
	    "# editor: %s Ada\n"
	    "# bridge: 0123456789ABCDEF0123456789ABCDEF01234567 A",
	    "# editor: %s Ada\n"
	    "# bridge: 0123456789ABCDEF0123456789ABCDEF01234567 ",
	    "# bridge: 0123456789ABCDEF0123456789ABCDEF01234567 AAAA",
	    "# editor: %s Ada\n"
	    "# bridge: 0123456789ABCDEF0123456789ABCDEF01234567 AAAA\n"
	    "# bridge: 0123456789ABCDEF0123456789ABCDEF01234567 AAAA",
	    "# shares: %s", "# shares: %s 3 of", "# shares: %s 3 of 2",
	    "# shares: %s 1 of 5", "# shares: %s 3 of 17",
	    "# shares: %s 3 of 5 ", "# shares: %s 3 of 5x",
	    "# shares: %s 003 of 5", "# shares: %s x of 5",
	    "# shares: %s 3 of 5\n# shares: %s 3 of 5"};
	char key[KH_RECIPIENT_TEXT_LEN + 1], text[512], *at;
	struct kh_holders *h = malloc(sizeof(*h));
	struct kh_recipient to;
	const char *p;
	size_t i;

	(void)state;
	assert_non_null(h);
	key_text(&to, key);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		for (p = bad[i], at = text; *p != '\0';) {
			if (p[0] == '%') {
				memcpy(at, key, KH_RECIPIENT_TEXT_LEN);
				at += KH_RECIPIENT_TEXT_LEN;
				p += 2;
			} else {
				*at++ = *p++;
			}
		}
		if (kh_holders_read(text, (size_t)(at - text), h) != KH_EFORMAT)
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(h->n, 0);
		assert_false(h->shared);
	}
	/* Capitals are another spelling of the same key. */
	(void)snprintf(text, sizeof(text), "# editor: %s Ada", key);
	for (at = text + 10; *at != ' '; at++)
		if (*at >= 'a' && *at <= 'z')
			*at = (char)(*at - 'a' + 'A');
	assert_int_equal(kh_holders_read(text, strlen(text), h), KH_EFORMAT);
	/* What only looks like it is somebody's note. */
	assert_int_equal(
	    kh_holders_read("#editor: x\n# editors: y\n", 24, h), KH_OK);
	free(h);
}

/* --- replacing ------------------------------------------------------------------ */

static char dir[] = "/tmp/kh-replace-XXXXXX";
static char path[sizeof(dir) + 16];

static void
put_old(const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(kh_write_all(fd, text, strlen(text)), KH_OK);
	close(fd);
}

static void
contains(const char *text)
{
	char got[64] = "";
	size_t n;
	int fd = open(path, O_RDONLY);

	assert_true(fd >= 0);
	assert_int_equal(kh_read_upto(fd, got, sizeof(got) - 1, &n), KH_OK);
	close(fd);
	assert_string_equal(got, text);
}

static void
test_replaced(void **state)
{
	char got[16] = "x";
	int old;

	(void)state;
	put_old("old secret");
	old = open(path, O_RDONLY);
	assert_int_equal(kh_replace_file(path, "new", 3), KH_EXIT_OK);
	contains("new");
	assert_int_equal(pread(old, got, sizeof(got), 0), 10);
	assert_memory_equal(got, "\0\0\0\0\0\0\0\0\0\0", 10);
	close(old);
	assert_int_equal(kh_replace_remove(path), KH_EXIT_OK);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(kh_replace_remove(path), KH_EXIT_OK);
	assert_int_equal(kh_replace_file(path, "first", 5), KH_EXIT_OK);
	contains("first");
}

/* Whatever fails, the old file is there and whole, and nothing beside it. */
static void
test_failures(void **state)
{
	int *const faults[] = {&rename_errno, &write_errno, &sync_errno};
	char temp[sizeof(dir) + 24];
	size_t i;

	(void)state;
	(void)snprintf(temp, sizeof(temp), "%s/.knothole-test", dir);
	for (i = 0; i < 3; i++) {
		put_old("old secret");
		*faults[i] = ENOSPC;
		assert_int_equal(kh_replace_file(path, "new", 3), KH_EXIT_IO);
		*faults[i] = 0;
		contains("old secret");
		assert_int_equal(access(temp, F_OK), -1);
	}
	assert_int_not_equal(
	    kh_replace_file("/nonexistent/x", "new", 3), KH_EXIT_OK);
}

static int
setup(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/file", dir);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_there_and_back),
	    cmocka_unit_test(test_drop_editors),
	    cmocka_unit_test(test_as_many_as_can_be),
	    cmocka_unit_test(test_malformed),
	    cmocka_unit_test(test_replaced),
	    cmocka_unit_test(test_failures),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (kh_init() != KH_OK)
		return 99;
	return cmocka_run_group_tests(tests, setup, teardown);
}
