/*
 * What the administrator asks for now, against what the configuration says
 * already. Separate, because this is where a setting could be lost.
 */
#include <stdio.h>
#include <string.h>

#include "server/setup/setup.h"

struct list {
	const struct kh_setup *s;
	struct kh_wish *wish;
	size_t n;
};

static void
compare(struct list *l, const char *key, const char *wanted, const char *found)
{
	struct kh_wish *w;

	if (wanted == NULL || strcmp(wanted, found) == 0)
		return;
	kh_say("%s has %s = %s, not %s%s", l->s->config_path, key, found,
	    wanted[0] != '\0' ? wanted : "none",
	    l->s->overwrite
		? ""
		: ": it was left as it is (--overwrite changes it)");
	w = &l->wish[l->n++];
	w->key = key;
	(void)snprintf(w->value, sizeof(w->value), "%s", wanted);
}

/* Sockets of another directory. */
static void
compare_socket(struct list *l, const char *key, const char *name,
    const struct kh_listen *found)
{
	char wanted[KH_PATH_MAX + 32], have[KH_PATH_MAX + 32];

	if (l->s->sockets == NULL)
		return;
	(void)snprintf(
	    wanted, sizeof(wanted), "unix:%s/%s", l->s->sockets, name);
	(void)snprintf(have, sizeof(have), "%s",
	    found->kind == KH_LISTEN_UNIX ? "unix:" : "a port");
	if (found->kind == KH_LISTEN_UNIX)
		(void)snprintf(have + 5, sizeof(have) - 5, "%s", found->path);
	compare(l, key, wanted, have);
}

size_t
kh_wishes(const struct kh_setup *s, struct kh_wish wish[KH_WISHES_MAX])
{
	const struct kh_config *c = &s->config;
	struct list l = {.s = s, .wish = wish};

	compare(&l, "site_name", s->site_name, c->site_name);
	compare(&l, "store", s->store, c->store);
	compare(&l, "state", s->state, c->state);
	compare(&l, "newsrooms", s->newsrooms, c->newsrooms);
	compare_socket(&l, "source_listen", "source.sock", &c->source_listen);
	if (c->has_courier && s->courier == 0)
		compare(&l, "courier_listen", "", c->courier_listen.path);
	else if (c->has_courier)
		compare_socket(
		    &l, "courier_listen", "courier.sock", &c->courier_listen);
	return l.n;
}

/* Which wish is about this line? The number of them: none. */
static size_t
about(const char *line, const struct kh_wish *wish, size_t n_wishes)
{
	size_t i, n;

	line += strspn(line, " \t");
	for (i = 0; i < n_wishes; i++) {
		n = strlen(wish[i].key);
		if (strncmp(line, wish[i].key, n) == 0 &&
		    line[n + strspn(line + n, " \t")] == '=')
			break;
	}
	return i;
}

struct out {
	char *p;
	size_t cap, n;
	bool full;
};

static void
put(struct out *o, const char *p, size_t n)
{
	if (n >= o->cap - o->n) {
		o->full = true;
		return;
	}
	memcpy(o->p + o->n, p, n);
	o->n += n;
	o->p[o->n] = '\0';
}

static void
put_setting(struct out *o, const struct kh_wish *w)
{
	put(o, w->key, strlen(w->key));
	put(o, " = ", 3);
	put(o, w->value, strlen(w->value));
	put(o, "\n", 1);
}

bool
kh_wishes_grant(const char *text, const struct kh_wish *wish, size_t n_wishes,
    char *out, size_t cap, size_t *n)
{
	struct out o = {.p = out, .cap = cap};
	bool done[KH_WISHES_MAX] = {false};
	size_t i, len;

	for (; *text != '\0'; text += len) {
		len = strcspn(text, "\n");
		len += text[len] == '\n';
		i = about(text, wish, n_wishes);
		if (i < n_wishes && wish[i].value[0] != '\0') {
			done[i] = true;
			put_setting(&o, &wish[i]);
			continue;
		}
		if (i < n_wishes)
			put(&o, "#", 1);
		put(&o, text, len);
	}
	if (o.n > 0 && out[o.n - 1] != '\n')
		put(&o, "\n", 1);
	for (i = 0; i < n_wishes; i++) {
		if (!done[i] && wish[i].value[0] != '\0')
			put_setting(&o, &wish[i]);
	}
	*n = o.n;
	return !o.full;
}
