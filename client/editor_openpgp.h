/*
 * An editor who has an OpenPGP key: a bridge to it.
 */
#ifndef KNOTHOLE_CLIENT_EDITOR_OPENPGP_H
#define KNOTHOLE_CLIENT_EDITOR_OPENPGP_H

#include "client/holders.h"

/*
 * Make a bridge to the OpenPGP public key in the file `path`.
 *	ed	receives the bridge and its recipient
 * Says what is wrong; returns the exit status.
 */
int kh_editor_openpgp(const char *path, struct kh_editor *ed);

#endif
