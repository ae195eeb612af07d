/*
 * Opening sealed objects. Separate because list and extract must refuse the
 * same things in the same way.
 */
#include <string.h>
#include <unistd.h>

#include "client/exit.h"
#include "client/input.h"
#include "client/object.h"
#include "knothole/name.h"
#include "lib/base/precond.h"

static int
open_source(struct kh_object *o, const char *path)
{
	enum kh_err e;
	int code = kh_input_open(path, &o->fd);

	if (code != KH_EXIT_OK)
		return code;
	e = kh_source_fd(&o->fd, &o->src);
	if (e == KH_OK)
		return KH_EXIT_OK;
	if (e != KH_EUNSUP)
		return kh_fail(KH_ON_OBJECT, kh_input_name(path), e);
	kh_say(kh_input_name(path),
	    "not a regular file; copy the object to a disk first");
	return KH_EXIT_NOINPUT;
}

/* Is it text? Then it is not damaged, but cannot be read at any place. */
static bool
is_armored(int fd)
{
	char head[sizeof("-----BEGIN AGE ENCRYPTED FILE-----") - 1];
	ssize_t n = pread(fd, head, sizeof(head), 0);

	return n == (ssize_t)sizeof(head) && head[0] == '-' &&
	    kh_input_is_age(head, sizeof(head));
}

int
kh_object_open(
    struct kh_object *o, const char *path, const struct kh_keyring *kr)
{
	enum kh_err e;
	int code;

	PRECOND(o != NULL && path != NULL && kr != NULL);
	memset(o, 0, sizeof(*o));
	o->fd = -1;
	code = open_source(o, path);
	if (code != KH_EXIT_OK)
		goto out;
	e = kh_age_reader_new(&o->age, kr, o->src);
	if (e == KH_EFORMAT && is_armored(o->fd)) {
		kh_say(path,
		    "armored, which submissions are not; "
		    "`knothole unseal` gives its content as it is");
		code = kh_exit_code(KH_ON_OBJECT, e);
		goto out;
	}
	if (e != KH_OK) {
		code = kh_fail(KH_ON_OBJECT, path, e);
		goto out;
	}
	e = kh_bundle_reader_new(&o->bundle, o->age);
	if (e == KH_EFORMAT) {
		kh_say(path,
		    "opens, but does not hold a submission; "
		    "`knothole unseal` gives its content as it is");
		code = kh_exit_code(KH_ON_OBJECT, e);
	} else if (e != KH_OK) {
		code = kh_fail(KH_ON_OBJECT, path, e);
	}
out:
	if (code != KH_EXIT_OK)
		kh_object_close(o);
	return code;
}

void
kh_object_close(struct kh_object *o)
{
	kh_bundle_reader_free(o->bundle);
	kh_age_reader_free(o->age);
	kh_input_close(o->fd);
	memset(o, 0, sizeof(*o));
	o->fd = -1;
}

void
kh_object_stem(const char *path, char out[static KH_NAME_MAX + 1])
{
	static const char suffix[] = ".age";
	const size_t suffix_len = sizeof(suffix) - 1;
	const char *slash, *name = path;
	size_t n;

	slash = strrchr(path, '/');
	if (slash != NULL)
		name = slash + 1;
	n = strlen(name);
	if (n > suffix_len && strcmp(name + n - suffix_len, suffix) == 0)
		n -= suffix_len;
	kh_name_make((const uint8_t *)name, n, out);
}
