/*
 * JSON from a courier's server, which may be anybody's: a page of the object
 * list, health, what was collected, an error. Whatever is accepted must keep
 * the promises of list.h.
 */
#include "client/courier/json.c"
#include "client/courier/list.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(x)               \
	do {                     \
		if (!(x))        \
			abort(); \
	} while (0)

static void
check_list(struct kh_list *l)
{
	size_t i;

	for (i = 0; i < l->n; i++) {
		const struct kh_object *o = &l->object[i];

		REQUIRE(strlen(o->id) == KH_ID_LEN);
		REQUIRE(kh_id_valid(o->id, KH_ID_LEN));
		REQUIRE(i == 0 || strcmp(l->object[i - 1].id, o->id) < 0);
		REQUIRE(o->size >= 1 && o->size <= KH_OBJECT_LEN_MAX);
		REQUIRE(!o->have && !o->gone && o->part == 0);
		REQUIRE(kh_list_find(l, o->id) == o);
	}
	REQUIRE(!l->more || l->n > 0);
}

static void
check_health(const struct kh_health *h)
{
	size_t i, k;

	REQUIRE(h->n >= 1 && h->n <= KH_HEALTH_MEMBERS_MAX);
	for (i = 0; i < h->n; i++) {
		REQUIRE(strchr("sbin", h->fact[i].type) != NULL);
		for (k = 0; h->fact[i].value[k] != '\0'; k++)
			REQUIRE(h->fact[i].value[k] >= 0x20 &&
			    h->fact[i].value[k] <= 0x7e);
		REQUIRE(k <= KH_HEALTH_TEXT_MAX);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *json = (const char *)data;
	static struct kh_health health;
	char word[KH_WORD_LEN];
	struct kh_list l = {0};
	enum kh_err e;
	size_t n;

	e = kh_list_page(&l, json, size);
	REQUIRE(e == KH_OK || (l.n == 0 && !l.more));
	check_list(&l);
	n = l.n;
	e = kh_list_page(&l, json, size); /* the same page never follows */
	REQUIRE(e != KH_OK || l.n == n);
	REQUIRE(l.n == n);
	kh_list_clear(&l);
	if (kh_health_read(json, size, &health) == KH_OK)
		check_health(&health);
	if (kh_collected_read(json, size, 0) == KH_OK)
		REQUIRE(kh_collected_read(json, size, 1000) == KH_OK);
	kh_error_word(json, size, word);
	REQUIRE(strlen(word) < KH_WORD_LEN);
	return 0;
}
