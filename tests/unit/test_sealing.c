/*
 * What a visit makes of the store's answers: a store that refuses, breaks the
 * protocol or dies must never look like success, nor like more than is known.
 */
#include "tests/unit/tap.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "server/visit/sealing.h"
#include "server/visit/turns.h"

/* How the store at the other end behaves. */
struct script {
	enum kh_msg_type begin; /* its answer to BEGIN; 0: it dies */
	enum kh_verdict begin_verdict;
	enum kh_msg_type commit; /* its answer to COMMIT; 0: it dies */
	enum kh_verdict commit_verdict;
};

static struct kh_site site;
static struct kh_counter counter;
static struct kh_visit v;
static struct kh_sealing g;
static struct kh_form form;
static pid_t store;

static time_t clock_at; /* 0: as it is */

/* In place of the C library's, for the code under test in this program. */
time_t
time(time_t *out)
{
	struct timespec ts = {.tv_sec = clock_at};

	if (clock_at == 0)
		clock_gettime(CLOCK_REALTIME, &ts);
	if (out != NULL)
		*out = ts.tv_sec;
	return ts.tv_sec;
}

static int
setup(void **state)
{
	struct kh_card_recipient *r = &site.outlets[0].card.recipients[0];
	struct kh_identity id;

	(void)state;
	memset(&site, 0, sizeof(site));
	site.conf.n_outlets = 1;
	site.outlets[0].card.n_recipients = 1;
	kh_identity_generate(&id);
	kh_identity_recipient(&id, &r->to);
	memcpy(r->first, "2000-01-01", sizeof(r->first));
	memcpy(r->last, "9999-12-31", sizeof(r->last));
	v = (struct kh_visit){.conn = -1, .site = &site, .counter = &counter};
	v.turns = kh_turns_make();
	clock_at = 0;
	g = (struct kh_sealing){.file.fd = -1};
	kh_form_new(&form);
	return v.turns < 0 ? -1 : 0;
}

static int
teardown(void **state)
{
	(void)state;
	kh_sealing_drop(&g);
	close(v.turns);
	close(v.store);
	if (waitpid(store, NULL, 0) != store)
		return -1;
	return 0;
}

static void
play(int sock, const struct script *s)
{
	struct kh_msg m, out;
	int fd, draft = memfd_create("draft", 0);

	while (
	    kh_ipc_recv(sock, KH_ROLE_VISIT, KH_ROLE_STORE, &m, &fd) == KH_OK) {
		memset(&out, 0, sizeof(out));
		out.type = m.type == KH_MSG_BEGIN ? s->begin : s->commit;
		out.u.verdict.verdict = m.type == KH_MSG_BEGIN
		    ? s->begin_verdict
		    : s->commit_verdict;
		if (out.type == 0 ||
		    kh_ipc_send(sock, &out,
			out.type == KH_MSG_DRAFT ? draft : -1) != KH_OK)
			break;
	}
	_exit(0);
}

static void
start_store(const struct script *s)
{
	int pair[2];

	assert_int_equal(kh_ipc_pair(pair), KH_OK);
	fflush(NULL);
	store = fork();
	assert_true(store >= 0);
	if (store == 0) {
		close(pair[0]);
		play(pair[1], s);
	}
	close(pair[1]);
	v.store = pair[0];
}

static enum kh_reason
begin(bool *again)
{
	return kh_sealing_begin(&g, &v, &form, 0, again);
}

/* From begin to commit; returns what the source is told. */
static enum kh_reason
whole(const struct script *s)
{
	bool again;

	start_store(s);
	assert_int_equal(begin(&again), KH_REASON_NONE);
	assert_false(again);
	assert_int_equal(
	    kh_bundle_message(g.w, (const uint8_t *)"m", 1), KH_OK);
	return kh_sealing_commit(&g, &v, true, 0, 0);
}

static void
test_committed(void **state)
{
	static const struct script s = {.begin = KH_MSG_DRAFT,
	    .commit = KH_MSG_COMMITTED,
	    .commit_verdict = KH_VERDICT_YES};

	(void)state;
	assert_int_equal(whole(&s), KH_REASON_NONE);
}

static void
test_commit_refused(void **state)
{
	static const struct script full = {.begin = KH_MSG_DRAFT,
	    .commit = KH_MSG_COMMITTED,
	    .commit_verdict = KH_VERDICT_FULL};

	(void)state;
	assert_int_equal(whole(&full), KH_REASON_FULL);
}

static void
test_commit_failed(void **state)
{
	static const struct script s = {.begin = KH_MSG_DRAFT,
	    .commit = KH_MSG_COMMITTED,
	    .commit_verdict = KH_VERDICT_FAILED};

	(void)state;
	assert_int_equal(whole(&s), KH_REASON_FAILED);
}

/* A verdict that does not exist is not a yes. */
static void
test_commit_nonsense(void **state)
{
	static const struct script s = {.begin = KH_MSG_DRAFT,
	    .commit = KH_MSG_COMMITTED,
	    .commit_verdict = KH_VERDICT_N};

	(void)state;
	assert_int_equal(whole(&s), KH_REASON_FAILED);
}

/* The store dies between the request and its answer: the object may be there
 * or not, and nothing else is said. */
static void
test_store_dies_at_commit(void **state)
{
	static const struct script s = {.begin = KH_MSG_DRAFT};

	(void)state;
	assert_int_equal(whole(&s), KH_REASON_UNSURE);
}

static void
test_wrong_answer_to_commit(void **state)
{
	static const struct script s = {.begin = KH_MSG_DRAFT,
	    .commit = KH_MSG_ROOM_ANSWER,
	    .commit_verdict = KH_VERDICT_YES};

	(void)state;
	assert_int_equal(whole(&s), KH_REASON_UNSURE);
}

static void
refused(enum kh_verdict verdict, enum kh_reason want)
{
	struct script s = {.begin = KH_MSG_NO_DRAFT, .begin_verdict = verdict};
	bool again = true;

	start_store(&s);
	assert_int_equal(begin(&again), want);
	assert_int_equal(again, verdict == KH_VERDICT_SEALED);
	assert_null(g.w);
	assert_int_equal(g.file.fd, -1);
}

static void
test_l24_no_draft_full(void **state)
{
	(void)state;
	refused(KH_VERDICT_FULL, KH_REASON_FULL);
}

static void
test_l26_no_draft_sealed(void **state)
{
	(void)state;
	refused(KH_VERDICT_SEALED, KH_REASON_NONE);
}

static void
test_no_draft_failed(void **state)
{
	(void)state;
	refused(KH_VERDICT_FAILED, KH_REASON_FAILED);
}

static void
test_store_dies_at_begin(void **state)
{
	static const struct script s = {.begin = 0};
	bool again;

	(void)state;
	start_store(&s);
	assert_int_equal(begin(&again), KH_REASON_FAILED);
	assert_false(again);
	assert_null(g.w);
}

/* An outlet without a key for today: nothing is sealed for the others (L7). */
static void
test_l7_expired(void **state)
{
	static const struct script s = {.begin = KH_MSG_DRAFT};
	bool again;

	(void)state;
	assert_true(kh_sealing_open(&site));
	site.conf.n_outlets = 2;
	site.outlets[1] = site.outlets[0];
	memcpy(site.outlets[1].card.recipients[0].last, "2001-01-01",
	    KH_DAY_LEN + 1);
	assert_false(kh_sealing_open(&site));
	start_store(&s);
	assert_int_equal(begin(&again), KH_REASON_CLOSED);
	assert_null(g.w);
	assert_int_equal(g.file.fd, -1);
}

static enum kh_err
discard(void *ctx, const uint8_t *p, size_t n)
{
	(void)ctx;
	(void)p;
	(void)n;
	return KH_OK;
}

/* Does this key alone open what was sealed? */
static bool
opens(const struct kh_identity *id)
{
	static const struct kh_sink none = {.write = discard};
	struct kh_keyring *kr = NULL;
	struct kh_opener *o = NULL;
	uint8_t head[1024];
	enum kh_err e;
	char *end;

	memset(head, 0, sizeof(head));
	assert_true(pread(g.file.fd, head, sizeof(head) - 1, 0) > 0);
	end = strstr((char *)head, "\n--- ");
	assert_non_null(end);
	end = strchr(end + 1, '\n');
	assert_non_null(end);
	assert_int_equal(kh_keyring_new(&kr), KH_OK);
	assert_int_equal(kh_keyring_add(kr, id), KH_OK);
	assert_int_equal(kh_opener_new(&o, kr, none), KH_OK);
	e = kh_opener_write(o, head, (size_t)(end + 1 - (char *)head));
	assert_true(e == KH_OK || e == KH_ENOKEY);
	kh_opener_free(o);
	kh_keyring_free(kr);
	return e == KH_OK;
}

/* Two months of one card, midnight in between, nothing started anew. */
static void
midnight(time_t at, bool first)
{
	static const struct script s = {.begin = KH_MSG_DRAFT,
	    .commit = KH_MSG_COMMITTED,
	    .commit_verdict = KH_VERDICT_YES};
	struct kh_card *card = &site.outlets[0].card;
	struct kh_identity id[2];
	size_t i;

	for (i = 0; i < 2; i++) {
		kh_identity_generate(&id[i]);
		kh_identity_recipient(&id[i], &card->recipients[i].to);
	}
	card->n_recipients = 2;
	memcpy(card->recipients[0].first, "2026-12-01", KH_DAY_LEN + 1);
	memcpy(card->recipients[0].last, "2026-12-31", KH_DAY_LEN + 1);
	memcpy(card->recipients[1].first, "2027-01-01", KH_DAY_LEN + 1);
	memcpy(card->recipients[1].last, "2027-01-31", KH_DAY_LEN + 1);
	clock_at = at;
	assert_true(kh_sealing_open(&site));
	assert_int_equal(whole(&s), KH_REASON_NONE);
	assert_int_equal(opens(&id[0]), first);
	assert_int_equal(opens(&id[1]), !first);
}

static void
test_l12_last_second(void **state)
{
	(void)state;
	midnight(1798761599, true); /* 2026-12-31T23:59:59Z */
}

static void
test_l12_first_second(void **state)
{
	(void)state;
	midnight(1798761600, false);
}

#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

static const struct CMUnitTest tests[] = {
    T(test_committed),
    T(test_commit_refused),
    T(test_commit_failed),
    T(test_commit_nonsense),
    T(test_store_dies_at_commit),
    T(test_wrong_answer_to_commit),
    T(test_l24_no_draft_full),
    T(test_l26_no_draft_sealed),
    T(test_no_draft_failed),
    T(test_store_dies_at_begin),
    T(test_l7_expired),
    T(test_l12_last_second),
    T(test_l12_first_second),
};

TAP_MAIN(tests)
