/*
 * The index of a vault: in memory, to JSON and back, and every way in which
 * JSON can be something else.
 */
#include "tests/unit/tap.h"

#include <jansson.h>
#include <sodium.h>

#include "client/desk/index.c"
#include "client/desk/index_read.c"
#include "client/desk/index_write.c"
#include "client/desk/log.c"
#include "client/desk/table.c"

#define ONES "0101010101010101"
#define TWOS "0202020202020202"

static void
add_thread(struct kh_index *ix, uint8_t n, bool slots)
{
	struct kh_thread t = {.has_slot_key = slots, .language = "he"};
	struct kh_identity id;
	enum kh_err e;
	size_t i;

	memset(t.mailbox, n, sizeof(t.mailbox));
	if (slots)
		memset(t.slot_key, n + 1, sizeof(t.slot_key));
	kh_identity_generate(&id);
	kh_identity_recipient(&id, &t.reply_to);
	e = kh_index_add_thread(ix, &t, &i);
	assert_int_equal(e, KH_OK);
	e = kh_index_add_thread(ix, &t, &i);
	assert_int_equal(e, KH_EEXIST);
}

static void
add_object(struct kh_index *ix, uint8_t n, size_t thread)
{
	struct kh_desk_object o = {.thread = thread,
	    .size = 65536 + n,
	    .imported = "2026-11-25",
	    .message = KH_NO_MESSAGE};
	enum kh_err e;

	memset(o.id, n, sizeof(o.id));
	memset(o.mark, n, sizeof(o.mark));
	memset(o.sum, n, sizeof(o.sum));
	if (thread != KH_NO_THREAD) {
		memcpy(o.day, "2026-11-20", sizeof(o.day));
		o.n_files = n;
		o.message = n % 2 == 0 ? KH_NO_MESSAGE : n;
		o.complete = n % 3 == 0;
		o.read = n % 5 == 0;
		if (n > 1) {
			kh_desk_set_presealed(&o, 0);
			kh_desk_set_presealed(&o, n - 1U);
		}
	}
	e = kh_index_add_object(ix, &o);
	assert_int_equal(e, KH_OK);
	e = kh_index_add_object(ix, &o);
	assert_int_equal(e, KH_EEXIST);
}

static void
add_answer(struct kh_index *ix, size_t thread, const char *text)
{
	struct kh_desk_answer a = {.thread = thread,
	    .kind = text != NULL ? KH_KIND_ANSWER : KH_KIND_RECEIVED,
	    .day = "2026-11-25"};
	enum kh_err e;

	e = kh_index_add_answer(ix, &a, text, text != NULL ? strlen(text) : 0);
	assert_int_equal(e, KH_OK);
}

static struct kh_index *
sample(void)
{
	struct kh_sign_secret sk;
	struct kh_sign_public pk;
	struct kh_index *ix;
	enum kh_err e;
	uint8_t n;

	kh_sign_generate(&sk);
	kh_sign_public(&sk, &pk);
	e = kh_index_new(&pk, &ix);
	assert_int_equal(e, KH_OK);
	add_thread(ix, 1, true);
	add_thread(ix, 2, false);
	add_thread(ix, 3, true);
	for (n = 1; n < 40; n++)
		add_object(ix, n, n % 4 == 3 ? KH_NO_THREAD : n % 3);
	add_answer(ix, 0, NULL);
	add_answer(ix, 0, "line\r\n\x1b\x7f \xd7\x90 \"quoted\" \\");
	add_answer(ix, 2, "x");
	ix->answers[1].exported = true;
	e = kh_log_add(&ix->log, KH_LOG_INIT, "2026-11-25", "", 0);
	assert_int_equal(e, KH_OK);
	e = kh_log_add(&ix->log, KH_LOG_IMPORT, "2026-11-25", "a b", 3);
	assert_int_equal(e, KH_OK);
	e = kh_log_sign(&ix->log, &sk);
	assert_int_equal(e, KH_OK);
	return ix;
}

static char *
to_json(const struct kh_index *ix, size_t *n)
{
	enum kh_err e;
	char *json;

	e = kh_index_write(ix, &json, n);
	assert_int_equal(e, KH_OK);
	assert_int_equal(strlen(json), *n);
	return json;
}

static void
test_round_trip(void **state)
{
	struct kh_index *ix = sample(), *back;
	char *json, *again;
	enum kh_err e;
	size_t n, len;

	json = to_json(ix, &n);
	e = kh_index_read(json, n, &back);
	assert_int_equal(e, KH_OK);
	assert_int_equal(back->n_objects, ix->n_objects);
	assert_memory_equal(
	    back->objects, ix->objects, ix->n_objects * sizeof(ix->objects[0]));
	assert_memory_equal(
	    back->threads, ix->threads, ix->n_threads * sizeof(ix->threads[0]));
	assert_int_equal(back->at, ix->at);
	assert_int_equal(back->threads[0].next, 2);
	assert_int_equal(back->answers[1].text_len, ix->answers[1].text_len);
	assert_memory_equal(back->answers[1].text, ix->answers[1].text,
	    ix->answers[1].text_len);
	assert_true(kh_index_thread(back, ix->threads[2].mailbox) == 2);
	again = to_json(back, &len);
	assert_int_equal(len, n);
	assert_memory_equal(again, json, n);
	kh_secret_free(json);
	kh_secret_free(again);
	kh_index_free(ix);
	kh_index_free(back);
	kh_index_free(NULL);
}

/* Replace the first `from` by `to` and see that it is refused. */
static void
assert_refused(
    const char *json, const char *from, const char *to, enum kh_err want)
{
	const char *at = strstr(json, from);
	struct kh_index *ix;
	enum kh_err e;
	char *bad;
	size_t n;

	assert_non_null(at);
	n = strlen(json) - strlen(from) + strlen(to);
	bad = malloc(n + 1);
	assert_non_null(bad);
	memcpy(bad, json, (size_t)(at - json));
	memcpy(bad + (at - json), to, strlen(to));
	memcpy(bad + (at - json) + strlen(to), at + strlen(from),
	    strlen(at + strlen(from)) + 1);
	e = kh_index_read(bad, n, &ix);
	if (e != want)
		fail_msg("%s -> %s: %s", from, to, kh_err_text(e));
	assert_null(ix);
	free(bad);
}

/* What to put in place of what, each of which makes it no index. */
static const char *const changes[][2] = {
    {"\"knothole_vault\":1,", ""},
    {"\"knothole_vault\":1", "\"knothole_vault\":1.0"},
    {"\"knothole_vault\":1", "\"knothole_vault\":\"1\""},
    {"{\"kno", "{\"more\":1,\"kno"},
    {"{\"kno", "{\"order\":1,\"kno"},
    {"\"signing_key\":\"RW", "\"signing_key\":\"rW"},
    {"\"mailbox\":\"01", "\"mailbox\":\"0"},
    {"\"mailbox\":\"01", "\"mailbox\":\"0A"},
    {"\"mailbox\":\"0202020202020202",
	"\"mailbox\":\"0101010101010101"
	"010101010101010102020202"},
    {"\"mailbox\"", "\"mailboX\""},
    {"\"reply_to\":\"age1", "\"reply_to\":\"AGE1"},
    {"\"reply_to\":\"age1", "\"reply_to\":\"age2"},
    {"\"slot_key\":\"02", "\"slot_key\":\"0"},
    {"\"slot_key\":null", "\"slot_key\":0"},
    {"\"slot_key\":null", "\"slot_key\":\"\""},
    {"\"language\":\"he\"", "\"language\":\"\""},
    {"\"language\":\"he\"", "\"language\":\"HE\""},
    {"\"language\":\"he\"", "\"language\":\"hehehehehe\""},
    {"\"id\":\"" TWOS TWOS, "\"id\":\"" ONES ONES},
    {"\"mark\":\"" TWOS TWOS, "\"mark\":\"" ONES ONES},
    {"\"mailbox\":\"" TWOS TWOS, "\"mailbox\":\"" ONES ONES},
    {"\"id\":\"01", "\"id\":\"g1"},
    {"\"size\":65537", "\"size\":-1"},
    {"\"size\":65537", "\"size\":68719476737"},
    {"\"size\":65537", "\"size\":65537.5"},
    {"\"size\":65537", "\"size\":1e5"},
    {"\"size\":65537", "\"size\":\"65537\""},
    {"\"imported\":\"2026-11-25\"", "\"imported\":\"2026-02-30\""},
    {"\"exported\":false", "\"exported\":0"},
    {"\"at\":0", "\"at\":-1"},
    {"\"at\":1,", "\"at\":0,"},
    {"\"thread\":1", "\"thread\":3"},
    {"\"thread\":1", "\"thread\":-1"},
    {"\"thread\":1", "\"thread\":null"},
    {"\"day\":\"2026-11-20\"", "\"day\":\"2026-11-2\""},
    {"\"read\":false,", ""},
    {"\"message\":1", "\"message\":0"},
    {"\"message\":1", "\"message\":4000001"},
    {"\"message\":1", "\"message\":\"1\""},
    {"\"bytes\":0", "\"bytes\":-1"},
    {"\"files\":1", "\"files\":1000"},
    {"\"presealed\":[]", "\"presealed\":[2]"},
    {"\"presealed\":[]", "\"presealed\":{}"},
    {"\"presealed\":[1,2]", "\"presealed\":[2,1]"},
    {"\"presealed\":[1,2]", "\"presealed\":[0,1]"},
    {"\"presealed\":[1,2]", "\"presealed\":[\"1\"]"},
    {"\"number\":0", "\"number\":1"},
    {"\"number\":1", "\"number\":0"},
    {"\"kind\":\"received\"", "\"kind\":\"other\""},
    {"\"kind\":\"received\"", "\"kind\":\"answer\""},
    {"\"text\":\"\"", "\"text\":\"x\""},
    {"\"text\":\"x\"", "\"text\":\"\\u0000\""},
    {"\"text\":\"x\"", "\"text\":\"\xff\""},
    {"\"what\":\"import\"", "\"what\":\"delete\""},
    {"\"alias\":\"a b\"", "\"alias\":\"aaaaaaaaaaaaaaaaaaaa\""},
    {"\"count\":3", "\"count\":4294967296"},
    {"\"hash\":\"", "\"hash\":\"0"},
    {"\"signed\":2", "\"signed\":3"},
    {"\"signed\":2", "\"signed\":-1"},
    {"\"order\":42", "\"order\":41"},
    {"\"threads\":[", "\"threads\":[1,"},
    {"\"log\":[", "\"log\":[[],"},
    {"\"answers\":[", "\"answers\":{\"x\":["},
    {"}\n", "}x\n"},
};

static void
test_strict(void **state)
{
	struct kh_index *ix = sample();
	char *json;
	size_t i, n;

	json = to_json(ix, &n);
	for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		assert_refused(json, changes[i][0], changes[i][1], KH_EFORMAT);
	assert_refused(
	    json, "\"knothole_vault\":1", "\"knothole_vault\":2", KH_EUNSUP);
	kh_secret_free(json);
	kh_index_free(ix);
}

static void
test_cut_everywhere(void **state)
{
	struct kh_index *ix = sample(), *back;
	enum kh_err e;
	char *json;
	size_t i, n;

	json = to_json(ix, &n);
	for (i = 0; i + 2 < n; i++) { /* without LF it is whole */
		e = kh_index_read(json, i, &back);
		assert_int_equal(e, KH_EFORMAT);
		assert_null(back);
	}
	kh_secret_free(json);
	kh_index_free(ix);
}

static void
test_slots_run_out(void **state)
{
	struct kh_desk_answer a = {
	    .thread = 0, .kind = KH_KIND_ANSWER, .day = "2026-11-25"};
	struct kh_sign_public pk = {{0}, {0}};
	struct kh_index *ix;
	enum kh_err e;
	int i;

	e = kh_index_new(&pk, &ix);
	assert_int_equal(e, KH_OK);
	add_thread(ix, 1, true);
	add_thread(ix, 2, false);
	for (i = 0; i < KH_SLOTS_MAX; i++) {
		assert_int_equal(
		    kh_desk_slots_left(&ix->threads[0]), KH_SLOTS_MAX - i);
		e = kh_index_add_answer(ix, &a, "x", 1);
		assert_int_equal(e, KH_OK);
		assert_int_equal(ix->answers[i].number, i);
	}
	e = kh_index_add_answer(ix, &a, "x", 1);
	assert_int_equal(e, KH_EFULL);
	assert_int_equal(kh_desk_slots_left(&ix->threads[0]), 0);
	assert_int_equal(kh_desk_slots_left(&ix->threads[1]), 0);
	kh_index_free(ix);
}

static void
test_limits(void **state)
{
	void *array = NULL;
	size_t cap = 0;
	enum kh_err e;

	e = kh_desk_grow(&array, 0, &cap, 24, 0);
	assert_int_equal(e, KH_ELIMIT);
	assert_null(array);
	e = kh_desk_grow(&array, 0, &cap, 24, 1);
	assert_int_equal(e, KH_OK);
	assert_non_null(array);
	assert_int_equal((uintptr_t)array % 16, 0);
	e = kh_desk_grow(&array, 1, &cap, 24, 1);
	assert_int_equal(e, KH_ELIMIT);
	kh_secret_free(array);
	e = kh_index_read(
	    "", (size_t)KH_INDEX_MAX + 1, &(struct kh_index *){0});
	assert_int_equal(e, KH_ELIMIT);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_round_trip),
    cmocka_unit_test(test_strict),
    cmocka_unit_test(test_cut_everywhere),
    cmocka_unit_test(test_slots_run_out),
    cmocka_unit_test(test_limits),
};

TAP_MAIN(tests)
