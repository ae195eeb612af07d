/*
 * The directory that gpg calls its home: options that make it write nothing,
 * connect to nothing and trust what it is given. Separate, because the server
 * fills one as root and uses it as somebody else.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "knothole/io.h"
#include "lib/base/precond.h"
#include "lib/openpgp/gpg.h"

#define CONF "gpg.conf"
#define TRUST "trustdb.gpg"
#define ONE "0.pgp"
#define PLACE_MAX 32 /* bytes of "4294967295.pgp" with NUL, and more */

/* gpg(1). Signatures over SHA-1 count as none, so a key that is held together
 * by them cannot be used. */
static const char conf[] = "no-autostart\n"
			   "no-keyring\n"
			   "no-random-seed-file\n"
			   "lock-never\n"
			   "trust-model always\n"
			   "no-auto-key-locate\n"
			   "disable-dirmngr\n"
			   "compress-level 0\n"
			   "no-encrypt-to\n"
			   "no-permission-warning\n"
			   "weak-digest MD5\n"
			   "weak-digest SHA1\n";

/* Without one gpg makes one, where it can, when it shows a key that has
 * expired. GnuPG's doc/DETAILS, "Layout of the TrustDB": records of 40 bytes,
 * a version record with gpg's own defaults and a hash table without entries. */
#define RECORD_LEN 40
#define RECORDS 30
static void
make_trust(uint8_t out[static RECORD_LEN * RECORDS])
{
	static const uint8_t version[] = {1, 'g', 'p', 'g', 3, 3, 1, 5, 1, 2};
	size_t i;

	memset(out, 0, RECORD_LEN * RECORDS);
	memcpy(out, version, sizeof(version));
	out[RECORD_LEN - 1] = 1; /* the table's record */
	for (i = 1; i < RECORDS; i++)
		out[i * RECORD_LEN] = 10; /* of a hash table */
}

static enum kh_err
put_file(int dir, const char *name, const void *p, size_t n)
{
	enum kh_err e;
	int fd;

	(void)unlinkat(dir, name, 0);
	fd = openat(dir, name,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return KH_ESYS;
	e = kh_write_all(fd, p, n);
	/* Public, and read by another user where the server is root. */
	if (e == KH_OK && fchmod(fd, 0444) != 0)
		e = KH_ESYS;
	if (close(fd) != 0 && e == KH_OK)
		e = KH_ESYS;
	return e;
}

enum kh_err
kh_openpgp_home_fill(int dir)
{
	uint8_t trust[RECORD_LEN * RECORDS];
	enum kh_err e;

	make_trust(trust);
	e = put_file(dir, CONF, conf, sizeof(conf) - 1);
	return e == KH_OK ? put_file(dir, TRUST, trust, sizeof(trust)) : e;
}

enum kh_err
kh_openpgp_home_key(int dir, unsigned place, const uint8_t *key, size_t n)
{
	char name[PLACE_MAX];

	PRECOND(key != NULL && n <= KH_OPENPGP_KEY_MAX);
	(void)snprintf(name, sizeof(name), "%u.pgp", place);
	return put_file(dir, name, key, n);
}

static enum kh_err
alloc(struct kh_openpgp **out, const char *gpg, const char *home)
{
	struct kh_openpgp *g;

	*out = NULL;
	g = calloc(1, sizeof(*g));
	if (g == NULL)
		return KH_ENOMEM;
	g->dir = -1;
	g->home = strdup(home);
	if (gpg != NULL)
		g->gpg = strdup(gpg);
	if (g->home == NULL || (gpg != NULL && g->gpg == NULL)) {
		kh_openpgp_free(g);
		return KH_ENOMEM;
	}
	*out = g;
	return KH_OK;
}

enum kh_err
kh_openpgp_new_at(struct kh_openpgp **out, const char *gpg, const char *home)
{
	PRECOND(out != NULL && home != NULL && home[0] == '/');
	return alloc(out, gpg, home);
}

enum kh_err
kh_openpgp_new(struct kh_openpgp **out, const char *gpg)
{
	const char *tmp = getenv("TMPDIR");
	char path[KH_PATH_MAX];
	enum kh_err e;
	int n;

	PRECOND(out != NULL);
	*out = NULL;
	if (tmp == NULL || tmp[0] != '/')
		tmp = "/tmp";
	n = snprintf(path, sizeof(path), "%s/knothole-gpg-XXXXXX", tmp);
	if (n < 0 || (size_t)n >= sizeof(path) || mkdtemp(path) == NULL)
		return KH_ESYS;
	e = alloc(out, gpg, path);
	if (e != KH_OK) {
		(void)rmdir(path);
		return e;
	}
	(*out)->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	e = (*out)->dir < 0 ? KH_ESYS : kh_openpgp_home_fill((*out)->dir);
	if (e != KH_OK) {
		kh_openpgp_free(*out);
		*out = NULL;
	}
	return e;
}

void
kh_openpgp_free(struct kh_openpgp *g)
{
	static const char *const files[] = {CONF, TRUST, ONE};
	size_t i;

	if (g == NULL)
		return;
	if (g->dir >= 0) {
		for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
			(void)unlinkat(g->dir, files[i], 0);
		close(g->dir);
		(void)rmdir(g->home);
	}
	free(g->home);
	free(g->gpg);
	free(g);
}
