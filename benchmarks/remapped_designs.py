"""Critical paths and hold buffers of routed designs that are mapped again from gates.

A table and one JSON line:

    python -m benchmarks.remapped_designs ROUTED --pdk FOLDER [--only DESIGN ...]

ROUTED and FOLDER are those of `benchmarks.routed_designs`. The RTL of these designs is not part of
them, so each routed netlist is turned back into gates without drive strengths, buffers and clock
tree, mapped with the default options, and timed with wires by formula and with placed wires, before
and after the growth of the path. The structure of the flow's logic remains; that of its RTL, such
as adders and enables, is lost. The figures are estimate / routed with extracted wires and the real
clock tree. Hold buffers are counted with the hold slack that fits the other designs best.
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
import tempfile
from pathlib import Path

from pyosys import libyosys

from benchmarks.layout_tables import Row, number, read_tables, routed_path_ns
from benchmarks.routed_estimates import CLOCKS, LIBERTY, Technology, technology_of
from chipdse.arrays import Floats
from chipdse.hardware.elaborate import Rtl
from chipdse.hardware.synthesis_options import SynthesisOptions
from chipdse.hardware.synthesise import synthesise
from chipdse.netlist.layout.hold_repair import launch_hold_slacks_s
from chipdse.netlist.layout.wires import formula_routes, placed_routes, wires_of
from chipdse.netlist.timing.graph import build_timing_graph
from chipdse.netlist.timing.timing import analyse_timing
from chipdse.netlist.verilog.reader import read_verilog
from chipdse.technology.constants import Sources

SLACKS_S = tuple(round(0.01e-9 * step, 14) for step in range(101))
"""Hold slacks that are tried [s]."""
PHYSICAL = ("*fill*", "*tap*", "*decap*", "*diode*", "*antenna*", "*endcap*")
"""Names of cells that are no logic."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("routed", type=Path, help="folder of the routed designs")
    parser.add_argument("--pdk", type=Path, required=True, help="folder of the Liberty files")
    parser.add_argument("--only", nargs="+", default=[], help="names of designs")
    arguments = parser.parse_args()
    truth = read_tables(arguments.routed).truth
    results = []
    holds: dict[str, dict[str, tuple[Floats, int]]] = {}
    for file in sorted((arguments.routed / "designs").glob("*.v.gz")):
        tech, _, name = file.name.removesuffix(".v.gz").partition("__")
        technology = technology_of(tech, arguments.pdk)
        if isinstance(technology, str) or (arguments.only and name not in arguments.only):
            continue
        liberty = next(arguments.pdk.glob(LIBERTY[tech]))
        with tempfile.TemporaryDirectory() as folder:
            row, quickest_s = paths(
                technology, liberty, file, name, truth[tech, name], Path(folder)
            )
        results.append({"tech": tech, "design": name, **row})
        print(results[-1])
        if count := int(number(truth[tech, name], "hold_buffers")):
            holds.setdefault(tech, {})[name] = quickest_s, count
    results += [row for tech, designs in holds.items() for row in hold_rows(tech, designs)]
    print(json.dumps({"benchmark": "remapped_designs", "results": results}))


def gates(liberty: Path, netlist: Path, top: str, folder: Path) -> Path:
    """A mapped netlist as gates without drive strengths: RTLIL, without cells that are no logic."""
    files = {}
    for packed, name in ((liberty, "cells.lib"), (netlist, "routed.v")):
        opened = gzip.open if packed.suffix == ".gz" else open
        with opened(packed, "rb") as source, (folder / name).open("wb") as target:
            shutil.copyfileobj(source, target)
        files[name] = folder / name
    result = folder / "gates.il"
    commands = (
        f"read_verilog {files['routed.v']}",
        "delete " + " ".join(f"t:{name}" for name in PHYSICAL),
        f"read_liberty -overwrite -ignore_miss_func -ignore_miss_dir {files['cells.lib']}",
        f"hierarchy -top {top}",
        "flatten",
        "proc",
        "techmap",
        "opt -full",
        "clean -purge",
        f"write_rtlil {result}",
    )
    script = folder / "gates.ys"
    script.write_text("\n".join((*commands, "")))
    libyosys.run_pass(f"tee -q script {script}", libyosys.Design())
    return result


def paths(
    technology: Technology, liberty: Path, netlist: Path, top: str, truth: Row, folder: Path
) -> tuple[dict[str, float], Floats]:
    """Critical paths of a design that is mapped again, over the routed one's; and cell area.

    Returns
    -------
    These, and the hold slack of the quickest path of each register [s].
    """
    rtl = gates(liberty, netlist, top, folder)
    mapped = synthesise(
        Rtl(rtlil=rtl, verilog=rtl, top=top, content=""),
        (liberty,),
        SynthesisOptions(),
        folder / "synthesis",
    )
    cells = read_verilog(mapped.netlist, technology.library, None)
    graph = build_timing_graph(cells, next(name for name in CLOCKS if name in cells.port_of))
    at = cells.library.at(None, None)
    calibration, data = technology.effects.calibration, technology.effects.data
    assert data is not None  # `technology_of` has only processes with wire constants
    routed_s = routed_path_ns(truth) * 1e-9
    growth = calibration.path_growth / (1 - calibration.skew_frac)
    row = {"area": cells.area_m2 * 1e12 / number(truth, "area_um2")}
    bare = analyse_timing(graph, at, 1.0)
    row["no wires"] = float(bare.critical_path_s[0]) / routed_s
    for level, make in (("formula", formula_routes), ("placed", placed_routes)):
        wires = wires_of(make(cells, graph.clock, Sources()), graph, at, data).timing
        timing = analyse_timing(graph, at, 1.0, wires=wires)
        row[level] = float(timing.critical_path_s[0]) / routed_s
        row[f"{level}, after growth"] = row[level] * growth
    rounded = {name: round(ratio, 3) for name, ratio in row.items()}
    return rounded, launch_hold_slacks_s(bare)


def hold_rows(
    tech: str, designs: dict[str, tuple[Floats, int]]
) -> list[dict[str, str | float | int]]:
    """Hold buffers of each design with the slack that fits the others best; that of all last.

    Parameters
    ----------
    designs : hold slack of each register's quickest path [s], and the routed hold buffers
    """
    rows: list[dict[str, str | float | int]] = []
    for name, (slacks, routed) in designs.items():
        others = [design for other, design in designs.items() if other != name]
        if others:
            counted = int((slacks < best_slack_s(others)).sum())
            rows.append({"tech": tech, "design": name, "hold buffers": counted, "routed": routed})
    rows.append({"tech": tech, "hold_slack_s": best_slack_s(list(designs.values()))})
    for row in rows:
        print(row)
    return rows


def best_slack_s(designs: list[tuple[Floats, int]]) -> float:
    """The slack below which the registers of designs are as many as their hold buffers [s]."""

    def error(slack_s: float) -> float:
        return sum(abs((slacks < slack_s).sum() / routed - 1) for slacks, routed in designs)

    return min(SLACKS_S, key=error)


if __name__ == "__main__":
    main()
