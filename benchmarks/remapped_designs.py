"""Critical paths of routed designs that are mapped again from gates: a table and one JSON line.

    python -m benchmarks.remapped_designs ROUTED --pdk FOLDER [--only DESIGN ...]

ROUTED and FOLDER are those of `benchmarks.routed_designs`. The RTL of these designs is not part of
them, so each routed netlist is turned back into gates without drive strengths, buffers and clock
tree, mapped with the default options, and timed with wires by formula and with placed wires, before
and after the growth of the path. The structure of the flow's logic remains; that of its RTL, such
as adders and enables, is lost. The figures are estimate / routed with extracted wires and the real
clock tree.
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
from chipdse.hardware.elaborate import Rtl
from chipdse.hardware.synthesis_options import SynthesisOptions
from chipdse.hardware.synthesise import synthesise
from chipdse.netlist.layout.wires import formula_routes, placed_routes, wires_of
from chipdse.netlist.timing.graph import build_timing_graph
from chipdse.netlist.timing.timing import analyse_timing
from chipdse.netlist.verilog.reader import read_verilog
from chipdse.technology.constants import Sources

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
    for file in sorted((arguments.routed / "designs").glob("*.v.gz")):
        tech, _, name = file.name.removesuffix(".v.gz").partition("__")
        technology = technology_of(tech, arguments.pdk)
        if isinstance(technology, str) or (arguments.only and name not in arguments.only):
            continue
        liberty = next(arguments.pdk.glob(LIBERTY[tech]))
        with tempfile.TemporaryDirectory() as folder:
            row = paths(technology, liberty, file, name, truth[tech, name], Path(folder))
        results.append({"tech": tech, "design": name, **row})
        print(results[-1])
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
) -> dict[str, float]:
    """Critical paths of a design that is mapped again, over the routed one's; and cell area."""
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
    calibration, data = technology.counted.calibration, technology.counted.data
    assert data is not None  # `technology_of` has only processes with wire constants
    routed_s = routed_path_ns(truth) * 1e-9
    growth = calibration.path_growth / (1 - calibration.skew_frac)
    row = {"area": cells.area_m2 * 1e12 / number(truth, "area_um2")}
    row["no wires"] = float(analyse_timing(graph, at, 1.0).critical_path_s[0]) / routed_s
    for level, make in (("formula", formula_routes), ("placed", placed_routes)):
        wires = wires_of(make(cells, graph.clock, Sources()), graph, at, data).timing
        timing = analyse_timing(graph, at, 1.0, wires=wires)
        row[level] = float(timing.critical_path_s[0]) / routed_s
        row[f"{level}, after growth"] = row[level] * growth
    return {name: round(ratio, 3) for name, ratio in row.items()}


if __name__ == "__main__":
    main()
