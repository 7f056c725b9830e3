"""Every reader of chipdse with small files that it takes, for mutations of them."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from chipdse.api.study import load_study
from chipdse.application.files.chip_file import read_chip
from chipdse.application.onnx_file import read_onnx
from chipdse.application.tables import read_network
from chipdse.blocks.expressions import parse_expression
from chipdse.blocks.verilog import read_verilog_block
from chipdse.characterise.description import read_description
from chipdse.characterise.spice import Netlists
from chipdse.errors import DesignError
from chipdse.export.results import compare, read_results
from chipdse.hardware.mapping_library import mapping_library
from chipdse.netlist.activity.waveform.trace import read_activity
from chipdse.netlist.layout.placer.problem import read_problem
from chipdse.netlist.library.catalogue import resolve
from chipdse.netlist.library.liberty.head import read_corner
from chipdse.netlist.library.liberty.reader import read_liberty
from chipdse.netlist.library.logic import parse_function
from chipdse.netlist.library.npz import load_saved, save_library
from chipdse.netlist.library.pack import load_packed, save_packed
from chipdse.netlist.parasitics.annotate import annotate
from chipdse.netlist.parasitics.spef import read_spef
from chipdse.netlist.timing.graph import build_timing_graph
from chipdse.netlist.timing.timing import analyse_timing
from chipdse.netlist.verilog.reader import read_verilog
from chipdse.store.care import parse_size
from chipdse.study.question.durations import parse_duration
from chipdse.study.question.sweep_file import read_sweep
from chipdse.study.results.csv_front import front_of_csv
from chipdse.study.storage.layout import COLUMNS, DESCRIPTION, POINTS, STATUS, SWEEP
from chipdse.system.described import evaluate_described
from chipdse.system.system_file import load_system
from chipdse.technology.calibration import read_calibration
from chipdse.units import parse_quantity
from tests.application.test_chip_file import CHIP
from tests.characterise.small_process import CELLS, GRID, HEAD, MODELS, NETLIST, TYPICAL
from tests.export.test_export_results import LIBRELANE, OURS
from tests.netlist.activity import test_fst_read, test_saif_read
from tests.netlist.activity.test_vcd_read import SMALL
from tests.netlist.parasitics import test_spef_read
from tests.support.fuzzing import ROOT, Reader
from tests.support.library_files import LIBERTY
from tests.support.netlist_cases import liberty_text, tiny_library

VCD = b"""$timescale 1 ns $end $scope module tb $end $scope module dut $end
$var wire 1 ! clk $end $var wire 1 " a $end $var reg 4 # v [2:-1] $end $var wire 1 $ y [0:0] $end
$var string 1 % s $end $var event 1 & e $end $upscope $end $upscope $end $enddefinitions $end
#0 $dumpvars 0! 0" b0 # x$ $end
#5 1! b10x1 # sidle %
#10 0! 1" 1& $dumpoff x! $end
#15 $dumpon 1! 0" b1 # 1$ $end
#20 0!
"""
HIERARCHY = rb"""// cells in two modules
(* src = "a.v:1" *)
module half (input [1:0] a, output y); wire n; NAND2 g (.A(a[1]), .B(a[0]), .Y(n));
  INV i (.A(n), .Y(y)); endmodule
module top (clk, \a[3] , v, y, q); input clk, \a[3] ; input [3:0] v; output [1:0] y; output q;
  wire [1:0] w = 2'b01; wire d; wor e; supply0 gnd;
  half h0 (.a(v[3:2]), .y(w[0])); half \h.1 (.a({v[1], 1'b1}), .y(d));
  assign y[1:0] = {w[0], d}; assign w[1] = 1'h1;
  DFF r (.CK(clk), .D(\a[3] ), .Q(q)); TBUF unknown_is_refused (.A(d));
endmodule
"""
BLOCK = """summary = "adds"
sources = ["top.v"]
include = ["."]
top = "top"
clock = "clk"
reset = "rst"
reset_active = "high"
reads = ["top.v"]
environment = ["HOME"]
rules = ["W > 1"]
[defines]
ONE = 1
[parameters]
W = 4
T = { default = "no", choices = ["no", "yes"] }
[work]
unit = "addition"
per_cycle = 1
"""
TABLE = b"""name,kind,in_channels,out_channels,height,width,kernel,stride,padding,groups,count
a,conv,3,8,16,16,3,1,same,1,1
b,depthwise,8,8,16,16,3x3,2,1,8,2
"""
FRONT = b"a,b,c\n1,2,x\n2,1,y\n3,3,z\nnan,1,w\n"
EXPRESSIONS = {
    "a.expression": b"a * 2 ** b > 3 and not (c in (1, 2)) or min(a, b) == max(1, c)",
    "b.expression": b"'x' == d and a // 2 % 3 != 1 or clog2(a) <= -b",
    "a.function": b"(!A & B) | (C^D') + 1 * A B",
    "a.quantity": b"1.5 mm2",
    "a.size": b"2.5 GB",
    "a.duration": b"1h 30min",
}


def _netlist() -> Any:
    return test_saif_read.netlist()


def _liberty(path: Path) -> None:
    with contextlib.suppress(DesignError):
        read_corner(path)
    library = read_liberty([path])
    library.at(None, None)
    mapping_library([path], path.parent / "cache")


def liberty() -> Reader:
    small = LIBERTY.format(process="tt", volts=1.0, celsius=25, cell="inv", leak=1, d=0.1)
    text = liberty_text()
    seeds = {
        "a.lib": text.encode(),
        "b.lib": small.encode(),
        "c.lib.gz": gzip.compress(small.encode()),
    }
    return Reader(seeds=seeds, read=_liberty)


def _verilog(path: Path) -> None:
    library = tiny_library()
    graph = build_timing_graph(read_verilog(path, library), "clk")
    analyse_timing(graph, library.at(None, None), 10e-9)


def verilog() -> Reader:
    texts = (test_saif_read.TEXT, test_spef_read.NETLIST)
    seeds = {f"{number}.v": text.encode() for number, text in enumerate(texts)}
    right = HIERARCHY.replace(b"TBUF unknown_is_refused (.A(d));", b"")
    return Reader(seeds=seeds | {"h.v": HIERARCHY, "i.v": right}, read=_verilog)


def trace() -> Reader:
    saif = test_saif_read.SAIF.encode()
    seeds = {"a.vcd": VCD, "b.vcd": SMALL, "c.vcd.gz": gzip.compress(VCD), "a.saif": saif}

    def read(path: Path) -> None:
        for states in (False, True):
            read_activity(path, "tb.dut", _netlist(), clock_period_s=10e-9, states=states)

    return Reader(seeds=seeds, read=read)


def fst() -> Reader:
    netlist = read_verilog(Path("n.v"), tiny_library(), text=test_fst_read.VERILATED)
    return Reader(
        seeds={"a.fst": test_fst_read.verilators()},
        read=lambda path: read_activity(path, "TOP.top", netlist, clock_period_s=10e-9),
    )


def spef() -> Reader:
    library = tiny_library()
    netlist = test_spef_read.netlist()
    return Reader(
        seeds={"a.spef": test_spef_read.SPEF.encode()},
        read=lambda path: annotate(read_spef(path), netlist, library.at(None, None)),
    )


def results() -> Reader:
    report = "worst slack max -0.35\nworst slack min 0.2\nDesign area 1234 u^2 55% utilization.\n"
    report += "Total 1.0e-3 2.0e-3 3.0e-9 3.0e-3 100.0%\nclock core_clock period 5.0\n"
    table = "Metric,Value\n" + "".join(f"{name},{value}\n" for name, value in LIBRELANE.items())
    seeds = {
        "a.json": json.dumps(LIBRELANE).encode(),
        "a.csv": table.encode(),
        "a.rpt": report.encode(),
    }
    return Reader(
        seeds=seeds, read=lambda path: compare(OURS | {"f_max_hz": 2e8}, read_results(path))
    )


def sweep() -> Reader:
    files = [*ROOT.glob("sweeps/*.toml"), *ROOT.glob("sweeps/chips/*.toml")]
    return Reader(seeds={file.name: file.read_bytes() for file in files}, read=read_sweep)


def chip() -> Reader:
    return Reader(seeds={"chip.toml": CHIP.encode()}, read=read_chip)


def system() -> Reader:
    files = ROOT.glob("sweeps/systems/*.toml")
    return Reader(
        seeds={file.name: file.read_bytes() for file in files},
        read=lambda path: evaluate_described(load_system(path)),
    )


def block() -> Reader:
    return Reader(
        seeds={"block.toml": BLOCK.encode()},
        read=lambda path: read_verilog_block(path).parameters(),
        others={"top.v": b"module top; endmodule\n"},
    )


def network() -> Reader:
    names = ("resnet8",)
    shipped = {f"{name}.csv": (ROOT / f"chipdse/application/data/{name}.csv") for name in names}
    seeds = {"t.csv": TABLE} | {n: f.read_bytes() for n, f in shipped.items() if f.is_file()}
    return Reader(seeds=seeds, read=lambda path: read_network(str(path)))


def onnx() -> Reader:
    from onnx import TensorProto, helper

    def tensor(name: str, dims: list[int]) -> Any:
        return TensorProto(name=name, dims=dims, data_type=1)

    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("Flatten", ["r"], ["f"]),
        helper.make_node("Gemm", ["f", "g"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", 1, ["n", 3, 8, 8])],
        [helper.make_tensor_value_info("y", 1, None)],
        [tensor("w", [4, 3, 3, 3]), tensor("g", [64, 10])],
    )
    return Reader(seeds={"a.onnx": helper.make_model(graph).SerializeToString()}, read=read_onnx)


def calibration() -> Reader:
    files = ROOT.glob("chipdse/technology/data/layout_*.toml")
    return Reader(seeds={file.name: file.read_bytes() for file in files}, read=read_calibration)


def characterise() -> Reader:
    description = HEAD + "".join(CELLS.values()) + GRID + TYPICAL

    def read(path: Path) -> None:
        file = path.parent / "cells.toml"
        described = read_description(file)
        netlists = Netlists(files=described.netlists, power=("VDD",), ground=("VSS",))
        for cell in described.cells:
            netlists.circuit(cell.name, [pin.name for pin in cell.pins], ())

    texts = {"cells.toml": description, "cells.spice": NETLIST, "models.spice": MODELS}
    seeds = {name: text.encode() for name, text in texts.items()}
    return Reader(seeds=seeds, read=read, others=seeds)


def catalogue() -> Reader:
    """The description of a library of the user's, in the folder of such descriptions."""

    def read(path: Path) -> None:
        folder = path.parent / "config"
        (folder / "libraries").mkdir(parents=True)
        shutil.copy(path, folder / "libraries" / "mine.toml")
        before = os.environ.get("CHIPDSE_CONFIG")
        os.environ["CHIPDSE_CONFIG"] = str(folder)
        try:
            resolve("mine")
        finally:
            os.environ.pop("CHIPDSE_CONFIG")
            if before is not None:
                os.environ["CHIPDSE_CONFIG"] = before

    return Reader(
        seeds={"mine.toml": b'files = ["a.lib", "b.lib"]\nnode_nm = 7.0\n'},
        read=read,
        others={"a.lib": liberty_text().encode()},
    )


def _arrays(write: Callable[[Path], None]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / "a.npz")
        return (Path(folder) / "a.npz").read_bytes()


def _stored(content: bytes) -> bytes:
    """An archive of the same members, not compressed, so that a mutation reaches their content."""

    def write(path: Path) -> None:
        packed = path.with_name("b.npz")
        packed.write_bytes(content)
        with zipfile.ZipFile(packed) as archive, zipfile.ZipFile(path, "w") as plain:
            for name in archive.namelist():
                plain.writestr(name, archive.read(name))

    return _arrays(write)


def saved() -> Reader:
    content = _arrays(lambda path: save_library(tiny_library(), path))
    return Reader(seeds={"a.npz": content, "b.npz": _stored(content)}, read=load_saved)


def packed() -> Reader:
    content = _arrays(lambda path: save_packed(tiny_library(), path))
    return Reader(seeds={"a.npz": content, "b.npz": _stored(content)}, read=load_packed)


def placement() -> Reader:
    def write(path: Path) -> None:
        np.savez(
            path,
            pin_net=np.array([0, 0, 1, 1]),
            pin_node=np.array([0, 1, 1, 2]),
            cells=2,
            ports=1,
            cell_area_um2=np.array([2.0, 3.0]),
            core_width_um=4.0,
            core_height_um=4.0,
            target_density=0.7,
            placed_x_um=np.array([1.0, 2.0, -1.0]),
            placed_y_um=np.array([1.0, 2.0, 2.0]),
        )

    return Reader(seeds={"a.npz": _arrays(write)}, read=read_problem)


def front() -> Reader:
    return Reader(seeds={"a.csv": FRONT}, read=lambda path: front_of_csv(path, ["a"], ["b"]))


def expression() -> Reader:
    def read(path: Path) -> None:
        text = path.read_bytes().decode("utf-8", errors="replace")
        match path.suffix:
            case ".expression":
                parsed = parse_expression(text)
                parsed.value({name: "x" if name == "d" else 3 for name in parsed.names})
            case ".function":
                parse_function(text)
            case ".quantity":
                parse_quantity(text, "m2")
            case ".size":
                parse_size(text)
            case _:
                parse_duration(text, "time")

    return Reader(seeds=EXPRESSIONS, read=read)


def study(folder: Path) -> Reader:
    """The files of a study's folder, but for its database: SQLite reads that."""
    names = (SWEEP, DESCRIPTION, POINTS, STATUS, COLUMNS)
    files = {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}

    def read(path: Path) -> None:
        opened = load_study(path.parent)
        opened.points()
        opened.front()

    return Reader(
        seeds={name: files[name] for name in names if name in files}, read=read, others=files
    )


def study_database(folder: Path) -> Reader:
    """A study whose database is damaged."""
    files = {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}

    def read(path: Path) -> None:
        load_study(path.parent).points()

    return Reader(seeds={"study.db": files["study.db"]}, read=read, others=files)


READERS: dict[str, Callable[[], Reader]] = {
    maker.__name__: maker
    for maker in (
        *(liberty, verilog, trace, fst, spef, results, sweep, chip, system, block, network, onnx),
        *(calibration, characterise, catalogue, saved, packed, placement, front, expression),
    )
}
STUDY_READERS = {"study": study, "study_database": study_database}
