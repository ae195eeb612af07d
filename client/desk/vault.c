/*
 * Opening, locking and saving a vault. Separate from what is done in it, so
 * that every command keeps the same order of steps and no other.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/desk/vault.h"
#include "client/desk/vault_files.h"
#include "client/exit.h"
#include "client/file.h"
#include "client/keys.h"
#include "knothole/day.h"
#include "knothole/io.h"
#include "knothole/secret.h"
#include "lib/base/precond.h"

static const char *given; /* --vault */

void
kh_vault_use(const char *path)
{
	given = path;
}

const char *
kh_vault_path(void)
{
	const char *path = given != NULL ? given : getenv("KNOTHOLE_VAULT");

	return path != NULL && path[0] != '\0' ? path : NULL;
}

int
kh_vault_identity_path(const char *vault, int dir_fd, char out[static PATH_MAX])
{
	const char *name = KH_VAULT_IDENTITY_AGE;
	struct stat sb;
	int n;

	if (fstatat(dir_fd, name, &sb, AT_SYMLINK_NOFOLLOW) != 0)
		name = KH_VAULT_IDENTITY_TXT;
	n = snprintf(out, PATH_MAX, "%s/%s", vault, name);
	if (n > 0 && n < PATH_MAX)
		return KH_EXIT_OK;
	errno = ENAMETOOLONG;
	return kh_fail_open(vault);
}

int
kh_vault_default_key(struct kh_args_keys *keys)
{
	static char path[PATH_MAX];
	const char *vault = kh_vault_path();
	int fd, code;

	if (keys->n > 0 || vault == NULL)
		return KH_EXIT_OK;
	fd = open(vault, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return kh_fail_open(vault);
	code = kh_vault_identity_path(vault, fd, path);
	close(fd);
	if (code == KH_EXIT_OK)
		keys->path[keys->n++] = path;
	return code;
}

/* --- opening --------------------------------------------------------------- */

static void
reset(struct kh_vault *v)
{
	memset(v, 0, sizeof(*v));
	v->dir_fd = v->objects_fd = v->outbox_fd = v->lock_fd = -1;
}

static int
open_sub(struct kh_vault *v, const char *name, int *fd)
{
	*fd = openat(v->dir_fd, name, KH_VAULT_DIR_FLAGS);
	if (*fd >= 0)
		return KH_EXIT_OK;
	kh_say(v->path, "is no vault: %s: %s; `knothole init` makes one", name,
	    strerror(errno));
	return KH_EXIT_NOINPUT;
}

static int
open_dirs(struct kh_vault *v)
{
	struct stat sb;
	int code;

	v->dir_fd = open(v->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (v->dir_fd < 0)
		return kh_fail_open(v->path);
	code = open_sub(v, KH_VAULT_OBJECTS, &v->objects_fd);
	if (code == KH_EXIT_OK)
		code = open_sub(v, KH_VAULT_OUTBOX, &v->outbox_fd);
	if (code == KH_EXIT_OK && fstat(v->dir_fd, &sb) == 0 &&
	    (sb.st_mode & 077) != 0)
		kh_say(v->path,
		    "warning: others on this machine may look into it; "
		    "`chmod 700` it, on a file system that keeps modes");
	return code;
}

static int
take_lock(struct kh_vault *v)
{
	v->lock_fd = openat(v->dir_fd, KH_VAULT_LOCK,
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (v->lock_fd < 0)
		return kh_fail(KH_ON_OUTPUT, v->path, KH_ESYS);
	if (flock(v->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return KH_EXIT_OK;
	if (errno != EWOULDBLOCK)
		return kh_fail(KH_ON_OUTPUT, v->path, KH_ESYS);
	kh_say(v->path,
	    "another knothole is at work in this vault; wait until it has "
	    "ended");
	return KH_EXIT_BUSY;
}

static int
open_keys(struct kh_vault *v, int pass_fd, struct kh_passphrase *pass)
{
	char path[PATH_MAX];
	int code;

	code = kh_vault_identity_path(v->path, v->dir_fd, path);
	if (code != KH_EXIT_OK)
		return code;
	v->room = kh_secret_alloc(KH_VAULT_ROOM_LEN);
	if (v->room == NULL)
		return kh_fail(KH_ON_KEY, NULL, KH_ENOMEM);
	return kh_keys_newsroom_with(path, pass_fd, pass, &v->kr, v->room);
}

/* Open and read the index. */
static enum kh_err
load(struct kh_vault *v)
{
	struct kh_age_reader *r = NULL;
	struct kh_source src;
	char *json = NULL;
	uint64_t n = 0;
	enum kh_err e = KH_ESYS;
	int fd;

	fd = openat(v->dir_fd, KH_VAULT_INDEX,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return KH_ESYS;
	e = kh_source_fd(&fd, &src);
	if (e == KH_OK)
		e = kh_age_reader_new(&r, v->kr, src);
	if (e == KH_OK) {
		n = kh_age_reader_size(r);
		e = n > KH_INDEX_MAX ? KH_ELIMIT : KH_OK;
	}
	if (e == KH_OK) {
		json = kh_secret_alloc((size_t)n + 1);
		e = json == NULL ? KH_ENOMEM : KH_OK;
	}
	if (e == KH_OK)
		e = kh_age_reader_read(r, 0, (uint8_t *)json, (size_t)n);
	if (e == KH_OK)
		e = kh_index_read(json, (size_t)n, &v->ix);
	kh_secret_free(json);
	kh_age_reader_free(r);
	close(fd);
	return e;
}

static int
open_index(struct kh_vault *v)
{
	enum kh_err e = load(v);
	const int err = errno;
	bool lost;

	if (e == KH_OK &&
	    memcmp(&v->ix->outlet, &v->room->outlet, sizeof(v->ix->outlet)) !=
		0)
		e = KH_EAUTH;
	if (e == KH_OK)
		return KH_EXIT_OK;
	if (e == KH_ESYS && err == ENOENT && !kh_vault_used(v->dir_fd)) {
		kh_say(v->path, "is no vault; `knothole init` makes one");
		return KH_EXIT_NOINPUT;
	}
	lost = e == KH_ESYS && err == ENOENT;
	kh_say(v->path,
	    "its index cannot be read: %s; restore " KH_VAULT_INDEX
	    " from a copy",
	    e == KH_ESYS ? strerror(err) : kh_err_text(e));
	return lost ? KH_EXIT_NOINPUT : kh_exit_code(KH_ON_OBJECT, e);
}

int
kh_vault_open(struct kh_vault *v, int pass_fd, bool write)
{
	struct kh_passphrase pass = {0};
	int code = kh_vault_open_with(v, pass_fd, &pass, write);

	kh_passphrase_free(&pass);
	return code;
}

int
kh_vault_open_with(
    struct kh_vault *v, int pass_fd, struct kh_passphrase *pass, bool write)
{
	int code;

	PRECOND(v != NULL);
	reset(v);
	v->path = kh_vault_path();
	if (v->path == NULL)
		return kh_fail_usage("vault",
		    "none given; put --vault DIR before the command, or set "
		    "KNOTHOLE_VAULT");
	kh_day_today(v->today);
	code = open_dirs(v);
	if (code == KH_EXIT_OK && write)
		code = take_lock(v);
	if (code == KH_EXIT_OK)
		code = open_keys(v, pass_fd, pass);
	if (code == KH_EXIT_OK)
		code = open_index(v);
	if (code != KH_EXIT_OK)
		kh_vault_close(v);
	return code;
}

void
kh_vault_close(struct kh_vault *v)
{
	int *const fds[] = {
	    &v->lock_fd, &v->outbox_fd, &v->objects_fd, &v->dir_fd};
	size_t i;

	kh_index_free(v->ix);
	kh_secret_free(v->room);
	kh_keyring_free(v->kr);
	for (i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (*fds[i] >= 0)
			close(*fds[i]);
	reset(v);
}

/* --- saving ---------------------------------------------------------------- */

static enum kh_err
write_index(const struct kh_vault *v, int fd)
{
	struct kh_seal_to to = {.recipients = &v->room->to, .n = 1};
	struct kh_sealer *s = NULL;
	char *json = NULL;
	enum kh_err e;
	size_t n;

	e = kh_index_write(v->ix, &json, &n);
	if (e == KH_OK)
		e = kh_sealer_new(&s, &to, kh_sink_fd(&fd));
	if (e == KH_OK)
		e = kh_sealer_write(s, (const uint8_t *)json, n);
	if (e == KH_OK)
		e = kh_sealer_finish(s);
	kh_sealer_free(s);
	kh_secret_free(json);
	return e;
}

enum kh_err
kh_vault_save(struct kh_vault *v)
{
	static const char temp[] = KH_VAULT_INDEX_NEW;
	enum kh_err e;
	int fd;

	PRECOND(v != NULL && v->ix != NULL && v->lock_fd >= 0);
	e = kh_file_begin(v->dir_fd, temp, &fd);
	if (e != KH_OK)
		return e;
	e = write_index(v, fd);
	if (e == KH_OK && fsync(fd) != 0)
		e = kh_io_error();
	if (close(fd) != 0 && e == KH_OK)
		e = kh_io_error();
	if (e == KH_OK &&
	    renameat(v->dir_fd, temp, v->dir_fd, KH_VAULT_INDEX) != 0)
		e = kh_io_error();
	if (e == KH_OK)
		return kh_file_sync_dir(v->dir_fd);
	(void)unlinkat(v->dir_fd, temp, 0);
	return e;
}

int
kh_vault_commit(struct kh_vault *v)
{
	enum kh_err e = kh_vault_save(v);

	if (e == KH_ELIMIT) {
		kh_say(v->path, "is full; begin another vault");
		return KH_EXIT_CREATE;
	}
	return e == KH_OK ? KH_EXIT_OK : kh_fail(KH_ON_OUTPUT, v->path, e);
}
