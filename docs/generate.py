"""Generates the reference pages from the code, so that no description is written twice.

Each function returns one Markdown page; `write_reference` writes all of them. The descriptions
come from the parsers, the records of the blocks and the result records.
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
from chipdse.hardware.synthesis_options import SynthesisOptions
from chipdse.metrics import METRICS, BlockReport
from chipdse.study.question.sampler_names import SAMPLERS
from chipdse.study.question.shipped import questions
from chipdse.study.question.sweep_file import Sweep
from chipdse.system.metrics import CONSTRAINTS, SystemMetrics
from chipdse.system.parameters import PackageParameters

Parser = argparse.ArgumentParser


def write_reference(folder: Path) -> None:
    """Write every page whose text has changed."""
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
    """The arguments of a verb, without `--help` and its sub-verbs."""
    skipped = (argparse._HelpAction, argparse._SubParsersAction)
    return [one for one in parser._actions if not isinstance(one, skipped)]


def command_line() -> str:
    """Every verb with every argument."""
    found = dict(verbs())
    page = [
        "# Command line",
        "This page is generated from the parsers of the program. `chipdse VERB --help` prints the "
        "same text.\n\n"
        "Results go to stdout, progress to stderr. `--json` prints one JSON document in SI units. "
        "Exit code 0 means success. Exit code 1 means that the command ran and failed (a tool, a "
        "simulation, no feasible point, a missed limit). Exit code 2 means that the input is "
        "wrong; nothing ran.",
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
        "This page is generated from the result records. Each of these metrics, and each swept "
        "number, may be an objective or a limit of a sweep. The evidence `input` means a value "
        "that the user gave, `measured` a value from the simulated design, its netlist and the "
        "library, and `modelled` a value from a published model. A metric has the weakest "
        "evidence of the parts that it rests on: `cells` are modelled if memories are macros, "
        "`layout` is modelled if wires or a clock tree are included, `activity` is estimated "
        "if the block has no workload of its own, and `node` is estimated outside the tables "
        "over process nodes. `chipdse eval`, the report and the `metrics.json` of an export "
        "state the resulting kind.",
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
        "A point that violates one of these limits is infeasible: the study stores it with the "
        "amount of the violation, and it is never on the front. A clock that is faster than the "
        "logic is such a violation (`timing`).",
        _table(["limit", ""], rows),
    ]
    return _page(page)


def blocks() -> str:
    """Every block that ships: parameters, workload, ranges."""
    page = [
        "# Parameters of the blocks",
        "This page is generated from the records of the blocks. `chipdse blocks NAME` also prints "
        "ports, latency and work for given parameters. [The blocks](../blocks/blocks.md) explains "
        "the benefit and the cost of each parameter.",
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
        "This page is generated from the records that a sweep file fills. `[hardware]` and "
        "`[workload]` have the [parameters of the block](blocks.md); `[objectives]` and "
        "`[limits]` name [metrics](metrics.md) or swept numbers; `[library]` has a `name` or "
        "`files`. The options `--synthesis`, `--physical` and `--package` of `chipdse eval` "
        "accept the same names.\n\n"
        "A single value is fixed. A list is swept, and so is a table with `min` and `max` and "
        "one of `step`, `count` (with `log = true`) or `powers_of_two = true`.",
        "## [derived]",
        "Each line defines a metric by an expression, e.g. `macs_per_usd = "
        '"throughput_ops_per_s / total_cost_usd"`. It may be an objective, a limit, an '
        "axis of a plot and a column. An expression has numbers, metrics, swept numbers, "
        "fixed parameters and derived metrics above it, with `+ - * / // %`, comparisons "
        "(1 or 0), `min`, `max`, `abs` and `clog2`. A point where it has no finite value "
        "has failed as an objective and is infeasible as a limit. A table states the unit "
        'and the meaning: `{ expression = "...", unit = "op/s/USD", doc = "..." }`, where '
        "`op` stands for the block's unit of work. The evidence is the weakest evidence "
        "of the metrics in the expression.",
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
        "`chipdse sweep NAME` runs one of these sweeps from any folder.",
        _table(["sweep", "question"], shipped),
    ]
    return _page(page)


_SEARCH = {
    "seed": "seed of the sampler and of synthesis",
    "sampler": "method that proposes points; `auto` selects it by the size of the space",
    "time": 'propose no point after this time, e.g. "2h"',
    "patience": "stop after this number of evaluations without a better front; 0 never stops",
}


def _search_keys() -> Iterable[str]:
    from chipdse.study.question.sweep_file import _SEARCH as keys

    return keys


def stages() -> str:
    """The stages of the flow: what each does and what its result depends on."""
    page = [
        "# Stages",
        "This page is generated from the records of the stages; `chipdse stages` prints the same "
        "list. The result of a stage is stored under a hash of its inputs, of the code that "
        "computes it and of the versions of the packages that this code calls. Code is listed as "
        "`module:function`; chipdse follows these functions through their imports. "
        "[What is checked before a result is reused](../concepts/reuse.md) has the details.",
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
    """The functions and classes of `import chipdse`."""
    page = [
        "# Python",
        "This page is generated from the docstrings of everything that `import chipdse` offers. "
        "All other modules are internal and documented in their source; start with "
        "`chipdse/evaluate.py`.",
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
    """A function's signature as written, on one line or with one parameter per line."""
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
    """The description of each field, from its metadata or from the docstring of the class."""
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
    names = ("choices", "minimum", "above", "maximum")
    choices, low, above, high = (about.get(name) for name in names)
    if choices is not None:
        return ", ".join(f"`{one}`" for one in choices)
    if low is None and above is None:
        return "" if high is None else f"up to {_bound(high)}"
    lowest = f"above {_bound(above)}" if low is None else _bound(low)
    if high is not None:
        return f"{lowest} to {_bound(high)}"
    return lowest if low is None else f"at least {lowest}"


def _bound(value: float) -> str:
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
    """Text of the program for a Markdown page, with the special characters escaped."""
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
