"""Verb `completion`: verbs and options for the Tab key of bash, zsh and fish."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Mapping

from chipdse.cli.common import Verbs, add_verb

Options = Mapping[str, Mapping[str, str]]
"""For each verb the help of each option; "" has those of the program."""


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    parser = add_verb(
        verbs,
        "completion",
        "print a script that completes verbs and options",
        "chipdse completion bash > ~/.local/share/bash-completion/completions/chipdse\n"
        "  chipdse completion zsh > ~/.zfunc/_chipdse     # a folder of $fpath\n"
        "  chipdse completion fish > ~/.config/fish/completions/chipdse.fish",
        _completion,
    )
    parser.add_argument("shell", choices=tuple(_SCRIPTS), help="shell that reads the script")


def _completion(arguments: argparse.Namespace) -> int:
    from chipdse.cli import build_parser, verb_parsers

    parser = build_parser()
    verbs = verb_parsers(parser)
    (choices,) = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    summaries = {str(choice.dest): choice.help or "" for choice in choices._choices_actions}
    options = {name: _options(inner) for name, inner in verbs.items()}
    print(_SCRIPTS[arguments.shell](summaries, options), end="")
    return 0


def _options(parser: argparse.ArgumentParser) -> dict[str, str]:
    """The long options of a verb and of the verbs inside it, with their help."""
    options: dict[str, str] = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            options |= {str(choice.dest): choice.help or "" for choice in action._choices_actions}
            for inner in action.choices.values():
                options |= _options(inner)
        for name in action.option_strings:
            if name.startswith("--"):
                options[name] = " ".join((action.help or "").replace("%%", "%").split())
    return options


def _bash(summaries: Mapping[str, str], options: Options) -> str:
    cases = "\n".join(
        f"    {verb}) words={shlex.quote(' '.join(options[verb]))} ;;" for verb in options
    )
    return f"""\
_chipdse() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" words=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W {shlex.quote(" ".join(summaries))} -- "$current"))
    return
  fi
  case "${{COMP_WORDS[1]}}" in
{cases}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -o default -F _chipdse chipdse
"""


def _zsh(summaries: Mapping[str, str], options: Options) -> str:
    verbs = " ".join(shlex.quote(f"{name}:{text}") for name, text in summaries.items())
    cases = "\n".join(
        f"    {verb}) options=({' '.join(map(shlex.quote, options[verb]))}) ;;" for verb in options
    )
    return f"""\
#compdef chipdse
_chipdse() {{
  local -a verbs options
  verbs=({verbs})
  if (( CURRENT == 2 )); then
    _describe verb verbs
    return
  fi
  case "$words[2]" in
{cases}
  esac
  compadd -a options
  _files
}}
compdef _chipdse chipdse
"""


def _fish(summaries: Mapping[str, str], options: Options) -> str:
    lines = [
        f"complete -c chipdse -n __fish_use_subcommand -a {name} -d {shlex.quote(text)}"
        for name, text in summaries.items()
    ]
    for verb, texts in options.items():
        condition = shlex.quote(f"__fish_seen_subcommand_from {verb}")
        for name, text in texts.items():
            word = f"-l {name[2:]}" if name.startswith("--") else f"-a {name}"
            lines.append(f"complete -c chipdse -n {condition} {word} -d {shlex.quote(text)}")
    return "\n".join(lines) + "\n"


_SCRIPTS: dict[str, Callable[[Mapping[str, str], Options], str]] = {
    "bash": _bash,
    "zsh": _zsh,
    "fish": _fish,
}
