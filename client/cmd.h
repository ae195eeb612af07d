/*
 * The commands of knothole. Each takes its own command line, its name as
 * argv[0], and returns the exit status; it has said what was wrong.
 */
#ifndef KNOTHOLE_CLIENT_CMD_H
#define KNOTHOLE_CLIENT_CMD_H

int kh_cmd_keygen(int argc, char **argv);
int kh_cmd_card(int argc, char **argv);
int kh_cmd_seal(int argc, char **argv);
int kh_cmd_unseal(int argc, char **argv);
int kh_cmd_list(int argc, char **argv);
int kh_cmd_extract(int argc, char **argv);
int kh_cmd_init(int argc, char **argv);
int kh_cmd_import(int argc, char **argv);
int kh_cmd_inbox(int argc, char **argv);
int kh_cmd_show(int argc, char **argv);
int kh_cmd_reply(int argc, char **argv);
int kh_cmd_export(int argc, char **argv);
int kh_cmd_log(int argc, char **argv);
int kh_cmd_recover(int argc, char **argv);
int kh_cmd_editor(int argc, char **argv);
int kh_cmd_passphrase(int argc, char **argv);
int kh_cmd_identity(int argc, char **argv);
int kh_cmd_share(int argc, char **argv);
int kh_cmd_epoch(int argc, char **argv);

#endif
