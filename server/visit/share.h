/*
 * What the visits of one circuit share (server/door/circuits.h). The door
 * counts visits and forms; what only a visit knows, how large its body is, the
 * visits compare among themselves.
 */
#ifndef KNOTHOLED_VISIT_SHARE_H
#define KNOTHOLED_VISIT_SHARE_H

#include "server/visit/context.h"

/*
 * May this visit take in a form of `length` bytes? It counts until the visit
 * ends. Always, where circuits are not known.
 */
bool kh_share_claim(struct kh_visit *v, uint64_t length);

#endif
