/*
 * Holders as JSON. Separate because two commands list them, and because what
 * changes them has nothing to do with JSON.
 */
#include "client/holders_json.h"
#include "knothole/share.h"

void
kh_holders_json(const struct kh_holders *h, json_t *o, bool *bad)
{
	char to[KH_RECIPIENT_TEXT_LEN + 1], set[KH_SHARE_SET_TEXT_LEN];
	json_t *editors = json_array(), *shares = json_null();
	uint8_t id[KH_SHARE_SET_LEN];
	size_t i;

	for (i = 0; i < h->n; i++) {
		kh_recipient_format(&h->editor[i].to, to);
		kh_json_add(editors,
		    json_pack("{s:s, s:s, s:s?}", "name", h->editor[i].name,
			"recipient", to, "openpgp",
			h->editor[i].bridge.n > 0 ? h->editor[i].bridge.fpr
						  : NULL),
		    bad);
	}
	if (h->shared) {
		kh_share_set(&h->shares, id);
		kh_share_set_text(id, set);
		shares = json_pack("{s:s, s:i, s:i}", "set", set, "threshold",
		    (int)h->threshold, "count", (int)h->count);
	}
	kh_json_set(o, "editors", editors, bad);
	kh_json_set(o, "shares", shares, bad);
}
