"""The reference, written from the code: nothing in it is typed twice.

Each function returns one Markdown page; `write_reference` writes them all. The parsers, the
blocks' records and the result records say what there is, with the words they say it with.
"""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from chipdse_hdl import BLOCKS

import chipdse
from chipdse import errors
from chipdse.cli import build_parser
from chipdse.design import OperatingPoint, PhysicalOptions
from chipdse.evaluate import STAGES
from chipdse.hardware.synthesise import SynthesisOptions
from chipdse.metrics import METRICS, BlockReport
from chipdse.study.question.sampler_names import SAMPLERS
from chipdse.study.question.shipped import questions
from chipdse.study.question.sweep_file import Sweep
from chipdse.system.metrics import CONSTRAINTS, SystemMetrics
from chipdse.system.parameters import PackageParameters

Parser = argparse.ArgumentParser


def write_reference(folder: Path) -> None:
    """Write every page, leaving untouched what has not changed."""
    folder.mkdir(exist_ok=True)
    for name, page in PAGES.items():
        path, text = folder / f"{name}.md", page()
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def verbs() -> Iterator[tuple[str, Parser]]:
    """Every verb of the command line with its parser: `cache` and then `cache info`, ..."""
    return _verbs(build_parser())


def _verbs(parser: Parser) -> Iterator[tuple[str, Parser]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for one in action.choices.values():
                yield one.prog.partition(" ")[2], one
                yield from _verbs(one)


def options(parser: Parser) -> list[argparse.Action]:
    """What a verb takes, without `--help` and its sub-verbs."""
    skipped = (argparse._HelpAction, argparse._SubParsersAction)
    return [one for one in parser._actions if not isinstance(one, skipped)]


def command_line() -> str:
    """Every verb with every argument."""
    found = dict(verbs())
    page = [
        "# Command line",
        "Written from the program's parsers. `chipdse VERB --help` prints the same.\n\n"
        "Results go to stdout, progress to stderr; `--json` prints one JSON document in SI units. "
        "Exit code 0: done; 1: it ran and failed (a tool, a simulation, no feasible point, a limit "
        "missed); 2: wrong input, refused before anything ran.",
        _table(
            ["verb", ""], [[f"[`{name}`](#{_slug(name)})", _about(p)] for name, p in found.items()]
        ),
    ]
    for name, parser in found.items():
        usage = " ".join(parser.format_usage().removeprefix("usage: ").split())
        rows = [[_spelling(one), _plain(_help(one))] for one in options(parser)]
        page += [
            f"## {name}",
            _about(parser),
            _fence("sh", textwrap.fill(usage, 96, subsequent_indent="    ")),
        ]
        page += [_table(["argument", ""], rows)] if rows else []
        page += (
            [_fence("sh", textwrap.dedent(parser.epilog.partition("\n")[2]))]
            if parser.epilog
            else []
        )
    return _page(page)


def metrics() -> str:
    """Every metric with unit and kind of evidence."""
    page = [
        "# Metrics",
        "Written from the result records. Any of these may be an objective or a limit of a sweep, "
        "and so may a swept number. `input` is what was asked for; `measured` comes from the "
        "simulated design, its netlist and the library; `modelled` from a published model. A "
        "metric is no better than what it rests on: `cells` are modelled where memories are "
        "macros, `layout` where wires or a clock tree are counted, `activity` is estimated "
        "without a workload of the block's own, `node` outside the tables by process node. "
        "`chipdse eval`, the report and an export's `metrics.json` state the kind that results.",
    ]
    for title, record in (("Of the block", BlockReport), ("Of the system", SystemMetrics)):
        names = [one.name for one in dataclasses.fields(record) if one.name in METRICS]
        rows = [
            [
                f"`{n}`",
                METRICS[n]["unit"],
                METRICS[n]["evidence"],
                ", ".join(METRICS[n]["rests_on"]),
                _plain(METRICS[n]["doc"]),
            ]
            for n in names
        ]
        page += [f"## {title}", _table(["metric", "unit", "evidence", "rests on", ""], rows)]
    rows = [[f"`{name}`", _plain(doc)] for name, doc in CONSTRAINTS.items()]
    page += [
        "## Limits that are always checked",
        "A point that misses one is infeasible: kept, with the amount, and never on the front. "
        "So is one whose clock is faster than its logic (`timing`).",
        _table(["limit", ""], rows),
    ]
    return _page(page)


def blocks() -> str:
    """Every block that ships: parameters, workload, ranges."""
    page = [
        "# Parameters of the blocks",
        "Written from the blocks' records. `chipdse blocks NAME` also prints ports, latency and "
        "work at given parameters; [the blocks](../blocks/blocks.md) says what each choice trades.",
    ]
    for name, block in BLOCKS.items():
        page += [f"## {name}", _plain(f"{block.summary[0].upper()}{block.summary[1:]}.")]
        for title, record in (("hardware", block.parameters), ("workload", block.workload)):
            rows = [
                [
                    f"`{one.name}`",
                    _code(one.default),
                    _range(one.metadata),
                    _plain(one.metadata["doc"]),
                ]
                for one in dataclasses.fields(record)
            ]
            page += [_table([f"`[{title}]`", "default", "range", ""], rows)]
    return _page(page)


def sweep_file() -> str:
    """The sections of a sweep file, from the records they become."""
    groups: tuple[tuple[str, type], ...] = (
        ("synthesis", SynthesisOptions),
        ("operating", OperatingPoint),
        ("physical", PhysicalOptions),
        ("package", PackageParameters),
    )
    page = [
        "# Sweep file",
        "Written from the records that a sweep file fills. `[hardware]` and `[workload]` take the "
        "[parameters of the block](blocks.md); `[objectives]` and `[limits]` name "
        "[metrics](metrics.md) or swept numbers; `[library]` has a `name` or `files`. The same "
        "names follow `--synthesis`, `--physical` and `--package` of `chipdse eval`.\n\n"
        "A value is fixed. A list is swept, and so is a table with `min` and `max`, and `step`, "
        "`count` (with `log = true`) or `powers_of_two = true`.",
    ]
    for name, record in groups:
        documented = _documented(record)
        rows = [
            [
                f"`{one.name}`",
                _code(one.default),
                _range(one.metadata),
                _plain(documented[one.name]),
            ]
            for one in dataclasses.fields(record)
        ]
        page += [f"## [{name}]", _table(["parameter", "default", "range", ""], rows)]
    said = _documented(Sweep)
    rows = [[f"`{name}`", _plain(said.get(name) or _SEARCH[name])] for name in _search_keys()]
    shipped = [[f"`{name}`", _plain(" ".join(text.split()))] for name, text in questions().items()]
    page += [
        "## [search]",
        _table(["key", ""], rows),
        f"Samplers: {', '.join(f'`{one}`' for one in SAMPLERS)}.",
        "## Sweeps that ship",
        "`chipdse sweep NAME` runs them from any folder.",
        _table(["sweep", "question"], shipped),
    ]
    return _page(page)


_SEARCH = {
    "seed": "of the sampler and of synthesis",
    "sampler": "how points are proposed; `auto` takes what suits the size of the space",
    "time": 'propose nothing more after so long, e.g. "2h"',
    "patience": "stop when so many trials in a row moved the front nowhere; 0 never does",
}


def _search_keys() -> Iterable[str]:
    from chipdse.study.question.sweep_file import _SEARCH as keys

    return keys


def stages() -> str:
    """The stages of the flow: what each does and what its result depends on."""
    page = [
        "# Stages",
        "Written from the records of the stages; `chipdse stages` prints the same. The result of a "
        "stage is stored under a hash of the inputs, of the code that makes it and of the versions "
        "of the packages that this code calls. Code is given as `module:function`: it is followed "
        "from these functions through their imports. "
        "[What is checked before a result is reused](../concepts/reuse.md) explains the rest.",
        stage_table(),
    ]
    for stage in STAGES:
        about = stage.described()
        inputs = [[f"`{name}`", _plain(meaning)] for name, meaning in about["inputs"].items()]
        lists = [
            ("Code", about["code"]),
            ("Code in some cases", about["cases"]),
            ("Data of the package", about["data"]),
            ("Packages whose version counts", list(about["versions"])),
        ]
        texts = [f"{title}: {_names(names)}." for title, names in lists if names]
        page += [f"## {stage.name}", f"This stage {stage.does}.", _table(["input", ""], inputs)]
        page += ["\n\n".join(texts)]
        if stage.runs_user_code:
            page += ["The stage runs code of yours: all that this code reads counts too."]
    return _page(page)


def stage_table() -> str:
    """Every stage in one line, as Markdown."""
    rows = [[stage.name, stage.does, ", ".join(stage.inputs)] for stage in STAGES]
    return _table(["stage", "what it does", "inputs"], [list(map(_plain, row)) for row in rows])


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def python() -> str:
    """What `import chipdse` offers."""
    page = [
        "# Python",
        "Written from the docstrings: what `import chipdse` gives. Everything else is the "
        "program's own, documented where it is written; `chipdse/evaluate.py` is the way in.",
    ]
    for name in chipdse.__all__:
        thing = getattr(chipdse, name)
        page += _described(f"chipdse.{name}", thing)
        if inspect.isclass(thing):
            for method, function in vars(thing).items():
                if inspect.isfunction(function) and not method.startswith("_"):
                    page += _described(f"{name}.{method}", function, level=3)
    page += ["## Errors", _fence("none", inspect.getdoc(errors) or "")]
    for name, kind in vars(errors).items():
        if inspect.isclass(kind) and issubclass(kind, Exception):
            page.append(f"`{name}`\n: {_plain((inspect.getdoc(kind) or '').partition(chr(10))[0])}")
    return _page(page)


PAGES: dict[str, Callable[[], str]] = {
    "command_line": command_line,
    "sweep_file": sweep_file,
    "blocks": blocks,
    "metrics": metrics,
    "stages": stages,
    "python": python,
}


def _described(name: str, thing: Any, level: int = 2) -> list[str]:
    call = [] if inspect.isclass(thing) else [_fence("python", _call(name, thing))]
    return [f"{'#' * level} {name}", *call, _docstring(inspect.getdoc(thing) or "")]


def _call(name: str, function: Callable[..., Any]) -> str:
    """A function's signature as written, on one line or one parameter a line."""
    signature = inspect.signature(function)
    given, starred = [], False
    for one in signature.parameters.values():
        if one.kind is one.KEYWORD_ONLY and not starred:
            given.append("*")
            starred = True
        default = one.default
        shown = "..." if callable(default) and default is not one.empty else f"{default!r}"
        value = "" if default is one.empty else f" = {shown}".replace("'", '"')
        given += [] if one.name == "self" else [f"{one.name}: {one.annotation}{value}"]
    line = f"{name}({', '.join(given)}) -> {signature.return_annotation}"
    if len(line) <= 96:
        return line
    body = "".join(f"    {one},\n" for one in given)
    return f"{name}(\n{body}) -> {signature.return_annotation}"


def _docstring(text: str) -> str:
    """A docstring in the house's form as Markdown: sections become headed lists."""
    text = re.sub(r"^>>> .*", lambda found: _fence("pycon", found[0]), text, flags=re.M)
    parts = re.split(
        r"^(Parameters|Returns|Raises|Notes)\n-+\n", text.replace("``", "`"), flags=re.M
    )
    lines = [_listed(parts[0].strip())]
    for title, body in zip(parts[1::2], parts[2::2], strict=True):
        lines += [f"**{title}**", _listed(body.strip())]
    return "\n\n".join(lines)


def _listed(text: str) -> str:
    """``name : meaning`` as a list; other lines as they are."""
    lines = []
    for entry in re.split(r"\n(?=\S)", text):
        name, colon, what = entry.partition(" : ")
        said = f"- `{name}`: {' '.join(what.split())}" if colon and "`" not in name else entry
        lines.append(said)
    return "\n".join(lines)


def _documented(record: type) -> dict[str, str]:
    """What is said of each field: by its metadata, else by the class's docstring."""
    said = {
        name.strip(): " ".join(text.split())
        for names, text in re.findall(
            r"^(\w[\w, ]*) : (.*(?:\n    .*)*)", inspect.getdoc(record) or "", flags=re.M
        )
        for name in names.split(",")
    }
    fields = {one.name: one.metadata.get("doc", "") for one in dataclasses.fields(record)}
    return {name: doc or said.get(name, "") for name, doc in fields.items()}


def _range(about: Any) -> str:
    choices, low, high = (about.get(name) for name in ("choices", "minimum", "maximum"))
    if choices is not None:
        return ", ".join(f"`{one}`" for one in choices)
    if low is None and high is None:
        return ""
    return f"{_bound(low)} to {_bound(high)}".strip()


def _bound(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def _spelling(action: argparse.Action) -> str:
    value = action.metavar or ("" if action.nargs == 0 else action.dest.upper())
    if isinstance(value, tuple):
        value = " ".join(value)
    if not action.option_strings:
        return f"`{action.metavar or action.dest}`"
    if action.choices and not action.metavar:
        value = "{" + ",".join(map(str, action.choices)) + "}"
    return ", ".join(
        f"`{name} {value}`" if value else f"`{name}`" for name in action.option_strings
    )


def _help(action: argparse.Action) -> str:
    return (action.help or "") % {"default": action.default, "prog": "chipdse"}


def _about(parser: Parser) -> str:
    return _plain(parser.description or "")


def _slug(name: str) -> str:
    return name.replace(" ", "-")


def _code(value: Any) -> str:
    return "required" if value is dataclasses.MISSING else f"`{value!r}`".replace("'", '"')


def _plain(text: str) -> str:
    """Text of the program inside Markdown: what it says, not what it would mean there."""
    parts = re.split(r"(`[^`]*`)", text.replace("``", "`"))
    return "".join(
        one if one.startswith("`") else re.sub(r"([\\*_|<>\[\]{}$])", r"\\\1", one) for one in parts
    )


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(one.replace("\n", " ") for one in line) + " |" for line in lines
    )


def _fence(language: str, text: str) -> str:
    return f"```{language}\n{text.strip()}\n```"


def _page(parts: list[str]) -> str:
    note = "% Written by docs/generate.py from the code; edit the code.\n\n"
    return note + "\n\n".join(part for part in parts if part) + "\n"
