/*
 * The messages between knotholed's processes, written down independently of
 * the table in server/ipc/ipc.c.
 */
#ifndef KH_TESTS_IPC_TABLE_H
#define KH_TESTS_IPC_TABLE_H

#include "server/ipc/ipc.h"

#define HEAD offsetof(struct kh_msg, u)
#define K KH_ROLE_KEEPER
#define D KH_ROLE_DOOR
#define V KH_ROLE_VISIT
#define S KH_ROLE_STORE
#define C KH_ROLE_COURIER
#define E KH_ROLE_ERRAND
#define W KH_ROLE_WRAP
#define N_ROLES KH_ROLE_N

/* One line for each permitted (message, sender, receiver). */
static const struct line {
	enum kh_msg_type type;
	enum kh_role from, to;
	size_t body;
	int n_fds;
} lines[] = {
    {KH_MSG_SITE, K, D, sizeof(struct kh_msg_site), 1},
    {KH_MSG_OUTLET, K, D, sizeof(struct kh_msg_outlet), 0},
    {KH_MSG_OUTLET, K, C, sizeof(struct kh_msg_outlet), 0},
    {KH_MSG_STORE_LINK, K, D, 0, 1},
    {KH_MSG_STORE_LINK, K, C, 0, 1},
    {KH_MSG_STORE_DIR, K, S, sizeof(struct kh_msg_store_dir), 1},
    {KH_MSG_DOOR_LINK, K, S, 0, 1},
    {KH_MSG_DOOR_LINK, K, W, 0, 1},
    {KH_MSG_READY, D, K, 0, 0},
    {KH_MSG_READY, S, K, 0, 0},
    {KH_MSG_READY, C, K, 0, 0},
    {KH_MSG_READY, W, K, 0, 0},
    {KH_MSG_VISIT, D, S, 0, 1},
    {KH_MSG_VISIT, C, S, 0, 1},
    {KH_MSG_ROOM, V, S, sizeof(struct kh_msg_room), 0},
    {KH_MSG_ROOM_ANSWER, S, V, sizeof(struct kh_msg_verdict), 0},
    {KH_MSG_BEGIN, V, S, sizeof(struct kh_msg_begin), 0},
    {KH_MSG_DRAFT, S, V, 0, 1},
    {KH_MSG_NO_DRAFT, S, V, sizeof(struct kh_msg_verdict), 0},
    {KH_MSG_COMMIT, V, S, sizeof(struct kh_msg_commit), 0},
    {KH_MSG_COMMITTED, S, V, sizeof(struct kh_msg_verdict), 0},
    {KH_MSG_FATE, V, S, sizeof(struct kh_msg_begin), 0},
    {KH_MSG_FATE_ANSWER, S, V, sizeof(struct kh_msg_fate), 0},
    {KH_MSG_SLOT, V, S, sizeof(struct kh_msg_slot), 0},
    {KH_MSG_ANSWER, S, V, 0, 1},
    {KH_MSG_NO_ANSWER, S, V, sizeof(struct kh_msg_verdict), 0},
    {KH_MSG_FORGET, V, S, sizeof(struct kh_msg_slot), 0},
    {KH_MSG_FORGOTTEN, S, V, sizeof(struct kh_msg_verdict), 0},
    {KH_MSG_TOKENS, K, C, sizeof(struct kh_msg_tokens), 1},
    {KH_MSG_COURIER_LINK, K, S, 0, 1},
    {KH_MSG_LIST, E, S, sizeof(struct kh_msg_list), 0},
    {KH_MSG_OBJECTS, S, E, sizeof(struct kh_object_page), 0},
    {KH_MSG_NO_OBJECTS, S, E, sizeof(struct kh_msg_verdict), 0},
    {KH_MSG_OPEN, E, S, sizeof(struct kh_msg_open), 0},
    {KH_MSG_OBJECT, S, E, 0, 1},
    {KH_MSG_NO_OBJECT, S, E, sizeof(struct kh_msg_verdict), 0},
    {KH_MSG_COLLECT, E, S, sizeof(struct kh_msg_collect), 0},
    {KH_MSG_COLLECTED, S, E, sizeof(struct kh_msg_verdict), 0},
    {KH_MSG_PUT, E, S, sizeof(struct kh_msg_put), 1},
    {KH_MSG_STORED, S, E, sizeof(struct kh_msg_verdict), 0},
    {KH_MSG_REPORT, D, K, sizeof(struct kh_msg_report), 0},
    {KH_MSG_REPORT, S, K, sizeof(struct kh_msg_report), 0},
    {KH_MSG_REPORT, W, K, sizeof(struct kh_msg_report), 0},
    {KH_MSG_HEALTH, K, D, sizeof(struct kh_msg_health), 0},
    {KH_MSG_HEALTH, K, C, sizeof(struct kh_msg_health), 0},
    {KH_MSG_FORM_KEYS, K, D, sizeof(struct kh_msg_form_keys), 1},
    {KH_MSG_TABLE, K, D, 0, 1},
    {KH_MSG_CRASHED, D, K, 0, 0},
    {KH_MSG_CRASHED, C, K, 0, 0},
    {KH_MSG_WRAP_HOME, K, W, sizeof(struct kh_msg_wrap_home), 1},
    {KH_MSG_WRAP_KEY, W, K, sizeof(struct kh_msg_wrap_key), 0},
    {KH_MSG_WRAP_LINK, K, D, 0, 1},
    {KH_MSG_BRIDGE, V, W, sizeof(struct kh_msg_bridge), 0},
    {KH_MSG_BRIDGED, W, V, sizeof(struct kh_bridge), 0},
    {KH_MSG_NO_BRIDGE, W, V, sizeof(struct kh_msg_verdict), 0},
    {KH_MSG_RETIRE, K, D, 0, 0},
    {KH_MSG_RETIRE, K, C, 0, 0},
    {KH_MSG_CARD, E, S, sizeof(struct kh_msg_card), 1},
    {KH_MSG_CARD_STORED, S, E, sizeof(struct kh_msg_verdict), 0},
    {KH_MSG_CARDS, S, K, 0, 0},
    {KH_MSG_WRAP_VISIT, D, W, 0, 1},
};

#define N_LINES (sizeof(lines) / sizeof(lines[0]))

#endif
