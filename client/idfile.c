/*
 * Changing an identity file. Separate from reading one, which nearly every
 * command does, and none of those may write.
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/exit.h"
#include "client/file.h"
#include "client/identity.h"
#include "client/idfile.h"
#include "client/input.h"
#include "client/keys.h"
#include "client/output.h"
#include "client/replace.h"
#include "client/reseal.h"
#include "client/unlock.h"
#include "knothole/io.h"
#include "knothole/secret.h"
#include "lib/base/precond.h"

#define ARMOR '-' /* what an armored age file begins with */
#define PIECE 65536

/* The directory that the file really is in, and its name there. */
static int
find(struct kh_idfile *f)
{
	char *real = realpath(f->path, NULL), *slash;
	int code = KH_EXIT_OK;

	if (real == NULL)
		return kh_fail_open(f->path);
	slash = strrchr(real, '/');
	PRECOND(slash != NULL && strlen(slash + 1) <= NAME_MAX);
	memcpy(f->name, slash + 1, strlen(slash + 1) + 1);
	slash[slash == real ? 1 : 0] = '\0';
	f->dir_fd = open(real, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->dir_fd < 0)
		code = kh_fail_open(f->path);
	free(real);
	return code;
}

static int
open_plain(struct kh_idfile *f, const char *text, size_t n,
    const struct kh_passphrase *pass)
{
	enum kh_err e;

	e = kh_identity_file_plain(text, n, pass, &f->text, &f->n);
	if (e == KH_OK)
		e = kh_epochs_parse(f->text, f->n, &f->epochs);
	return e == KH_OK ? KH_EXIT_OK : kh_fail(KH_ON_KEY, f->path, e);
}

static bool
copy_passphrase(struct kh_passphrase *to, const struct kh_passphrase *from)
{
	to->text = kh_secret_alloc(from->n + 1);
	if (to->text == NULL)
		return false;
	memcpy(to->text, from->text, from->n);
	to->n = from->n;
	return true;
}

/* Under the passphrase of another file, if that fits; else under its own. */
static int
open_sealed(struct kh_idfile *f, const char *text, size_t n, int fd,
    const struct kh_passphrase *like)
{
	enum kh_err e = KH_ENOKEY;
	int code;

	if (like != NULL && like->text != NULL) {
		e = kh_identity_file_plain(text, n, like, &f->text, &f->n);
		kh_secret_free(f->text);
		f->text = NULL;
		if (e == KH_OK && !copy_passphrase(&f->pass, like))
			e = KH_ENOMEM;
	}
	if (e == KH_ENOKEY) {
		code = kh_keys_passphrase_for(f->path, fd, &f->pass);
		if (code != KH_EXIT_OK)
			return code;
	} else if (e != KH_OK) {
		return kh_fail(KH_ON_KEY, f->path, e);
	}
	return open_plain(f, text, n, &f->pass);
}

/* With an editor's own key. */
static int
open_keys(struct kh_idfile *f, int fd)
{
	struct kh_unlock u = {.fd = fd};
	struct kh_unlocked o;
	enum kh_err e = KH_OK;
	int code;

	code = kh_unlock_file(&u, f->path, &o);
	f->text = o.text;
	f->n = o.n;
	f->editors = u.editors; /* to prove by that it opens again */
	u.editors = NULL;
	kh_unlock_end(&u);
	if (code == KH_EXIT_OK)
		e = kh_epochs_parse(f->text, f->n, &f->epochs);
	return e == KH_OK ? code : kh_fail(KH_ON_KEY, f->path, e);
}

static int
read_file(struct kh_idfile *f, int fd, const struct kh_passphrase *like)
{
	struct stat sb;
	char *text = NULL;
	size_t n = 0;
	enum kh_err e;
	int in, code = KH_EXIT_OK;

	/* Regular files only: a FIFO would make us wait. */
	in = openat(f->dir_fd, f->name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (in < 0)
		return kh_fail_open(f->path);
	e = fstat(in, &sb) == 0 ? KH_OK : KH_ESYS;
	if (e == KH_OK) {
		f->dev = sb.st_dev;
		f->ino = sb.st_ino;
		f->mode = sb.st_mode & 0777;
		e = S_ISREG(sb.st_mode)
		    ? kh_input_all(in, KH_IDENTITY_FILE_MAX, &text, &n)
		    : KH_EFORMAT;
	}
	close(in);
	if (e != KH_OK)
		return kh_fail(KH_ON_KEY, f->path, e);
	f->sealed = kh_input_is_age(text, n);
	f->armored = f->sealed && text[0] == ARMOR;
	if (kh_keys_sealed_to_keys(text, n)) {
		code = open_keys(f, fd);
	} else if (f->sealed) {
		code = open_sealed(f, text, n, fd, like);
	} else {
		code = open_plain(f, text, n, NULL);
	}
	kh_secret_free(text);
	return code;
}

int
kh_idfile_open(struct kh_idfile *f, const char *path, int fd,
    const struct kh_passphrase *like)
{
	int code;

	PRECOND(f != NULL && path != NULL);
	memset(f, 0, sizeof(*f));
	f->path = path;
	f->dir_fd = -1;
	code = find(f);
	return code == KH_EXIT_OK ? read_file(f, fd, like) : code;
}

void
kh_idfile_close(struct kh_idfile *f)
{
	if (f->dir_fd >= 0)
		close(f->dir_fd);
	kh_secret_free(f->text);
	kh_passphrase_free(&f->pass);
	kh_keyring_free(f->editors);
	memset(f, 0, sizeof(*f));
	f->dir_fd = -1;
}

bool
kh_idfile_same(const struct kh_idfile *a, const struct kh_idfile *b)
{
	return a->dev == b->dev && a->ino == b->ino;
}

bool
kh_idfile_in_vault(const struct kh_idfile *f)
{
	return faccessat(f->dir_fd, "index.age", F_OK, AT_SYMLINK_NOFOLLOW) ==
	    0 &&
	    faccessat(f->dir_fd, "outbox", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* For all that it was sealed for. The file for shares beside it comes first:
 * each is whole by itself. */
static enum kh_err
write_sealed(const struct kh_idfile *f, int fd, const char *text, size_t n)
{
	const struct kh_reseal how = {.text = text,
	    .n = n,
	    .pass = f->pass.text != NULL ? &f->pass : NULL,
	    .proof = f->editors};
	struct kh_sealed_file id, rec;
	char beside[PATH_MAX];
	enum kh_err e;

	e = kh_reseal(&how, &id, &rec);
	if (e == KH_OK && rec.p != NULL &&
	    (!kh_reseal_recovery(f->path, beside) ||
		kh_replace_file(beside, rec.p, rec.n) != KH_EXIT_OK))
		e = KH_ESYS;
	if (e == KH_OK)
		e = kh_write_all(fd, id.p, id.n);
	kh_sealed_file_free(&id);
	kh_sealed_file_free(&rec);
	return e;
}

static enum kh_err
write_text(const struct kh_idfile *f, int fd, const char *text, size_t n)
{
	struct kh_seal_to to = {.passphrase = f->pass.text,
	    .passphrase_len = f->pass.n,
	    .armor = f->armored};
	struct kh_sealer *s = NULL;
	enum kh_err e;

	if (!f->sealed)
		return kh_write_all(fd, text, n);
	if (!f->armored)
		return write_sealed(f, fd, text, n);
	e = kh_sealer_new(&s, &to, kh_sink_fd(&fd));
	if (e == KH_OK)
		e = kh_sealer_write(s, (const uint8_t *)text, n);
	if (e == KH_OK)
		e = kh_sealer_finish(s);
	kh_sealer_free(s);
	return e;
}

static enum kh_err
write_new(
    const struct kh_idfile *f, const char *temp, const char *text, size_t n)
{
	enum kh_err e;
	int fd;

	e = kh_file_begin(f->dir_fd, temp, &fd);
	if (e != KH_OK)
		return e;
	e = write_text(f, fd, text, n);
	if (e == KH_OK && (fchmod(fd, f->mode) != 0 || fsync(fd) != 0))
		e = kh_io_error();
	if (close(fd) != 0 && e == KH_OK)
		e = kh_io_error();
	if (e == KH_OK && renameat(f->dir_fd, temp, f->dir_fd, f->name) != 0)
		e = kh_io_error();
	if (e != KH_OK)
		(void)unlinkat(f->dir_fd, temp, 0);
	return e;
}

/* Random bytes where it was: what a file system that writes in place keeps of
 * it then. */
static bool
overwrite(int fd)
{
	uint8_t piece[PIECE];
	struct stat sb;
	off_t at;
	size_t n;

	if (fstat(fd, &sb) != 0)
		return false;
	for (at = 0; at < sb.st_size; at += (off_t)n) {
		n = sb.st_size - at < (off_t)sizeof(piece)
		    ? (size_t)(sb.st_size - at)
		    : sizeof(piece);
		randombytes_buf(piece, n);
		if (pwrite(fd, piece, n, at) != (ssize_t)n)
			return false;
	}
	return fsync(fd) == 0;
}

static void
destroy(const struct kh_idfile *f, int old)
{
	struct stat sb;

	/* Another name of it is another copy: not ours to spoil. */
	if (fstat(old, &sb) == 0 && sb.st_nlink > 0)
		kh_say(f->path,
		    "warning: the old file has another name somewhere (find "
		    "-inum %llu) and is still there under it: remove that",
		    (unsigned long long)sb.st_ino);
	else if (!overwrite(old))
		kh_say(f->path,
		    "warning: the bytes of the old file could not be written "
		    "over: %s",
		    strerror(errno));
}

int
kh_idfile_replace(
    struct kh_idfile *f, const char *text, size_t n, bool overwritten)
{
	char temp[KH_OUTPUT_TEMP_LEN];
	enum kh_err e;
	int old;

	PRECOND(f != NULL && f->dir_fd >= 0 && text != NULL);
	old = openat(f->dir_fd, f->name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (old < 0)
		return kh_fail(KH_ON_OUTPUT, f->path, KH_ESYS);
	kh_output_temp_name(temp);
	e = write_new(f, temp, text, n);
	if (e == KH_OK)
		e = kh_file_sync_dir(f->dir_fd);
	if (e == KH_OK && overwritten)
		destroy(f, old);
	close(old);
	return e == KH_OK ? KH_EXIT_OK : kh_fail(KH_ON_OUTPUT, f->path, e);
}
