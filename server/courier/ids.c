/*
 * The JSON that couriers send: a list of ids. Separate because libjansson sees
 * outside bytes here, of which there are at most KH_COURIER_BODY_MAX.
 */
#include <jansson.h>
#include <sodium.h>

#include "server/courier/route.h"

static bool
take_id(const json_t *j, uint8_t id[static KH_OBJECT_ID_LEN])
{
	struct kh_slice s = {json_string_value(j), json_string_length(j)};

	return json_is_string(j) && kh_courier_hex(s, KH_OBJECT_ID_LEN, id);
}

static enum kh_err
take_ids(const json_t *list, struct kh_courier_ids *out)
{
	size_t i, n = json_array_size(list);

	if (!json_is_array(list))
		return KH_EFORMAT;
	if (n > KH_COURIER_LIST_MAX)
		return KH_ELIMIT;
	for (i = 0; i < n; i++) {
		if (!take_id(json_array_get(list, i), out->id[i]))
			return KH_EFORMAT;
	}
	out->n = (uint32_t)n;
	return KH_OK;
}

void
kh_courier_ids_init(void)
{
	json_object_seed((size_t)randombytes_random() | 1);
}

enum kh_err
kh_courier_ids_parse(const uint8_t *p, size_t n, struct kh_courier_ids *out)
{
	enum kh_err e = KH_EFORMAT;
	json_t *j;

	out->n = 0;
	j = json_loadb((const char *)p, n, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(j) && json_object_size(j) == 1)
		e = take_ids(json_object_get(j, "ids"), out);
	json_decref(j);
	return e;
}
