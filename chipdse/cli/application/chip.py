"""Verb `chip`: parts, memories and an application: metrics per task of every chip they make."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chipdse.cli.common import Verbs, add_verb, print_json
from chipdse.errors import DesignError
from chipdse.reading import check_exist
from chipdse.units import show

if TYPE_CHECKING:
    from chipdse.api.chip import Chips
    from chipdse.application.inside.one_chip import OneChip

_LISTED = 1000


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    parser = add_verb(
        verbs,
        "chip",
        "evaluate chips of measured parts and memories on an application, per task",
        "chipdse chip sweeps/chips/image_classifier.toml\n"
        "  chipdse chip sweeps/chips/image_classifier.toml --report chips.html",
        _chip,
    )
    parser.add_argument(
        "file", type=Path, metavar="CHIP.toml", help="chip file: parts, memories and an application"
    )
    parser.add_argument(
        "--plot", type=Path, metavar="FILE", help="draw the layers of the chip with least energy"
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE.html",
        help="write a page of the best chips, two side by side: layers, roofline, floorplan with "
        "temperatures, energy over supply; it needs no network",
    )
    parser.add_argument(
        "--supplies",
        action="store_true",
        help="with --report: measure the part with the network at every characterised supply, too",
    )
    parser.add_argument(
        "--package",
        type=Path,
        metavar="FILE.toml",
        help="write the chip with the least energy as a system for 'chipdse package'",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def _chip(arguments: argparse.Namespace) -> int:
    check_exist(arguments.file)
    if arguments.supplies and arguments.report is None:
        raise DesignError("--supplies is for the page; add --report FILE.html")
    for option in ("--plot", "--report", "--package"):
        path: Path | None = getattr(arguments, option.removeprefix("--"))
        if path is not None and not path.parent.is_dir():  # known before parts are measured
            raise _unwritten(option, path, os.strerror(errno.ENOENT))

    from chipdse.api.chip import BEST_IN, evaluate_chips

    chips = evaluate_chips(arguments.file, progress=True)
    best = {metric: chips.row(chips.best(metric)) for metric in BEST_IN}
    if arguments.plot is not None:
        _plot(chips, arguments.plot)
    if arguments.report is not None:
        _write_report(chips, arguments.report, arguments.file.stem, arguments.supplies)
    if arguments.package is not None:
        _write_package(chips, arguments.package)
    if arguments.json:
        print_json(_document(chips, best))
    else:
        _print(chips, best)
    for note in _notes(chips):
        print(f"note: {note}", file=sys.stderr)
    return 0


def _plot(chips: Chips, path: Path) -> None:
    from chipdse.report.pictures.application import draw_layers

    chip = chips.best("energy_per_task_j")
    layers = chips.layers(chip)
    if not layers:
        raise DesignError("--plot draws the layers of a network, and the chip file has none")
    draw_layers(layers, chips.described(chip), path)


def _write_package(chips: Chips, path: Path) -> None:
    from chipdse.application.inside.system import chip_system, system_text

    system = chip_system(chips.chip_at(chips.best("energy_per_task_j")), path.stem)
    try:
        path.write_text(system_text(system), encoding="utf-8")
    except OSError as error:
        raise _unwritten("--package", path, error.strerror) from error
    print(f"system: {path}", file=sys.stderr)


def _write_report(chips: Chips, path: Path, title: str, all_supplies: bool) -> None:
    try:
        chips.write_report(
            path,
            title=title,
            notes=_notes(chips),
            all_supplies=all_supplies,
            tell=lambda name: print(f"looking into {name}", file=sys.stderr),
        )
    except OSError as error:
        raise _unwritten("--report", path, error.strerror) from error
    print(f"report: {path}", file=sys.stderr)


def _unwritten(option: str, path: Path, why: str | None) -> DesignError:
    return DesignError(f"{option} {str(path)!r} cannot be written: {why}")


def _document(chips: Chips, best: dict[str, dict[str, Any]]) -> dict[str, Any]:
    count = len(chips.table)
    for metric, row in best.items():
        chip = chips.chip_at(chips.best(metric))
        row["layers"] = chip.layers()
        if chips.file.application.tensors is not None:
            row["energy_standard_error_j"] = chip.standard_error_j()
        if chip.dies is not None:
            row["dies"], row["flows"] = _dies(chip)
    document = {
        "question": chips.file.question,
        "evaluations": chips.evaluations,
        "chips": count,
        "best": best,
        "notes": _notes(chips),
        "sources": {key: c.source for key, c in sorted(chips.sources.used.items())},
    }
    if count <= _LISTED:
        document["all"] = [chips.row(chip) for chip in range(count)]
    return document


def _dies(chip: OneChip) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The dies of a chip in its package, and the data between them per task."""
    from chipdse.application.inside.system import chip_system, link_figures
    from chipdse.system.described import evaluate_described
    from chipdse.system.each_die import each_die

    figures = each_die(evaluate_described(chip_system(chip)))
    return [die.document() for die in figures], link_figures(chip)


def _notes(chips: Chips) -> list[str]:
    """What a reader of the result must know."""
    notes = ["all parts are powered during the whole task; wires between them are not counted"]
    if chips.dies is not None:
        notes.append("level shifters, and wires from parts to the links of their die, likewise")
        notes.append("leakage includes the power of idle links")
    if chips.file.application.network is not None:
        tensors = chips.file.application.tensors
        notes.append(
            "energy per MAC is constant: that of the measured workload"
            if tensors is None
            else "energy per MAC of each layer is measured with its own operands"
        )
        if chips.file.application.network.unmapped:
            listed = ", ".join(
                f"{count} {name}" for name, count in chips.file.application.network.unmapped
            )
            notes.append(f"not mapped: {listed}")
    if chips.file.memories.dram is not None:
        notes.append("cost and embodied carbon of the DRAM are not counted")
        if chips.file.memories.dram.idle_w is None:
            notes.append("idle power of the DRAM is not published: not counted")
    return notes


def _print(chips: Chips, best: dict[str, dict[str, Any]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    if chips.file.question:
        print(chips.file.question)
    print(f"{len(chips.table)} chips from {chips.evaluations} measured points of parts")
    same: dict[str, list[str]] = {}
    for metric in best:
        same.setdefault(chips.described(chips.best(metric)), []).append(metric)
    table = Table("best in", *best, "chip", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for text, metrics in same.items():
        row = best[metrics[0]]
        cells = [_shown(metric, row[metric]) for metric in best]
        table.add_row(", ".join(metrics), *cells, text)
    Console(width=None if Console().is_terminal else 10_000).print(table, markup=False)
    for metrics in same.values():
        energies = best[metrics[0]]["energy_by_level_j"]
        total = sum(energies.values())
        shares = ", ".join(f"{level} {j / total:.1%}" for level, j in energies.items() if j)
        print(f"energy of the best in {metrics[0]}: {shares}")
        if error := best[metrics[0]]["constant_energy_error_frac"]:
            print(f"  with one energy per MAC for all layers it would be off by {error:+.1%}")
        if missed_j := chips.chip_at(chips.best(metrics[0])).standard_error_j():
            share = missed_j / total
            print(f"  standard error, from drawn tiles: {show(missed_j, 'J')} ({share:.2%})")
        if chips.dies is not None:
            _print_dies(chips.chip_at(chips.best(metrics[0])))


def _print_dies(chip: OneChip) -> None:
    dies, flows = _dies(chip)
    for die in dies:
        peak = die["peak_temperature_c"]
        print(
            f"  {die['count']} x die {die['name']}: {die['area_m2'] * 1e6:.4g} mm2 at "
            f"{die['node_nm']:g} nm, {die['tested_usd']:.3g} USD, {die['tested_kgco2e']:.3g} kg, "
            + ("no stable temperature" if peak is None else f"{peak:.1f} °C")
        )
    for flow in flows:
        print(
            f"  {flow['name']}: {flow['bits']:.4g} bits over links in {show(flow['time_s'], 's')}, "
            f"{show(flow['energy_j'], 'J')}"
        )


def _shown(metric: str, value: float) -> str:
    if metric.endswith("_j"):
        return show(value, "J")
    if metric.endswith("_s"):
        return show(value, "s")
    return f"{value:.4g} USD" if metric.endswith("_usd") else f"{value:.4g} kg"
