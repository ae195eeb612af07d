/*
 * A vault's index, and the lists of a stick. What is accepted as an index must
 * come back from being written as the same, and fit together; every input is
 * also tried as a list of hashes and as one of ids.
 */
#include <jansson.h>
#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "client/desk/index.c"
#include "client/desk/index_read.c"
#include "client/desk/index_write.c"
#include "client/desk/log.c"
#include "client/desk/stick_sums.c"
#include "client/desk/table.c"

#define REQUIRE(x)               \
	do {                     \
		if (!(x))        \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not reached: lists are given as text. */
enum kh_err
kh_stick_read(int dir_fd, const char *name, size_t cap, char **text, size_t *n)
{
	(void)dir_fd, (void)name, (void)cap, (void)text, (void)n;
	abort();
}

void
kh_report_refuse(
    struct kh_report *r, const char *dir, const char *name, const char *why)
{
	(void)r, (void)dir, (void)name, (void)why;
	abort();
}

static void
check_index(const struct kh_index *ix)
{
	const struct kh_desk_object *o;
	const struct kh_desk_answer *a;
	size_t i;

	for (i = 0; i < ix->n_threads; i++) {
		REQUIRE(kh_index_thread(ix, ix->threads[i].mailbox) == i);
		REQUIRE(ix->threads[i].next <= KH_SLOTS_MAX);
	}
	for (i = 0; i < ix->n_objects; i++) {
		o = &ix->objects[i];
		REQUIRE(kh_table_get(&ix->by_id, o->id) == i);
		REQUIRE(o->at < ix->at && o->size <= KH_OBJECT_LEN_MAX);
		REQUIRE(o->thread == KH_NO_THREAD ||
		    (o->thread < ix->n_threads && kh_day_valid(o->day)));
		REQUIRE(kh_desk_count_presealed(o) <= o->n_files);
	}
	for (i = 0; i < ix->n_answers; i++) {
		a = &ix->answers[i];
		REQUIRE(a->thread < ix->n_threads && a->at < ix->at);
		REQUIRE(a->number < ix->threads[a->thread].next);
		REQUIRE((a->kind == KH_KIND_ANSWER) == (a->text_len > 0));
	}
	REQUIRE(ix->log.n_signed <= ix->log.n);
}

static void
read_index(const char *text, size_t n)
{
	struct kh_index *ix, *again;
	char *json, *second;
	size_t len, len2;
	enum kh_err e;
	size_t bad;

	e = kh_index_read(text, n, &ix);
	if (e != KH_OK) {
		REQUIRE(ix == NULL);
		REQUIRE(e == KH_EFORMAT || e == KH_EUNSUP || e == KH_ELIMIT ||
		    e == KH_ENOMEM);
		return;
	}
	check_index(ix);
	REQUIRE(kh_index_write(ix, &json, &len) == KH_OK);
	REQUIRE(kh_index_read(json, len, &again) == KH_OK);
	check_index(again);
	REQUIRE(kh_index_write(again, &second, &len2) == KH_OK);
	REQUIRE(len == len2 && memcmp(json, second, len) == 0);
	e = kh_log_verify(&ix->log, &ix->outlet, &bad);
	REQUIRE(e == KH_OK || (e == KH_EAUTH && bad <= ix->log.n));
	kh_secret_free(json);
	kh_secret_free(second);
	kh_index_free(ix);
	kh_index_free(again);
}

static void
read_sums(const char *text, size_t n)
{
	struct kh_stick_sums s = {.n = 0};
	enum kh_err e;

	e = kh_stick_sums_parse(&s, text, n);
	REQUIRE(e == KH_OK || e == KH_EFORMAT);
	REQUIRE(s.n <= n / 100);
	kh_stick_sums_clear(&s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	REQUIRE(kh_init() == KH_OK);
	read_index((const char *)data, size);
	read_sums((const char *)data, size);
	return 0;
}
