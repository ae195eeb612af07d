/*
 * OpenPGP keys from files and cards, and messages from gpg: by their packets
 * alone, before gpg sees them and after.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "knothole/openpgp.h"
#include "knothole/secret.h"
#include "lib/openpgp/packets.h"

#define REQUIRE(x)               \
	do {                     \
		if (!(x))        \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Armor around what it held is read as the same. */
static void
check_armor(const uint8_t *key, size_t n)
{
	static char text[KH_OPENPGP_ARMOR_MAX + 1];
	static uint8_t back[KH_OPENPGP_KEY_MAX];
	size_t len, m;

	len = kh_openpgp_armor(key, n, text);
	REQUIRE(len <= KH_OPENPGP_ARMOR_MAX && strlen(text) == len);
	REQUIRE(kh_openpgp_read((const uint8_t *)text, len, back, &m) == KH_OK);
	REQUIRE(m == n && memcmp(back, key, n) == 0);
}

/* Packets lie one behind the other, and end where the input does. */
static void
check_packets(const uint8_t *p, size_t n)
{
	const uint8_t *at = p, *end = p + n;
	struct kh_pgp_packet k;
	struct kh_pgp_scan s;
	size_t left = n;
	enum kh_err e;

	while (left > 0 && kh_pgp_next(&at, &left, &k) == KH_OK) {
		REQUIRE(at + left == end && k.body > p && k.body <= at);
		REQUIRE(k.n <= (size_t)(at - k.body) && k.tag < 64);
	}
	e = kh_pgp_scan(p, n, &s);
	REQUIRE(e == KH_OK || e == KH_EFORMAT);
	if (e == KH_OK)
		REQUIRE(s.primary > p && s.primary + s.primary_n <= end);
	e = kh_openpgp_packets(p, n);
	REQUIRE(e == KH_OK || e == KH_EFORMAT || e == KH_EKEY ||
	    e == KH_EUNSUP || e == KH_ELIMIT);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t key[KH_OPENPGP_KEY_MAX];
	enum kh_err e;
	size_t n;

	REQUIRE(kh_init() == KH_OK);
	e = kh_openpgp_read(data, size, key, &n);
	REQUIRE(e == KH_OK || e == KH_EFORMAT || e == KH_ELIMIT ||
	    (e == KH_EKEY && data[0] != 0x80));
	REQUIRE((e == KH_OK) == (n > 0));
	if (e == KH_OK) {
		check_packets(key, n);
		if ((key[0] & 0x80) != 0)
			check_armor(key, n);
	}
	check_packets(data, size);
	if (size > KH_PGP_KEY_ID_LEN)
		(void)kh_pgp_message_to(
		    data + KH_PGP_KEY_ID_LEN, size - KH_PGP_KEY_ID_LEN, data);
	return 0;
}
