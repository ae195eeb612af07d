/*
 * From an argument to objects of the vault. Separate so that extracting knows
 * nothing of threads.
 */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/desk/alias.h"
#include "client/desk/pick.h"
#include "client/exit.h"

#define ID_HEX (2 * KH_OBJECT_ID_LEN)

/* The object with this id, or KH_TABLE_NONE. */
static size_t
by_id(const struct kh_index *ix, const char *arg)
{
	uint8_t id[KH_OBJECT_ID_LEN];
	size_t len;

	if (strlen(arg) != ID_HEX ||
	    strspn(arg, "0123456789abcdefABCDEF") != ID_HEX ||
	    sodium_hex2bin(id, sizeof(id), arg, ID_HEX, NULL, &len, NULL) != 0)
		return KH_TABLE_NONE;
	return kh_table_get(&ix->by_id, id);
}

static int
pick_thread(const struct kh_index *ix, size_t thread, struct kh_pick *out)
{
	size_t i;

	out->objects = calloc(ix->n_objects + 1, sizeof(out->objects[0]));
	if (out->objects == NULL)
		return kh_fail(KH_ON_OBJECT, NULL, KH_ENOMEM);
	for (i = 0; i < ix->n_objects; i++)
		if (ix->objects[i].thread == thread)
			out->objects[out->n++] = i;
	return KH_EXIT_OK;
}

int
kh_pick(const struct kh_vault *v, const char *arg, struct kh_pick *out)
{
	size_t i = by_id(v->ix, arg), thread;
	int code;

	*out = (struct kh_pick){NULL, 0};
	if (i != KH_TABLE_NONE) {
		out->objects = calloc(1, sizeof(out->objects[0]));
		if (out->objects == NULL)
			return kh_fail(KH_ON_OBJECT, NULL, KH_ENOMEM);
		out->objects[out->n++] = i;
		return KH_EXIT_OK;
	}
	if (kh_alias_find(v->ix, arg, &thread) == KH_ALIAS_NONE) {
		if (access(arg, F_OK) == 0 || errno != ENOENT)
			return KH_EXIT_OK;
		kh_say(arg,
		    "neither a source, an object of the vault nor a file; "
		    "`knothole inbox` lists the sources, `knothole show` the "
		    "objects of one");
		return KH_EXIT_NOINPUT;
	}
	code = kh_vault_find(v, arg, &thread); /* says when it is several */
	return code == KH_EXIT_OK ? pick_thread(v->ix, thread, out) : code;
}

int
kh_pick_log(struct kh_vault *v, const bool *done)
{
	struct kh_index *ix = v->ix;
	char alias[KH_ALIAS_MAX + 1];
	size_t before = ix->log.n, i;
	enum kh_err e = KH_OK;
	uint32_t *counts;

	counts = calloc(ix->n_threads + 1, sizeof(counts[0]));
	if (counts == NULL)
		return kh_fail(KH_ON_OUTPUT, NULL, KH_ENOMEM);
	for (i = 0; i < ix->n_objects; i++)
		if (done[i] && ix->objects[i].thread != KH_NO_THREAD)
			counts[ix->objects[i].thread]++;
	for (i = 0; i < ix->n_threads && e == KH_OK; i++) {
		if (counts[i] == 0)
			continue;
		kh_alias(ix->threads[i].mailbox, alias);
		e = kh_log_add(
		    &ix->log, KH_LOG_EXTRACT, v->today, alias, counts[i]);
	}
	free(counts);
	if (e != KH_OK)
		return kh_fail(KH_ON_OUTPUT, v->path, e);
	return ix->log.n > before ? kh_vault_commit(v) : KH_EXIT_OK;
}
