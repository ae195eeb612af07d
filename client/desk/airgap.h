/*
 * The air gap: secrets are opened only where no network is, and the process
 * that opens them leaves even that behind.
 */
#ifndef KNOTHOLE_CLIENT_DESK_AIRGAP_H
#define KNOTHOLE_CLIENT_DESK_AIRGAP_H

#include <stdbool.h>

/* What a command has to do with the air gap. */
enum kh_airgap {
	KH_AIRGAP_NONE, /* holds no secret of a newsroom's */
	KH_AIRGAP_WARN, /* makes one: rehearsals do that online */
	KH_AIRGAP_NEEDED
};

/*
 * Look for a network, say what was found, then go into an empty network
 * namespace if the system permits it.
 *	lifted	--i-am-online was given: warn instead of refusing
 * Returns the exit status, KH_EXIT_ONLINE to refuse.
 */
int kh_airgap_check(enum kh_airgap what, bool lifted);

#endif
