/*
 * The parsers of the courier's API: targets, ranges, lists of ids.
 */
#include "tests/unit/tap.h"

#include "server/courier/route.h"

#define ID "000102030405060708090a0b0c0d0e0f"
#define SLOT "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct kh_slice
slice(const char *s)
{
	return (struct kh_slice){s, strlen(s)};
}

static struct kh_courier_route
route(const char *path, const char *query)
{
	struct kh_head h = {.path = slice(path), .query = slice(query)};
	struct kh_courier_route to;

	memset(&to, 0x5a, sizeof(to));
	kh_courier_route(&h, &to);
	return to;
}

static void
test_routes(void **state)
{
	static const struct {
		const char *path, *query;
		enum kh_courier_target at;
	} cases[] = {
	    {"/v1/objects", "", KH_AT_LIST},
	    {"/v1/objects/" ID, "", KH_AT_OBJECT},
	    {"/v1/collected", "", KH_AT_COLLECTED},
	    {"/v1/health", "", KH_AT_HEALTH},
	    {"/v1/replies/" SLOT, "", KH_AT_REPLY},
	    {"/v1/replies/" SLOT ".age", "", KH_AT_REPLY},
	    {"/", "", KH_AT_NOTHING},
	    {"/v1", "", KH_AT_NOTHING},
	    {"/v1/", "", KH_AT_NOTHING},
	    {"/V1/health", "", KH_AT_NOTHING},
	    {"/v2/objects", "", KH_AT_NOTHING},
	    {"//v1/objects", "", KH_AT_NOTHING},
	    {"/v1/objects/", "", KH_AT_NOTHING},
	    {"/v1/objects/" ID "0", "", KH_AT_NOTHING},
	    {"/v1/objects/" ID "/", "", KH_AT_NOTHING},
	    {"/v1/objects/" ID ".age", "", KH_AT_NOTHING},
	    {"/v1/objects/000102030405060708090A0B0C0D0E0F", "", KH_AT_NOTHING},
	    {"/v1/objects/../objects", "", KH_AT_NOTHING},
	    {"/v1/health/", "", KH_AT_NOTHING},
	    {"/v1/health", "x=1", KH_AT_NOTHING},
	    {"/v1/collected", "x", KH_AT_NOTHING},
	    {"/v1/replies", "", KH_AT_NOTHING},
	    {"/v1/replies/" ID, "", KH_AT_NOTHING},
	    {"/v1/replies/" SLOT ".ag", "", KH_AT_NOTHING},
	    {"/v1/replies/" SLOT ".age.age", "", KH_AT_NOTHING},
	    {"/v1/replies/" SLOT, "x=1", KH_AT_NOTHING},
	    {"/v1/objects", "limit=0", KH_AT_MALFORMED},
	    {"/v1/objects", "limit=", KH_AT_MALFORMED},
	    {"/v1/objects", "limit=-1", KH_AT_MALFORMED},
	    {"/v1/objects", "limit=01", KH_AT_MALFORMED},
	    {"/v1/objects", "limit=1x", KH_AT_MALFORMED},
	    {"/v1/objects", "limit=1&limit=1", KH_AT_MALFORMED},
	    {"/v1/objects", "after=", KH_AT_MALFORMED},
	    {"/v1/objects", "after=" ID "0", KH_AT_MALFORMED},
	    {"/v1/objects", "after=" ID "&after=" ID, KH_AT_MALFORMED},
	    {"/v1/objects", "after", KH_AT_MALFORMED},
	    {"/v1/objects", "&limit=1", KH_AT_MALFORMED},
	    {"/v1/objects", "limit=1&", KH_AT_MALFORMED},
	    {"/v1/objects", "limit=1&&after=" ID, KH_AT_MALFORMED},
	    {"/v1/objects", "x=1", KH_AT_MALFORMED},
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (route(cases[i].path, cases[i].query).at != cases[i].at)
			fail_msg("%s?%s", cases[i].path, cases[i].query);
	}
}

static void
test_cards(void **state)
{
	static const char *const none[] = {"", "/", "/A", "/-a", "/a-",
	    "/a.card", "/a/b", "/..", "/a%20", "/" ID ID "0"};
	char path[128];
	size_t i;

	for (i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		(void)snprintf(path, sizeof(path), "/v1/cards%s", none[i]);
		if (route(path, "").at != KH_AT_NOTHING)
			fail_msg("%s", path);
	}
	assert_int_equal(route("/v1/cards/a", "x=1").at, KH_AT_NOTHING);
	assert_int_equal(
	    route("/v1/cards/the-example-times", "").at, KH_AT_CARD);
	assert_int_equal(route("/v1/cards/" ID ID, "").at, KH_AT_CARD);
}

static void
test_what_they_carry(void **state)
{
	struct kh_courier_route to = route("/v1/objects", "");

	assert_int_equal(to.limit, 1000);
	assert_false(to.has_after);
	to = route("/v1/objects", "limit=7&after=" ID);
	assert_int_equal(to.limit, 7);
	assert_true(to.has_after);
	assert_int_equal(to.id[15], 15);
	to = route("/v1/objects", "after=" ID);
	assert_int_equal(to.limit, 1000);
	/* more than the most is the most */
	to = route("/v1/objects", "limit=1000");
	assert_int_equal(to.limit, 1000);
	to = route("/v1/objects", "limit=1001");
	assert_int_equal(to.limit, 1000);
	to = route("/v1/objects", "limit=99999999999999999999999");
	assert_int_equal(to.at, KH_AT_LIST);
	assert_int_equal(to.limit, 1000);
	to = route("/v1/objects/" ID, "");
	assert_int_equal(to.id[1], 1);
	assert_int_equal(to.id[15], 15);
	to = route("/v1/replies/" SLOT ".age", "");
	assert_string_equal(to.name, SLOT);
	to = route("/v1/cards/zeitung-2", "");
	assert_string_equal(to.card, "zeitung-2");
}

static void
test_ranges(void **state)
{
	static const struct {
		const char *text;
		uint64_t size;
		enum kh_range want;
		uint64_t from, n;
	} cases[] = {
	    {"bytes=0-", 10, KH_RANGE_PART, 0, 10},
	    {"bytes=0-9", 10, KH_RANGE_PART, 0, 10},
	    {"bytes=0-0", 10, KH_RANGE_PART, 0, 1},
	    {"bytes=9-", 10, KH_RANGE_PART, 9, 1},
	    {"bytes=3-5", 10, KH_RANGE_PART, 3, 3},
	    {"bytes=3-99", 10, KH_RANGE_PART, 3, 7},
	    {"Bytes=3-", 10, KH_RANGE_PART, 3, 7},
	    {"bytes=003-", 10, KH_RANGE_PART, 3, 7},
	    {"bytes=3-99999999999999999999999", 10, KH_RANGE_PART, 3, 7},
	    {"bytes=-1", 10, KH_RANGE_PART, 9, 1},
	    {"bytes=-10", 10, KH_RANGE_PART, 0, 10},
	    {"bytes=-11", 10, KH_RANGE_PART, 0, 10},
	    {"bytes=-99999999999999999999999", 10, KH_RANGE_PART, 0, 10},
	    {"bytes=10-", 10, KH_RANGE_NONE, 0, 0},
	    {"bytes=10-11", 10, KH_RANGE_NONE, 0, 0},
	    {"bytes=99999999999999999999999-", 10, KH_RANGE_NONE, 0, 0},
	    {"bytes=18446744073709551615-", 10, KH_RANGE_NONE, 0, 0},
	    {"bytes=5-4", 10, KH_RANGE_NONE, 0, 0},
	    {"bytes=-0", 10, KH_RANGE_NONE, 0, 0},
	    {"bytes=-", 10, KH_RANGE_NONE, 0, 0},
	    {"bytes=--1", 10, KH_RANGE_NONE, 0, 0},
	    {"bytes=", 10, KH_RANGE_NONE, 0, 0},
	    {"bytes=a-", 10, KH_RANGE_NONE, 0, 0},
	    {"bytes=1", 10, KH_RANGE_NONE, 0, 0},
	    {"bytes=1-2x", 10, KH_RANGE_NONE, 0, 0},
	    {"bytes=1-2,4-5", 10, KH_RANGE_NONE, 0, 0},
	    {"bytes= 1-2", 10, KH_RANGE_NONE, 0, 0},
	    {"bytes=1-2-", 10, KH_RANGE_NONE, 0, 0},
	    {"bytes=0-", 0, KH_RANGE_NONE, 0, 0},
	    {"bytes=-1", 0, KH_RANGE_NONE, 0, 0},
	    {"", 10, KH_RANGE_ALL, 0, 10},
	    {"items=0-1", 10, KH_RANGE_ALL, 0, 10},
	    {"bytes", 10, KH_RANGE_ALL, 0, 10},
	    {"bytes=0-", UINT64_MAX, KH_RANGE_PART, 0, UINT64_MAX},
	};
	uint64_t from, n;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		from = n = 77;
		if (kh_courier_range(slice(cases[i].text), cases[i].size, &from,
			&n) != cases[i].want ||
		    from != cases[i].from || n != cases[i].n)
			fail_msg("%s of %u: %u, %u", cases[i].text,
			    (unsigned)cases[i].size, (unsigned)from,
			    (unsigned)n);
	}
}

static enum kh_err
ids(const char *text, struct kh_courier_ids *out)
{
	out->n = 77;
	return kh_courier_ids_parse((const uint8_t *)text, strlen(text), out);
}

static void
test_ids(void **state)
{
	static const char *const bad[] = {"", "{", "[]", "\"ids\"", "null",
	    "{}", "{\"ids\":null}", "{\"ids\":{}}", "{\"ids\":\"" ID "\"}",
	    "{\"ids\":[1]}", "{\"ids\":[\"\"]}", "{\"ids\":[\"" ID "0\"]}",
	    "{\"ids\":[\"000102030405060708090A0B0C0D0E0F\"]}",
	    "{\"ids\":[\"0001020304050607080\\u00000a0b0c0d0e0\"]}",
	    "{\"ids\":[\"" ID "\",]}", "{\"ids\":[\"" ID "\"]}x",
	    "{\"ids\":[\"" ID "\"],\"ids\":[\"" ID "\"]}",
	    "{\"ids\":[\"" ID "\"],\"x\":1}", "{\"IDS\":[]}",
	    "{\"ids\":[[\"" ID "\"]]}", "{\"ids\":[\"" ID "\"]}{}"};
	static struct kh_courier_ids out;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (ids(bad[i], &out) != KH_EFORMAT || out.n != 0)
			fail_msg("%s", bad[i]);
	}
	assert_int_equal(ids("{\"ids\":[]}", &out), KH_OK);
	assert_int_equal(out.n, 0);
	assert_int_equal(
	    ids(" {\n\"ids\" : [ \"" ID "\", \"" ID "\" ] }\n", &out), KH_OK);
	assert_int_equal(out.n, 2);
	assert_int_equal(out.id[1][15], 15);
}

static void
test_a_thousand_ids(void **state)
{
	static struct kh_courier_ids out;
	char *text = malloc(70000);
	size_t n, i;
	unsigned many;

	assert_non_null(text);
	for (many = 1000; many <= 1001; many++) {
		n = (size_t)snprintf(text, 70000, "{\"ids\":[\"" ID "\"");
		for (i = 1; i < many; i++)
			n += (size_t)snprintf(
			    text + n, 70000 - n, ",\"" ID "\"");
		n += (size_t)snprintf(text + n, 70000 - n, "]}");
		assert_true(n < KH_COURIER_BODY_MAX);
		assert_int_equal(kh_courier_ids_parse((uint8_t *)text, n, &out),
		    many == 1000 ? KH_OK : KH_ELIMIT);
		assert_int_equal(out.n, many == 1000 ? 1000 : 0);
	}
	/* as deep as the cap allows */
	memset(text, '[', KH_COURIER_BODY_MAX);
	assert_int_equal(
	    kh_courier_ids_parse((uint8_t *)text, KH_COURIER_BODY_MAX, &out),
	    KH_EFORMAT);
	free(text);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_routes),
    cmocka_unit_test(test_cards),
    cmocka_unit_test(test_what_they_carry),
    cmocka_unit_test(test_ranges),
    cmocka_unit_test(test_ids),
    cmocka_unit_test(test_a_thousand_ids),
};

TAP_MAIN(tests)
