/*
 * What the store does besides commits, one thing in the midst of the other:
 * objects and answers come, are settled, are collected, expire and are
 * forgotten. For tests of what a power cut leaves of that; separate from
 * committer.c, which drives the role, because between any two steps of a settle
 * something else is to happen here.
 *
 *	tidier DIR ROUNDS CLOCK
 *
 * It prints one line for each thing, before ("put? NUMBER") or after it was
 * acknowledged ("put NUMBER NAME"), and behind each the number that the file
 * CLOCK held at the time:
 *
 *	put? N, put N NAME	an object, or with a name of 64 digits an answer
 *	mark NAME WHO		one newsroom of two has collected it
 *	gone? NAME, gone NAME	it is removed, for whatever reason
 *	settle?, settle		from the first step to the last
 *
 * Thing N is its number in 10 digits, LF, and bytes that follow from it.
 */
#include <fcntl.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "knothole/io.h"
#include "knothole/secret.h"
#include "knothole/store.h"

#define DIGITS 10
#define PIECE 1000 /* a thing has from 1 to 41 of them */
#define THINGS_MAX 4096
#define FIRST 24 /* things of a round before it is settled */
#define NEWSROOMS 2

struct thing {
	char name[KH_SLOT_NAME_LEN + 1];
	uint8_t id[KH_OBJECT_ID_LEN];
	bool answer, there;
	unsigned marks; /* a bit for each newsroom */
};

static struct kh_store *st;
static const volatile uint64_t *now;
static struct kh_collectors all = {.n = NEWSROOMS};
static struct thing thing[THINGS_MAX];
static size_t n_things;

static void
say(const char *what, const char *of)
{
	printf("%s %s %llu\n", what, of, (unsigned long long)*now);
}

static void
must(enum kh_err e, const char *what)
{
	if (e == KH_OK)
		return;
	fprintf(stderr, "tidier: %s: %s\n", what, kh_err_text(e));
	exit(74);
}

/* Bytes of thing n: how many. */
static size_t
fill(size_t n, uint8_t *out)
{
	size_t len = PIECE * (1 + n % 41), at = DIGITS + 1;

	(void)snprintf((char *)out, DIGITS + 2, "%0*zu\n", DIGITS, n);
	memset(out + at, (int)('a' + n % 26), len - at);
	return len;
}

static void
put(bool answer)
{
	static uint8_t bytes[PIECE * 41 + 1];
	struct thing *t = &thing[n_things];
	uint8_t secret[KH_SLOT_NAME_LEN / 2];
	struct kh_draft *d = NULL;
	char text[128];
	size_t len;

	if (n_things == THINGS_MAX)
		exit(70);
	len = fill(n_things, bytes);
	(void)snprintf(text, sizeof(text), "%zu", n_things);
	say("put?", text);
	t->answer = answer;
	if (answer) {
		randombytes_buf(secret, sizeof(secret));
		sodium_bin2hex(
		    t->name, sizeof(t->name), secret, sizeof(secret));
		must(kh_store_answer_put(st, t->name, bytes, len), "put");
	} else {
		must(kh_store_draft(st, &d), "draft");
		must(kh_write_all(kh_draft_fd(d), bytes, len), "write");
		must(kh_store_commit(st, d, t->id), "commit");
		kh_object_name(t->id, t->name);
	}
	t->there = true;
	(void)snprintf(text, sizeof(text), "%zu %s", n_things++, t->name);
	say("put", text);
}

/* One that is there; NULL when a few tries find none. */
static struct thing *
any(bool answer)
{
	struct thing *t;
	int i;

	for (i = 0; i < 20 && n_things > 0; i++) {
		t = &thing[randombytes_uniform((uint32_t)n_things)];
		if (t->there && t->answer == answer)
			return t;
	}
	return NULL;
}

static void
forget(void)
{
	struct thing *t = any(true);

	if (t == NULL)
		return;
	say("gone?", t->name);
	t->there = false;
	must(kh_store_answer_remove(st, t->name), "remove");
	must(kh_store_answers_sync(st), "sync");
	say("gone", t->name);
}

/* One newsroom has up to four objects. */
static void
collect(void)
{
	uint32_t who = randombytes_uniform(NEWSROOMS), i;
	struct kh_object_ids ids = {0};
	struct thing *t, *of[4];
	char text[128];

	while (ids.n < 4 && (t = any(false)) != NULL) {
		for (i = 0; i < ids.n && of[i] != t; i++)
			continue;
		if (i < ids.n)
			break; /* the same again */
		memcpy(ids.id[ids.n], t->id, sizeof(t->id));
		of[ids.n++] = t;
		t->marks |= 1U << who;
		t->there = t->marks != (1U << NEWSROOMS) - 1;
		if (!t->there)
			say("gone?", t->name);
	}
	must(kh_store_collect(st, &all, who, &ids), "collect");
	for (i = 0; i < ids.n; i++) {
		(void)snprintf(
		    text, sizeof(text), "%s %u", of[i]->name, (unsigned)who);
		if (of[i]->there)
			say("mark", text);
		else
			say("gone", of[i]->name);
	}
}

static void
something(void)
{
	switch (randombytes_uniform(6)) {
	case 0:
	case 1:
		put(randombytes_uniform(4) == 0);
		break;
	case 2:
		forget();
		break;
	default:
		collect();
	}
}

/* Between its steps other things happen. */
static void
settle(void)
{
	struct kh_settle *s = NULL;
	enum kh_err e;

	say("settle?", "-");
	must(kh_settle_begin(st, true, &s), "settle");
	while ((e = kh_settle_step(s, 0)) == KH_EAGAIN) {
		if (randombytes_uniform(8) == 0)
			something();
	}
	must(e, "settle");
	kh_settle_free(s);
	say("settle", "-");
}

/* Objects come, a second passes, more come; then the first go, by their age. */
static void
expire(void)
{
	static bool old[THINGS_MAX];
	const struct timespec pause = {1, 100000000};
	int64_t then;
	size_t i, n = n_things;

	for (i = 0; i < n; i++)
		old[i] = thing[i].there && !thing[i].answer;
	then = (int64_t)time(NULL);
	nanosleep(&pause, NULL);
	for (i = 0; i < 6; i++)
		put(false);
	for (i = 0; i < n; i++) {
		if (old[i])
			say("gone?", thing[i].name);
		thing[i].there = thing[i].there && !old[i];
	}
	must(kh_store_expire(st, then), "expire");
	for (i = 0; i < n; i++) {
		if (old[i])
			say("gone", thing[i].name);
	}
}

static enum kh_err
open_clock(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return KH_ESYS;
	now = mmap(NULL, sizeof(*now), PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	return now == MAP_FAILED ? KH_ESYS : KH_OK;
}

int
main(int argc, char **argv)
{
	unsigned long rounds;
	int i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc != 4 || kh_init() != KH_OK)
		return 64;
	must(open_clock(argv[3]), "clock");
	must(kh_store_open(argv[1], &st), "open");
	/* As committer.c says it to the store that starts afterwards. */
	for (i = 0; i < NEWSROOMS; i++)
		memset(all.id[i], i + 1, sizeof(all.id[i]));
	for (rounds = strtoul(argv[2], NULL, 10); rounds > 0; rounds--) {
		for (i = 0; i < FIRST; i++)
			put(i % 4 == 3);
		settle();
		for (i = 0; i < FIRST; i++)
			something();
		if (rounds % 2 == 1)
			expire();
	}
	kh_store_close(st);
	return 0;
}
