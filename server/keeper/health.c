/*
 * The health file: one small file of a fixed size, for whatever watches the
 * machine. Separate, because what may stand in it is decided here: facts about
 * this service in coarse steps, never a number or a time of anything that a
 * source did.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "knothole/io.h"
#include "knothole/store.h"
#include "lib/base/precond.h"
#include "server/ipc/fault.h"
#include "server/keeper/keeper.h"

void
kh_health_text(
    const struct kh_msg_health *h, bool up, char out[static KH_HEALTH_LEN + 1])
{
	int n;

	n = snprintf(out, KH_HEALTH_LEN + 1,
	    "version = " KH_VERSION "\n"
	    "up = %s\n"
	    "selftest = %s\n"
	    "disk_quarters_free = %u\n"
	    "key_weeks_left = %u\n"
	    "key_epochs_left = %u\n"
	    "crash_loop = %s\n",
	    up ? "yes" : "no", kh_fault_word(h->fault), (unsigned)h->quarters,
	    (unsigned)h->weeks, (unsigned)h->epochs,
	    h->looping != 0 ? "yes" : "no");
	PRECOND(n > 0 && n < KH_HEALTH_LEN);
	/* Where no card has such a key there is nothing to say about it. */
	if (h->openpgp != KH_OPENPGP_NONE)
		n += snprintf(out + n, (size_t)(KH_HEALTH_LEN + 1 - n),
		    "openpgp_keys = %s\n", kh_openpgp_word(h->openpgp));
	PRECOND(n < KH_HEALTH_LEN);
	memset(out + n, ' ', (size_t)(KH_HEALTH_LEN - n));
	out[KH_HEALTH_LEN - 1] = '\n';
	out[KH_HEALTH_LEN] = '\0';
}

/* A whole file beside the old one, then in its place. */
static enum kh_err
replace(const struct kh_health_file *f, const char *text)
{
	static const struct timespec fixed[2] = {
	    {.tv_sec = KH_STORE_TIME}, {.tv_sec = KH_STORE_TIME}};
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
	char new[KH_HEALTH_NAME_MAX + sizeof(".new")];
	enum kh_err e;
	int fd;

	(void)snprintf(new, sizeof(new), "%s.new", f->name);
	(void)unlinkat(f->dir, new, 0); /* of an end that came between */
	fd = openat(f->dir, new, flags, 0600);
	if (fd < 0)
		return KH_ESYS;
	e = kh_write_all(fd, text, KH_HEALTH_LEN);
	if (e == KH_OK &&
	    (fchmod(fd, f->mode) != 0 || futimens(fd, fixed) != 0 ||
		fsync(fd) != 0 || renameat(f->dir, new, f->dir, f->name) != 0))
		e = KH_ESYS;
	close(fd);
	if (e != KH_OK)
		(void)unlinkat(f->dir, new, 0);
	return e;
}

enum kh_exit
kh_health_open(const char *path, const char *state, struct kh_health_file *f)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;
	char dir[KH_PATH_MAX + 1] = ".";

	if (path[0] == '\0') {
		memcpy(dir, state, strlen(state) + 1);
		name = "health";
	}
	f->dir = -1;
	/* Where it was put for others to read, its directory decides who may. */
	f->mode = path[0] == '\0' ? 0600 : 0644;
	if (strlen(name) > KH_HEALTH_NAME_MAX) {
		kh_say("health = %s: the name is too long", path);
		return KH_EXIT_CONFIG;
	}
	memcpy(f->name, name, strlen(name) + 1);
	if (slash != NULL)
		(void)snprintf(dir, sizeof(dir), "%.*s",
		    slash == path ? 1 : (int)(slash - path), path);
	f->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->dir < 0) {
		kh_say("health = %s: cannot open its directory: %s", path,
		    strerror(errno));
		return KH_EXIT_CONFIG;
	}
	return KH_EXIT_OK;
}

enum kh_err
kh_health_write(
    struct kh_health_file *f, const struct kh_msg_health *h, bool up)
{
	char text[KH_HEALTH_LEN + 1];

	kh_health_text(h, up, text);
	return replace(f, text);
}
