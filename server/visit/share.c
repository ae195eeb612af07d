/*
 * The share of one circuit. Separate from what is done with a form: it reads
 * other visits' lines.
 */
#include "server/visit/share.h"

bool
kh_share_claim(struct kh_visit *v, uint64_t length)
{
	const uint64_t most = KH_CIRCUIT_UPLOADS * v->site->conf.max_upload;
	const uint32_t mine = atomic_load(&v->counter->share);
	uint64_t left = most, other;
	size_t i;

	atomic_store(&v->counter->form, 1);
	if (v->formless)
		return false;
	if (mine == 0)
		return true;
	/* Written before it is compared: of two that come at once and are too
	 * much together, none is let in or one, never both. */
	atomic_store(&v->counter->claim, length);
	for (i = 0; i < v->n_table; i++) {
		if (atomic_load(&v->table[i].share) != mine)
			continue;
		other = atomic_load(&v->table[i].claim);
		if (other > left) {
			atomic_store(&v->counter->claim, 0);
			return false;
		}
		left -= other;
	}
	return true;
}
