/*
 * Every cap on outside input, in one place, with its reason. _LEN counts
 * bytes exactly, _MAX is an inclusive cap. A parser compares with its cap
 * before it allocates or copies.
 */
#ifndef KNOTHOLE_LIMITS_H
#define KNOTHOLE_LIMITS_H

#include <stdint.h>

/* age files (C2SP age). */
#define KH_FILE_KEY_LEN 16 /* the spec's */
#define KH_X25519_LEN 32 /* RFC 7748 */
#define KH_CHUNK_LEN 65536 /* STREAM chunk, the spec's */
#define KH_TAG_LEN 16 /* Poly1305 */
#define KH_AGE_NONCE_LEN 16 /* payload nonce, the spec's */
#define KH_RECIPIENT_TEXT_LEN 62 /* "age1" and 58 Bech32 characters */
#define KH_IDENTITY_TEXT_LEN 74 /* "AGE-SECRET-KEY-1" and 58 more */
/* A header is buffered whole before its HMAC is checked. 64 newsrooms with an
 * OpenPGP bridge each (4 KiB) would need 270 KiB; stock tools write far less. */
#define KH_AGE_HEADER_MAX 393216
#define KH_AGE_STANZAS_MAX 256 /* stanzas in one header, same reason */
#define KH_RECIPIENTS_MAX 64 /* recipients of one object, same reason */
#define KH_BRIDGES_MAX 32 /* OpenPGP keys of one object: an outlet's each */
#define KH_IDENTITIES_MAX 256 /* identities in one file: 21 years of months */
/* scrypt: log2 N. 18 is stock age's choice (256 MiB, 1 s); a file that asks
 * for more than 20 (1 GiB) is an attack on the memory of the machine. */
#define KH_SCRYPT_LOGN 18
#define KH_SCRYPT_LOGN_MAX 20
#define KH_PASSPHRASE_MAX 1024 /* nobody types more */

/* What is inside an object. */
#define KH_OBJECT_LEN_MIN 65536 /* floor: a message and a small picture alike */
#define KH_OBJECT_LEN_MAX \
	(UINT64_C(1) << 36) /* 64 GiB: keeps padding < 4 GiB,
						 so that it is never ZIP64 */
#define KH_FILES_MAX 999 /* three digits number the entries */
#define KH_NAME_MAX 150 /* bytes of a safe name: fits ext4, eCryptfs */
#define KH_RAW_NAME_MAX 4096 /* bytes of a name as sent: PATH_MAX */
#define KH_TYPE_MAX 127 /* bytes of a media type: RFC 6838 4.2 */
#define KH_LANGUAGE_MAX 8 /* our path prefixes are two letters */
#define KH_DAY_LEN 10 /* YYYY-MM-DD */
#define KH_EPOCH_LEN 7 /* YYYY-MM */
#define KH_MESSAGE_CHARS_MAX 1000000 /* upper end of max_message */
#define KH_MESSAGE_MAX (4 * KH_MESSAGE_CHARS_MAX) /* UTF-8 */
/* 999 files, each with a raw name of 4 KiB as \uXXXX escapes, do not fit:
 * such a flood of names is refused; 999 names of 255 bytes fit easily. */
#define KH_MANIFEST_MAX 8388608
#define KH_MAILBOX_LEN 16 /* bytes; random enough never to collide */

/* Return codes (FORMAT.md, "Return code"). */
#define KH_CODE_WORDS 8
#define KH_CODE_DIGITS 30
#define KH_WORD_MAX 9 /* longest word of the EFF large list */
#define KH_WORDLIST_N 7776 /* 6^5 */
/* Longer entries never reach the KDF (L18). 8 words with numbers, bidi marks
 * and line breaks stay below it. */
#define KH_CODE_TEXT_MAX 1024
/* Folded: 3 bytes become 18 letters (U+FDFA), and nothing grows by more. */
#define KH_CODE_FOLDED_MAX (6 * KH_CODE_TEXT_MAX)
#define KH_CODE_KDF_OPS 3
#define KH_CODE_KDF_MEM 67108864 /* 64 MiB: 130 ms; two at once */
#define KH_SALT_LEN 16 /* crypto_pwhash_SALTBYTES */
#define KH_SLOT_KEY_LEN 32 /* keyed BLAKE2b */

/* Editors of a newsroom: who has a key of their own to its identity. With the
 * shares they are recipients of one file; and no desk has more people. */
#define KH_EDITORS_MAX 32
#define KH_EDITOR_NAME_MAX 64 /* bytes */

/* Shares of a key (FORMAT.md, "Key shares"). */
#define KH_SHARE_LEN 45 /* bytes: 4 rows of 90 bits */
#define KH_SHARE_SET_LEN \
	6 /* told apart, not proven: the key itself does that */
#define KH_SHARE_ROWS 4
#define KH_SHARE_THRESHOLD_MIN 2 /* one alone would be a copy of the key */
#define KH_SHARES_MAX 16 /* people, and pages to print and keep */
/* Bytes of a page or of typed words: a page of ours has 12 KiB, 16 shares in
 * words 6 KiB. */
#define KH_SHARE_TEXT_MAX 65536

/* Newsroom cards. */
#define KH_CARD_MAX 65536 /* bytes of a card, an OpenPGP key included */
#define KH_CARD_NAME_MAX 120 /* bytes of a newsroom's display name */
#define KH_CARD_ID_MAX 64 /* bytes of its short name, the file's stem */
#define KH_CARD_RECIPIENTS_MAX 120 /* epochs: ten years of months */
#define KH_CARD_LANGUAGES_MAX 16
#define KH_OUTLETS_MAX 32 /* newsrooms of one instance */
#define KH_TRUSTED_COMMENT_MAX 1024 /* minisign allows 8192 */
#define KH_COURIER_TOKEN_LEN 43 /* 32 random bytes in base64url, unpadded */
#define KH_COURIER_HASH_LEN 32 /* BLAKE2b-256 */

/* OpenPGP keys and messages. */
#define KH_OPENPGP_FPR_LEN 40 /* hex digits of a version 4 fingerprint */
/* A card carries it, and /keys/NAME.asc shows it as a page among pages of 15
 * kB. RSA-4096 with an encryption subkey and two user ids takes 2.5 KiB. */
#define KH_OPENPGP_KEY_MAX 8192
#define KH_OPENPGP_TEXT_LEN(n) (((n) + 2) / 3 * 4) /* in base64, on a card */
/* Lines of 64 characters for 48 bytes, armor around them, checksum. */
#define KH_OPENPGP_ARMOR_MAX ((KH_OPENPGP_KEY_MAX + 47) / 48 * 65 + 128)
#define KH_OPENPGP_UID_MAX 200 /* bytes of a user id that are shown */
#define KH_OPENPGP_ALGORITHM_MAX 15 /* "rsa4096", "nistp384", "cv25519" */
#define KH_OPENPGP_TEXT_MAX 512 /* an identity takes 75 */
/* Of 512 bytes to RSA-4096: 527 for the session key, 600 for the text. */
#define KH_OPENPGP_MESSAGE_MAX 2048

/* Store. */
#define KH_OBJECT_ID_LEN 16 /* random bytes; 32 hex digits on disk */
#define KH_OBJECT_NAME_LEN 36 /* 32 hex digits and ".age" */
#define KH_UPLOAD_ID_LEN 16
#define KH_OBJECT_PAGE_MAX 256 /* of a listing: 6 KiB, one message */
#define KH_COLLECTOR_LEN 16 /* bytes that stand for a newsroom in a mark */
#define KH_RETENTION_MAX 36500 /* days: a hundred years, which is for ever */
/* Copies that wait for their names together: enough that their places in a
 * directory mix, few enough that naming them holds nobody up. A descriptor
 * each. */
#define KH_SETTLE_GROUP 64
#define KH_UPLOADS_KEPT 65536 /* outcomes remembered, 3 MiB of RAM */

#define KH_MINUTES_MAX 10080 /* between settles, or tests: a week */
#define KH_WEEKS_MAX 52 /* of key left: more are not counted */
#define KH_HEALTH_LEN 512 /* bytes of the health file, whatever it says */

/* Answers at rest. The server has no record of how far a stream of slots got,
 * so at each return it looks at every slot of every newsroom, the same number
 * for every code: 256 for each newsroom is an answer a day for most of a year,
 * and with KH_OUTLETS_MAX newsrooms still only 8192 names to try. */
#define KH_SLOTS_MAX 256
#define KH_SLOT_NAME_LEN 64 /* hex digits of BLAKE2b-256 */
#define KH_ANSWER_LEN_MAX 65536 /* the largest size that one rests at */
/* What is left of KH_ANSWER_LEN_MAX for text, whatever the other fields are:
 * 250 bytes of age, 123 of fields, 1 LF, 258 of signature less. */
#define KH_ANSWER_TEXT_MAX 64904

/* The desk. */
#define KH_VAULT_OBJECTS_MAX \
	100000 /* 20 times what a big newsroom gets a year */
/* The index, all of it in memory: about 500 bytes for each object and what the
 * newsroom wrote itself, 4,000 of the longest answers. */
#define KH_INDEX_MAX 268435456
/* The last slots of a stream are for answers: somebody who floods a newsroom
 * with objects in one source's name does not silence it. */
#define KH_SLOTS_RESERVED 64
#define KH_THREAD_PREFIX_MIN 8 /* hex digits: 5,000 threads hardly collide */
#define KH_ALIAS_MAX 19 /* two words of the list and a blank */
#define KH_STICK_OBJECTS_MAX 100000 /* names taken from one stick at once */
#define KH_STICK_REFUSED_MAX 1000 /* refusals listed; the rest is counted */
#define KH_STICK_NAME_MAX 255 /* NAME_MAX: what a directory entry can have */
/* SHA256SUMS: each object and each answer once, 140 bytes for a line. */
#define KH_STICK_SUMS_MAX 33554432
#define KH_STICK_COLLECTED_MAX 4194304 /* 33 bytes for each object */

/* The network side. */
#define KH_HEAD_MAX 8192 /* request head: browsers send 1 KiB */
#define KH_HEADERS_MAX 64 /* header fields in a request */
#define KH_BOUNDARY_MAX 70 /* RFC 2046 5.1.1 */
#define KH_PART_HEAD_MAX 8192 /* one part's header block: a 4 KiB name fits */
#define KH_PARTS_MAX 1100 /* 999 files, 32 outlets, token, message */
#define KH_FIELD_NAME_MAX 32 /* our own field names are shorter */
#define KH_TOKEN_TEXT_MAX 512 /* a sealed form state in base64 */
#define KH_CONFIG_MAX 65536 /* bytes of a configuration file */
#define KH_CONFIG_LINE_MAX \
	2048 /* bytes of a line in it: key and longest path */
#define KH_PATH_MAX 1024 /* bytes of a path in the configuration */
#define KH_SITE_NAME_MAX 120
#define KH_ONION_LEN 62 /* 56 characters of a v3 address and ".onion" */
/* A form that sends no file: a return code of 1,024 bytes, three for one. */
#define KH_SMALL_FORM_MAX 8192
/* max_upload: below 4 KiB not even the form with a few words fits; 32 GiB
 * leaves padding and names room below KH_OBJECT_LEN_MAX, whatever comes. */
#define KH_UPLOAD_MIN (UINT64_C(1) << 12)
#define KH_UPLOAD_MAX (UINT64_C(1) << 35)
#define KH_VISITS_MAX 10000 /* upper end of max_visits */

/*
 * Tor's circuits, where the door is told of them. One source is behind one
 * circuit: an upload, the display of its progress, and pages, of which Tor
 * Browser asks for six at once.
 */
#define KH_PROXY_LINE_MAX 59 /* the longest that tor writes */
#define KH_PROXY_SECONDS 10 /* for that line: tor sends it as it connects */
#define KH_PROXY_WAITING_MAX 64 /* connections without it: hardly any */
/* Two such windows at once. A sixtieth of the default max_visits. */
#define KH_CIRCUIT_VISITS_MAX 16
/* When no more than an eighth of all places is free: an upload, its display,
 * and two pages. Visits beyond that are nicer to the others as well. */
#define KH_CIRCUIT_VISITS_SCARCE 4
/* Nobody turns so many pages; programs do. A visit that is let in costs 3 ms
 * of a processor: one circuit that asks without end takes a fortieth of it. */
#define KH_CIRCUIT_VISITS_BURST 128
#define KH_CIRCUIT_VISITS_PER_SECOND 8
/* So many of late, and each visit has one step less of the processor. Nobody
 * waits longer where nobody else is. */
#define KH_CIRCUIT_NICE_VISITS 16
/* Forms: a code that takes ten tries to type, answers, deliveries, and each
 * sent twice by a browser, is below 32; then one every four seconds. */
#define KH_CIRCUIT_FORMS_BURST 32
#define KH_CIRCUIT_FORM_SECONDS 4
/* Bodies under way, in multiples of max_upload: the largest, and the same sent
 * again by a browser before the first is seen to have been cut. */
#define KH_CIRCUIT_UPLOADS 2
/* Before who has asked too often is told so. A flood through one circuit has the
 * 32 streams that tor allows: 1,280 refusals a second, 3 % of a processor. */
#define KH_REFUSAL_MS 25
/* From then to the end: who has not read it by then does not want to. */
#define KH_REFUSED_MS 1000
#define KH_REFUSALS_MAX 128 /* who wait for either: four such floods */
/* Circuits remembered that have no visit: each for two minutes at most. 40
 * KiB. */
#define KH_CIRCUITS_IDLE_MAX 1024

/* The courier's side. */
#define KH_COURIER_VISITS_MAX 512 /* connections at once: slow ones and all */
#define KH_COURIER_LIST_MAX 1000 /* objects of one answer, ids of one request */
/* A request's body: 1000 ids with room for a generous layout, and an answer. */
#define KH_COURIER_BODY_MAX 65536

/* The courier, as it looks at a server that may be anybody's. */
#define KH_PAGE_OBJECTS_MAX 1000 /* objects in a page of the list: the API's */
/* Bytes of such a page: an object takes at most 65, and as much again is left
 * for blanks. */
#define KH_PAGE_LEN_MAX 131072
/* Objects of one list. A FAT32 directory holds 16,384 of our names; a server
 * that has more than 16 times that is not one of ours. */
#define KH_LIST_MAX 262144
#define KH_SMALL_ANSWER_MAX 8192 /* any other JSON: ours are below 1 KiB */
#define KH_HEALTH_MEMBERS_MAX 32 /* facts in one; there are about ten */
#define KH_HEALTH_TEXT_MAX 128 /* bytes of one fact or of its name */
#define KH_ANSWER_HEAD_MAX 8192 /* response head: ours are below 512 bytes */
/* A SHA256SUMS on a stick: a line for each of KH_LIST_MAX objects takes 28
 * MiB, and as many others beside them. */
#define KH_SUMS_MAX 67108864
#define KH_SUMS_PATH_MAX 255 /* bytes of a path in it; objects take 44 */
#define KH_COLLECTED_LINE_LEN 33 /* 32 hex digits and LF */

#endif
