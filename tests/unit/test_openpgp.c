/*
 * OpenPGP through a real gpg: which keys are taken and why others are not, and
 * that what is encrypted can be decrypted. And through a gpg that hangs, dies
 * or lies: that nothing of it is ever taken for a message.
 */
#include "tests/unit/tap.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "knothole/openpgp.h"

static char home[64]; /* of the user that has the keys */

/* gpg with this home, quietly. */
__attribute__((format(printf, 1, 2))) static void
gpg(const char *fmt, ...)
{
	char args[1024], line[1400];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(args, sizeof(args), fmt, ap);
	va_end(ap);
	(void)snprintf(line, sizeof(line),
	    "gpg -q --no-tty --batch --pinentry-mode loopback --passphrase '' "
	    "%s >/dev/null 2>%s/said || { cat %s/said; exit 1; }",
	    args, home, home);
	assert_int_equal(system(line), 0);
}

static void
slurp(const char *name, uint8_t *out, size_t cap, size_t *n)
{
	char path[256];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", home, name);
	f = fopen(path, "rb");
	assert_non_null(f);
	*n = fread(out, 1, cap, f);
	fclose(f);
	assert_true(*n > 0 && *n < cap);
}

struct key {
	uint8_t p[KH_OPENPGP_KEY_MAX];
	size_t n;
};

/* The public key of `name`, in binary. */
static void
export_key(const char *name, struct key *k)
{
	uint8_t raw[65536];
	size_t n;

	gpg("--yes -o %s/out --export '=%s'", home, name);
	slurp("out", raw, sizeof(raw), &n);
	assert_int_equal(kh_openpgp_read(raw, n, k->p, &k->n), KH_OK);
	assert_int_equal(k->n, n);
}

/* A primary key and maybe a subkey that encrypts. */
static void
make(const char *name, const char *primary, const char *sub, const char *more)
{
	gpg("%s --quick-gen-key '%s' %s cert,sign 2y", more, name, primary);
	if (sub != NULL)
		gpg("%s --quick-add-key $(gpg --with-colons -k '=%s' "
		    "2>/dev/null "
		    "| awk -F: '/^fpr/{print $10; exit}') %s encrypt 2y",
		    more, name, sub);
}

static void
check(const char *name, enum kh_openpgp_verdict want, const char *algorithm)
{
	struct kh_openpgp_key who;
	struct kh_openpgp *g;
	struct key k;

	export_key(name, &k);
	assert_int_equal(kh_openpgp_new(&g, NULL), KH_OK);
	assert_int_equal(kh_openpgp_examine(g, k.p, k.n, &who), KH_OK);
	assert_string_equal(kh_openpgp_verdict_word(who.verdict),
	    kh_openpgp_verdict_word(want));
	if (algorithm != NULL) {
		assert_string_equal(who.algorithm, algorithm);
		assert_string_equal(who.uid, name);
		assert_int_equal(strlen(who.fpr), KH_OPENPGP_FPR_LEN);
		assert_true(who.expires > 0);
	}
	kh_openpgp_free(g);
}

/* There and back. */
static void
round_trip(const char *name)
{
	static const char text[] = "AGE-SECRET-KEY-1QQQQQQQQQQQQ\n";
	uint8_t msg[KH_OPENPGP_MESSAGE_MAX], *back;
	struct kh_openpgp_key who;
	struct kh_openpgp *g;
	struct key k;
	size_t n, m;

	export_key(name, &k);
	back = kh_secret_alloc(KH_OPENPGP_TEXT_MAX);
	assert_int_equal(kh_openpgp_new(&g, NULL), KH_OK);
	assert_int_equal(kh_openpgp_examine(g, k.p, k.n, &who), KH_OK);
	assert_int_equal(
	    kh_openpgp_wrap(g, k.p, k.n, &who, text, sizeof(text), msg, &n),
	    KH_OK);
	assert_true(n > sizeof(text));
	assert_int_equal(kh_openpgp_unwrap(msg, n, back, &m), KH_OK);
	assert_int_equal(m, sizeof(text));
	assert_memory_equal(back, text, m);

	msg[n - 5] ^= 1;
	assert_int_not_equal(kh_openpgp_unwrap(msg, n, back, &m), KH_OK);
	assert_int_equal(m, 0);
	kh_openpgp_free(g);
	kh_secret_free(back);
}

static void
test_kinds_taken(void **state)
{
	static const char *const kinds[][4] = {
	    {"r3", "rsa3072", "rsa3072", "rsa3072"},
	    {"r4", "rsa4096", "rsa4096", "rsa4096"},
	    {"p256", "nistp256", "nistp256", "nistp256"},
	    {"p384", "nistp384", "nistp384", "nistp384"},
	    {"cv", "ed25519", "cv25519", "cv25519"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		make(kinds[i][0], kinds[i][1], kinds[i][2], "");
		check(kinds[i][0], KH_OPENPGP_OK, kinds[i][3]);
		round_trip(kinds[i][0]);
	}
}

static void
test_kinds_refused(void **state)
{
	(void)state;
	make("sign", "ed25519", NULL, "");
	check("sign", KH_OPENPGP_SIGN_ONLY, NULL);
	make("r2", "rsa2048", "rsa2048", "");
	check("r2", KH_OPENPGP_WEAK, NULL);
	make("half", "ed25519", "rsa2048", "");
	check("half", KH_OPENPGP_WEAK, NULL);
	make("elg", "dsa2048", "elg2048", "");
	check("elg", KH_OPENPGP_ALGORITHM, NULL);
	make("p521", "nistp521", "nistp521", "");
	check("p521", KH_OPENPGP_ALGORITHM, NULL);
	make("sha1", "ed25519", "cv25519", "--cert-digest-algo SHA1");
	check("sha1", KH_OPENPGP_SHA1, NULL);
	make(
	    "old", "ed25519", "cv25519", "--faked-system-time 20200101T000000");
	check("old", KH_OPENPGP_EXPIRED, NULL);
	make("revoked", "ed25519", "cv25519", "");
	assert_int_equal(
	    system("f=$(gpg --with-colons -k =revoked 2>/dev/null | awk -F: "
		   "'/^fpr/{print $10; exit}'); sed 's/^:--/--/' "
		   "$GNUPGHOME/openpgp-revocs.d/$f.rev | gpg -q --batch "
		   "--import 2>/dev/null"),
	    0);
	check("revoked", KH_OPENPGP_REVOKED, NULL);
}

/* SHA-1 only in the subkey's binding. */
static void
test_sha1_binding(void **state)
{
	(void)state;
	make("bound", "ed25519", NULL, "");
	gpg("--cert-digest-algo SHA1 --quick-add-key $(gpg --with-colons -k "
	    "=bound 2>/dev/null | awk -F: '/^fpr/{print $10; exit}') cv25519 "
	    "encrypt 2y");
	check("bound", KH_OPENPGP_SHA1, NULL);
}

static void
test_not_a_key(void **state)
{
	static const uint8_t text[] = "hello";
	struct kh_openpgp_key who;
	struct kh_openpgp *g;
	struct key k, two;
	uint8_t raw[65536];
	size_t n;

	(void)state;
	assert_int_equal(kh_openpgp_new(&g, NULL), KH_OK);
	assert_int_equal(
	    kh_openpgp_examine(g, text, sizeof(text), &who), KH_EFORMAT);
	assert_int_equal(kh_openpgp_examine(g, text, 0, &who), KH_EFORMAT);
	make("one", "ed25519", "cv25519", "");
	export_key("one", &k);
	memcpy(&two, &k, sizeof(k));
	memcpy(two.p + k.n, k.p, k.n);
	assert_int_equal(kh_openpgp_examine(g, two.p, 2 * k.n, &who), KH_OK);
	assert_int_equal(who.verdict, KH_OPENPGP_SEVERAL);
	assert_int_equal(kh_openpgp_packets(two.p, 2 * k.n), KH_EKEY);
	assert_int_equal(kh_openpgp_packets(k.p, k.n), KH_OK);
	assert_int_equal(kh_openpgp_examine(g, k.p, k.n - 1, &who), KH_EFORMAT);
	/* A signature that does not fit. */
	k.p[k.n - 1] ^= 1;
	assert_int_equal(kh_openpgp_examine(g, k.p, k.n, &who), KH_OK);
	assert_int_equal(who.verdict, KH_OPENPGP_SIGN_ONLY);

	gpg("--yes -o %s/out --export-secret-keys =one", home);
	slurp("out", raw, sizeof(raw), &n);
	assert_int_equal(kh_openpgp_examine(g, raw, n, &who), KH_OK);
	assert_int_equal(who.verdict, KH_OPENPGP_SECRET);
	assert_int_equal(kh_openpgp_packets(raw, n), KH_EKEY);
	gpg("--yes -a -o %s/out --export-secret-keys =one", home);
	slurp("out", raw, sizeof(raw), &n);
	assert_int_equal(kh_openpgp_read(raw, n, k.p, &k.n), KH_EKEY);
	kh_openpgp_free(g);
}

static void
test_armor(void **state)
{
	char text[KH_OPENPGP_ARMOR_MAX + 1];
	struct key k, back;
	uint8_t raw[65536];
	size_t n, i;

	(void)state;
	export_key("one", &k);
	gpg("--yes -a -o %s/out --export =one", home);
	slurp("out", raw, sizeof(raw), &n);
	assert_int_equal(kh_openpgp_read(raw, n, back.p, &back.n), KH_OK);
	assert_int_equal(back.n, k.n);
	assert_memory_equal(back.p, k.p, k.n);
	assert_int_equal(kh_openpgp_armor(k.p, k.n, text), n);
	assert_memory_equal(text, raw, n);
	/* Cut anywhere before its last line it is none. */
	for (i = 0; i + 2 < n; i++) {
		if (kh_openpgp_read(raw, i, back.p, &back.n) == KH_OK)
			fail_msg("cut at %zu of %zu", i, n);
		assert_int_equal(back.n, 0);
	}
	memset(k.p, 0xa5, sizeof(k.p));
	assert_true(
	    kh_openpgp_armor(k.p, sizeof(k.p), text) <= KH_OPENPGP_ARMOR_MAX);
}

/* Encrypt through something that is not gpg. */
static enum kh_err
wrap_by(const char *name, const struct key *k, const struct kh_openpgp_key *who)
{
	uint8_t msg[KH_OPENPGP_MESSAGE_MAX];
	char path[256], line[600];
	struct kh_openpgp *g;
	enum kh_err e;
	size_t n = 1;

	(void)snprintf(path, sizeof(path), "%s/%s", home, name);
	(void)snprintf(line, sizeof(line),
	    "cp \"$(dirname \"$(readlink /proc/%d/exe)\")/fakegpg\" %s",
	    (int)getpid(), path);
	assert_int_equal(system(line), 0);
	assert_int_equal(kh_openpgp_new(&g, path), KH_OK);
	e = kh_openpgp_wrap(g, k->p, k->n, who, "x", 1, msg, &n);
	assert_int_equal(n > 0, e == KH_OK);
	kh_openpgp_free(g);
	return e;
}

/* L13, and whatever else may stand where gpg should. */
static void
test_l13_no_gpg(void **state)
{
	static const char *const lies[] = {
	    "die", "silent", "garbage", "empty", "deaf", "mute", "other"};
	struct kh_openpgp_key who;
	struct kh_openpgp *g;
	struct key k;
	size_t i;

	(void)state;
	export_key("one", &k);
	assert_int_equal(kh_openpgp_new(&g, NULL), KH_OK);
	assert_int_equal(kh_openpgp_examine(g, k.p, k.n, &who), KH_OK);
	kh_openpgp_free(g);
	for (i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		if (wrap_by(lies[i], &k, &who) != KH_EPROTO)
			fail_msg("%s", lies[i]);
	}
	/* To the right key, but without a word that it has ended. */
	assert_int_equal(
	    setenv("FAKEGPG_ID", who.subkey + KH_OPENPGP_FPR_LEN - 16, 1), 0);
	assert_int_equal(wrap_by("mute", &k, &who), KH_EPROTO);
	assert_int_equal(wrap_by("good", &k, &who), KH_OK);
	unsetenv("FAKEGPG_ID");
	assert_int_equal(wrap_by("false", &k, &who), KH_EUNSUP);
	assert_int_equal(wrap_by("hang", &k, &who), KH_EPROTO);
	/* And none of them is left. */
	assert_int_not_equal(
	    system("ls -l /proc/[0-9]*/exe 2>/dev/null | grep -q "
		   "\"$GNUPGHOME/\""),
	    0);
	assert_int_equal(kh_openpgp_new(&g, "/nonexistent/gpg"), KH_OK);
	assert_int_equal(kh_openpgp_examine(g, k.p, k.n, &who), KH_EUNSUP);
	kh_openpgp_free(g);
}

/* What it was examined for is what it must be encrypted to. */
static void
test_another_key(void **state)
{
	uint8_t msg[KH_OPENPGP_MESSAGE_MAX];
	struct kh_openpgp_key who;
	struct kh_openpgp *g;
	struct key a, b;
	size_t n = 1;

	(void)state;
	export_key("one", &a);
	export_key("cv", &b);
	assert_int_equal(kh_openpgp_new(&g, NULL), KH_OK);
	assert_int_equal(kh_openpgp_examine(g, a.p, a.n, &who), KH_OK);
	assert_int_equal(
	    kh_openpgp_wrap(g, b.p, b.n, &who, "x", 1, msg, &n), KH_EPROTO);
	assert_int_equal(n, 0);
	export_key("old", &b);
	assert_int_equal(
	    kh_openpgp_wrap(g, b.p, b.n, &who, "x", 1, msg, &n), KH_EKEY);
	kh_openpgp_free(g);
}

/* A home that is filled once and then only read, and nothing beside it. */
static void
test_home(void **state)
{
	uint8_t msg[KH_OPENPGP_MESSAGE_MAX];
	char path[128], line[512];
	struct kh_openpgp_key who;
	struct kh_openpgp *g;
	struct key k;
	size_t n;
	int dir;

	(void)state;
	export_key("one", &k);
	(void)snprintf(path, sizeof(path), "%s/fixed", home);
	assert_int_equal(mkdir(path, 0700), 0);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(kh_openpgp_home_fill(dir), KH_OK);
	assert_int_equal(kh_openpgp_home_key(dir, 7, k.p, k.n), KH_OK);
	close(dir);
	assert_int_equal(chmod(path, 0500), 0);
	assert_int_equal(kh_openpgp_new_at(&g, NULL, path), KH_OK);
	assert_int_equal(kh_openpgp_examine(g, k.p, k.n, &who), KH_OK);
	assert_int_equal(
	    kh_openpgp_wrap_to(g, 7, &who, "x", 1, msg, &n), KH_OK);
	assert_int_equal(
	    kh_openpgp_wrap_to(g, 8, &who, "x", 1, msg, &n), KH_EKEY);
	kh_openpgp_free(g);
	(void)snprintf(line, sizeof(line),
	    "test \"$(ls -A %s | tr '\\n' ' ')\" = '7.pgp gpg.conf trustdb.gpg "
	    "'",
	    path);
	assert_int_equal(system(line), 0);
}

static int
setup(void **state)
{
	(void)state;
	(void)snprintf(home, sizeof(home), "/tmp/knothole-test-XXXXXX");
	if (mkdtemp(home) == NULL || setenv("GNUPGHOME", home, 1) != 0 ||
	    setenv("TMPDIR", home, 1) != 0)
		return -1;
	return kh_init() == KH_OK ? 0 : -1;
}

static int
teardown(void **state)
{
	char line[256];

	(void)state;
	(void)snprintf(line, sizeof(line),
	    "gpgconf --kill all; test -z \"$(ls -d %s/knothole-gpg-* "
	    "2>/dev/null)\"; r=$?; rm -rf %s; exit $r",
	    home, home);
	return system(line) == 0 ? 0 : -1;
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_kinds_taken),
    cmocka_unit_test(test_kinds_refused),
    cmocka_unit_test(test_sha1_binding),
    cmocka_unit_test(test_not_a_key),
    cmocka_unit_test(test_armor),
    cmocka_unit_test(test_l13_no_gpg),
    cmocka_unit_test(test_another_key),
    cmocka_unit_test(test_home),
};

int
main(void)
{
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
