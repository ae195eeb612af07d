/*
 * The line in which tor says which circuit a connection came through, before
 * the first byte of the visitor's (HAProxy's PROXY protocol, version 1, as
 * written by tor's HiddenServiceExportCircuitID haproxy). The circuit's number
 * means nothing outside of that tor process; it is written nowhere.
 */
#ifndef KNOTHOLED_PROXY_H
#define KNOTHOLED_PROXY_H

#include <stddef.h>
#include <stdint.h>

#include "knothole/err.h"

/*
 * Read the line at the beginning of `p` (HAProxy, "The PROXY protocol", 2.1):
 *
 *	PROXY TCP6 fc00:dead:beef:4dad::HIGH:LOW ::1 PORT PORT CR LF
 *
 * HIGH and LOW are the halves of the circuit's number in lower case
 * hexadecimal, PORT is a decimal number up to 65535, all without leading
 * zeros. tor writes no other form, so no other is read.
 *	circuit	set on KH_OK, 0 otherwise
 *	len	bytes of the line, its end included, at most
 *		KH_PROXY_LINE_MAX; set on KH_OK, 0 otherwise
 * Errors: KH_EAGAIN it may become such a line; KH_EFORMAT it never will.
 */
KH_CHECKED enum kh_err kh_proxy_parse(
    const uint8_t *p, size_t n, uint32_t *circuit, size_t *len);

#endif
