"""Writes the manual page and the shells' completions from the parser of the command line."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from project import COMMAND, HOMEPAGE, VERSION, source_date

from gptdesk.cli import make_parser


@dataclass(frozen=True)
class Option:
    """An option of a command.

    Attributes:
        names: ``--long`` and ``-s``.
        help: one line.
        choices: what it may be; empty if that is open.
        takes_value: whether a value follows.
    """

    names: tuple[str, ...]
    help: str
    choices: tuple[str, ...]
    takes_value: bool


@dataclass(frozen=True)
class Command:
    """A command, or a command of a command.

    Attributes:
        words: what is typed after the program's name; empty for the program itself.
        help: one line.
        description: what it does.
        usage: its arguments.
        options: all of them.
    """

    words: tuple[str, ...]
    help: str
    description: str
    usage: str
    options: tuple[Option, ...]


def commands() -> list[Command]:
    """The program and its commands, in the order of its help."""
    return list(_walk(make_parser(), (), ""))


def man_page() -> str:
    """The manual page, in troff's man macros."""
    all_commands = commands()
    date = datetime.fromtimestamp(source_date(), UTC).strftime("%Y-%m-%d")
    program = all_commands[0]
    lines = [
        f'.TH {COMMAND.upper()} 1 "{date}" "gptdesk {VERSION}" "User Commands"',
        ".SH NAME",
        f"{COMMAND} \\- continue text with GPT\\-2, manage and train models",
        ".SH SYNOPSIS",
        f".B {COMMAND}",
        ".RI [ COMMAND | FILE... ]",
        ".SH DESCRIPTION",
        _troff(program.description),
        ".PP",
        f"{_troff(COMMAND)} trainer COMMAND prepares texts, trains, resumes, evaluates and samples;",
        f"{_troff(COMMAND)} trainer \\-\\-help lists its commands.",
        ".SH COMMANDS",
    ]
    for command in all_commands:
        lines += [f".SS {_troff(' '.join((COMMAND, *command.words)))}"]
        if command.words:
            lines += [_troff(command.description), ".PP", _troff(command.usage)]
        for option in command.options:
            value = " VALUE" if option.takes_value else ""
            lines += [".TP", f".B {_troff(', '.join(option.names) + value)}", _troff(option.help)]
    lines += [
        ".SH ENVIRONMENT",
        ".TP",
        ".B GPTDESK_HOME",
        "A folder that holds settings, documents, models and runs instead of the usual ones.",
        ".TP",
        ".B HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE",
        "As in Hugging Face\\(aqs own programs.",
        ".SH SEE ALSO",
        HOMEPAGE,
    ]
    return "\n".join(lines) + "\n"


def bash_completion() -> str:
    """Completes commands, options and choices in bash."""
    cases = []
    for command in commands():
        words = [name for option in command.options for name in option.names] + _subcommands(command)
        cases.append(f'        "{" ".join(command.words)}") words="{" ".join(words)}" ;;')
        for option in command.options:
            if option.choices:
                pattern = "|".join(f'"{" ".join((*command.words, name))}"' for name in option.names)
                cases.append(f'        {pattern}) words="{" ".join(option.choices)}" ;;')
    listed = "\n".join(cases)
    return f"""# Completion of {COMMAND} in bash.
_{_identifier()}() {{
    local current="${{COMP_WORDS[COMP_CWORD]}}" previous="${{COMP_WORDS[COMP_CWORD-1]}}" path="" word words=""
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        [[ $word == -* ]] && break
        path="${{path:+$path }}$word"
    done
    [[ $previous == -* ]] && path="$path $previous"
    path="${{path# }}"
    case "$path" in
{listed}
    esac
    if [[ -z $words && $previous == -* ]]; then
        path="${{path% *}}"
        case "$path" in
{listed}
        esac
    fi
    COMPREPLY=($(compgen -W "$words" -- "$current"))
    [[ ${{#COMPREPLY[@]}} -eq 0 ]] && COMPREPLY=($(compgen -f -- "$current"))
}}
complete -o filenames -F _{_identifier()} {COMMAND}
"""


def zsh_completion() -> str:
    """Completes with bash's rules in zsh."""
    return f"""#compdef {COMMAND}
autoload -U +X bashcompinit && bashcompinit
{bash_completion()}"""


def fish_completion() -> str:
    """Completes commands, options and choices in fish, with their help."""
    lines = [f"# Completion of {COMMAND} in fish."]
    for command in commands():
        if command.words:
            parent = command.words[:-1]
            seen = f"__fish_seen_subcommand_from {parent[-1]}" if parent else "__fish_use_subcommand"
            lines.append(f"complete -c {COMMAND} -n '{seen}' -a {command.words[-1]} -d {_quoted(command.help)}")
        seen = f"__fish_seen_subcommand_from {command.words[-1]}" if command.words else "__fish_use_subcommand"
        for option in command.options:
            names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names)
            values = f" -x -a {_quoted(' '.join(option.choices))}" if option.choices else " -r" * option.takes_value
            lines.append(f"complete -c {COMMAND} -n '{seen}' {names}{values} -d {_quoted(option.help)}")
    return "\n".join(lines) + "\n"


def _walk(parser: argparse.ArgumentParser, words: tuple[str, ...], help: str) -> Iterator[Command]:
    options, children = [], []
    for action in parser._actions:  # argparse has no public way to list them
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
            children = [(name, child, helps.get(name, "")) for name, child in action.choices.items()]
        elif action.option_strings and action.help != argparse.SUPPRESS:
            options.append(
                Option(
                    names=tuple(action.option_strings),
                    help=_line(parser._get_formatter()._expand_help(action) if action.help else ""),
                    choices=tuple(str(choice) for choice in action.choices or ()),
                    takes_value=action.nargs != 0,
                )
            )
    usage = " ".join(parser.format_usage().removeprefix("usage: ").split()).replace("gptdesk", COMMAND, 1)
    yield Command(words, _line(help), _line(parser.description or help), usage, tuple(options))
    for name, child, child_help in children:
        yield from _walk(child, (*words, name), child_help)


def _subcommands(command: Command) -> list[str]:
    depth = len(command.words) + 1
    return [one.words[-1] for one in commands() if len(one.words) == depth and one.words[:-1] == command.words]


def _line(text: str) -> str:
    return " ".join(text.split())


def _troff(text: str) -> str:
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    return re.sub(r"^\.", "\\&.", text)


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _identifier() -> str:
    return COMMAND.replace("-", "_")
