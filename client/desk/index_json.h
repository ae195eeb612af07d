/* What reading and writing the index's JSON agree on. */
#ifndef KNOTHOLE_CLIENT_DESK_INDEX_JSON_H
#define KNOTHOLE_CLIENT_DESK_INDEX_JSON_H

#define KH_JSON_VERSION 1
#define KH_JSON_ANSWER "answer"
#define KH_JSON_RECEIVED "received"

#endif
