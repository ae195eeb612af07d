/*
 * Signs a newsroom's card anew with no courier's token, as cards were before
 * there were couriers, or with that of another card: for the tests of what the
 * server makes of such cards.
 *
 *	mkcard IDENTITY.txt CARD OUT [OTHER_CARD]
 *
 * or with other recipients, or another name, and the courier's token as it was:
 *
 *	mkcard IDENTITY.txt CARD OUT --recipients [RECIPIENT FIRST LAST]...
 *	mkcard IDENTITY.txt CARD OUT --name NAME
 *	mkcard IDENTITY.txt CARD OUT --openpgp KEY
 *
 * KEY is binary, and need not be one that `knothole card add-openpgp` takes.
 */
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "knothole/card.h"
#include "knothole/io.h"
#include "knothole/openpgp.h"
#include "knothole/secret.h"

#define SIGNING_LINE "\n# signing key: "

static size_t
read_file(const char *path, char text[static KH_CARD_MAX + 1])
{
	size_t n = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || kh_read_upto(fd, text, KH_CARD_MAX, &n) != KH_OK) {
		perror(path);
		exit(1);
	}
	close(fd);
	text[n] = '\0';
	return n;
}

static void
read_card(const char *path, struct kh_card *card)
{
	static char text[KH_CARD_MAX + 1];
	unsigned line;

	if (kh_card_read(text, read_file(path, text), card, &line) != KH_OK) {
		fprintf(stderr, "%s: no card\n", path);
		exit(1);
	}
}

/* The key id and the seed behind it, in base64. */
static void
read_key(const char *path, struct kh_sign_secret *sk)
{
	static char text[KH_CARD_MAX + 1];
	uint8_t raw[sizeof(sk->key_id) + sizeof(sk->seed)];
	const char *at;
	size_t n = 0;

	read_file(path, text);
	at = strstr(text, SIGNING_LINE);
	if (at == NULL ||
	    sodium_base642bin(raw, sizeof(raw), at + strlen(SIGNING_LINE),
		strcspn(at + strlen(SIGNING_LINE), "\n"), NULL, &n, NULL,
		sodium_base64_VARIANT_ORIGINAL) != 0 ||
	    n != sizeof(raw)) {
		fprintf(stderr, "%s: no signing key\n", path);
		exit(1);
	}
	memcpy(sk->key_id, raw, sizeof(sk->key_id));
	memcpy(sk->seed, raw + sizeof(sk->key_id), sizeof(sk->seed));
}

static void
read_openpgp(const char *path, struct kh_card *card)
{
	static char text[KH_CARD_MAX + 1];
	size_t n = read_file(path, text);

	if (kh_openpgp_read((const uint8_t *)text, n, card->openpgp,
		&card->openpgp_n) != KH_OK) {
		fprintf(stderr, "%s: no OpenPGP key\n", path);
		exit(1);
	}
}

static void
put_recipients(struct kh_card *card, int n, char **words)
{
	struct kh_card_recipient *r = card->recipients;
	int i;

	for (i = 0; i + 2 < n; i += 3, r++) {
		if (r == card->recipients + KH_CARD_RECIPIENTS_MAX ||
		    kh_recipient_parse(words[i], strlen(words[i]), &r->to) !=
			KH_OK ||
		    strlen(words[i + 1]) != KH_DAY_LEN ||
		    strlen(words[i + 2]) != KH_DAY_LEN) {
			fprintf(stderr, "%s: no recipient\n", words[i]);
			exit(1);
		}
		memcpy(r->first, words[i + 1], sizeof(r->first));
		memcpy(r->last, words[i + 2], sizeof(r->last));
	}
	card->n_recipients = (size_t)(r - card->recipients);
}

static void
put_token(struct kh_card *card, const char *of)
{
	static struct kh_card other;

	if (of != NULL)
		read_card(of, &other);
	card->has_courier = other.has_courier;
	memcpy(
	    card->courier_hash, other.courier_hash, sizeof(card->courier_hash));
}

int
main(int argc, char **argv)
{
	static struct kh_card card;
	struct kh_sign_secret sk;
	char *text = NULL;
	size_t n;
	int fd;

	if (argc < 4 || kh_init() != KH_OK)
		return 64;
	read_key(argv[1], &sk);
	read_card(argv[2], &card);
	if (argc > 5 && strcmp(argv[4], "--recipients") == 0)
		put_recipients(&card, argc - 5, argv + 5);
	else if (argc == 6 && strcmp(argv[4], "--name") == 0)
		(void)snprintf(card.name, sizeof(card.name), "%s", argv[5]);
	else if (argc == 6 && strcmp(argv[4], "--openpgp") == 0)
		read_openpgp(argv[5], &card);
	else
		put_token(&card, argc > 4 ? argv[4] : NULL);
	fd = open(argv[3], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || kh_card_write(&card, &sk, &text, &n) != KH_OK ||
	    kh_write_all(fd, text, n) != KH_OK)
		return 1;
	close(fd);
	free(text);
	return 0;
}
