/*
 * Errors of libknothole. The library never prints, logs or exits: every call
 * that can fail returns one of these and the caller decides.
 */
#ifndef KNOTHOLE_ERR_H
#define KNOTHOLE_ERR_H

#define KH_CHECKED __attribute__((warn_unused_result))

enum kh_err {
	KH_OK = 0,
	KH_EAGAIN, /* more input is needed before there is an answer */
	KH_ENOMEM, /* no (lockable) memory */
	KH_ESYS, /* a system call failed; errno says how */
	KH_EFORMAT, /* input is not in the format it claims to be in */
	KH_ETRUNC, /* input ended before it was complete */
	KH_EAUTH, /* authentication failed: damaged or tampered with */
	KH_ELIMIT, /* input exceeds a cap of limits.h */
	KH_EKEY, /* a key is malformed, of low order or of a wrong type */
	KH_ENOKEY, /* none of the keys given opens this */
	KH_ENAME, /* a name is not one that we accept */
	KH_EEXIST, /* it exists already and is not replaced */
	KH_ENOENT, /* there is no such thing */
	KH_EFULL, /* no room is left, or none that may be used */
	KH_EBUSY, /* somebody else is at it; later may work */
	KH_EEXPIRED, /* not valid at this date */
	KH_EUNSUP, /* valid, but of a kind we do not support */
	KH_EPROTO, /* a peer process broke the protocol, or died */
	KH_EWORD, /* a word is not in the return code word list */
	KH_ECHECK, /* the check word or check digits do not fit */
	KH_ERR_N /* how many there are; no error itself */
};

/*
 * One line of English for `e`, without a full stop, for messages. Static
 * storage; never NULL, also for values outside the enum.
 */
const char *kh_err_text(enum kh_err e);

#endif
