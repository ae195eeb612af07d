/*
 * From a request's target to a page. Everything that is not listed does not
 * exist.
 */
#ifndef KNOTHOLED_VISIT_ROUTE_H
#define KNOTHOLED_VISIT_ROUTE_H

#include "server/page/page.h"
#include "server/visit/head.h"

enum kh_target {
	KH_TO_NOTHING,
	KH_TO_LANGUAGES,
	KH_TO_CHECK,
	KH_TO_SEND,
	KH_TO_STATUS,
	KH_TO_RETURN,
	KH_TO_FORGET,
	KH_TO_LEAVE,
	KH_TO_HELP,
	KH_TO_KEY
};

struct kh_route {
	enum kh_target to;
	bool get, post; /* what may be asked of it */
	enum kh_lang lang; /* of its prefix; English without one */
	uint32_t outlet; /* whose key */
	bool openpgp; /* the OpenPGP one, which it has */
	/* Of the query, n = 0 when not given: */
	struct kh_slice u, stop, plain, device, network, browser;
};

/* Never fails: what does not exist is KH_TO_NOTHING, in the language of its
 * prefix all the same. */
void kh_route_find(
    const struct kh_head *h, const struct kh_site *site, struct kh_route *out);

/*
 * Is there somebody between the visitor's Tor and us?
 *	address	receives the site's true address then: the configured one, or
 *		what the name that the proxy goes by begins with; else ""
 */
bool kh_route_proxied(const struct kh_head *h, const struct kh_site *site,
    char address[static KH_ONION_LEN + 1]);

#endif
