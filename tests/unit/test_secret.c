/*
 * Secrets: that wiping is still there at -O2, that memory is locked, guarded
 * and wiped when freed, and that a failed lock is noticed.
 */
#include "tests/unit/tap.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include "tests/unit/aborts.h"

#if defined(__SANITIZE_ADDRESS__)
#define KH_TEST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KH_TEST_SANITIZED 1
#endif
#endif
#ifndef KH_TEST_SANITIZED
#define KH_TEST_SANITIZED 0
#endif

#define MARK_LEN 64
#define STACK_LEN 262144

/* Never as a literal in our own memory: it is made where it is needed. */
static inline uint8_t
mark_byte(size_t i)
{
	return (uint8_t)(0xa5 ^ (i * 7 + 3));
}

static bool
is_mark(const uint8_t *p)
{
	size_t i;

	for (i = 0; i < MARK_LEN; i++) {
		if (p[i] != mark_byte(i))
			return false;
	}
	return true;
}

static uint8_t *stack;
static ucontext_t here, there;

static void
fill(volatile uint8_t *p)
{
	size_t i;

	for (i = 0; i < MARK_LEN; i++)
		p[i] = mark_byte(i);
}

static void
leave_it(void)
{
	uint8_t secret[MARK_LEN];

	fill(secret);
}

static void
wipe_it(void)
{
	uint8_t secret[MARK_LEN];

	fill(secret);
	kh_wipe(secret, sizeof(secret));
}

/* Run it on a stack of our own, and look for the mark there afterwards. */
static bool
leaves_mark(void (*call)(void))
{
	size_t i;

	memset(stack, 0, STACK_LEN);
	assert_int_equal(getcontext(&there), 0);
	there.uc_stack.ss_sp = stack;
	there.uc_stack.ss_size = STACK_LEN;
	there.uc_link = &here;
	makecontext(&there, call, 0);
	assert_int_equal(swapcontext(&here, &there), 0);
	for (i = 0; i + MARK_LEN <= STACK_LEN; i++) {
		if (is_mark(stack + i))
			return true;
	}
	return false;
}

static void
test_wipe_survives_the_optimizer(void **state)
{
	(void)state;
	stack = mmap(NULL, STACK_LEN, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(stack != MAP_FAILED);
	/* Without the wipe it is found, so the search works. */
	assert_true(leaves_mark(leave_it));
	assert_false(leaves_mark(wipe_it));
	assert_int_equal(munmap(stack, STACK_LEN), 0);
}

static void
test_wipe_is_exact(void **state)
{
	uint8_t p[5] = "abcde";

	(void)state;
	kh_wipe(p + 1, 3);
	assert_memory_equal(p, "a\0\0\0e", 5);
	kh_wipe(p, 0);
	kh_wipe(NULL, 0);
	assert_memory_equal(p, "a\0\0\0e", 5);
}

/* libsodium's own munmap ends up here: what is in the memory by then? */
static const uint8_t *watched;
static unsigned seen_marked, seen_clean;

int munmap(void *p, size_t n);

int
munmap(void *p, size_t n)
{
	const uint8_t *begin = p;

	if (watched != NULL && watched >= begin && watched < begin + n) {
		if (watched[0] == 0 &&
		    memcmp(watched, watched + 1, MARK_LEN - 1) == 0)
			seen_clean++;
		else
			seen_marked++;
	}
	return (int)syscall(SYS_munmap, p, n);
}

static void
test_free_wipes(void **state)
{
	uint8_t *p;

	(void)state;
	p = kh_secret_alloc(MARK_LEN);
	assert_non_null(p);
	fill(p);
	watched = p;
	kh_secret_free(p);
	watched = NULL;
	assert_int_equal(seen_clean, 1);
	assert_int_equal(seen_marked, 0);
	kh_secret_free(NULL);
}

static long
locked_kib(void)
{
	char line[256];
	long kib = -1;
	FILE *f;

	f = fopen("/proc/self/status", "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, "VmLck:", 6) == 0)
			kib = strtol(line + 6, NULL, 10);
	}
	fclose(f);
	return kib;
}

static void
test_secrets_are_locked(void **state)
{
	long before = locked_kib();
	void *p;

	(void)state;
	/* A sanitizer makes mlock do nothing; or we may not lock. */
	if (KH_TEST_SANITIZED || kh_secret_probe(16384) != KH_OK)
		skip();
	p = kh_secret_alloc(8192);
	assert_non_null(p);
	assert_true(locked_kib() >= before + 8);
	kh_secret_free(p);
	assert_int_equal(locked_kib(), before);
}

static int
ends_with(void (*call)(void *), void *ctx)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		call(ctx);
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
write_behind(void *ctx)
{
	volatile uint8_t *p = kh_secret_alloc(64);

	(void)ctx;
	signal(SIGSEGV, SIG_DFL);
	p[64] = 1;
}

static void
write_before(void *ctx)
{
	uint8_t *p = kh_secret_alloc(64);

	(void)ctx;
	signal(SIGSEGV, SIG_DFL);
	signal(SIGABRT, SIG_DFL);
	*(volatile uint8_t *)(p - 1) ^= 1; /* the canary: seen when freed */
	kh_secret_free(p);
}

static void
test_secrets_are_guarded(void **state)
{
	(void)state;
	assert_int_not_equal(ends_with(write_behind, NULL), 0);
	assert_int_not_equal(ends_with(write_before, NULL), 0);
}

static void
alloc_nothing(void *ctx)
{
	(void)ctx;
	kh_secret_free(kh_secret_alloc(0));
}

static void
probe_nothing(void *ctx)
{
	(void)ctx;
	if (kh_secret_probe(0) == KH_OK)
		_exit(1);
}

static void
test_sizes(void **state)
{
	(void)state;
	assert_null(kh_secret_alloc(SIZE_MAX / 2));
	assert_int_equal(kh_secret_probe(SIZE_MAX / 2), KH_ENOMEM);
	assert_true(aborts(alloc_nothing, NULL));
	assert_true(aborts(probe_nothing, NULL));
}

/* As somebody who may not lock memory. Exit 0: noticed; 1: not; 2: cannot
 * become such a one here. */
static void
probe_without_right(void *ctx)
{
	static const struct rlimit none = {0, 0};
	void *p;

	(void)ctx;
	if (geteuid() == 0 && setuid(65534) != 0)
		_exit(2);
	if (setrlimit(RLIMIT_MEMLOCK, &none) != 0)
		_exit(2);
	p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED || syscall(SYS_mlock, p, (size_t)4096) == 0)
		_exit(2);
	_exit(kh_secret_probe(4096) == KH_ENOMEM ? 0 : 1);
}

static void
test_probe_notices_a_failed_lock(void **state)
{
	int status;

	(void)state;
	status = ends_with(probe_without_right, NULL);
	assert_true(WIFEXITED(status));
	/* Nothing to notice where nothing fails. */
	if (WEXITSTATUS(status) == 2 || KH_TEST_SANITIZED)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
test_equal(void **state)
{
	uint8_t a[32], b[32];
	unsigned i, bit;

	(void)state;
	memset(a, 0x5a, sizeof(a));
	memset(b, 0x5a, sizeof(b));
	assert_true(kh_equal(a, b, sizeof(a)));
	assert_true(kh_equal(a, b, 0));
	for (i = 0; i < sizeof(b); i++) {
		for (bit = 0; bit < 8; bit++) {
			b[i] ^= (uint8_t)(1u << bit);
			assert_false(kh_equal(a, b, sizeof(a)));
			b[i] ^= (uint8_t)(1u << bit);
		}
	}
}

static void
test_init_again(void **state)
{
	(void)state;
	assert_int_equal(kh_init(), KH_OK);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_wipe_survives_the_optimizer),
    cmocka_unit_test(test_wipe_is_exact),
    cmocka_unit_test(test_free_wipes),
    cmocka_unit_test(test_secrets_are_locked),
    cmocka_unit_test(test_secrets_are_guarded),
    cmocka_unit_test(test_sizes),
    cmocka_unit_test(test_probe_notices_a_failed_lock),
    cmocka_unit_test(test_equal),
    cmocka_unit_test(test_init_again),
};

TAP_MAIN(tests)
