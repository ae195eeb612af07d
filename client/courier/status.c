/*
 * status: how the server is, and what there is to carry in either direction.
 * It changes nothing on the stick.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/courier/look.h"
#include "client/courier/talk.h"
#include "client/exit.h"
#include "lib/base/precond.h"

struct status {
	struct kh_health health;
	struct kh_list list;
	size_t lacking, begun;
	uint64_t bytes, lacking_bytes;
	size_t replies, collected;
	size_t odd;
};

static int
get_health(struct kh_courier *c, struct kh_health *h)
{
	struct kh_exchange x = {.method = KH_GET, .path = "/v1/health"};
	enum kh_err e;
	int code;

	code = kh_talk(c, &x, NULL);
	if (code != KH_EXIT_OK)
		return code;
	if (x.head.status != 200)
		return kh_refused(c, &x);
	e = kh_health_read(x.text, x.text_len, h);
	return e == KH_OK ? KH_EXIT_OK : kh_nonsense(c, &x, e);
}

static int
look(struct kh_courier *c, struct status *s)
{
	struct kh_collected collected = {0};
	struct kh_replies replies = {0};
	enum kh_err e;
	size_t i;

	e = kh_look_objects(&c->stick, &s->list, false, &s->odd);
	if (e == KH_OK)
		e = kh_look_replies(&c->stick, &replies);
	if (e == KH_OK)
		e = kh_look_collected(&c->stick, &collected);
	if (e == KH_EFORMAT || e == KH_ELIMIT) {
		kh_stick_say("", "collected.txt", "not sorted lines of ids");
		s->odd++;
	} else if (e != KH_OK)
		return kh_stick_fail(&c->stick, e);
	s->replies = replies.n;
	s->collected = collected.n;
	s->odd += replies.odd;
	free(collected.text);
	kh_replies_clear(&replies);
	for (i = 0; i < s->list.n; i++) {
		const struct kh_object *o = &s->list.object[i];

		s->bytes += o->size;
		if (o->have)
			continue;
		s->lacking++;
		s->lacking_bytes += o->size;
		s->begun += o->part > 0;
	}
	return KH_EXIT_OK;
}

static json_t *
fact_json(const struct kh_fact *f)
{
	if (f->type == 'b')
		return json_boolean(strcmp(f->value, "true") == 0);
	if (f->type == 'n')
		return json_null();
	if (f->type == 'i') /* its own text is a number */
		return json_loads(f->value, JSON_DECODE_ANY, NULL);
	return json_string(f->value);
}

static int
show_json(const struct kh_courier *c, const struct status *s)
{
	json_t *server = json_object(), *o = NULL;
	bool ok = server != NULL;
	size_t i;

	for (i = 0; i < s->health.n && ok; i++)
		ok = json_object_set_new(server, s->health.fact[i].name,
			 fact_json(&s->health.fact[i])) == 0;
	if (ok)
		o = json_pack("{s:o, s:{s:I, s:I, s:I, s:I, s:I}, s:I, s:I}",
		    "server", server, "objects", "total", (json_int_t)s->list.n,
		    "bytes", (json_int_t)s->bytes, "lacking",
		    (json_int_t)s->lacking, "lacking_bytes",
		    (json_int_t)s->lacking_bytes, "begun", (json_int_t)s->begun,
		    "replies", (json_int_t)s->replies, "collected",
		    (json_int_t)s->collected);
	else
		json_decref(server);
	if (o == NULL)
		return kh_fail(KH_ON_OUTPUT, c->o.command, KH_ENOMEM);
	/* What cannot be written is noticed when the program ends. */
	(void)json_dumpf(o, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
	(void)putchar('\n');
	json_decref(o);
	return KH_EXIT_OK;
}

static void
show(const struct status *s)
{
	char all[KH_AMOUNT_LEN], lacking[KH_AMOUNT_LEN];
	size_t i;

	kh_amount(s->bytes, all);
	kh_amount(s->lacking_bytes, lacking);
	printf("server:           %s\n", s->health.up ? "up" : "in trouble");
	for (i = 0; i < s->health.n; i++)
		if (strcmp(s->health.fact[i].name, "up") != 0)
			printf("  %-15s %s\n", s->health.fact[i].name,
			    s->health.fact[i].value);
	printf("objects there:    %zu (%s)\n", s->list.n, all);
	printf("not on the stick: %zu (%s), %zu of them begun\n", s->lacking,
	    lacking, s->begun);
	printf("replies to push:  %zu\n", s->replies);
	printf("ids to report:    %zu\n", s->collected);
}

int
kh_courier_status(struct kh_courier *c)
{
	struct status s = {0};
	int code;

	PRECOND(c != NULL);
	code = kh_stick_open(&c->stick, c->o.stick, false);
	if (code == KH_EXIT_OK)
		code = get_health(c, &s.health);
	if (code == KH_EXIT_OK)
		code = kh_get_list(c, &s.list);
	if (code == KH_EXIT_OK)
		code = look(c, &s);
	if (code == KH_EXIT_OK && c->o.json)
		code = show_json(c, &s);
	else if (code == KH_EXIT_OK)
		show(&s);
	kh_list_clear(&s.list);
	if (code == KH_EXIT_OK && s.odd > 0)
		code = KH_EXIT_DATA;
	return code;
}
