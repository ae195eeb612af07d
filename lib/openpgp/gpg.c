/*
 * The process that gpg is run by: its start, its time limit, its end. Separate
 * from the operations, because here it is made sure that whatever gpg does
 * there is an answer.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "knothole/secret.h"
#include "lib/base/clock.h"
#include "lib/base/precond.h"
#include "lib/openpgp/gpg.h"

#define LINK_FD 3

static struct kh_pgp_result *
result_new(void)
{
	struct kh_pgp_result *r;

	r = mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (r == MAP_FAILED)
		return NULL;
	/* It may hold what was decrypted. Where nothing can be locked, whoever
	 * handles secrets has been told (kh_secret_probe). */
	(void)mlock(r, sizeof(*r));
	(void)madvise(r, sizeof(*r), MADV_DONTDUMP);
	return r;
}

void
kh_pgp_result_free(struct kh_pgp_result *r)
{
	if (r == NULL)
		return;
	kh_wipe(r, sizeof(*r));
	munmap(r, sizeof(*r));
}

/* KH_EUNSUP: there is no gpg that GPGME can use. */
static enum kh_err
engine(const struct kh_openpgp *g, gpgme_ctx_t *ctx)
{
	*ctx = NULL;
	/* gpgconf would be another program to run. */
	if (g != NULL && g->gpg != NULL)
		(void)gpgme_set_global_flag("disable-gpgconf", "1");
	if (gpgme_check_version("1.18.0") == NULL)
		return KH_EUNSUP;
	if (g != NULL &&
	    gpgme_set_engine_info(GPGME_PROTOCOL_OpenPGP, g->gpg, g->home) != 0)
		return KH_EUNSUP;
	if (gpgme_engine_check_version(GPGME_PROTOCOL_OpenPGP) != 0)
		return KH_EUNSUP;
	if (gpgme_new(ctx) != 0)
		return KH_ENOMEM;
	if (gpgme_set_protocol(*ctx, GPGME_PROTOCOL_OpenPGP) != 0 ||
	    gpgme_set_ctx_flag(*ctx, "full-status", "1") != 0)
		return KH_EUNSUP;
	gpgme_set_offline(*ctx, 1);
	return KH_OK;
}

/* In the child. */
static void
work(const struct kh_openpgp *g, const struct kh_pgp_job *job,
    struct kh_pgp_result *r)
{
	gpgme_ctx_t ctx = NULL;
	enum kh_err e;

	signal(SIGPIPE, SIG_IGN);
	e = engine(g, &ctx);
	if (e == KH_OK)
		e = job->op(job, ctx, r);
	gpgme_release(ctx);
	r->e = e;
	r->done = true;
}

/* Wait for the pipe's other end to be closed, by the child and by all that it
 * has started. */
static bool
wait_closed(int fd, int ms)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	const int64_t until = kh_clock_ms() + ms;
	int64_t left = ms;
	int r;

	do {
		r = poll(&pfd, 1, ms < 0 ? -1 : (int)left);
		left = until - kh_clock_ms();
	} while (r < 0 && errno == EINTR && (ms < 0 || left > 0));
	return r > 0;
}

/* All of the child's group: GPGME does not tell gpg's process id. Before the
 * wait, so that the number cannot be another's yet. */
static void
end(pid_t pid, const struct kh_pgp_job *job)
{
	if (job->ms >= 0)
		(void)kill(-pid, SIGKILL);
	(void)kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* Nothing of ours is left open for gpg but the standard three and the pipe that
 * tells when all have ended. GPGME goes through all numbers up to the limit. */
static bool
close_all(int link)
{
	static const struct rlimit few = {64, 64};

	return (link == LINK_FD || dup2(link, LINK_FD) == LINK_FD) &&
	    fcntl(LINK_FD, F_SETFD, FD_CLOEXEC) == 0 &&
	    close_range(LINK_FD + 1, ~0U, 0) == 0 &&
	    setrlimit(RLIMIT_NOFILE, &few) == 0;
}

/* A wait for people is in the terminal's own group: their Ctrl-C reaches it. */
static void
child(const struct kh_openpgp *g, const struct kh_pgp_job *job,
    struct kh_pgp_result *r, int link)
{
	sigset_t none;

	sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL) != 0 ||
	    (job->ms >= 0 && (setpgid(0, 0) != 0 || !close_all(link))))
		_exit(1);
	signal(SIGTERM, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	work(g, job, r);
	_exit(0);
}

static bool
has_end(const char *text, size_t cap)
{
	return memchr(text, '\0', cap) != NULL;
}

/* It read what gpg said of bytes that anybody may have made: it may say
 * anything itself. */
static bool
could_be(const struct kh_pgp_job *job, const struct kh_pgp_result *r)
{
	const struct kh_openpgp_key *k = &r->key;

	return (unsigned)r->e < KH_ERR_N && r->n <= job->max &&
	    (unsigned)k->verdict < KH_OPENPGP_VERDICT_N && k->expires >= 0 &&
	    has_end(k->fpr, sizeof(k->fpr)) &&
	    has_end(k->subkey, sizeof(k->subkey)) &&
	    has_end(k->uid, sizeof(k->uid)) &&
	    has_end(k->algorithm, sizeof(k->algorithm));
}

enum kh_err
kh_pgp_run(const struct kh_openpgp *g, const struct kh_pgp_job *job,
    struct kh_pgp_result **out)
{
	struct kh_pgp_result *r;
	enum kh_err e = KH_ESYS;
	int link[2];
	pid_t pid;

	PRECOND(job->max <= sizeof(r->bytes));
	*out = NULL;
	r = result_new();
	if (r == NULL)
		return KH_ENOMEM;
	if (pipe2(link, O_CLOEXEC) != 0) {
		kh_pgp_result_free(r);
		return KH_ESYS;
	}
	pid = fork();
	if (pid == 0)
		child(g, job, r, link[1]);
	close(link[1]);
	if (pid > 0) {
		if (job->ms >= 0)
			(void)setpgid(pid, pid); /* whoever is first */
		e = wait_closed(link[0], job->ms) ? KH_OK : KH_EPROTO;
		end(pid, job);
	}
	close(link[0]);
	/* It has ended: what it said does not change any more. */
	if (e == KH_OK)
		e = r->done && could_be(job, r) ? r->e : KH_EPROTO;
	if (e == KH_OK)
		*out = r;
	else
		kh_pgp_result_free(r);
	return e;
}

static ssize_t
pipe_read(void *ctx, void *buf, size_t cap)
{
	struct kh_pgp_pipe *p = ctx;
	size_t k = p->n - p->taken;

	if (k > cap)
		k = cap;
	if (k == 0)
		p->ended = true;
	memcpy(buf, p->in + p->taken, k);
	p->taken += k;
	return (ssize_t)k;
}

static ssize_t
pipe_write(void *ctx, const void *buf, size_t n)
{
	struct kh_pgp_pipe *p = ctx;

	if (n > p->cap - p->out->n) {
		p->overflow = true;
		errno = EFBIG;
		return -1;
	}
	memcpy(p->out->bytes + p->out->n, buf, n);
	p->out->n += n;
	return (ssize_t)n;
}

static struct gpgme_data_cbs reading = {.read = pipe_read};
static struct gpgme_data_cbs writing = {.write = pipe_write};

enum kh_err
kh_pgp_pipe_in(struct kh_pgp_pipe *p, gpgme_data_t *d)
{
	return gpgme_data_new_from_cbs(d, &reading, p) == 0 ? KH_OK : KH_ENOMEM;
}

enum kh_err
kh_pgp_pipe_out(struct kh_pgp_pipe *p, gpgme_data_t *d)
{
	PRECOND(p->cap <= sizeof(p->out->bytes));
	return gpgme_data_new_from_cbs(d, &writing, p) == 0 ? KH_OK : KH_ENOMEM;
}
