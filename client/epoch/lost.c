/*
 * Looking at objects with two sets of keys. Separate from burning: nothing is
 * changed here.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/desk/alias.h"
#include "client/epoch/lost.h"
#include "client/exit.h"
#include "client/input.h"
#include "knothole/io.h"

/* Do these keys open it? Header and last chunk are looked at. */
static enum kh_err
opens(int fd, const struct kh_keyring *kr)
{
	struct kh_age_reader *r = NULL;
	struct kh_source src;
	enum kh_err e;

	e = kh_source_fd(&fd, &src);
	if (e == KH_OK)
		e = kh_age_reader_new(&r, kr, src);
	kh_age_reader_free(r);
	return e;
}

enum kh_err
kh_lost_bridge(void *ctx, const char *fpr, const uint8_t *msg, size_t n,
    struct kh_identity *out)
{
	struct kh_lost *l = ctx;

	(void)fpr;
	(void)msg;
	(void)n;
	(void)out;
	l->bridge = true;
	return KH_ENOKEY;
}

/* KH_OK: it would be lost. KH_ENOKEY: these keys are not what opens it, or
 * others do as well. */
static enum kh_err
is_lost(struct kh_lost *l, int fd)
{
	enum kh_err e = opens(fd, l->in);

	if (e != KH_OK)
		return e;
	l->bridge = false;
	e = opens(fd, l->out);
	if (e != KH_ENOKEY)
		return e == KH_OK ? KH_ENOKEY : e;
	l->n++;
	l->bridged += l->bridge;
	return KH_OK;
}

int
kh_lost_file(struct kh_lost *l, const char *path)
{
	char shown[KH_SHOWN_MAX];
	enum kh_err e;
	int fd, code;

	code = kh_input_open(path, &fd);
	if (code != KH_EXIT_OK)
		return code;
	e = is_lost(l, fd);
	kh_input_close(fd);
	if (e == KH_OK) {
		printf("unreadable then: %s\n", kh_shown(path, shown));
		return KH_EXIT_OK;
	}
	return e == KH_ENOKEY ? KH_EXIT_OK : kh_fail(KH_ON_OBJECT, path, e);
}

static void
print_thread(const struct kh_vault *v, size_t thread, size_t n, uint64_t files)
{
	char alias[KH_ALIAS_MAX + 1];

	kh_alias(v->ix->threads[thread].mailbox, alias);
	printf("unreadable then: %s, %zu object%s, %" PRIu64 " file%s\n", alias,
	    n, n == 1 ? "" : "s", files, files == 1 ? "" : "s");
}

/* Objects and files of each source. */
struct of_thread {
	size_t n;
	uint64_t files;
};

/* What is damaged, or gone, is not lost by this. */
static enum kh_err
look_object(struct kh_lost *l, const struct kh_vault *v,
    const struct kh_desk_object *o, struct of_thread *threads)
{
	char name[KH_VAULT_NAME_LEN + 1];
	enum kh_err e;
	int fd;

	kh_vault_object_name(o, false, name);
	fd = openat(v->objects_fd, name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return KH_OK;
	e = is_lost(l, fd);
	close(fd);
	if (e != KH_OK)
		return e == KH_ENOMEM ? e : KH_OK;
	l->in_vault++;
	if (o->thread != KH_NO_THREAD) {
		threads[o->thread].n++;
		threads[o->thread].files += o->n_files;
	} else {
		printf("unreadable then: %s\n", name);
	}
	return KH_OK;
}

int
kh_lost_vault(struct kh_lost *l, const struct kh_vault *v)
{
	const struct kh_index *ix = v->ix;
	struct of_thread *threads;
	enum kh_err e = KH_OK;
	size_t i;

	threads = calloc(ix->n_threads + 1, sizeof(*threads));
	if (threads == NULL)
		return kh_fail(KH_ON_OBJECT, v->path, KH_ENOMEM);
	for (i = 0; i < ix->n_objects && e == KH_OK; i++)
		e = look_object(l, v, &ix->objects[i], threads);
	for (i = 0; i < ix->n_threads && e == KH_OK; i++) {
		if (threads[i].n > 0)
			print_thread(v, i, threads[i].n, threads[i].files);
	}
	free(threads);
	return e == KH_OK ? KH_EXIT_OK : kh_fail(KH_ON_OBJECT, v->path, e);
}
