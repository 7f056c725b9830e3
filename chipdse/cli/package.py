"""`chipdse package`: cost, yield, temperature and carbon of one described system."""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chipdse.errors import DesignError, InfeasibleError
from chipdse.reading import check_exist
from chipdse.units import show

if TYPE_CHECKING:
    from chipdse.system.described import Evaluation

_EXAMPLE = """\
example:
  chipdse package sweeps/systems/two_chiplets.toml --plot two_chiplets.svg
  chipdse package sweeps/systems/memory_on_logic.toml --json --sources
  chipdse package sweeps/systems/interposer_with_memory.toml --3dblox assembly

The file describes dies ([[die]]), the package ([package]) and the links ([link]); see
docs/concepts/packages.md. Exit code 1: the system misses a limit, which is named."""


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the verb."""
    parser = verbs.add_parser(
        "package",
        help="cost, yield, temperature, carbon of one system",
        description="Cost, yield, temperature and carbon of one system.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "system", type=Path, metavar="SYSTEM.toml", help="description of the system"
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="figure: .svg, .png or .pdf")
    parser.add_argument(
        "--3dblox", type=Path, metavar="DIR", dest="threedblox", help="write the assembly as 3DBlox"
    )
    parser.add_argument("--sources", action="store_true", help="list every constant used")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Evaluate the file and print; 1 if it misses a limit."""
    check_exist(arguments.system)

    from chipdse.system.described import evaluate_described
    from chipdse.system.system_file import load_system

    evaluation = evaluate_described(load_system(arguments.system))
    if arguments.plot is not None:
        from chipdse.report.pictures.package import draw_package

        draw_package(evaluation, arguments.plot)
    if arguments.threedblox is not None:
        _write_threedblox(evaluation, arguments.threedblox)
    if arguments.json:
        print(json.dumps(_document(evaluation, arguments.sources), indent=1, allow_nan=False))
    else:
        print(_text(evaluation))
        if arguments.sources:
            print(_sources_text(evaluation))
    if evaluation.complaints:
        raise InfeasibleError(f"{arguments.system}: " + "; ".join(evaluation.complaints))
    return 0


def _write_threedblox(evaluation: Evaluation, folder: Path) -> None:
    from chipdse.export.threedblox import threedblox_files
    from chipdse.system.arrays.temperature import geometry_of

    geometry = geometry_of(evaluation.columns, evaluation.parts.dies, 0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in threedblox_files(
            geometry, evaluation.sources, evaluation.system.name
        ).items():
            (folder / name).write_text(text)
    except OSError as error:
        raise DesignError(f"--3dblox {str(folder)!r}: {error.strerror}") from error


def _shown(value: float, unit: str) -> str:
    return show(value, unit) if math.isfinite(value) else "not known"


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _document(evaluation: Evaluation, sources: bool) -> dict[str, Any]:
    from chipdse.report.pictures.package_parts import carbon_parts, cost_parts

    values = dataclasses.asdict(evaluation.metrics)
    limits = values.pop("constraints")
    dies = evaluation.parts.dies
    document: dict[str, Any] = {
        "system": evaluation.system.name,
        "metrics": {k: _finite(v) for k, v in values.items()},
        "cost_usd": cost_parts(evaluation),
        "embodied_kgco2e": carbon_parts(evaluation),
        "dies": [
            {
                "name": name,
                "count": int(dies.count[0, i]),
                "area_m2": float(dies.area_m2[0, i]),
                "node_nm": float(dies.node_nm[0, i]),
                "yield_frac": float(evaluation.parts.fabrication.die_yield[0, i]),
            }
            for i, name in enumerate(dies.names)
        ],
        "violations": evaluation.metrics.violations,
        "limits": {k: _finite(v) for k, v in limits.items()},
        "complaints": list(evaluation.complaints),
    }
    if sources:
        document["sources"] = [
            {
                "key": c.key,
                "value": c.published,
                "unit": c.unit,
                "doc": c.doc,
                "source": c.source,
                "note": c.note,
                "evidence": c.evidence,
            }  # fmt: skip
            for c in sorted(evaluation.sources.used.values(), key=lambda c: c.key)
        ]
    return document


def _text(evaluation: Evaluation) -> str:
    from chipdse.report.pictures.package_parts import carbon_parts, cost_parts

    m, package = evaluation.metrics, evaluation.system.package
    dies = ", ".join(
        f"{int(n)} x {name} {area * 1e6:.4g} mm² (yield {y:.1%})"
        for name, n, area, y in zip(
            evaluation.parts.dies.names,
            evaluation.parts.dies.count[0],
            evaluation.parts.dies.area_m2[0],
            evaluation.parts.fabrication.die_yield[0],
            strict=True,
        )
    )  # fmt: skip
    rows = [
        ("dies", dies),
        ("arrangement", package.arrangement),
        ("throughput", f"{_shown(m.throughput_ops_per_s, 'op/s')}, bound by {m.bound_by}"),
        ("power", f"{_shown(m.power_w, 'W')}, of it links {show(m.link_power_w, 'W')},"
                  f" leakage {_shown(m.leakage_power_w, 'W')}"),
        ("energy", f"{_shown(m.energy_per_op_j, 'J')} per operation"),
        ("temperature", f"hottest {m.peak_temperature_c:.2f} °C, mean of the compute dies"
                        f" {m.mean_temperature_c:.2f} °C"),
        ("cost", f"{m.cost_usd:.2f} USD recurring, {m.nre_usd:.2f} USD design at"
                 f" {package.volume:.4g} systems"),
        *(("", f"{v:12.4f} USD  {k}") for k, v in cost_parts(evaluation).items() if v),
        ("embodied", f"{m.embodied_kgco2e:.4g} kg CO2e, {m.embodied_low_kgco2e:.4g} to"
                     f" {m.embodied_high_kgco2e:.4g}; made in {package.grid_fab}"),
        *(("", f"{v:12.4f} kg   {k}") for k, v in carbon_parts(evaluation).items() if v),
        ("operation", f"{m.operational_kgco2e:.4g} kg CO2e in {package.life_years:g} years at"
                      f" {package.duty:.0%} duty; runs in {package.grid_use}"),
        ("evidence", m.evidence + (
            ": a node is not in the cost and carbon tables" if m.evidence == "estimated" else "")),
    ]  # fmt: skip
    lines = [evaluation.system.name, *(f"  {name:12s} {value}" for name, value in rows)]
    return "\n".join(lines)


def _sources_text(evaluation: Evaluation) -> str:
    lines = ["", "constants used:"]
    for c in sorted(evaluation.sources.used.values(), key=lambda c: c.key):
        mark = " (estimate)" if c.evidence == "estimated" else ""
        lines.append(
            f"  {c.key} = {c.published:g} {c.unit}{mark}: {c.source}"
            + (f"; {c.note}" if c.note else "")
        )
    return "\n".join(lines)
