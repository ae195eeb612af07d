/*
 * What the instance keeps besides sealed objects: its salt, and the place of
 * the store. Separate from the store, so that whoever copies the store's
 * directory has sealed objects and nothing else.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "knothole/io.h"
#include "knothole/secret.h"
#include "server/keeper/keeper.h"

#define SALT_FILE "instance.salt"
#define SALT_NEW "instance.salt.new"

static bool
is_empty(int fd)
{
	const struct dirent *de;
	bool empty = true;
	DIR *d;

	fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = fd < 0 ? NULL : fdopendir(fd);
	if (d == NULL) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	while (empty && (de = readdir(d)) != NULL)
		empty = strcmp(de->d_name, ".") == 0 ||
		    strcmp(de->d_name, "..") == 0;
	closedir(d);
	return empty;
}

/* Is it ours alone (L32)? One that mkdir(1) has just made is shut: nothing in
 * it can have been seen. What has been open with things in it is not passed
 * over in silence. */
static bool
is_private(int fd, uid_t owner)
{
	struct stat sb;

	if (fstat(fd, &sb) != 0 ||
	    (sb.st_uid != geteuid() && sb.st_uid != owner))
		return false;
	if ((sb.st_mode & 077) == 0)
		return true;
	return is_empty(fd) && fchmod(fd, 0700) == 0;
}

/* Make a directory (0700) if it is missing; open it. Says what is wrong. */
static enum kh_exit
open_dir(const char *key, const char *path, uid_t owner, int *fd)
{
	*fd = -1;
	if (mkdir(path, 0700) != 0 && errno != EEXIST) {
		kh_say("%s = %s: cannot make this directory: %s", key, path,
		    strerror(errno));
		return KH_EXIT_CONFIG;
	}
	*fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (*fd < 0) {
		kh_say("%s = %s: cannot open this directory: %s", key, path,
		    strerror(errno));
		return KH_EXIT_CONFIG;
	}
	if (!is_private(*fd, owner)) {
		kh_say("%s = %s: others may look into this directory: it must "
		       "be ours alone (chmod 700, and chown)",
		    key, path);
		return KH_EXIT_CONFIG;
	}
	return KH_EXIT_OK;
}

/* A new salt under its final name, durably; or none, whenever this ends: half
 * a salt would be taken for a damaged one at the next start. */
static enum kh_err
make_salt(int dir, uint8_t salt[static KH_SALT_LEN])
{
	enum kh_err e;
	int fd;

	randombytes_buf(salt, KH_SALT_LEN);
	(void)unlinkat(dir, SALT_NEW, 0); /* of a start that was cut short */
	fd = openat(dir, SALT_NEW,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0400);
	if (fd < 0)
		return KH_ESYS;
	e = kh_write_all(fd, salt, KH_SALT_LEN);
	if (e == KH_OK &&
	    (fsync(fd) != 0 || linkat(dir, SALT_NEW, dir, SALT_FILE, 0) != 0))
		e = KH_ESYS;
	(void)unlinkat(dir, SALT_NEW, 0);
	if (e == KH_OK && fsync(dir) != 0)
		e = KH_ESYS;
	close(fd);
	return e;
}

static enum kh_err
read_salt(int dir, uint8_t salt[static KH_SALT_LEN])
{
	uint8_t buf[KH_SALT_LEN + 1];
	enum kh_err e;
	size_t n;
	int fd;

	fd = openat(dir, SALT_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? KH_ENOENT : KH_ESYS;
	e = kh_read_upto(fd, buf, sizeof(buf), &n);
	close(fd);
	if (e == KH_OK && n != KH_SALT_LEN)
		e = KH_EFORMAT;
	if (e == KH_OK)
		memcpy(salt, buf, KH_SALT_LEN);
	kh_wipe(buf, sizeof(buf));
	return e;
}

enum kh_exit
kh_salt_load(const char *path, uint8_t salt[static KH_SALT_LEN])
{
	enum kh_exit x;
	enum kh_err e;
	int dir;

	x = open_dir("state", path, geteuid(), &dir);
	if (x == KH_EXIT_OK) {
		e = read_salt(dir, salt);
		if (e == KH_ENOENT)
			e = make_salt(dir, salt);
		if (e != KH_OK) {
			kh_say("state = %s: cannot read or make "
			       "%s/" SALT_FILE ": %s. It must be %d bytes, as "
			       "it was made at the first start; restore it "
			       "from a backup",
			    path, path, kh_err_text(e), KH_SALT_LEN);
			x = KH_EXIT_CONFIG;
		}
	}
	if (dir >= 0)
		close(dir);
	return x;
}

enum kh_exit
kh_store_dir_open(const char *where, uid_t owner, int *fd)
{
	static const char engine[] = "dir:";
	enum kh_exit x;

	if (strncmp(where, engine, sizeof(engine) - 1) == 0)
		where += sizeof(engine) - 1;
	x = open_dir("store", where, owner, fd);
	return x == KH_EXIT_OK ? kh_hand_over(*fd, owner) : x;
}
