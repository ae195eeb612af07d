/*
 * Asking, before something that cannot be taken back.
 */
#ifndef KNOTHOLE_CLIENT_CONFIRM_H
#define KNOTHOLE_CLIENT_CONFIRM_H

/*
 * Ask on the terminal, and want `word` (at most 63 bytes) typed as it is.
 * Says what is wrong and returns the exit status: KH_EXIT_USAGE there is no
 * terminal; KH_EXIT_NOKEY something else was typed.
 */
int kh_confirm(const char *prompt, const char *word);

#endif
