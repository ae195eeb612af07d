/*
 * seccomp: which system calls a role can make at all; any other one, and any
 * of another architecture, kills its process. The program is made by
 * libseccomp once, at the start, and can be loaded many times.
 */
#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/precond.h"
#include "server/role/confine.h"

#define ALL_SETS 9
#define PROGRAM_MAX 4096 /* BPF_MAXINSNS: the kernel takes no more */

/* A namespace of its own would be a new world to be root in. */
#define CLONE_NEW                                                      \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | \
	    CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

static enum kh_err
allow(scmp_filter_ctx ctx, const char *name)
{
	int nr = seccomp_syscall_resolve_name(name);

	if (nr == __NR_SCMP_ERROR)
		return KH_EUNSUP;
	if (nr < 0) /* this architecture has another one for it */
		return KH_OK;
	return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, nr, 0) == 0 ? KH_OK
								 : KH_ENOMEM;
}

/* Memory: never executable, whatever the other bits are. */
static enum kh_err
allow_memory(scmp_filter_ctx ctx)
{
	if (seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
		SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) != 0 ||
	    seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
		SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) != 0)
		return KH_ENOMEM;
	return KH_OK;
}

/* What others' code may try and can do without: told that it may not, so that a
 * question to a name service is no crash. */
static enum kh_err
refuse_softly(scmp_filter_ctx ctx)
{
	if (seccomp_rule_add(
		ctx, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(socket), 0) != 0)
		return KH_ENOMEM;
	return KH_OK;
}

/* A program and its libraries: mapped from files, and never writable while they
 * can be executed. Landlock says which files. */
static enum kh_err
allow_executing(scmp_filter_ctx ctx)
{
	if (seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2,
		SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC | PROT_WRITE, PROT_EXEC),
		SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, 0)) != 0)
		return KH_ENOMEM;
	return refuse_softly(ctx);
}

/* fork, but no thread and no namespace; pairs of unix sockets, no others. */
static enum kh_err
allow_forking(scmp_filter_ctx ctx)
{
	if (seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
		SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_NEW | CLONE_VM | CLONE_THREAD,
		    0)) != 0 ||
	    seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socketpair), 1,
		SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0)) != 0)
		return KH_ENOMEM;
	return KH_OK;
}

static enum kh_err
fill(scmp_filter_ctx ctx, unsigned sets)
{
	const char *const *name;
	enum kh_err e;
	unsigned i;

	e = allow_memory(ctx);
	for (i = 0; e == KH_OK && i < ALL_SETS; i++) {
		if ((sets & 1U << i) == 0)
			continue;
		for (name = kh_calls(1U << i); e == KH_OK && *name; name++)
			e = allow(ctx, *name);
	}
	if (e == KH_OK && (sets & KH_CALLS_FORK) != 0)
		e = allow_forking(ctx);
	if (e == KH_OK && (sets & KH_CALLS_EXEC) != 0)
		e = allow_executing(ctx);
	return e;
}

/* libseccomp writes programs to descriptors only. */
static enum kh_err
export_program(scmp_filter_ctx ctx, struct kh_filter *f)
{
	enum kh_err e = KH_ESYS;
	struct stat sb;
	size_t n;
	int fd;

	fd = memfd_create("filter", MFD_CLOEXEC);
	if (fd < 0)
		return KH_ESYS;
	if (seccomp_export_bpf(ctx, fd) != 0 || fstat(fd, &sb) != 0 ||
	    sb.st_size <= 0)
		goto out;
	n = (size_t)sb.st_size;
	PRECOND(n % sizeof(struct sock_filter) == 0 &&
	    n / sizeof(struct sock_filter) <= PROGRAM_MAX);
	f->prog.filter = malloc(n);
	if (f->prog.filter == NULL) {
		e = KH_ENOMEM;
		goto out;
	}
	if (pread(fd, f->prog.filter, n, 0) != (ssize_t)n)
		goto out;
	f->prog.len = (unsigned short)(n / sizeof(struct sock_filter));
	e = KH_OK;
out:
	close(fd);
	return e;
}

enum kh_err
kh_filter_make(enum kh_role role, struct kh_filter *f)
{
	scmp_filter_ctx ctx;
	enum kh_err e;

	memset(f, 0, sizeof(*f));
	ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (ctx == NULL)
		return KH_ENOMEM;
	/* The order of a binary tree: the same cost for every call. */
	if (seccomp_attr_set(
		ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) != 0 ||
	    seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2) != 0)
		e = KH_EUNSUP;
	else
		e = fill(ctx, kh_rights[role].calls);
	if (e == KH_OK)
		e = export_program(ctx, f);
	seccomp_release(ctx);
	if (e != KH_OK)
		kh_filter_free(f);
	return e;
}

void
kh_filter_free(struct kh_filter *f)
{
	free(f->prog.filter);
	memset(f, 0, sizeof(*f));
}

enum kh_err
kh_filter_load(const struct kh_filter *f)
{
	PRECOND(f->prog.len > 0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return KH_ESYS;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &f->prog) == 0)
		return KH_OK;
	return errno == EINVAL || errno == ENOSYS ? KH_EUNSUP : KH_ESYS;
}
