/*
 * A new passphrase: asked for twice, and not too short.
 */
#ifndef KNOTHOLE_CLIENT_NEWPASS_H
#define KNOTHOLE_CLIENT_NEWPASS_H

#include "client/passphrase.h"

/*
 *	fd	of it, or -1 to ask
 *	command	for messages
 *	option	the option that gives it, for messages
 *	pass	the caller frees it; to be {0} before
 * Fewer than 8 characters are refused, fewer than 12 warned about. Says what
 * is wrong; returns the exit status.
 */
int kh_newpass(int fd, const char *command, const char *option,
    struct kh_passphrase *pass);

#endif
