"""Figures of the documentation from stored runs: measured by one command, held by a test.

    python docs/figures.py            run everything, store it in figures/runs/, rewrite pages
    python docs/figures.py --pages    rewrite the pages from what is stored
    python docs/figures.py --check    say which figures differ, change nothing
    python docs/figures.py docs/tutorial/tutorial.md    the same for one page
    python docs/figures.py --pdk FOLDER    also what needs Liberty files that do not ship

`docs/figure_texts.py` (tutorial), `mac_array_texts.py`, `block_texts/` and `concept_texts/` say
which sentences and tables hold which figures. Each is found by its words; a sentence that is no
longer on its page is an error. What changed by more than 0.5 % is printed: read those sentences
again, as their conclusion may not hold any more.
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
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
from page_figures import TOLERANCE, Text, differences, rewritten

import chipdse
from chipdse.evaluate import evaluate
from chipdse.store.store import Store, default_store
from chipdse.study.question.sweep_file import read_sweep

DOCS = Path(__file__).parent
STORED = DOCS / "figures" / "runs"
SWEEPS = ("which_adder", "fir", "mac_precision", "mac_array", "edge_classifier")
TABLE_SWEEPS = (
    "adder",
    "aes_sbox",
    "ascon",
    "cordic",
    "d2d_link",
    "dot_product",
    "fft",
    "fifo",
    "fir_folding",
    "keccak",
    "mac_array_packages",
    "masked",
    "memory_boundary",
    "multiplier",
    "nodes",
    "noc_router",
    "ntt",
    "rv32",
    "rv32_programs",
    "zero_gating",
)
"""Sweeps of which only the parameters and `COLUMNS` are stored."""
COLUMNS = (
    "block_area_m2",
    "vdd_v",
    "f_max_hz",
    "ops_per_cycle",
    "block_throughput_ops_per_s",
    "block_energy_per_op_j",
    "block_power_w",
    "block_register_power_w",
    "block_wire_power_w",
    "block_clock_tree_power_w",
    "block_glitch_power_w",
    "energy_per_op_j",
    "silicon_area_m2",
)
PACKAGE_COLUMNS = (
    "power_w",
    "link_power_w",
    "die_area_m2",
    "cost_usd",
    "throughput_ops_per_s",
    "embodied_kgco2e",
    "operational_kgco2e",
    "total_kgco2e",
    "peak_temperature_c",
)
"""What is stored of `mac_array_packages` besides."""
RUN_COLUMNS = ("work_per_run", "cycles_per_run", "time_per_run_s", "block_energy_per_run_j")
MORE_COLUMNS = {
    "rv32_programs": RUN_COLUMNS,
    "mac_array_packages": PACKAGE_COLUMNS,
    "nodes": ("block_leakage_power_w", "cost_usd", "throughput_ops_per_s"),
    "masked": ("peak_power_w", "max_t_first_order"),
}
"""What is stored of a sweep besides `COLUMNS`."""
PDK_SWEEPS = {"nodes": ("gf180mcu", "asap7", "gt2n")}
"""Public libraries that a sweep needs, from the folder of Liberty files."""
IHP = "{pdk}/ihp-sg13g2/sg13g2_stdcell_typ_1p20V_25C.lib.gz"
SKY130HD = "{pdk}/sky130hd/sky130_fd_sc_hd__tt_025C_1v80.lib.gz"
BENCHMARKS: dict[str, tuple[str, ...]] = {
    "block_choices": ("block_choices.py",),
    "link_coding": ("link_coding.py",),
    "composed": ("search/composed.py",),
    "digits_chips": ("digits_chips.py",),
    "mapping": ("mapping.py", "--liberty", IHP),
    "guarantee": ("guarantee.py", "--sweep"),
    "flavours": (
        "flavours.py",
        "--liberty",
        *(
            f"{{pdk}}/gt2n/gt2_6t_w31_{name}_tt_0p7v25c.lib.gz"
            for name in ("hvt", "svt", "lvt", "ulvt")
        ),
    ),
    "package_ranges": ("package_ranges.py",),
    "physical_keccak": (
        "physical_levels.py",
        "--library",
        f"sky130hd={SKY130HD}",
        "--library",
        f"ihp={IHP}",
        "--only",
        "keccak",
        "--goal",
        "delay",
    ),
    "physical_front": ("physical_front.py",),
    "physical_front_delay": ("physical_front.py", "--goal", "delay"),
}
"""Scripts in `benchmarks/` whose line of JSON is stored; `{pdk}` is the folder of Liberty files."""
KEPT = 6  # significant digits of what is stored


class NotStored(LookupError):
    """A run that a text needs was never measured."""


@dataclass(kw_only=True)
class Runs:
    """What was measured: sweeps as tables, points of them by their parameters, benchmarks.

    benchmarks : what each printed
    measuring : evaluate the points that are not stored instead of refusing
    """

    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    benchmarks: dict[str, dict[str, Any]] = field(default_factory=dict)
    points: dict[str, dict[str, float]] = field(default_factory=dict)
    measuring: bool = False

    def point(
        self,
        sweep: str,
        physical: Mapping[str, Any] | None = None,
        synthesis: Mapping[str, Any] | None = None,
        **values: Any,
    ) -> Any:
        """Metrics of one point of a sweep file, every axis given.

        physical, synthesis : options that differ from the file's
        """
        asked = [sweep, dict(sorted(values.items())), dict(physical or {})]
        key = json.dumps([*asked, dict(synthesis)] if synthesis else asked)
        if key not in self.points:
            if not self.measuring:
                raise NotStored(f"{key} is not stored; run 'python docs/figures.py'")
            self.points[key] = measured(sweep, physical or {}, values, synthesis or {})
        return self.points[key]

    def table(self, sweep: str) -> pd.DataFrame:
        """Every point of a sweep."""
        if sweep not in self.tables:
            raise NotStored(f"{sweep} is not stored; run 'python docs/figures.py'")
        return self.tables[sweep]

    def row(self, sweep: str, **values: Any) -> Any:
        """The one row of a sweep's table that has these parameters."""
        table = self.table(sweep)
        for name, value in values.items():
            table = table[table[name] == value]
        if len(table) != 1:
            raise LookupError(f"{sweep} has {len(table)} points with {values}")
        return table.iloc[0]

    def benchmark(self, name: str) -> dict[str, Any]:
        """What a benchmark printed."""
        if name not in self.benchmarks:
            raise NotStored(f"{name} is not stored; run 'python docs/figures.py'")
        return self.benchmarks[name]

    def result(self, benchmark: str, part: str = "results", **values: Any) -> dict[str, Any]:
        """The one result of a benchmark that has these values."""
        rows = self.benchmark(benchmark)[part]
        matches = [row for row in rows if all(row.get(n) == value for n, value in values.items())]
        if len(matches) != 1:
            raise LookupError(f"{benchmark} has {len(matches)} results with {values}")
        return dict(matches[0])


def sweep_file(name: str) -> Path:
    """A sweep that ships; the tutorial's own is a listing of its page."""
    if name != "which_adder":
        return DOCS.parent / "sweeps" / f"{name}.toml"
    listing = re.search(
        r"```toml\n(# which_adder\.toml\n.*?)```",
        (DOCS / "tutorial" / "tutorial.md").read_text(),
        re.S,
    )
    assert listing is not None
    file = Path(tempfile.mkdtemp()) / "which_adder.toml"
    file.write_text(listing[1])
    return file


def measured(
    sweep: str,
    physical: Mapping[str, Any],
    values: Mapping[str, Any],
    synthesis: Mapping[str, Any] | None = None,
) -> dict[str, float]:
    """Every metric of one point, evaluated now."""
    plan = read_sweep(sweep_file(sweep))
    design = plan.template.design(dict(values))
    design = dataclasses.replace(
        design,
        physical=dataclasses.replace(design.physical, **physical),
        synthesis=dataclasses.replace(design.synthesis, **(synthesis or {})),
    )
    metrics = evaluate(design, Store(root=default_store())).flat()
    return {name: float(f"{value:.{KEPT}g}") for name, value in metrics.items()}


def run_sweep(name: str, folder: Path, pdk: Path | None = None) -> pd.DataFrame:
    """Every point of a sweep, run now from an empty study."""
    study, environment = folder / name, dict(os.environ)
    chipdse_command = [sys.executable, "-m", "chipdse"]
    if name in PDK_SWEEPS:  # libraries that the user has added under these names are not used
        environment["CHIPDSE_CONFIG"] = str(folder / "settings")
        for library in PDK_SWEEPS[name]:
            get = [*chipdse_command, "library", "get", library, "--from", str(pdk)]
            subprocess.run(get, check=True, stdout=subprocess.DEVNULL, env=environment)
    subprocess.run(
        [*chipdse_command, "sweep", str(sweep_file(name)), "--no-report", "--study", str(study)],
        check=True,
        stdout=subprocess.DEVNULL,
        env=environment,
    )
    return chipdse.load_study(study).points()


def run_benchmark(name: str, pdk: Path | None) -> dict[str, Any]:
    """What a benchmark prints when it is run now."""
    script, *options = (part.replace("{pdk}", str(pdk)) for part in BENCHMARKS[name])
    command = [sys.executable, str(DOCS.parent / "benchmarks" / script), *options]
    environment = os.environ | {"PYTHONPATH": str(DOCS.parent)}  # of the package `benchmarks`
    printed = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, env=environment
    ).stdout
    return dict(json.loads(printed.splitlines()[-1]))


def read_runs() -> Runs:
    """What is stored."""
    files = {name: STORED / f"{name}.csv" for name in (*SWEEPS, *TABLE_SWEEPS)}
    tables = {name: pd.read_csv(file) for name, file in files.items() if file.is_file()}
    printed = {name: STORED / f"{name}.json" for name in (*BENCHMARKS, "points")}
    read = {name: json.loads(file.read_text()) for name, file in printed.items() if file.is_file()}
    return Runs(tables=tables, points=read.pop("points", {}), benchmarks=read)


def store_runs(runs: Runs) -> None:
    """Write tables, benchmarks and points, six digits of each number."""
    STORED.mkdir(exist_ok=True)
    for name, table in runs.tables.items():
        table[columns_kept(name, list(table.columns))].to_csv(
            STORED / f"{name}.csv", index=False, float_format=f"%.{KEPT}g"
        )
    for name, printed in runs.benchmarks.items():
        (STORED / f"{name}.json").write_text(json.dumps(printed, indent=1) + "\n")
    ordered = dict(sorted(runs.points.items()))
    (STORED / "points.json").write_text(json.dumps(ordered, indent=1) + "\n")


def columns_kept(sweep: str, columns: list[str]) -> list[str]:
    """The columns of a sweep's table that are stored: all, or its parameters and `COLUMNS`."""
    if sweep in SWEEPS:
        return [name for name in columns if name not in ("violations", "failure")]
    described = ("trial", "state", "on_front", "origin", "violations", "failure")
    parameters = columns[: columns.index("block_area_m2")]
    figures = (*COLUMNS, *MORE_COLUMNS.get(sweep, ()))
    return [
        name
        for name in columns
        if (name in parameters and name not in described) or name in figures
    ]


def page_texts() -> ModuleType:
    """`figure_texts.py`, from beside this file."""
    spec = importlib.util.spec_from_file_location("figure_texts", DOCS / "figure_texts.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["figure_texts"] = module
    spec.loader.exec_module(module)
    return module


def texts_stored(make: Callable[[Runs], Iterator[Text]], runs: Runs) -> tuple[list[Text], str]:
    """The texts of a page up to the first whose run is not stored, and which run that is."""
    texts = []
    try:
        for text in make(runs):
            texts.append(text)
    except NotStored as error:
        return texts, str(error)
    return texts, ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pages", action="store_true", help="rewrite from what is stored")
    parser.add_argument("--check", action="store_true", help="say what differs, change nothing")
    parser.add_argument("--pdk", type=Path, help="folder of Liberty files, for what needs them")
    parser.add_argument("page", nargs="*", help="pages to do, from the project's folder; all")
    arguments = parser.parse_args()
    module = page_texts()
    if unknown := set(arguments.page) - set(module.PAGES):
        parser.error(f"no figures are known of {sorted(unknown)}; pages are {[*module.PAGES]}")
    pages = {name: module.PAGES[name] for name in arguments.page or module.PAGES}
    runs = read_runs()
    if not (arguments.pages or arguments.check):
        sweeps = [*dict.fromkeys(name for page in pages for name in module.SWEEPS.get(page, ()))]
        # The points of other pages stay as they are stored.
        others = {
            key: value for key, value in runs.points.items() if json.loads(key)[0] not in sweeps
        }
        runs = dataclasses.replace(runs, points=others, measuring=True)
        with tempfile.TemporaryDirectory() as folder:
            for name in sweeps:
                if arguments.pdk is None and name in PDK_SWEEPS:
                    print(f"{name}: stays as it is stored, as it needs --pdk FOLDER")
                    continue
                start = time.monotonic()
                runs.tables[name] = run_sweep(name, Path(folder), arguments.pdk)
                print(f"{name}: {len(runs.tables[name])} points, {time.monotonic() - start:.0f} s")
        for name in dict.fromkeys(n for page in pages for n in module.BENCHMARKS.get(page, ())):
            if arguments.pdk is None and any("{pdk}" in part for part in BENCHMARKS[name]):
                print(f"{name}: stays as it is stored, as it needs --pdk FOLDER")
                continue
            start = time.monotonic()
            runs.benchmarks[name] = run_benchmark(name, arguments.pdk)
            print(f"{name}: {time.monotonic() - start:.0f} s")
        start = time.monotonic()
        for make in pages.values():
            list(make(runs))  # evaluates what it asks for
        print(f"{len(runs.points) - len(others)} points more, {time.monotonic() - start:.0f} s")
        store_runs(runs)
        runs = read_runs()
    changed = 0
    for name, make in pages.items():
        file = DOCS.parent / name
        texts, missing = texts_stored(make, runs)
        if missing:
            print(f"{name}: {missing}")
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
