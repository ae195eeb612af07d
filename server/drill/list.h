/*
 * The list of what a seizure may find, and what may be found beyond it. The
 * same list is in docs/THREATS.md, and a test compares them.
 */
#ifndef KNOTHOLED_DRILL_LIST_H
#define KNOTHOLED_DRILL_LIST_H

/* What is on the list; in the order of the output. */
enum kh_trace {
	KH_TRACE_OBJECT,
	KH_TRACE_ANSWER,
	KH_TRACE_SETTLING,
	KH_TRACE_MARK,
	KH_TRACE_RENEWED,
	KH_TRACE_SETTLED,
	KH_TRACE_SALT,
	KH_TRACE_HEALTH,
	KH_TRACE_GPG,
	KH_TRACE_CONFIG,
	KH_TRACE_CARD,
	KH_TRACE_BESIDE_CARD,
	KH_TRACE_SOCKET,
	KH_TRACE_DIRECTORY,
	KH_TRACE_LOST_FOUND,
	KH_TRACE_N
};

struct kh_trace_row {
	const char *id;
	const char *name; /* its form; upper case: from the configuration */
	const char *mode;
	const char *size;
	const char *tells; /* what it lets the holder do or know */
	const char *hides; /* and what not */
};

/* What is beyond the list. */
enum kh_odd {
	KH_ODD_KEY,
	KH_ODD_LOG,
	KH_ODD_DRAFT,
	KH_ODD_COPY,
	KH_ODD_NAME,
	KH_ODD_KIND,
	KH_ODD_MODE,
	KH_ODD_OWNER,
	KH_ODD_TIME,
	KH_ODD_SIZE,
	KH_ODD_CONTENT,
	KH_ODD_LINK,
	KH_ODD_ATTRIBUTE,
	KH_ODD_SWAP,
	KH_ODD_CORE,
	KH_ODD_UNREAD,
	KH_ODD_N
};

struct kh_odd_row {
	const char *id;
	const char *what;
	const char *remedy;
};

/* What a seizure finds that is not Knothole's, so that the drill cannot look
 * at it. */
enum kh_elsewhere {
	KH_ELSEWHERE_ONION,
	KH_ELSEWHERE_TOR,
	KH_ELSEWHERE_JOURNAL,
	KH_ELSEWHERE_BACKUP,
	KH_ELSEWHERE_DELETED,
	KH_ELSEWHERE_MEMORY,
	KH_ELSEWHERE_N
};

struct kh_elsewhere_row {
	const char *id;
	const char *what;
	const char *tells;
};

extern const struct kh_trace_row kh_traces[KH_TRACE_N];
extern const struct kh_odd_row kh_odds[KH_ODD_N];
extern const struct kh_elsewhere_row kh_elsewheres[KH_ELSEWHERE_N];

#endif
