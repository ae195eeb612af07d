/*
 * The door's start: what it holds comes from the keeper, message by message,
 * before it is confined and before its first connection.
 */
#include <stdlib.h>
#include <unistd.h>

#include <sodium.h>

#include "knothole/bundle.h"
#include "knothole/secret.h"
#include "server/door/state.h"
#include "server/page/page.h"

/* The keeper's form keys, which a door before us may have used, the turns and
 * the table that all doors share, and how it is. */
static enum kh_err
receive_shared(struct kh_door *d)
{
	struct kh_msg m;
	enum kh_err e;
	int none;

	d->site->keys = kh_secret_alloc(sizeof(*d->site->keys));
	if (d->site->keys == NULL)
		return KH_ENOMEM;
	e = kh_loop_receive(&d->loop, KH_MSG_FORM_KEYS, &m, &d->turns);
	if (e != KH_OK)
		return e;
	*d->site->keys = m.u.form_keys.keys;
	d->ratchet_at = m.u.form_keys.ratchet_at;
	kh_wipe(&m, sizeof(m));
	e = kh_loop_receive(&d->loop, KH_MSG_TABLE, &m, &d->table);
	if (e == KH_OK)
		e = kh_loop_receive(&d->loop, KH_MSG_HEALTH, &m, &none);
	if (e == KH_OK)
		d->faulty = m.u.health.fault != KH_FAULT_NONE;
	return e;
}

static enum kh_err
receive_wrap(struct kh_door *d)
{
	struct kh_msg m;
	enum kh_err e;
	int fd;

	e = kh_loop_receive(&d->loop, KH_MSG_WRAP_LINK, &m, &fd);
	if (e == KH_OK)
		kh_loop_link_wrap(&d->loop, fd);
	return e;
}

/* "Open": the site, the sockets and the keys come from the keeper. */
static enum kh_err
open_site(struct kh_door *d)
{
	struct kh_msg m;
	enum kh_err e;
	uint32_t i;
	int none;

	d->site = calloc(1, sizeof(*d->site));
	if (d->site == NULL)
		return KH_ENOMEM;
	e = kh_loop_receive(&d->loop, KH_MSG_SITE, &m, &d->loop.listen);
	if (e != KH_OK)
		return e;
	d->site->conf = m.u.site;
	if (m.u.site.n_outlets == 0 || m.u.site.n_outlets > KH_OUTLETS_MAX ||
	    m.u.site.max_visits == 0 || m.u.site.max_visits > KH_VISITS_MAX)
		return KH_EPROTO;
	for (i = 0; i < d->site->conf.n_outlets; i++) {
		e = kh_loop_receive(&d->loop, KH_MSG_OUTLET, &m, &none);
		if (e != KH_OK)
			return e;
		d->site->outlets[i] = m.u.outlet;
	}
	e = receive_shared(d);
	if (e == KH_OK)
		e = kh_loop_receive_store(&d->loop);
	if (e == KH_OK && d->site->conf.wrap != 0)
		e = receive_wrap(d);
	if (e != KH_OK)
		return e;
	/* A libarchive that writes ZIP in another form is found here, not in
	 * somebody's upload. */
	e = kh_bundle_init();
	if (e != KH_OK)
		return e;
	e = kh_page_measure(d->site);
	if (e != KH_OK)
		return e;
	e = kh_guests_init(&d->loop.guests, d->site->conf.max_visits, d->table);
	close(d->table);
	if (e != KH_OK || d->site->conf.circuit_ids == 0)
		return e;
	/* Another door's circuits are others, in the table that all share. */
	d->first_share = 1 + randombytes_uniform(UINT32_C(1) << 30);
	return kh_circuits_init(
	    &d->loop.guests.circuits, d->site->conf.max_visits);
}

enum kh_err
kh_door_busy(struct kh_reply *busy, const struct kh_site *site)
{
	enum kh_err e;

	e = kh_html_init(&busy->html);
	if (e != KH_OK)
		return e;
	busy->status = kh_reason_status(KH_REASON_LOAD);
	kh_page_busy(&busy->html, site);
	return KH_OK;
}

enum kh_err
kh_door_open(struct kh_door *d)
{
	enum kh_err e;

	e = open_site(d);
	if (e == KH_OK)
		e = kh_loop_open(&d->loop);
	if (e == KH_OK)
		e = kh_door_busy(&d->busy, d->site);
	if (e == KH_OK)
		e = kh_filter_make(KH_ROLE_VISIT, &d->filter);
	return e;
}
