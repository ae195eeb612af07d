/*
 * The configuration parser: an accepted file holds sane values and survives
 * being written out and read again; a refusal says where and what.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/config/config.h"
#include "server/config/keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(x)                  \
	do {                     \
		if (!(x))        \
			abort(); \
	} while (0)

static const struct kh_config zero;
static const struct kh_config_fault no_fault;

static void
check_refused(const struct kh_config *c, const struct kh_config_fault *f,
    const uint8_t *data, size_t size)
{
	size_t n = strnlen(f->text, sizeof(f->text));
	unsigned lines = 1;

	MUST(memcmp(c, &zero, sizeof(zero)) == 0);
	MUST(n > 0 && n < sizeof(f->text) - 1); /* whole */
	for (size_t i = 0; i < n; i++)
		MUST(f->text[i] >= ' ' && f->text[i] < 0x7f);
	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	MUST(f->line <= lines);
}

static void
format_listen(const struct kh_listen *l, char *out, size_t cap)
{
	char host[INET6_ADDRSTRLEN];

	switch (l->kind) {
	case KH_LISTEN_UNIX:
		MUST(l->path[0] == '/' && strlen(l->path) < 108);
		snprintf(out, cap, "unix:%s", l->path);
		return;
	case KH_LISTEN_TCP4:
		MUST(l->addr[0] == 127 && l->path[0] == '\0');
		MUST(inet_ntop(AF_INET, l->addr, host, sizeof(host)) != NULL);
		snprintf(out, cap, "tcp:%s:%u", host, l->port);
		return;
	case KH_LISTEN_TCP6:
		snprintf(out, cap, "tcp:[::1]:%u", l->port);
		return;
	}
	abort();
}

struct text {
	char s[KH_CONFIG_MAX];
	size_t n;
};

__attribute__((format(printf, 2, 3))) static void
add(struct text *t, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(t->s + t->n, sizeof(t->s) - t->n, format, args);
	va_end(args);
	MUST(n >= 0 && (size_t)n < sizeof(t->s) - t->n);
	t->n += (size_t)n;
}

static void
write_out(const struct kh_config *c, struct text *t)
{
	char listen[KH_PATH_MAX + 16];

	t->n = 0;
	add(t, "\nretention_days = %" PRIu32 "\n", c->retention_days);
	if (c->has_courier) {
		format_listen(&c->courier_listen, listen, sizeof(listen));
		add(t, "courier_listen = %s\n", listen);
	}
	if (c->onion[0] != '\0')
		add(t, "onion_address = %s\n", c->onion);
	if (c->health[0] != '\0')
		add(t, "health = %s\n", c->health);
	add(t, "max_visits = %" PRIu32 "\nsettle_minutes = %" PRIu32 "\n",
	    c->max_visits, c->settle_minutes);
	add(t, "selftest_minutes = %" PRIu32 "\nallow_swap = %s\n",
	    c->selftest_minutes, c->allow_swap ? "yes" : "no");
	add(t, "circuit_id = %s\r\nmax_message=%" PRIu32 "\n# again\n",
	    c->circuit_ids ? "haproxy" : "none", c->max_message);
	add(t, "max_upload = %" PRIu64 " B\nsite_name = %s\n", c->max_upload,
	    c->site_name);
	add(t, "gpg = %s\nstate = %s\nnewsrooms = %s\nstore = %s\n", c->gpg,
	    c->state, c->newsrooms, c->store);
	format_listen(&c->source_listen, listen, sizeof(listen));
	add(t, "source_listen = %s", listen);
}

/* A key that is new stands in write_out() too. */
static void
check_written(const struct kh_config *c, const struct text *t)
{
	const struct {
		const char *key;
		bool written;
	} maybe[] = {{"courier_listen", c->has_courier},
	    {"onion_address", c->onion[0] != '\0'},
	    {"health", c->health[0] != '\0'}};
	char line[KH_CONFIG_LINE_MAX];
	bool wanted;

	for (size_t i = 0; i < KH_CONFIG_KEYS_N; i++) {
		snprintf(line, sizeof(line), "\n%s", kh_config_keys[i].name);
		wanted = true;
		for (size_t j = 0; j < sizeof(maybe) / sizeof(maybe[0]); j++) {
			if (strcmp(kh_config_keys[i].name, maybe[j].key) == 0)
				wanted = maybe[j].written;
		}
		MUST(!wanted || strstr(t->s, line) != NULL);
	}
}

/* What was read means the same when it is written out. */
static void
check_taken(const struct kh_config *c)
{
	static struct text text;
	static struct kh_config again;
	struct kh_config_fault f;

	MUST(c->store[0] != '\0' && c->newsrooms[0] != '\0');
	MUST(c->state[0] != '\0' && c->site_name[0] != '\0');
	MUST(memchr(c->store, '\0', sizeof(c->store)) != NULL);
	MUST(memchr(c->newsrooms, '\0', sizeof(c->newsrooms)) != NULL);
	MUST(memchr(c->state, '\0', sizeof(c->state)) != NULL);
	MUST(memchr(c->site_name, '\0', sizeof(c->site_name)) != NULL);
	MUST(c->gpg[0] == '/');
	MUST(memchr(c->gpg, '\0', sizeof(c->gpg)) != NULL);
	MUST(c->max_upload >= KH_UPLOAD_MIN && c->max_upload <= KH_UPLOAD_MAX);
	MUST(c->max_message >= 1 && c->max_message <= KH_MESSAGE_CHARS_MAX);
	MUST(c->max_visits >= 1 && c->max_visits <= KH_VISITS_MAX);
	MUST(c->retention_days <= KH_RETENTION_MAX);
	write_out(c, &text);
	check_written(c, &text);
	MUST(kh_config_parse(text.s, text.n, &again, &f) == KH_OK);
	MUST(memcmp(c, &again, sizeof(again)) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct kh_config c;
	struct kh_config_fault f;
	enum kh_err e;

	memset(&c, 0xaa, sizeof(c));
	memset(&f, 0xaa, sizeof(f));
	e = kh_config_parse((const char *)data, size, &c, &f);
	if (e == KH_OK) {
		MUST(memcmp(&f, &no_fault, sizeof(f)) == 0);
		check_taken(&c);
		return 0;
	}
	MUST(e == KH_EFORMAT || e == KH_ELIMIT || e == KH_EUNSUP);
	check_refused(&c, &f, data, size);
	return 0;
}
