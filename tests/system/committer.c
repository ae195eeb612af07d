/*
 * Plays keeper, door and visits to a store role, and has one small object after
 * the other committed: for tests of what a kill, a failing disk or a power cut
 * leaves. Separate from the server, which does one thing at a time only for
 * one upload.
 *
 *	committer KNOTHOLED DIR FIRST COUNT [CLOCK]
 *
 * With a COUNT of 0 it starts and ends the role, which puts in order what it
 * finds.
 *
 * It prints "store PID", then "N yes", "N full" or "N failed" for each object
 * as the store acknowledges it, and "N lost" and status 2 when the store is
 * gone. Behind that stands the number that the file CLOCK held at the time.
 * Object N holds its number in 10 digits, LF, and the SHA-256 of those digits
 * 32 times.
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "knothole/io.h"
#include "knothole/secret.h"
#include "server/ipc/ipc.h"
#include "server/role/role.h"

#define DIGITS 10
#define REPEAT 32
#define OBJECT_LEN (DIGITS + 1 + REPEAT * crypto_hash_sha256_BYTES)

static int control = -1, door = -1;
static const volatile uint64_t *now;

static void
object(unsigned long n, uint8_t out[static OBJECT_LEN])
{
	char digits[DIGITS + 2];
	size_t i;

	(void)snprintf(digits, sizeof(digits), "%010lu\n", n);
	memcpy(out, digits, DIGITS + 1);
	crypto_hash_sha256(out + DIGITS + 1, out, DIGITS);
	for (i = 1; i < REPEAT; i++)
		memcpy(out + DIGITS + 1 + i * crypto_hash_sha256_BYTES,
		    out + DIGITS + 1, crypto_hash_sha256_BYTES);
}

static enum kh_err
start(const char *program, const char *dir)
{
	struct kh_msg m = {.type = KH_MSG_STORE_DIR};
	int link[2], fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum kh_err e;
	uint32_t i;
	pid_t pid;

	if (fd < 0 || kh_ipc_pair(link) != KH_OK)
		return KH_ESYS;
	pid = fork();
	if (pid < 0)
		return KH_ESYS;
	if (pid == 0) {
		if (dup2(link[1], KH_ROLE_CONTROL_FD) < 0)
			_exit(99);
		execl(program, "knotholed", "--role", "store", (char *)NULL);
		_exit(99);
	}
	close(link[1]);
	control = link[0];
	printf("store %d\n", (int)pid);
	m.u.store_dir.max_visits = 8;
	/* Neither in the way of what is tested. */
	m.u.store_dir.settle_minutes = KH_MINUTES_MAX;
	m.u.store_dir.selftest_minutes = KH_MINUTES_MAX;
	/* The newsrooms of tidier.c. */
	m.u.store_dir.collectors.n = 2;
	for (i = 0; i < m.u.store_dir.collectors.n; i++)
		memset(m.u.store_dir.collectors.id[i], (int)i + 1,
		    sizeof(m.u.store_dir.collectors.id[i]));
	e = kh_ipc_send(control, &m, fd);
	/* How its first test went, and then that it is ready. */
	do {
		if (e == KH_OK)
			e = kh_ipc_recv(
			    control, KH_ROLE_STORE, KH_ROLE_KEEPER, &m, &fd);
	} while (e == KH_OK && m.type == KH_MSG_REPORT);
	if (e != KH_OK || m.type != KH_MSG_READY || kh_ipc_pair(link) != KH_OK)
		return KH_EPROTO;
	m = (struct kh_msg){.type = KH_MSG_DOOR_LINK};
	door = link[0];
	e = kh_ipc_send(control, &m, link[1]);
	close(link[1]); /* so that the store's end is the only one */
	return e;
}

/* Ask the store over a visit's channel. */
static enum kh_err
ask(int visit, struct kh_msg *m, int *fd)
{
	enum kh_err e = kh_ipc_send(visit, m, -1);

	*fd = -1;
	if (e == KH_OK)
		e = kh_ipc_recv(visit, KH_ROLE_STORE, KH_ROLE_VISIT, m, fd);
	return e;
}

/* One object, as a visit does it. KH_OK: *verdict is the store's. */
static enum kh_err
commit(unsigned long n, enum kh_verdict *verdict)
{
	struct kh_msg m = {.type = KH_MSG_VISIT};
	uint8_t bytes[OBJECT_LEN];
	enum kh_err e;
	int link[2], fd = -1, none = -1;

	object(n, bytes);
	e = kh_ipc_pair(link);
	if (e != KH_OK)
		return e;
	e = kh_ipc_send(door, &m, link[1]);
	close(link[1]);
	m = (struct kh_msg){.type = KH_MSG_BEGIN};
	randombytes_buf(m.u.begin.upload, sizeof(m.u.begin.upload));
	if (e == KH_OK)
		e = ask(link[0], &m, &fd);
	if (e == KH_OK && m.type == KH_MSG_DRAFT) {
		*verdict = KH_VERDICT_FAILED;
		if (kh_write_all(fd, bytes, sizeof(bytes)) == KH_OK &&
		    fdatasync(fd) == 0) {
			m = (struct kh_msg){.type = KH_MSG_COMMIT};
			m.u.commit.complete = 1;
			e = ask(link[0], &m, &none);
			*verdict = (enum kh_verdict)m.u.verdict.verdict;
		}
	} else {
		*verdict = (enum kh_verdict)m.u.verdict.verdict;
	}
	if (fd >= 0)
		close(fd);
	close(link[0]);
	return e;
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

static void
say(unsigned long n, const char *what)
{
	printf("%lu %s %llu\n", n, what,
	    (unsigned long long)(now != NULL ? *now : 0));
}

int
main(int argc, char **argv)
{
	enum kh_verdict v = KH_VERDICT_FAILED;
	unsigned long n, end;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 5 || argc > 6 || kh_init() != KH_OK)
		return 64;
	if (argc == 6 && open_clock(argv[5]) != KH_OK)
		return 66;
	if (start(argv[1], argv[2]) != KH_OK)
		return 71;
	n = strtoul(argv[3], NULL, 10);
	end = n + strtoul(argv[4], NULL, 10);
	for (; n < end; n++) {
		if (commit(n, &v) != KH_OK) {
			say(n, "lost");
			return 2;
		}
		say(n,
		    v == KH_VERDICT_YES        ? "yes"
			: v == KH_VERDICT_FULL ? "full"
					       : "failed");
	}
	return 0;
}
