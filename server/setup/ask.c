/*
 * The three questions. Each has been answered already when it need not be
 * asked.
 */
#include <stdio.h>
#include <string.h>

#include "server/setup/setup.h"

/* One line without its end and blanks around it; false at the end of input. */
static bool
read_line(const char *question, char *out, size_t cap)
{
	size_t n;

	fprintf(stderr, "%s ", question);
	if (fgets(out, (int)cap, stdin) == NULL) {
		fputs("\n", stderr);
		return false;
	}
	n = strcspn(out, "\n");
	while (n > 0 && (out[n - 1] == ' ' || out[n - 1] == '\t'))
		n--;
	out[n] = '\0';
	n = strspn(out, " \t");
	memmove(out, out + n, strlen(out + n) + 1);
	return true;
}

static bool
ask_name(struct kh_setup *s)
{
	do {
		if (!read_line("1. What should every page show as the site's "
			       "name, for example your newspaper's?",
			s->answer, sizeof(s->answer)))
			return false;
	} while (s->answer[0] == '\0');
	s->site_name = s->answer;
	return true;
}

/* Paths, one a line, as names may have blanks in them. */
static bool
ask_cards(struct kh_setup *s)
{
	size_t at = 0;

	fputs("2. Where are the newsrooms' cards (NAME.card, from \"knothole "
	      "keygen\")?\n   One path a line; an empty line ends them.\n",
	    stderr);
	while (s->n_cards < KH_OUTLETS_MAX && at + 1 < sizeof(s->paths)) {
		if (!read_line("  ", s->paths + at, sizeof(s->paths) - at))
			return s->n_cards > 0;
		if (s->paths[at] == '\0')
			break;
		s->card[s->n_cards++] = s->paths + at;
		at += strlen(s->paths + at) + 1;
	}
	return true;
}

static bool
ask_courier(struct kh_setup *s)
{
	char line[16];

	do {
		if (!read_line("3. Do newsrooms fetch through tor, from a "
			       "second onion address (yes/no)? [yes]",
			line, sizeof(line)))
			return false;
		if (line[0] == '\0' || line[0] == 'y' || line[0] == 'Y')
			s->courier = 1;
		else if (line[0] == 'n' || line[0] == 'N')
			s->courier = 0;
	} while (s->courier < 0);
	return true;
}

enum kh_exit
kh_setup_ask(struct kh_setup *s, bool need_cards)
{
	bool told = true;

	if (s->site_name == NULL && !s->had_config)
		told = ask_name(s);
	if (told && need_cards && s->n_cards == 0)
		told = ask_cards(s);
	if (told && s->courier < 0 && !s->had_config)
		told = ask_courier(s);
	if (told)
		return KH_EXIT_OK;
	kh_say("the input ended before all was answered: nothing was written");
	return KH_EXIT_NOINPUT;
}
