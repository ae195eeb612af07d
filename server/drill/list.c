/*
 * The tables of list.h. Separate, because they are what docs/THREATS.md
 * promises: whoever changes one changes the promise.
 */
#include "server/drill/list.h"

const struct kh_trace_row kh_traces[KH_TRACE_N] = {
    [KH_TRACE_OBJECT] = {"object", "STORE/objects/<32 hex>.age", "0400",
	"Padme, 65536 or more",
	"how many submissions wait, the rounded size of each, for how many "
	"keys each is sealed, when it came or was last rewritten; and, to "
	"whoever has a newsroom's identity and its passphrase, all of it",
	"content, names, exact size, source, for which newsrooms: no key on "
	"this host opens it"},
    [KH_TRACE_ANSWER] = {"answer", "STORE/replies/<64 hex>", "0400",
	"4096, 16384 or 65536",
	"how many answers and receipts wait, in three sizes; and, to whoever "
	"has a source's return code and the salt, that source's answers",
	"text, for whom, from which newsroom, which belong together"},
    [KH_TRACE_SETTLING] = {"settling",
	"STORE/objects/<32 hex>.age.new, STORE/replies/<64 hex>.new", "0400",
	"as the object or answer",
	"that the store was being rewritten at this moment, or that this was "
	"cut short and will be put in order at the next start; else as the "
	"object or answer",
	"as the object or answer"},
    [KH_TRACE_MARK] = {"mark", "STORE/collected/<32 hex>-<32 hex>", "0400", "0",
	"which newsrooms (by their cards) have collected an object that "
	"others have not",
	"which of them can open it: all collect everything"},
    [KH_TRACE_RENEWED] = {"renewed",
	"STORE/cards/<32 hex>.card, <32 hex>.card.new", "0400", "65536 at most",
	"which newsrooms have renewed their cards, their public keys and "
	"their validity; from its own times, when one did",
	"any secret, nor anything of a source"},
    [KH_TRACE_SETTLED] = {"settled", "STORE/settled", "0400", "0",
	"when objects were last rewritten together, as their own times do",
	"when any of them came"},
    [KH_TRACE_SALT] = {"salt", "STATE/instance.salt", "0400", "16",
	"with a return code in hand: the way to that source's answers. Its "
	"times: the day of the first start",
	"anything without a return code; it opens no object"},
    [KH_TRACE_HEALTH] = {"health", "STATE/health, or HEALTH",
	"not writable by others", "4096 at most",
	"whether the service was well, in buckets. Its times: when it last "
	"ran",
	"counts, times or anything else of a source"},
    [KH_TRACE_GPG] = {"gpg", "STATE/gpg", "not writable by others", "-",
	"while the service runs: the OpenPGP public keys of the cards, and "
	"gpg's options",
	"anything that was encrypted to them, or when; there is no secret key"},
    [KH_TRACE_CONFIG] = {"config", "FILE", "not writable by others", "any",
	"who runs this drop, its address, its limits, where things lie",
	"any key or password: there is none in it"},
    [KH_TRACE_CARD] = {"card", "NEWSROOMS/NAME.card", "not writable by others",
	"65536 at most",
	"which newsrooms take part, their public keys and their validity",
	"any secret: cards are public, and a courier's token is there as a "
	"hash"},
    [KH_TRACE_BESIDE_CARD] = {"beside-card",
	"NEWSROOMS/NAME.card.minisig, NAME.pub", "not writable by others",
	"65536 at most", "as the card", "any secret"},
    [KH_TRACE_SOCKET] = {"socket", "source_listen, courier_listen", "0660", "-",
	"since when the service runs. Who is in its directory's group can "
	"connect, as tor does",
	"anything that passed through it"},
    [KH_TRACE_DIRECTORY] = {"directory",
	"STORE, STORE/objects, STORE/replies, STORE/collected, STORE/cards, "
	"STATE",
	"0700", "-",
	"that this is a drop; from a directory's size about how many files "
	"were in it at most, from its change time when something last came "
	"or went",
	"what came or went"},
    [KH_TRACE_LOST_FOUND] = {"lost-found", "STORE/lost+found", "0700", "-",
	"that the store is a file system of its own", "anything: it is empty"},
};

const struct kh_odd_row kh_odds[KH_ODD_N] = {
    [KH_ODD_KEY] = {"key", "a secret of a newsroom or of its courier",
	"It must never be on a server: take it for stolen. Make a new one "
	"(knothole keygen), replace the card, then wipe this file."},
    [KH_ODD_LOG] = {"log", "a log or a core dump",
	"Find out what writes it and stop that; then remove it. What it says "
	"may have been copied already."},
    [KH_ODD_DRAFT] = {"draft", "a draft with a name",
	"Drafts of knotholed have none, so something else made it. Look whose "
	"it is, then remove it."},
    [KH_ODD_COPY] = {"copy", "a copy",
	"Copies outlive what is deleted here. Move it to a place of your own, "
	"off this host, or remove it."},
    [KH_ODD_NAME] = {"name", "a name that nothing of ours has",
	"knotholed did not make it. Look what it is and who put it there; "
	"move it away or remove it."},
    [KH_ODD_KIND] = {"kind", "not the kind of file that belongs here",
	"Nothing follows it, and nothing of ours made it. Remove it."},
    [KH_ODD_MODE] = {"mode", "a mode that it must not have",
	"Others can read or change it, or could. Set it as in the list "
	"(chmod), and find out what changed it."},
    [KH_ODD_OWNER] = {"owner", "an owner that it must not have",
	"Give it to the owner of the directory (chown), and find out who "
	"could write here."},
    [KH_ODD_TIME] = {"time", "a modification time other than the fixed one",
	"It tells when it came, or was copied or restored. Set it: touch -d "
	"@315532800 FILE"},
    [KH_ODD_SIZE] = {"size", "a size that it cannot have",
	"It is damaged, cut, or not ours. Collect what can be opened, then "
	"remove it."},
    [KH_ODD_CONTENT] = {"content", "not what its name says",
	"It does not begin as such a file does, so it may be in clear. Look "
	"where it came from, then remove it."},
    [KH_ODD_LINK] = {"link", "more than one name",
	"Another name of it is somewhere on this file system and will outlive "
	"this one: find -samefile FILE, and remove that."},
    [KH_ODD_ATTRIBUTE] = {"attribute", "an extended attribute or an ACL",
	"knotholed sets none. See what it says (getfattr, getfacl), and take "
	"it off (setfattr -x, setfacl -b)."},
    [KH_ODD_SWAP] = {"swap", "swap that is not encrypted",
	"What passes through memory may rest there. Turn it off (swapoff), or "
	"encrypt it with a key made at each boot."},
    [KH_ODD_CORE] = {"core", "core dumps are kept",
	"A dump of tor or of another program may hold what passed through. "
	"Turn them off: sysctl kernel.core_pattern='|/bin/false'"},
    [KH_ODD_UNREAD] = {"unread", "could not be looked at",
	"Run the drill as root. Until then nobody knows what is there."},
};

const struct kh_elsewhere_row kh_elsewheres[KH_ELSEWHERE_N] = {
    [KH_ELSEWHERE_ONION] = {"onion-key",
	"tor's HiddenServiceDir: hs_ed25519_secret_key",
	"Its holder can pose as this site. It opens nothing that rests here. "
	"The key is tor's, not ours."},
    [KH_ELSEWHERE_TOR] = {"tor-state", "tor's DataDirectory",
	"Guards, and when tor ran. Nothing of a source."},
    [KH_ELSEWHERE_JOURNAL] = {"journal", "the service manager's journal",
	"When knotholed started, stopped or was wrongly configured; never a "
	"request. Keep it in memory (Storage=volatile)."},
    [KH_ELSEWHERE_BACKUP] = {"backups", "backups, snapshots and images",
	"What was here when they were made: deletion here does not reach "
	"them."},
    [KH_ELSEWHERE_DELETED] = {"deleted",
	"what the disk still has of files "
	"that are gone",
	"Sealed bytes, names and times, until they are overwritten: "
	"docs/THREATS.md, \"What deletion means\"."},
    [KH_ELSEWHERE_MEMORY] = {"memory",
	"memory, if the host is taken while it "
	"runs",
	"What is passing through at that moment, in clear. No log or swap "
	"keeps it for later."},
};
