/*
 * The store process, offered renewed cards: it keeps those of the newsroom that
 * are newer than what it has, whatever the courier's side says of them.
 */
#include "tests/unit/tap.h"

#include <sys/mman.h>
#include <time.h>

#include "knothole/card.h"
#include "knothole/io.h"
#include "tests/unit/card_fixed.h"
#include "tests/unit/store_role.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static struct kh_sign_public key;

/* 2027-01-01: the golden card's first key is valid. */
time_t
time(time_t *out)
{
	if (out != NULL)
		*out = 1798761600;
	return 1798761600;
}

/* Two newsrooms, the second of which has the golden card. */
static int
start_renewal(void **state)
{
	struct kh_msg_store_dir said = {
	    .max_visits = 8, .collectors = {.n = 2, .id = {{1}}}};
	struct kh_sign_secret sk;

	(void)state;
	fixed_key(&sk);
	kh_sign_public(&sk, &key);
	kh_collector_id(key.pk, said.collectors.id[1]);
	return start_with(&said);
}

static int
end_renewal(void **state)
{
	if (faccessat(dir, "cards", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		empty("cards");
	return end(state);
}

/* The golden card, lasting to another day, signed by a key made of `seed`. */
static char *
make(const char *last, uint8_t seed, size_t *n)
{
	struct kh_sign_secret sk;
	struct kh_card c;
	char *text;

	fixed_key(&sk);
	memset(sk.seed, seed, sizeof(sk.seed));
	fixed_card(&c);
	memcpy(c.recipients[1].last, last, KH_DAY_LEN + 1);
	assert_int_equal(kh_card_write(&c, &sk, &text, n), KH_OK);
	return text;
}

static int
sealed(const void *p, size_t n, int seals)
{
	int fd = memfd_create("card", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(kh_write_all(fd, p, n), KH_OK);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

/* What the store says to these bytes, under a newsroom's number. */
static enum kh_verdict
offer(uint32_t newsroom, const void *p, size_t n)
{
	struct kh_msg m = {.type = KH_MSG_CARD,
	    .u.card = {.newsroom = newsroom, .length = (uint32_t)n}};
	int c = announced_by(courier), with = sealed(p, n, SEALS), fd;

	assert_int_equal(kh_ipc_send(c, &m, with), KH_OK);
	close(with);
	receive(c, KH_ROLE_STORE, KH_ROLE_ERRAND, &m, &fd);
	assert_int_equal(m.type, KH_MSG_CARD_STORED);
	close(c);
	return (enum kh_verdict)m.u.verdict.verdict;
}

static enum kh_verdict
offer_card(uint32_t newsroom, const char *last, uint8_t seed)
{
	enum kh_verdict v;
	size_t n;
	char *text = make(last, seed, &n);

	v = offer(newsroom, text, n);
	free(text);
	return v;
}

static void
keeper_hears(void)
{
	struct kh_msg m;
	int fd;

	receive(control, KH_ROLE_STORE, KH_ROLE_KEEPER, &m, &fd);
	assert_int_equal(m.type, KH_MSG_CARDS);
}

static void
keeper_hears_nothing(void)
{
	struct pollfd pfd = {.fd = control, .events = POLLIN};

	assert_int_equal(poll(&pfd, 1, 100), 0);
}

static void
test_newer_ones(void **state)
{
	assert_int_equal(offer_card(1, "2028-12-31", 0x17), KH_VERDICT_YES);
	keeper_hears();
	assert_int_equal(offer_card(1, "2029-01-31", 0x17), KH_VERDICT_YES);
	keeper_hears();
	/* The same again is fine: its answer may have been lost. */
	assert_int_equal(offer_card(1, "2029-01-31", 0x17), KH_VERDICT_YES);
	keeper_hears();
	assert_int_equal(offer_card(1, "2028-12-31", 0x17), KH_VERDICT_TAKEN);
	assert_int_equal(offer_card(1, "2028-11-21", 0x17), KH_VERDICT_TAKEN);
	keeper_hears_nothing();
}

static void
test_somebody_elses(void **state)
{
	/* That newsroom's number, another key; that key, another's number. */
	assert_int_equal(offer_card(1, "2030-01-01", 0x18), KH_VERDICT_NONE);
	assert_int_equal(offer_card(0, "2030-01-01", 0x17), KH_VERDICT_NONE);
	assert_int_equal(offer(1, "garbage", 7), KH_VERDICT_NONE);
	assert_int_equal(
	    faccessat(dir, "cards", F_OK, AT_SYMLINK_NOFOLLOW), -1);
	keeper_hears_nothing();
}

/* What is kept and cannot be read keeps nobody out. */
static void
test_spoilt(void **state)
{
	char name[KH_STORE_CARD_NAME_LEN + 1], path[64];
	uint8_t who[KH_COLLECTOR_LEN];
	int fd;

	assert_int_equal(offer_card(1, "2029-01-31", 0x17), KH_VERDICT_YES);
	kh_collector_id(key.pk, who);
	kh_store_card_name(who, name);
	(void)snprintf(path, sizeof(path), "cards/%s", name);
	assert_int_equal(unlinkat(dir, path, 0), 0);
	fd = openat(dir, path, O_CREAT | O_EXCL | O_WRONLY, 0400);
	assert_int_equal(kh_write_all(fd, "spoilt", 6), KH_OK);
	close(fd);
	assert_int_equal(offer_card(1, "2028-12-31", 0x17), KH_VERDICT_YES);
}

/* It is told so by being dropped. */
static void
dropped(const struct kh_msg *said, int with)
{
	int c = announced_by(courier), fd;
	struct kh_msg m;

	assert_int_equal(kh_ipc_send(c, said, with), KH_OK);
	close(with);
	assert_int_equal(
	    kh_ipc_recv(c, KH_ROLE_STORE, KH_ROLE_ERRAND, &m, &fd), KH_EPROTO);
	close(c);
}

static void
test_no_honest_courier(void **state)
{
	struct kh_msg m = {.type = KH_MSG_CARD};
	int pipes[2];

	m.u.card = (struct kh_msg_card){.newsroom = 2, .length = 6};
	dropped(&m, sealed("spoilt", 6, SEALS));
	m.u.card = (struct kh_msg_card){.newsroom = 1, .length = 0};
	dropped(&m, sealed("", 0, SEALS));
	m.u.card.length = KH_CARD_MAX + 1;
	dropped(&m, sealed("spoilt", 6, SEALS));
	m.u.card.length = 7; /* it has 6 */
	dropped(&m, sealed("spoilt", 6, SEALS));
	m.u.card.length = 6; /* it can be changed */
	dropped(&m, sealed("spoilt", 6, F_SEAL_GROW));
	assert_int_equal(pipe(pipes), 0); /* it would have to be waited for */
	dropped(&m, pipes[0]);
	close(pipes[1]);
	keeper_hears_nothing();
}

#define T(t) cmocka_unit_test_setup_teardown(t, start_renewal, end_renewal)

static const struct CMUnitTest tests[] = {
    T(test_newer_ones),
    T(test_somebody_elses),
    T(test_spoilt),
    T(test_no_honest_courier),
};

TAP_MAIN(tests)
