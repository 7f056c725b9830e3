"""Figures of the documentation from stored runs: measured by one command, held by a test.

    python docs/figures.py            run everything, store it in figures/runs/, rewrite pages
    python docs/figures.py --pages    rewrite the pages from what is stored
    python docs/figures.py --check    say which figures differ, change nothing
    python docs/figures.py docs/tutorial/tutorial.md    the same for one page

`docs/figure_texts.py` says which sentences and tables hold which figures. Each is found by its
words; a sentence that is no longer on its page is an error. What changed by more than 0.5 % is
printed: read those sentences again, as their conclusion may not hold any more.
"""

from __future__ import annotations

import argparse
import dataclasses
import difflib
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd

import chipdse
from chipdse.evaluate import evaluate
from chipdse.store.store import Store, default_store
from chipdse.study.question.sweep_file import read_sweep

DOCS = Path(__file__).parent
STORED = DOCS / "figures" / "runs"
TOLERANCE = 0.005
SWEEPS = ("which_adder", "fir", "mac_precision", "mac_array")
KEPT = 6  # significant digits of what is stored
_NUMBER = r"(-?\d[\d,]*\.?\d*)"
_SLOT = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, kw_only=True)
class Text:
    """A sentence or a row of a table: its words, with a slot for each figure.

    Parameters
    ----------
    words : the text with ``{}`` or ``{:format}`` in place of each figure; spaces and line ends
        are alike
    values : one for each slot, in the unit of the text
    """

    words: str
    values: tuple[float, ...]

    def pattern(self) -> re.Pattern[str]:
        """Finds the text on its page, a group for each figure."""
        parts = _SLOT.split(self.words)[::2]
        literal = [r"\s+".join(map(re.escape, re.split(r"\s+", part))) for part in parts]
        return re.compile(_NUMBER.join(literal))

    def shown(self) -> list[str]:
        """The figures as they are printed."""
        return [shown(v, f) for v, f in zip(self.values, self.formats(), strict=True)]

    def formats(self) -> list[str]:
        """What each slot asks for."""
        return [slot.lstrip(":") for slot in _SLOT.findall(self.words)]


def shown(value: float, form: str = "") -> str:
    """A figure in a text: three digits, or more before the point, unless `form` says otherwise."""
    if form:
        return format(value, form)
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{float(f'{value:.3g}'):g}"


def agrees(printed: str, value: float) -> bool:
    """Whether a printed figure is a value within 0.5 %, or within its own last digit's half."""
    plain = printed.replace(",", "")
    last = 10.0 ** -len(plain.partition(".")[2])
    allowed = max(TOLERANCE * abs(value), 0.5 * last * (1 + 1e-9))
    return abs(float(plain) - value) <= allowed


@dataclass(kw_only=True)
class Runs:
    """What was measured: sweeps as tables, points of them by their parameters.

    measuring : evaluate the points that are not stored instead of refusing
    """

    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    points: dict[str, dict[str, float]] = field(default_factory=dict)
    measuring: bool = False

    def point(self, sweep: str, physical: Mapping[str, Any] | None = None, **values: Any) -> Any:
        """Metrics of one point of a sweep file, every axis given."""
        key = json.dumps([sweep, dict(sorted(values.items())), dict(physical or {})])
        if key not in self.points:
            if not self.measuring:
                raise LookupError(f"{key} is not stored; run 'python docs/figures.py'")
            self.points[key] = measured(sweep, physical or {}, values)
        return self.points[key]

    def table(self, sweep: str) -> pd.DataFrame:
        """Every point of a sweep."""
        if sweep not in self.tables:
            raise LookupError(f"{sweep} is not stored; run 'python docs/figures.py'")
        return self.tables[sweep]

    def row(self, sweep: str, **values: Any) -> Any:
        """The one row of a sweep's table that has these parameters."""
        table = self.table(sweep)
        for name, value in values.items():
            table = table[table[name] == value]
        if len(table) != 1:
            raise LookupError(f"{sweep} has {len(table)} points with {values}")
        return table.iloc[0]


def sweep_file(name: str) -> Path:
    """A sweep that ships; the tutorial's own is a listing of its page."""
    if name != "which_adder":
        return DOCS.parent / "sweeps" / f"{name}.toml"
    found = re.search(
        r"```toml\n(# which_adder\.toml\n.*?)```",
        (DOCS / "tutorial" / "tutorial.md").read_text(),
        re.S,
    )
    assert found is not None
    file = Path(tempfile.mkdtemp()) / "which_adder.toml"
    file.write_text(found[1])
    return file


def measured(
    sweep: str, physical: Mapping[str, Any], values: Mapping[str, Any]
) -> dict[str, float]:
    """Every metric of one point, evaluated now."""
    plan = read_sweep(sweep_file(sweep))
    design = plan.template.design(dict(values))
    design = dataclasses.replace(design, physical=dataclasses.replace(design.physical, **physical))
    found = evaluate(design, Store(root=default_store())).flat()
    return {name: float(f"{value:.{KEPT}g}") for name, value in found.items()}


def run_sweep(name: str, folder: Path) -> pd.DataFrame:
    """Every point of a sweep, run now from an empty study."""
    study = folder / name
    command = [sys.executable, "-m", "chipdse", "sweep", str(sweep_file(name)), "--no-report"]
    subprocess.run(
        [*command, "--study", str(study)], check=True, stdout=subprocess.DEVNULL, env=os.environ
    )
    return chipdse.load_study(study).points()


def read_runs() -> Runs:
    """What is stored."""
    files = {name: STORED / f"{name}.csv" for name in SWEEPS}
    tables = {name: pd.read_csv(file) for name, file in files.items() if file.is_file()}
    points = STORED / "points.json"
    return Runs(tables=tables, points=json.loads(points.read_text()) if points.is_file() else {})


def store_runs(runs: Runs) -> None:
    """Write tables and points, six digits of each number."""
    STORED.mkdir(exist_ok=True)
    for name, table in runs.tables.items():
        keep = [each for each in table.columns if each not in ("violations", "failure")]
        table[keep].to_csv(STORED / f"{name}.csv", index=False, float_format=f"%.{KEPT}g")
    ordered = dict(sorted(runs.points.items()))
    (STORED / "points.json").write_text(json.dumps(ordered, indent=1) + "\n")


def page_texts() -> ModuleType:
    """`figure_texts.py`, from beside this file."""
    spec = importlib.util.spec_from_file_location("figure_texts", DOCS / "figure_texts.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["figure_texts"] = module
    spec.loader.exec_module(module)
    return module


def differences(page: str, texts: Iterable[Text]) -> Iterator[str]:
    """Figures on a page that are not what was measured, and sentences that are not there."""
    for text in texts:
        found = list(text.pattern().finditer(page))
        if len(found) != 1:
            yield f"{len(found)} times on the page instead of once: {text.words!r}"
            continue
        for printed, value in zip(found[0].groups(), text.values, strict=True):
            if not agrees(printed, value):
                yield f"{printed} is {value:.4g} now: {' '.join(text.words.split())}"


def rewritten(page: str, texts: Iterable[Text]) -> str:
    """A page with the figures that were measured."""
    for text in texts:
        found = text.pattern().search(page)
        if found is None:
            raise LookupError(f"not on the page: {text.words!r}")
        parts, end = [], found.start()
        for number, figure in enumerate(text.shown(), 1):
            before = page[end : found.start(number)]
            parts += [_aligned(before, len(figure) - len(found[number])), figure]
            end = found.end(number)
        page = page[: found.start()] + "".join(parts) + page[end:]
    return page


def _aligned(before: str, longer: int) -> str:
    """Text before a figure, with as many spaces less as a column of figures needs."""
    if not before.endswith("  "):
        return before
    words = before.rstrip(" ")
    return words + " " * max(1, len(before) - len(words) - longer)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pages", action="store_true", help="rewrite from what is stored")
    parser.add_argument("--check", action="store_true", help="say what differs, change nothing")
    parser.add_argument("page", nargs="*", help="pages to do, from the project's folder; all")
    arguments = parser.parse_args()
    module = page_texts()
    if unknown := set(arguments.page) - set(module.PAGES):
        parser.error(f"no figures are known of {sorted(unknown)}; pages are {[*module.PAGES]}")
    pages = {name: module.PAGES[name] for name in arguments.page or module.PAGES}
    runs = read_runs()
    if not (arguments.pages or arguments.check):
        sweeps = [name for page in pages for name in module.SWEEPS[page]]
        # The points of other pages stay as they are stored.
        others = {
            key: value for key, value in runs.points.items() if json.loads(key)[0] not in sweeps
        }
        runs = Runs(tables=runs.tables, points=others, measuring=True)
        with tempfile.TemporaryDirectory() as folder:
            for name in sweeps:
                start = time.monotonic()
                runs.tables[name] = run_sweep(name, Path(folder))
                print(f"{name}: {len(runs.tables[name])} points, {time.monotonic() - start:.0f} s")
        start = time.monotonic()
        for make in pages.values():
            list(make(runs))  # evaluates what it asks for
        print(f"{len(runs.points) - len(others)} points more, {time.monotonic() - start:.0f} s")
        store_runs(runs)
        runs = read_runs()
    changed = 0
    for name, make in pages.items():
        file, texts = DOCS.parent / name, list(make(runs))
        before = file.read_text()
        for line in differences(before, texts):
            changed += 1
            print(f"{name}: {line}")
        if not arguments.check:
            after = rewritten(before, texts)
            lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0)
            print(f"{name}: {sum(line.startswith('+') for line in lines)} lines rewritten")
            file.write_text(after)
    print(f"{changed} figures differ by more than {TOLERANCE:.1%}: read their sentences again")
    return 1 if arguments.check and changed else 0


if __name__ == "__main__":
    raise SystemExit(main())
