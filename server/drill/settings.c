/*
 * What the instance has besides its store: state, configuration, cards,
 * sockets, and what lies beside them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "knothole/io.h"
#include "server/drill/form.h"
#include "server/drill/look.h"
#include "server/drill/places.h"

#define SALT "instance.salt"
#define HEALTH "health"
#define HEALTH_MAX 4096
#define GPG "gpg"

void
kh_drill_path(const char *path, char out[static KH_PATH_MAX + 1])
{
	size_t n;

	if (strncmp(path, "dir:", 4) == 0)
		path += 4;
	n = strlen(path);
	while (n > 1 && path[n - 1] == '/')
		n--;
	memcpy(out, path, n);
	out[n] = '\0';
}

static bool
salt_size(uint64_t n)
{
	return n == KH_SALT_LEN;
}

static bool
health_size(uint64_t n)
{
	return n <= HEALTH_MAX;
}

static bool
card_size(uint64_t n)
{
	return n > 0 && n <= KH_CARD_MAX;
}

static const struct kh_rule state_rule = {
    KH_TRACE_DIRECTORY, S_IFDIR, 0700, false, NULL, NULL};
static const struct kh_rule salt_rule = {
    KH_TRACE_SALT, S_IFREG, 0400, false, salt_size, NULL};
static const struct kh_rule health_rule = {
    KH_TRACE_HEALTH, S_IFREG, 0755, false, health_size, NULL};
static const struct kh_rule gpg_rule = {
    KH_TRACE_GPG, S_IFDIR, 0755, false, NULL, NULL};
static const struct kh_rule config_rule = {
    KH_TRACE_CONFIG, S_IFREG, 0755, false, NULL, NULL};
static const struct kh_rule beside_card_rule = {
    KH_TRACE_BESIDE_CARD, S_IFREG, 0755, false, card_size, NULL};
static const struct kh_rule socket_rule = {
    KH_TRACE_SOCKET, S_IFSOCK, 0660, false, NULL, NULL};

/* Open the directory of a place; false when it has been told, or is none. */
static enum kh_err
open_place(struct kh_place *p, bool *open)
{
	enum kh_err e;

	*open = false;
	e = kh_look_open_dir(AT_FDCWD, p->path, &p->fd);
	if (e == KH_ENOENT)
		return KH_OK;
	if (e != KH_OK)
		return kh_report_odd(p->r,
		    e == KH_EFORMAT ? KH_ODD_KIND : KH_ODD_UNREAD, p->path,
		    NULL, e == KH_EFORMAT ? "no directory" : strerror(errno));
	*open = true;
	return KH_OK;
}

/* The last component of a path. */
static const char *
base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

/* The directory that a path leads into, as far as its text says. */
static void
directory_of(const char *path, char out[static KH_PATH_MAX + 1])
{
	const char *slash = strrchr(path, '/');
	size_t n = slash == NULL ? 0 : (size_t)(slash - path);

	if (slash == path)
		n = 1;
	memcpy(out, n > 0 ? path : ".", n > 0 ? n : 1);
	out[n > 0 ? n : 1] = '\0';
}

/* The name of the health file in the state directory; NULL when it is to be
 * elsewhere. */
static const char *
health_in_state(const struct kh_config *c)
{
	char dir[KH_PATH_MAX + 1], state[KH_PATH_MAX + 1];
	struct stat a, b;

	if (c->health[0] == '\0')
		return HEALTH;
	directory_of(c->health, dir);
	kh_drill_path(c->state, state);
	return stat(dir, &a) == 0 && stat(state, &b) == 0 &&
		a.st_dev == b.st_dev && a.st_ino == b.st_ino
	    ? base_of(c->health)
	    : NULL;
}

static enum kh_err
each_of_state(const struct kh_place *p, const char *name)
{
	const char *health = health_in_state(p->r->config);

	if (strcmp(name, SALT) == 0)
		return kh_look_at(p, name, &salt_rule);
	if (strcmp(name, GPG) == 0)
		return kh_look_at(p, name, &gpg_rule);
	if (health != NULL && strcmp(name, health) == 0)
		return kh_look_at(p, name, &health_rule);
	return kh_look_unexpected(p, name);
}

enum kh_err
kh_drill_state(struct kh_report *r)
{
	char path[KH_PATH_MAX + 1];
	struct kh_place p = {.r = r, .path = path, .or_root = true};
	struct stat sb;
	enum kh_err e;
	bool open;

	kh_drill_path(r->config->state, path);
	e = open_place(&p, &open);
	if (e != KH_OK || !open)
		return e;
	if (fstat(p.fd, &sb) == 0)
		p.owner = sb.st_uid;
	e = kh_look_at(&p, "", &state_rule);
	if (e == KH_OK)
		e = kh_look_through(&p, each_of_state);
	close(p.fd);
	return e;
}

static void
note_card(struct kh_report *r, const char *file, const struct kh_card *card)
{
	struct kh_drill_card *c;
	size_t i, n = strlen(file) - strlen(".card");

	if (r->n_cards == KH_OUTLETS_MAX)
		return; /* knotholed does not start with more */
	c = &r->card[r->n_cards++];
	memcpy(c->id, file, n);
	c->id[n] = '\0';
	memcpy(c->name, card->name, sizeof(c->name));
	for (i = 0; i < card->n_recipients; i++) {
		if (strcmp(card->recipients[i].last, c->last) > 0)
			memcpy(
			    c->last, card->recipients[i].last, sizeof(c->last));
	}
}

static enum kh_err
look_card(const struct kh_place *p, const char *name, int fd)
{
	char *text = malloc(KH_CARD_MAX);
	struct kh_card card;
	unsigned line;
	enum kh_err e;
	size_t n;

	if (text == NULL)
		return KH_ENOMEM;
	e = kh_read_upto(fd, text, KH_CARD_MAX, &n);
	if (e == KH_OK)
		e = kh_card_read(text, n, &card, &line);
	free(text);
	if (e == KH_OK)
		note_card(p->r, name, &card);
	else if (e != KH_ENOMEM)
		return kh_report_odd(p->r, KH_ODD_CONTENT, p->path, name,
		    "not a valid newsroom card");
	return e;
}

static const struct kh_rule card_rule = {
    KH_TRACE_CARD, S_IFREG, 0755, false, card_size, look_card};

static enum kh_err
each_card(const struct kh_place *p, const char *name)
{
	if (kh_form_card(name))
		return kh_look_at(p, name, &card_rule);
	if (kh_form_beside_card(name))
		return kh_look_at(p, name, &beside_card_rule);
	return kh_look_unexpected(p, name);
}

/* Whose the service's state is makes its sockets and its health file, too. */
static uid_t
service_of(const struct kh_report *r)
{
	char path[KH_PATH_MAX + 1];
	struct stat sb;

	kh_drill_path(r->config->state, path);
	return stat(path, &sb) == 0 ? sb.st_uid : 0;
}

/* By a path of the configuration: root's or ours, or what the service makes. */
static enum kh_err
look_by_path(struct kh_report *r, const char *path, const struct kh_rule *rule)
{
	const struct kh_place p = {.r = r,
	    .path = path,
	    .fd = AT_FDCWD,
	    .owner = rule == &config_rule ? 0 : service_of(r),
	    .or_root = true};
	struct stat sb;

	if (rule->type == S_IFSOCK && lstat(path, &sb) != 0)
		return KH_OK; /* the service does not run */
	return kh_look_at(&p, path, rule);
}

enum kh_err
kh_drill_settings(struct kh_report *r)
{
	const struct kh_config *c = r->config;
	char path[KH_PATH_MAX + 1];
	struct kh_place p = {.r = r, .path = path, .or_root = true};
	struct stat sb;
	enum kh_err e;
	bool open;

	e = look_by_path(r, r->config_path, &config_rule);
	if (e == KH_OK && c->source_listen.kind == KH_LISTEN_UNIX)
		e = look_by_path(r, c->source_listen.path, &socket_rule);
	if (e == KH_OK && c->has_courier &&
	    c->courier_listen.kind == KH_LISTEN_UNIX)
		e = look_by_path(r, c->courier_listen.path, &socket_rule);
	if (e == KH_OK && health_in_state(c) == NULL)
		e = look_by_path(r, c->health, &health_rule);
	if (e != KH_OK)
		return e;
	kh_drill_path(c->newsrooms, path);
	e = open_place(&p, &open);
	if (e != KH_OK || !open)
		return e;
	if (fstat(p.fd, &sb) == 0 && (sb.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		e = kh_report_odd(r, KH_ODD_MODE, path, NULL,
		    "others may put cards there, and read what is sealed to "
		    "these");
	if (e == KH_OK)
		e = kh_look_through(&p, each_card);
	close(p.fd);
	return e;
}

/* Beside the store, the state and the configuration: what else there is, is not
 * ours, but a log, a core, a key or a copy of ours. */
static enum kh_err
each_beside(const struct kh_place *p, const char *name)
{
	char store[KH_PATH_MAX + 1], state[KH_PATH_MAX + 1];
	const char *config = base_of(p->r->config_path);

	kh_drill_path(p->r->config->store, store);
	kh_drill_path(p->r->config->state, state);
	if (strcmp(name, base_of(store)) == 0 ||
	    strcmp(name, base_of(state)) == 0)
		return KH_OK;
	if (kh_form_log(name) || kh_form_key(name) ||
	    strncmp(name, SALT, strlen(SALT)) == 0)
		return kh_look_unexpected(p, name);
	if (kh_form_copy(name, base_of(store)) ||
	    kh_form_copy(name, base_of(state)) || kh_form_copy(name, config))
		return kh_report_odd(p->r, KH_ODD_COPY, p->path, name, NULL);
	return KH_OK;
}

static enum kh_err
look_beside(struct kh_report *r, const char *which)
{
	char whole[KH_PATH_MAX + 1], path[KH_PATH_MAX + 1];
	struct kh_place p = {.r = r, .path = path};
	enum kh_err e;
	bool open;

	kh_drill_path(which, whole);
	directory_of(whole, path);
	e = open_place(&p, &open);
	if (e != KH_OK || !open)
		return e;
	e = kh_look_through(&p, each_beside);
	close(p.fd);
	return e;
}

enum kh_err
kh_drill_beside(struct kh_report *r)
{
	enum kh_err e;

	e = look_beside(r, r->config->store);
	if (e == KH_OK)
		e = look_beside(r, r->config->state);
	return e == KH_OK ? look_beside(r, r->config_path) : e;
}
