#!/usr/bin/env python3
"""Write the completions of a program for bash, zsh and fish from its --help.

usage: generate.py PROGRAM DIRECTORY

Makes DIRECTORY/bash/NAME, DIRECTORY/zsh/_NAME and DIRECTORY/fish/NAME.fish.
All three walk the words before the cursor in the same way: `at` is the command
so far ("card show"), and a word that is an option's value is passed over.
"""
import os
import sys

import helptext

FILES = {"bash": "bash/{}", "zsh": "zsh/_{}", "fish": "fish/{}.fish"}


def quoted(text):
    """For all three shells: what our help never has is not worth escaping."""
    return "'" + text.replace("'", "").replace("\\", "") + "'"


def valued(root):
    """[(command, option)] of the options that a value follows."""
    return [(c, o) for c in root.all() for o in c.options if o.value]


def keys(command, option):
    """As the walk looks an option up: command, colon, option."""
    return [f"{command.path}:{name}" for name in option.names]


def walk_patterns(root):
    """Keys of options with a value, and keys of commands with their paths."""
    skip = [key for c, o in valued(root) for key in keys(c, o)]
    below = [(f"{c.path}:{sub.words[-1]}", sub.path)
             for c in root.all() for sub in c.commands]
    return skip, below


def value_patterns(root):
    """{kind: keys of the options whose value is completed so}"""
    kinds = {"files": [], "directories": [], "nothing": []}
    for command, option in valued(root):
        kinds[helptext.kind_of(option.value)] += keys(command, option)
    return {kind: found for kind, found in kinds.items() if found}


def alternatives(patterns, separator, indent):
    return f"{separator}\\\n{indent}".join(quoted(p) for p in patterns)


def walk(root, words):
    """The loop over the words before the cursor, for bash and zsh."""
    skip, below = walk_patterns(root)
    lines = ["\t\tcase $at:" + words + " in"]
    if skip:
        lines.append(f"\t\t{alternatives(skip, ' | ', '		')}) i=$((i + 1)) ;;")
    lines += [f"\t\t{quoted(key)}) at={quoted(path)} ;;" for key, path in below]
    return "\n".join(lines + ["\t\tesac"])


BASH_KINDS = {
    "files": "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "
             '"$cur")',
    "directories": "compopt -o filenames; mapfile -t COMPREPLY < "
                   '<(compgen -d -- "$cur")',
    "nothing": ":",
}


def bash(root):
    name = root.words[0]
    function = "_" + name.replace("-", "_")
    out = [f"""# Completion of {name} for bash, made from its --help.
{function}()
{{
	local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD - 1]}}
	local at='' i options='' kind=nothing commands=''

	COMPREPLY=()
	# --option=value comes as three words.
	if [[ $cur == '=' ]]; then
		cur=
	elif [[ $prev == '=' ]] && ((COMP_CWORD > 2)); then
		prev=${{COMP_WORDS[COMP_CWORD - 2]}}
	fi
	for ((i = 1; i < COMP_CWORD; i++)); do
{walk(root, "${COMP_WORDS[i]}")}
	done
	case $at:$prev in"""]
    for kind, patterns in value_patterns(root).items():
        out.append(f"	{alternatives(patterns, ' | ', '	')})\n"
                   f"		{BASH_KINDS[kind]}\n		return\n		;;")
    out.append("	esac\n	case $at in")
    for c in root.all():
        options = " ".join(n for o in c.options for n in o.names)
        subs = " ".join(s.words[-1] for s in c.commands)
        kind = "nothing" if subs else c.kind
        out.append(f"	{quoted(c.path)})\n		options={quoted(options)}\n"
                   f"		commands={quoted(subs)} kind={kind}\n		;;")
    out.append(f"""	esac
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
	elif [[ -n $commands ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$cur")
	elif [[ $kind == files ]]; then
		{BASH_KINDS["files"]}
	elif [[ $kind == directories ]]; then
		{BASH_KINDS["directories"]}
	fi
}}
complete -F {function} {name}
""")
    return "\n".join(out)


ZSH_KINDS = {"files": "_files", "directories": "_files -/", "nothing": ":"}


def described(pairs):
    """For zsh's _describe: 'word:what it is', one an argument."""
    return " \\\n\t\t\t".join(
        quoted(word + (f":{about.replace(':', ' ')}" if about else ""))
        for word, about in pairs)


def zsh(root):
    name = root.words[0]
    out = [f"""#compdef {name}
# Completion of {name} for zsh, made from its --help.
local at='' i kind=nothing
local -a options commands

for ((i = 2; i < CURRENT; i++)); do
{walk(root, "${words[i]}")}
done
case $at:${{words[CURRENT - 1]}} in"""]
    for kind, patterns in value_patterns(root).items():
        out.append(f"	{alternatives(patterns, ' | ', '	')})\n"
                   f"		{ZSH_KINDS[kind]}\n		return\n		;;")
    out.append("esac\ncase $at in")
    for c in root.all():
        options = described(
            (n, o.summary) for o in c.options for n in o.names)
        subs = described((s.words[-1], s.summary) for s in c.commands)
        kind = "nothing" if subs else c.kind
        out.append(f"	{quoted(c.path)})\n		options=({options})\n"
                   f"		commands=({subs})\n		kind={kind}\n		;;")
    out.append("""esac
if [[ $PREFIX == -* ]]; then
	_describe -o option options
elif ((${#commands})); then
	_describe command commands
elif [[ $kind == files ]]; then
	_files
elif [[ $kind == directories ]]; then
	_files -/
fi
""")
    return "\n".join(out)


def fish_rule(name, function, path):
    return f"complete -c {name} -n {quoted(f'{function} {chr(34)}{path}{chr(34)}')}"


def fish(root):
    name = root.words[0]
    function = "__" + name.replace("-", "_") + "_at"
    skip, below = walk_patterns(root)
    cases = [f"            case {' '.join(quoted(k) for k in skip)}\n"
             "                set skip 1"] if skip else []
    cases += [f"            case {quoted(key)}\n                set at {quoted(path)}"
              for key, path in below]
    cases = "\n".join(cases)
    out = [f"""# Completion of {name} for fish, made from its --help.
function {function} --description 'is this the command so far?'
    set -l words (commandline -opc)
    set -l at ''
    set -l skip 0
    for word in $words[2..-1]
        if test $skip = 1
            set skip 0
            continue
        end
        switch "$at:$word"
{cases}
        end
    end
    test "$at" = "$argv[1]"
end
complete -c {name} -f"""]
    for c in root.all():
        rule = fish_rule(name, function, c.path)
        for s in c.commands:
            out.append(f"{rule} -a {s.words[-1]} -d {quoted(s.summary)}")
        if not c.commands and c.kind == "files":
            out.append(f"{rule} -F")
        elif not c.commands and c.kind == "directories":
            out.append(f"{rule} -a '(__fish_complete_directories)'")
        for o in c.options:
            out.append(rule + fish_option(o))
    return "\n".join(out) + "\n"


def fish_option(option):
    words = ""
    for name in option.names:
        words += f" -l {name[2:]}" if name.startswith("--") else f" -s {name[1:]}"
    if option.value:
        words += {"files": " -r -F", "nothing": " -x", "directories":
                  " -x -a '(__fish_complete_directories)'"}[
                      helptext.kind_of(option.value)]
    return words + (f" -d {quoted(option.summary)}" if option.summary else "")


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: generate.py PROGRAM DIRECTORY")
    program, directory = sys.argv[1:]
    root = helptext.read(program, [os.path.basename(program)])
    for shell, write in (("bash", bash), ("zsh", zsh), ("fish", fish)):
        path = os.path.join(
            directory, FILES[shell].format(os.path.basename(program)))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(write(root))


if __name__ == "__main__":
    main()
