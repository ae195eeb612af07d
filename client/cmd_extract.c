/*
 * knothole extract: a submission, opened into a directory of its own that
 * appears only when all of the object was authenticated (L9).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/args.h"
#include "client/bridge.h"
#include "client/cmd.h"
#include "client/desk/pick.h"
#include "client/desk/vault.h"
#include "client/exit.h"
#include "client/keys.h"
#include "client/nested.h"
#include "client/object.h"
#include "client/output.h"
#include "client/progress.h"
#include "client/signals.h"
#include "client/tree.h"

static const char help[] =
    "usage: knothole extract -i IDENTITY [--passphrase-fd N] -o DIR "
    "OBJECT...\n"
    "       knothole [--vault DIR] extract [--passphrase-fd N] -o DIR\n"
    "                THREAD|OBJECT...\n\n"
    "Opens sealed submissions. What is in NAME.age comes out as\n\n"
    "  DIR/NAME/message.txt      what the source wrote\n"
    "  DIR/NAME/files/001-...    the files, under safe names\n"
    "  DIR/NAME/opened/001-...   those that the source had sealed, opened\n"
    "  DIR/NAME/manifest.json    the names as they were sent, and the rest\n"
    "  DIR/NAME/SHA256SUMS       for sha256sum -c\n\n"
    "DIR/NAME appears only if all of the object is authentic; if it is there\n"
    "already, it stays as it is.\n\n"
    "With a vault, and without -i, a source's alias means all that came from\n"
    "it, and an object can be named by its id; all else is a file.\n\n"
    "  -i, --identity FILE    identity file, under a passphrase or not;\n"
    "                         repeatable\n"
    "  -i openpgp:FINGERPRINT the OpenPGP key that gpg has, on a card or not;\n"
    "                         with a vault besides its keys\n"
    "      --passphrase-fd N  read the passphrase, one line, from descriptor\n"
    "                         N instead of asking on the terminal\n"
    "  -o, --output DIR       where to; made if it is not there\n"
    "  -h, --help             this text\n";

static const struct option options[] = {
    {"identity", required_argument, NULL, 'i'},
    {"passphrase-fd", required_argument, NULL, 'P'},
    {"output", required_argument, NULL, 'o'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct extract {
	struct kh_args_keys keys;
	struct kh_keyring *kr;
	const char *dir;
	int dir_fd;
	bool help;
	bool with_vault;
	struct kh_vault vault; /* its keyring is `kr`, then */
	bool *done; /* for each object of its index: extracted */
};

/* One object on its way out. */
struct job {
	const struct extract *x;
	const char *path; /* the object, for messages */
	char made[KH_SHOWN_MAX]; /* DIR/NAME, for messages */
	struct kh_tree tree;
	struct kh_tree_file file;
	struct kh_nested nested;
	bool in_files;
	struct kh_progress progress;
	uint64_t done; /* bytes */
	bool failed_write;
	int err; /* errno of that */
};

static int
parse(struct extract *x, int argc, char **argv)
{
	const struct kh_args_to to[] = {
	    {'o', .text = &x->dir},
	    {'h', .flag = &x->help},
	    {0},
	};
	const struct kh_args_spec spec = {":i:o:h", options, to, &x->keys};
	int code = kh_args_read(&spec, argc, argv);

	if (code != KH_EXIT_OK || x->help)
		return code;
	if (optind == argc)
		return kh_fail_usage("extract", "no OBJECT given");
	x->with_vault = kh_vault_path() != NULL &&
	    (x->keys.n == 0 || kh_bridge_only(&x->keys));
	if (!x->with_vault)
		kh_bridge_default(&x->keys, argv[optind]);
	if (x->keys.n == 0 && !x->with_vault)
		return kh_fail_usage("extract", "no key; give -i IDENTITY");
	if (x->dir == NULL)
		return kh_fail_usage("extract", "no place to; give -o DIR");
	return KH_EXIT_OK;
}

/* Remember that it was our side that failed. */
static enum kh_err
ours(struct job *j, enum kh_err e)
{
	if (e != KH_OK) {
		j->failed_write = true;
		j->err = errno;
	}
	return e;
}

static enum kh_err
on_data(void *ctx, const uint8_t *p, size_t n)
{
	struct job *j = ctx;
	struct kh_memory bytes = {.p = p, .n = n};
	enum kh_err e;

	if (kh_signals_caught()) {
		errno = EINTR;
		return ours(j, KH_ESYS);
	}
	e = kh_tree_write(&j->file, p, n);
	if (e == KH_OK && j->in_files)
		e = kh_nested_write(
		    &j->nested, &j->tree, j->x->kr, j->file.path, &bytes);
	j->done += n;
	kh_progress_show(&j->progress, j->done);
	return ours(j, e);
}

static enum kh_err
on_open(void *ctx, const struct kh_bundle_entry *entry, struct kh_sink *sink)
{
	struct job *j = ctx;

	*sink = (struct kh_sink){.write = on_data, .ctx = j};
	j->in_files = entry->file != NULL;
	kh_nested_start(&j->nested);
	return ours(j, kh_tree_open(&j->tree, &j->file, entry->path));
}

static void
say_nested(const struct job *j)
{
	if (j->nested.state == KH_NESTED_OPENED)
		kh_say(j->path,
		    "%s had been sealed by the source and was "
		    "opened: %s",
		    j->file.path, j->nested.file.path);
	if (j->nested.state == KH_NESTED_FAILED)
		kh_say(j->path,
		    "%s was sealed by the source and could not be "
		    "opened: %s; it is there as it came",
		    j->file.path, kh_err_text(j->nested.why));
}

static enum kh_err
on_done(void *ctx, const struct kh_bundle_entry *entry)
{
	struct job *j = ctx;
	enum kh_err e;

	(void)entry;
	e = kh_tree_close(&j->file);
	if (e == KH_OK)
		e = kh_nested_end(&j->nested);
	kh_progress_end(&j->progress);
	if (e == KH_OK)
		say_nested(j);
	return ours(j, e);
}

static void
on_verify(void *ctx, uint64_t done, uint64_t all)
{
	struct job *j = ctx;

	(void)all;
	kh_progress_show(&j->progress, done * KH_CHUNK_LEN);
}

/* Write all entries, then authenticate the rest. */
static int
read_all(struct job *j, struct kh_object *o)
{
	struct kh_bundle_visitor v = {
	    .open = on_open, .done = on_done, .ctx = j};
	enum kh_err e;

	kh_progress_start(
	    &j->progress, "extracting", kh_age_reader_size(o->age));
	e = kh_bundle_read(o->bundle, &v);
	if (e == KH_OK)
		e = kh_age_reader_verify(o->age, on_verify, j);
	kh_progress_end(&j->progress);
	if (e == KH_OK)
		return KH_EXIT_OK;
	kh_nested_abort(&j->nested);
	kh_tree_drop(&j->file);
	if (kh_signals_caught())
		return KH_EXIT_IO;
	if (!j->failed_write)
		return kh_fail(KH_ON_OBJECT, j->path, e);
	errno = j->err;
	return kh_fail(KH_ON_OUTPUT, j->made, e);
}

static int
commit(struct job *j, const char *stem, bool complete)
{
	char shown[KH_SHOWN_MAX];
	enum kh_err e;

	if (kh_signals_caught())
		return KH_EXIT_IO;
	e = kh_tree_commit(&j->tree, stem);
	if (e != KH_OK)
		return kh_fail(KH_ON_OUTPUT, j->made, e);
	printf("%s\n", kh_shown(j->made, shown));
	if (!complete)
		kh_say(j->path,
		    "the source's upload was cut off: the last "
		    "file, or more, is missing; see manifest.json");
	return KH_EXIT_OK;
}

static int
extract_object(struct job *j, struct kh_object *o, const char *stem)
{
	struct stat sb;
	enum kh_err e;
	int code;

	(void)snprintf(j->made, sizeof(j->made), "%.3900s/%s", j->x->dir, stem);
	if (fstatat(j->x->dir_fd, stem, &sb, AT_SYMLINK_NOFOLLOW) == 0)
		return kh_fail(KH_ON_OUTPUT, j->made, KH_EEXIST);
	kh_signals_defer(true);
	e = kh_tree_begin(&j->tree, j->x->dir_fd);
	if (e != KH_OK) {
		(void)kh_fail(KH_ON_OUTPUT, j->x->dir, e);
		code = KH_EXIT_CREATE;
	} else {
		code = read_all(j, o);
		if (code == KH_EXIT_OK)
			code = commit(
			    j, stem, kh_bundle_manifest(o->bundle)->complete);
		kh_tree_abort(&j->tree);
	}
	kh_signals_defer(false);
	return code;
}

static int
extract_one(const struct extract *x, const char *path)
{
	struct job j = {.x = x, .path = path, .file = {.fd = -1}};
	char stem[KH_NAME_MAX + 1];
	struct kh_object o;
	int code;

	kh_nested_start(&j.nested);
	code = kh_object_open(&o, path, x->kr);
	if (code != KH_EXIT_OK)
		return code;
	kh_object_stem(path, stem);
	code = extract_object(&j, &o, stem);
	kh_object_close(&o);
	return code;
}

/* All that an argument means, if the vault knows it. */
static int
extract_picked(struct extract *x, const struct kh_pick *pick)
{
	int code = KH_EXIT_OK, one;
	char path[PATH_MAX];
	size_t i, k;

	for (i = 0; i < pick->n; i++) {
		k = pick->objects[i];
		if (!kh_vault_object_path(
			&x->vault, &x->vault.ix->objects[k], path))
			one = kh_fail(KH_ON_OBJECT, x->vault.path, KH_ENAME);
		else
			one = extract_one(x, path);
		x->done[k] = x->done[k] || one == KH_EXIT_OK;
		if (code == KH_EXIT_OK)
			code = one;
	}
	return code;
}

static int
extract_argument(struct extract *x, const char *arg)
{
	struct kh_pick pick;
	int code;

	if (!x->with_vault)
		return extract_one(x, arg);
	code = kh_pick(&x->vault, arg, &pick);
	if (code != KH_EXIT_OK)
		return code;
	if (pick.n == 0)
		return extract_one(x, arg);
	code = extract_picked(x, &pick);
	free(pick.objects);
	return code;
}

static int
open_keys(struct extract *x)
{
	int code;

	if (!x->with_vault)
		return kh_keys_open(&x->keys, &x->kr);
	code = kh_vault_open(&x->vault, x->keys.fd, true);
	if (code != KH_EXIT_OK) {
		x->with_vault = false; /* nothing of it is open */
		return code;
	}
	x->kr = x->vault.kr;
	code = kh_bridge_use(x->kr, &x->keys);
	if (code != KH_EXIT_OK)
		return code;
	x->done = calloc(x->vault.ix->n_objects + 1, sizeof(x->done[0]));
	return x->done != NULL ? code : kh_fail(KH_ON_OUTPUT, NULL, KH_ENOMEM);
}

static void
close_keys(struct extract *x)
{
	free(x->done);
	if (x->with_vault)
		kh_vault_close(&x->vault);
	else
		kh_keyring_free(x->kr);
	x->kr = NULL;
}

static int
extract_all(struct extract *x, int n, char **objects)
{
	enum kh_err e;
	int i, one, code;

	code = open_keys(x);
	if (code != KH_EXIT_OK)
		goto out;
	e = kh_output_dir(x->dir, &x->dir_fd);
	if (e != KH_OK) {
		(void)kh_fail(KH_ON_OUTPUT, x->dir, e);
		code = KH_EXIT_CREATE;
		goto out;
	}
	for (i = 0; i < n; i++) {
		one = extract_argument(x, objects[i]);
		if (code == KH_EXIT_OK)
			code = one;
	}
	if (x->with_vault) {
		one = kh_pick_log(&x->vault, x->done);
		if (code == KH_EXIT_OK)
			code = one;
	}
out:
	if (x->dir_fd >= 0)
		close(x->dir_fd);
	close_keys(x);
	return code;
}

int
kh_cmd_extract(int argc, char **argv)
{
	struct extract x = {.keys = {.fd = -1}, .dir_fd = -1};
	int code;

	code = parse(&x, argc, argv);
	if (code != KH_EXIT_OK)
		return code;
	if (x.help) {
		fputs(help, stdout);
		return KH_EXIT_OK;
	}
	return extract_all(&x, argc - optind, argv + optind);
}
