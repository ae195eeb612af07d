/*
 * What a visit knows of the site: public keys, limits, the key that forms are
 * sealed under and the instance's salt. It comes from the door, which has it
 * from the keeper; a visit only reads it, and shows most of it.
 */
#ifndef KNOTHOLED_PAGE_SITE_H
#define KNOTHOLED_PAGE_SITE_H

#include <stdbool.h>
#include <stddef.h>

#include "server/ipc/ipc.h"

struct kh_site {
	struct kh_msg_site conf;
	struct kh_msg_outlet outlets[KH_OUTLETS_MAX]; /* conf.n_outlets */
	struct kh_form_keys *keys; /* kh_secret_alloc */
	bool closed; /* the self-test has failed: nothing can be taken */
	size_t page_len; /* of every page, bytes: kh_page_measure */
};

/* Characters of a form's sealed state, which server/visit/token.c makes. */
#define KH_TOKEN_LEN 180

#endif
