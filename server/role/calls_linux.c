/*
 * System calls, in sets. Names rather than numbers: libseccomp knows the
 * numbers of each architecture, and passes over what an architecture lacks.
 */
#include "lib/base/precond.h"
#include "server/role/confine.h"

static const char *const base[] = {"brk", "munmap", "madvise", "mlock",
    "munlock", "mremap", "futex", "getrandom", "clock_gettime", "gettimeofday",
    "time", "nanosleep", "clock_nanosleep", "getpid", "gettid", "geteuid",
    "getuid", "getgid", "getegid", "rt_sigaction", "rt_sigprocmask",
    "rt_sigreturn", "restart_syscall", "sched_yield", "exit", "exit_group",
    "close", "rseq", NULL};

static const char *const talk[] = {"read", "readv", "write", "writev",
    "recvfrom", "recvmsg", "sendto", "sendmsg", "shutdown", "getsockopt",
    "setsockopt", "getsockname", "getpeername", "fcntl", "dup", "dup2", "dup3",
    "lseek", "fstat", "newfstatat", NULL};

static const char *const waiting[] = {"poll", "ppoll", "select", "pselect6",
    "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", NULL};

static const char *const file[] = {"pread64", "pwrite64", "fdatasync", "fsync",
    "sync_file_range", "fadvise64", NULL};

static const char *const store[] = {"openat", "linkat", "unlinkat", "renameat",
    "renameat2", "mkdirat", "statx", "readlink", "readlinkat", "fchmod",
    "utimensat", "fstatfs", "statfs", "getdents64", "umask", "ioctl",
    "ftruncate", NULL};

static const char *const forking[] = {"accept4", "accept", "wait4", "waitid",
    "kill", "close_range", "set_robust_list", "set_tid_address", "signalfd4",
    "setpriority", NULL};

/* Names of processes, their limits, and the filter of a visit. */
static const char *const confining[] = {
    "prctl", "prlimit64", "setrlimit", "seccomp", "capget", "capset", NULL};

static const char *const serving[] = {"sendfile", "memfd_create", NULL};

/* Another program: its start, its libraries, its pipes; and what gpg asks the
 * kernel for from there on. */
static const char *const executing[] = {"execve", "openat", "access",
    "faccessat", "faccessat2", "readlink", "readlinkat", "statx", "fstatfs",
    "pread64", "pipe", "pipe2", "setpgid", "fchdir", "chdir", "getcwd",
    "prlimit64", "getrlimit", "umask", "arch_prctl", "getppid", "uname",
    "sysinfo", "sigaltstack", "getdents64", "ioctl", "times", "getrusage",
    "setitimer", "alarm", "getpgrp", "getpgid", "tgkill", "clock_getres",
    "munlockall", "sched_getaffinity", NULL};

const char *const *
kh_calls(unsigned set)
{
	switch (set) {
	case KH_CALLS_BASE:
		return base;
	case KH_CALLS_TALK:
		return talk;
	case KH_CALLS_WAIT:
		return waiting;
	case KH_CALLS_FILE:
		return file;
	case KH_CALLS_STORE:
		return store;
	case KH_CALLS_FORK:
		return forking;
	case KH_CALLS_CONFINE:
		return confining;
	case KH_CALLS_SERVE:
		return serving;
	case KH_CALLS_EXEC:
		return executing;
	default:
		PRECOND(0);
		return NULL;
	}
}
