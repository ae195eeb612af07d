/*
 * One text per error, in one place.
 */
#include <stddef.h>

#include "knothole/err.h"

static const char *const texts[KH_ERR_N] = {
    [KH_OK] = "success",
    [KH_EAGAIN] = "more input is needed",
    [KH_ENOMEM] = "out of memory",
    [KH_ESYS] = "a system call failed",
    [KH_EFORMAT] = "malformed input",
    [KH_ETRUNC] = "truncated input",
    [KH_EAUTH] = "authentication failed: damaged or tampered with",
    [KH_ELIMIT] = "input exceeds a limit",
    [KH_EKEY] = "not a usable key",
    [KH_ENOKEY] = "no key fits",
    [KH_ENAME] = "not an acceptable name",
    [KH_EEXIST] = "already exists",
    [KH_ENOENT] = "no such thing",
    [KH_EFULL] = "no room left",
    [KH_EBUSY] = "busy",
    [KH_EEXPIRED] = "not valid today",
    [KH_EUNSUP] = "not supported",
    [KH_EPROTO] = "a helper process failed",
    [KH_EWORD] = "a word is not in the list",
    [KH_ECHECK] = "the check word or digits do not fit",
};

const char *
kh_err_text(enum kh_err e)
{
	if ((unsigned)e >= KH_ERR_N || texts[e] == NULL)
		return "unknown error";
	return texts[e];
}
