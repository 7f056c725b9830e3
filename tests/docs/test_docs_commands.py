"""The documentation and the command line name the same things, both ways round."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import re
from pathlib import Path

import pytest
from chipdse_hdl import BLOCKS

from chipdse.cli import build_parser
from chipdse.design import PhysicalOptions, find_block, parse_settings
from chipdse.errors import DesignError
from chipdse.hardware.synthesis_options import SynthesisOptions
from chipdse.study.question.shipped import find_sweep
from chipdse.system.parameters import PackageParameters
from tests.support.docs_pages import PAGES, ROOT, Command, commands, parts, phrases

RECORDS = {
    "synthesis": SynthesisOptions,
    "package": PackageParameters,
    "physical": PhysicalOptions,
}


def verbs(parser: argparse.ArgumentParser, name: str = "") -> dict[str, argparse.ArgumentParser]:
    """Every verb, also `cache info` within `cache`."""
    found = {name: parser} if name else {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, one in action.choices.items():
                found |= verbs(one, f"{name} {word}".strip())
    return found


VERBS = verbs(build_parser())
LEAVES = [name for name in VERBS if not any(other.startswith(f"{name} ") for other in VERBS)]


def options(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return [one for one in parser._actions if not isinstance(one, argparse._SubParsersAction)]


def verb_of(command: Command) -> str:
    """The longest verb that a command begins with."""
    for count in (2, 1):
        name = " ".join(command.words[:count])
        if name in VERBS:
            return name
    return ""


def parse(command: Command) -> argparse.Namespace | str:
    """The command's arguments, or what the parser has against them."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        try:
            return build_parser(command.words[0]).parse_args(command.words)
        except SystemExit as ended:
            return f"{command}: {said.getvalue().strip()}" if ended.code else argparse.Namespace()


@pytest.mark.slow
def test_every_documented_command_is_understood() -> None:
    """Whole command lines are parsed; within sentences verbs and options must exist."""
    wrong = []
    for command in commands("chipdse"):
        if command.words[0].startswith("-") and command.words[0] in ("--version", "--help"):
            continue
        if command.whole:
            parsed = parse(command)
            wrong += [parsed] if isinstance(parsed, str) else []
            continue
        verb = verb_of(command)
        if not verb and command.words[0] not in ("VERB", "..."):
            wrong.append(f"{command}: no such verb")
        known = (
            {name for one in options(VERBS[verb]) for name in one.option_strings} if verb else ()
        )
        given = [word for word in command.words if word.startswith("-")]
        wrong += [f"{command}: no option {one}" for one in given if verb and one not in known]
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
def test_parameters_in_documented_commands_exist() -> None:
    wrong = []
    for command in commands("chipdse"):
        given = parse(command) if command.whole else ""
        if isinstance(given, str) or getattr(given, "block", None) not in BLOCKS:
            continue
        block = find_block(given.block)
        kinds = RECORDS | {"set": block.parameters, "workload": block.workload}
        for name, kind in kinds.items():
            try:
                kind(**parse_settings(kind, getattr(given, name, []), name))
            except (DesignError, ValueError) as error:
                wrong.append(f"{command}: {error}")
    assert not wrong, "\n".join(wrong)


def test_files_that_documented_commands_read_exist() -> None:
    wrong = []
    for command in commands("chipdse"):
        for word in command.words:
            if word.startswith("sweeps/") and not (ROOT / word).exists():
                wrong.append(str(command))
        if command.words[0] == "sweep" and len(command.words) > 1:
            name = command.words[1]
            if re.fullmatch(r"[a-z_]+", name) and not find_sweep(Path(name)).is_file():
                wrong.append(f"{command}: no sweep of that name ships")
    assert not wrong, "\n".join(wrong)


@pytest.mark.quick_cases(6)
@pytest.mark.parametrize("verb", LEAVES)
def test_every_verb_is_shown_at_work(verb: str) -> None:
    """Beside the reference, which is written from the parsers: a command on a written page."""
    words = tuple(verb.split())
    shown = [one for one in commands("chipdse") if one.whole and one.words[: len(words)] == words]
    assert shown, f"no page has a command line with 'chipdse {verb}'"


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("verb", VERBS)
def test_every_option_says_what_it_is(verb: str) -> None:
    """What the reference is written from: a summary, an example that parses, help everywhere."""
    parser = VERBS[verb]
    assert parser.description
    silent = [one.dest for one in options(parser) if not one.help]
    assert not silent, f"chipdse {verb}: no help for {silent}"
    lines = (parser.epilog or "").replace("\\\n", " ").splitlines()
    examples = [one for line in lines for one in parts(line, "chipdse", "--help", whole=True)]
    assert examples or " " in verb, f"chipdse {verb} --help has no example"
    for example in examples:
        assert not isinstance(parse(example), str), parse(example)


# Options of other programs, said of them on our pages.
ELSEWHERE = {"--chipdse-corners", "--no-benches", "--junit-xml", "--chipdse-blocks"}


def test_options_named_in_sentences_exist() -> None:
    known = {
        name for parser in VERBS.values() for one in options(parser) for name in one.option_strings
    }
    scripts = "".join(path.read_text() for path in (ROOT / "benchmarks").rglob("*.py"))
    wrong = [
        f"{page.relative_to(ROOT)}: {phrase}"
        for page in PAGES
        for phrase in phrases(page)
        if (found := re.match(r"--[a-z0-9][a-z0-9-]*", phrase))
        and found[0] not in known | ELSEWHERE
        and f'"{found[0]}"' not in scripts
    ]
    assert not wrong, "\n".join(wrong)


def test_files_and_modules_named_on_pages_exist() -> None:
    wrong = []
    for page in PAGES:
        for phrase in phrases(page):
            where = f"{page.relative_to(ROOT)}: {phrase}"
            if found := re.match(
                r"(?:tests|benchmarks|chipdse|hdl|sweeps|tools|docs)/[\w./*-]+", phrase
            ):
                path = found[0].rstrip("/.").partition("::")[0]
                folders = (ROOT, ROOT / "chipdse")
                if "NAME" not in path and not any(any(one.glob(path)) for one in folders):
                    wrong.append(where)
            elif re.fullmatch(r"chipdse(\.\w+)+(\(.*\))?", phrase):
                wrong += [] if _exists(phrase.partition("(")[0]) else [where]
    assert not wrong, "\n".join(wrong)


def _exists(dotted: str) -> bool:
    """Whether a module, or a name within one, can be had."""
    module, names = dotted, []
    while module:
        try:
            thing = importlib.import_module(module)
        except ModuleNotFoundError:
            module, _, name = module.rpartition(".")
            names.insert(0, name)
            continue
        for name in names:
            fields = getattr(thing, "__dataclass_fields__", {})
            if not hasattr(thing, name) and name not in fields:
                return False
            thing = getattr(thing, name, None)
        return True
    return False


def test_scripts_tests_and_targets_on_pages_exist() -> None:
    lines = re.findall(r"^([\w -]+):", (ROOT / "Makefile").read_text(), flags=re.M)
    targets = " ".join(lines).split()
    wrong = []
    for command in [*commands("python"), *commands("pytest"), *commands("make")]:
        for word in command.words:
            if (
                re.match(r"(tests|benchmarks|docs)/", word)
                and not (ROOT / word.partition("::")[0]).exists()
            ):
                wrong.append(f"{command}: {word} is not there")
    for command in commands("make"):
        if command.words[0].islower() and command.words[0] not in targets:
            wrong.append(f"{command}: no such target")
    for command in commands("python"):
        script = ROOT / command.words[0]
        if script.suffix == ".py" and script.is_file():
            text = script.read_text()
            given = [word for word in command.words if word.startswith("--")]
            wrong += [f"{command}: no {one}" for one in given if f'"{one}"' not in text]
    assert not wrong, "\n".join(wrong)
