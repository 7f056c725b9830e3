"""Generates the reference pages from the code, so that no description is written twice.

Each function returns one Markdown page; `write_reference` writes all of them. The descriptions
come from the parsers, the records of the blocks and the result records.
"""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import textwrap
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import page_text
from chipdse_hdl import BLOCKS
from descriptions import (
    Parser,
    described,
    description_of,
    documented,
    help_of,
    spelling_of,
)

import chipdse
from chipdse import errors
from chipdse.cli import build_parser
from chipdse.design import OperatingPoint, PhysicalOptions
from chipdse.evaluate import STAGES
from chipdse.hardware.synthesis_options import SynthesisOptions
from chipdse.metrics import METRICS, BlockReport
from chipdse.study.question.sampler_names import SAMPLERS
from chipdse.study.question.search_table import SEARCH_KEYS
from chipdse.study.question.shipped import questions
from chipdse.study.question.sweep_file import Sweep
from chipdse.system.metrics import CONSTRAINTS, SystemMetrics
from chipdse.system.parameters import PackageParameters
from chipdse.trace_metrics import TRACE_METRICS, TraceMetrics, TraceOptions


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
            for inner in action.choices.values():
                yield inner.prog.partition(" ")[2], inner
                yield from _verbs(inner)


def options(parser: Parser) -> list[argparse.Action]:
    """The arguments of a verb, without `--help` and its sub-verbs."""
    skipped = (argparse._HelpAction, argparse._SubParsersAction)
    return [action for action in parser._actions if not isinstance(action, skipped)]


def command_line() -> str:
    """Every verb with every argument."""
    parsers = dict(verbs())
    page = [
        "# Command line",
        "This page is generated from the parsers of the program. `chipdse VERB --help` prints the "
        "same text.\n\n"
        "Results go to stdout, progress to stderr. `--json` prints one JSON document in SI units. "
        "Exit code 0 means success. Exit code 1 means that the command ran and failed (a tool, a "
        "simulation, no feasible point, a missed limit). Exit code 2 means that the input is "
        "wrong; nothing ran.",
        page_text.table(
            ["verb", ""],
            [
                [f"[`{name}`](#{page_text.slug(name)})", description_of(p)]
                for name, p in parsers.items()
            ],
        ),
    ]
    for name, parser in parsers.items():
        usage = " ".join(parser.format_usage().removeprefix("usage: ").split())
        rows = [
            [spelling_of(action), page_text.plain(help_of(action))] for action in options(parser)
        ]
        page += [
            f"## {name}",
            description_of(parser),
            page_text.fence("sh", textwrap.fill(usage, 96, subsequent_indent="    ")),
        ]
        page += [page_text.table(["argument", ""], rows)] if rows else []
        page += (
            [page_text.fence("sh", textwrap.dedent(parser.epilog.partition("\n")[2]))]
            if parser.epilog
            else []
        )
    return page_text.page(page)


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
    known = METRICS | TRACE_METRICS
    for title, record in (
        ("Of the block", BlockReport),
        ("Of the system", SystemMetrics),
        ("Of power over time, in sweeps that name them", TraceMetrics),
    ):
        names = [field.name for field in dataclasses.fields(record) if field.name in known]
        rows = [
            [
                f"`{n}`",
                known[n]["unit"],
                known[n]["evidence"],
                ", ".join(known[n]["rests_on"]),
                page_text.plain(known[n]["doc"]),
            ]
            for n in names
        ]
        page += [
            f"## {title}",
            page_text.table(["metric", "unit", "evidence", "rests on", ""], rows),
        ]
    rows = [[f"`{name}`", page_text.plain(doc)] for name, doc in CONSTRAINTS.items()]
    page += [
        "## Limits that are always checked",
        "A point that violates one of these limits is infeasible: the study stores it with the "
        "amount of the violation, and it is never on the front. A clock that is faster than the "
        "logic is such a violation (`timing`).",
        page_text.table(["limit", ""], rows),
    ]
    return page_text.page(page)


def blocks() -> str:
    """Every block that ships: parameters, workload, ranges."""
    page = [
        "# Parameters of the blocks",
        "This page is generated from the records of the blocks. `chipdse blocks NAME` also prints "
        "ports, latency and work for given parameters. [The blocks](../blocks/blocks.md) explains "
        "the benefit and the cost of each parameter.",
    ]
    for name, block in BLOCKS.items():
        page += [f"## {name}", page_text.plain(f"{block.summary[0].upper()}{block.summary[1:]}.")]
        for title, record in (("hardware", block.parameters), ("workload", block.workload)):
            rows = [
                [
                    f"`{field.name}`",
                    page_text.code(field.default),
                    page_text.limits(field.metadata),
                    page_text.plain(field.metadata["doc"]),
                ]
                for field in dataclasses.fields(record)
            ]
            page += [page_text.table([f"`[{title}]`", "default", "range", ""], rows)]
    return page_text.page(page)


def sweep_file() -> str:
    """The sections of a sweep file, from the records they become."""
    groups: tuple[tuple[str, type], ...] = (
        ("synthesis", SynthesisOptions),
        ("operating", OperatingPoint),
        ("physical", PhysicalOptions),
        ("package", PackageParameters),
        ("traces", TraceOptions),
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
        meanings = documented(record)
        rows = [
            [
                f"`{field.name}`",
                page_text.code(field.default),
                page_text.limits(field.metadata),
                page_text.plain(meanings[field.name]),
            ]
            for field in dataclasses.fields(record)
        ]
        page += [f"## [{name}]", page_text.table(["parameter", "default", "range", ""], rows)]
    meanings_of_search = documented(Sweep)
    rows = [
        [f"`{name}`", page_text.plain(meanings_of_search.get(name) or _MEANINGS_OF_SEARCH[name])]
        for name in SEARCH_KEYS
    ]
    shipped = [
        [f"`{name}`", page_text.plain(" ".join(text.split()))] for name, text in questions().items()
    ]
    page += [
        "## [search]",
        page_text.table(["key", ""], rows),
        f"Samplers: {', '.join(f'`{sampler}`' for sampler in SAMPLERS)}.",
        "## Sweeps that ship",
        "`chipdse sweep NAME` runs one of these sweeps from any folder.",
        page_text.table(["sweep", "question"], shipped),
    ]
    return page_text.page(page)


_MEANINGS_OF_SEARCH = {
    "seed": "seed of the sampler and of synthesis",
    "sampler": "method that proposes points; `auto` selects it by the size of the space",
    "time": 'propose no point after this time, e.g. "2h"',
    "patience": "stop after this number of evaluations without a better front; 0 never stops",
}


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
        stage_values = stage.described()
        inputs = [
            [f"`{name}`", page_text.plain(meaning)]
            for name, meaning in stage_values["inputs"].items()
        ]
        lists = [
            ("Code", stage_values["code"]),
            ("Code in some cases", stage_values["cases"]),
            ("Data of the package", stage_values["data"]),
            ("Packages whose version counts", list(stage_values["versions"])),
        ]
        texts = [f"{title}: {_names(names)}." for title, names in lists if names]
        page += [
            f"## {stage.name}",
            f"This stage {stage.does}.",
            page_text.table(["input", ""], inputs),
        ]
        page += ["\n\n".join(texts)]
        if stage.runs_user_code:
            page += ["The stage runs code of yours: all that this code reads counts too."]
    return page_text.page(page)


def stage_table() -> str:
    """Every stage in one line, as Markdown."""
    rows = [[stage.name, stage.does, ", ".join(stage.inputs)] for stage in STAGES]
    return page_text.table(
        ["stage", "what it does", "inputs"], [list(map(page_text.plain, row)) for row in rows]
    )


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
        page += described(f"chipdse.{name}", thing)
        if inspect.isclass(thing):
            for method, function in vars(thing).items():
                if inspect.isfunction(function) and not method.startswith("_"):
                    page += described(f"{name}.{method}", function, level=3)
    page += ["## Errors", page_text.fence("none", inspect.getdoc(errors) or "")]
    for name, kind in vars(errors).items():
        if inspect.isclass(kind) and issubclass(kind, Exception):
            page.append(
                f"`{name}`\n: {page_text.plain((inspect.getdoc(kind) or '').partition(chr(10))[0])}"
            )
    return page_text.page(page)


PAGES: dict[str, Callable[[], str]] = {
    "command_line": command_line,
    "sweep_file": sweep_file,
    "blocks": blocks,
    "metrics": metrics,
    "stages": stages,
    "python": python,
}
