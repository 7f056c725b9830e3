"""Flat against shared synthesis, cold points through the complete flow: one JSON line.

Each point runs in a process of its own with an empty store, with wires, clock tree and glitches, at
nominal supply and the shortest clock period. Processor time and peak memory include all programs
that the point runs; compiled kernels and the library are in the cache before the first point.

    python benchmarks/shared_synthesis.py
    python benchmarks/shared_synthesis.py --designs 16x16 --wires formula
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from chipdse.api.point import evaluate_point

VERILOG_FILTER = """
module tap #(parameter W = 10) (input clk, input en, input signed [W-1:0] x,
    input signed [W-1:0] k, input signed [2*W+3:0] below, output reg signed [W-1:0] next,
    output reg signed [2*W+3:0] sum);
  always @(posedge clk) if (en) begin next <= x; sum <= below + x * k; end
endmodule
module filter(input clk, input en, input load, input signed [9:0] x, output signed [23:0] y);
  localparam TAPS = 16;
  reg signed [9:0] k [0:TAPS-1];
  wire signed [9:0] held [0:TAPS];
  wire signed [23:0] sums [0:TAPS];
  integer j;
  assign held[0] = x, sums[0] = 24'sd0, y = sums[TAPS];
  always @(posedge clk) if (load) begin
    k[0] <= x;
    for (j = 1; j < TAPS; j = j + 1) k[j] <= k[j-1];
  end
  genvar i;
  generate for (i = 0; i < TAPS; i = i + 1) begin : taps
    tap u(.clk(clk), .en(en), .x(held[i]), .k(k[i]), .below(sums[i]), .next(held[i+1]),
          .sum(sums[i+1]));
  end endgenerate
endmodule
"""
DESCRIPTION = """
summary = "filter whose coefficients are loaded"
sources = ["filter.v"]
top = "filter"
clock = "clk"
"""
MESH = '''
from amaranth.hdl import C, Cat, Module, Mux
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from chipdse_hdl.noc_router.hardware import NocRouter
from chipdse_hdl.noc_router.parameters import NocRouterParameters

PORTS, FLIT, ROUTE = 5, 16, 3  # local, north, east, south, west
BACK = {1: 3, 2: 4, 3: 1, 4: 2}
STEP = {1: (-1, 0), 2: (0, 1), 3: (1, 0), 4: (0, -1)}


class Mesh(wiring.Component):
    """A mesh of routers; a packet enters at a router and leaves at it or at a neighbour of it.

    The links at the border are tied, so that routers there differ from those in the middle.
    """

    def __init__(self, side=4):
        self.side, count = side, side * side
        super().__init__({
            "data": In(count * FLIT), "tail": In(count), "valid": In(count), "ready": Out(count),
            "out": Out(count * FLIT), "out_valid": Out(count), "take": In(count),
        })

    def elaborate(self, platform):
        m = Module()
        parameters = NocRouterParameters(ports=PORTS, flit_bits=FLIT, buffer_flits=2)
        routers = {}
        for row in range(self.side):
            for column in range(self.side):
                routers[row, column] = NocRouter(parameters)
                m.submodules[f"router_{row}_{column}"] = routers[row, column]
        for (row, column), router in routers.items():
            place = row * self.side + column
            flit = self.data.word_select(place, FLIT)
            route = Mux(flit[:ROUTE] < PORTS, flit[:ROUTE], 0)
            data, tail = [Cat(route, C(0, ROUTE), flit[2 * ROUTE :])], [self.tail[place]]
            valid, ready = [self.valid[place]], [self.take[place]]
            for port, (down, right) in STEP.items():
                other = routers.get((row + down, column + right))
                back = BACK[port]
                data.append(C(0, FLIT) if other is None else other.out_data.word_select(back, FLIT))
                tail.append(C(0) if other is None else other.out_tail[back])
                valid.append(C(0) if other is None else other.out_valid[back])
                ready.append(C(1) if other is None else other.in_ready[back])
            m.d.comb += [
                router.in_data.eq(Cat(*data)), router.in_tail.eq(Cat(*tail)),
                router.in_valid.eq(Cat(*valid)), router.out_ready.eq(Cat(*ready)),
                self.ready[place].eq(router.in_ready[0]),
                self.out.word_select(place, FLIT).eq(router.out_data[:FLIT]),
                self.out_valid[place].eq(router.out_valid[0]),
            ]
        return m
'''
DESIGNS: dict[str, tuple[str, dict[str, Any]]] = {
    "6x6": ("mac_array", {"rows": 6, "columns": 6}),
    "16x16": ("mac_array", {"rows": 16, "columns": 16}),
    "fir": ("fir", {}),
    "fft": ("fft", {}),
    "ntt": ("ntt", {}),
    "noc_router": ("noc_router", {}),
    "mesh": ("mesh:Mesh", {}),
    "rv32": ("rv32", {}),
    "verilog": ("filter.toml", {}),
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--designs", nargs="*", default=list(DESIGNS), choices=list(DESIGNS))
    arguments.add_argument("--wires", default="auto", choices=("auto", "formula", "none"))
    arguments.add_argument("--point", help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.point:
        print(json.dumps(measured(**json.loads(given.point))))
        return
    in_new_process("6x6", "flat", given.wires)  # fills the cache
    rows = []
    for design in given.designs:
        flat, shared = (in_new_process(design, kind, given.wires) for kind in ("flat", "shared"))
        ratios = {name: round(shared[name] / value, 4) for name, value in flat.items()}
        rows.append({"design": design, "flat": flat, "shared": shared, "ratios": ratios})
    print(json.dumps({"benchmark": "shared_synthesis", "results": rows}))


def in_new_process(design: str, hierarchy: str, wires: str) -> dict[str, float]:
    """The figures of one cold point, with the memory of its process and of its programs alone."""
    point = json.dumps({"design": design, "hierarchy": hierarchy, "wires": wires})
    done = subprocess.run(
        [sys.executable, __file__, "--point", point], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def measured(design: str, hierarchy: str, wires: str) -> dict[str, float]:
    """Processor time [s], peak memory [MB], area, frequency and energy of one cold point."""
    block, parameters = DESIGNS[design]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "filter.v").write_text(VERILOG_FILTER)
        (folder / "filter.toml").write_text(DESCRIPTION)
        (folder / "mesh.py").write_text(MESH)
        sys.path.insert(0, str(folder))
        metrics = evaluate_point(
            str(folder / block) if block.endswith(".toml") else block,
            parameters,
            synthesis={"hierarchy": hierarchy},
            physical={"wires": wires},
            store=folder / "store",
        ).flat()
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {
        "processor_s": round(sum(process.ru_utime + process.ru_stime for process in usage), 2),
        "programs_s": round(usage[1].ru_utime + usage[1].ru_stime, 2),
        "memory_mb": round(max(process.ru_maxrss for process in usage) / 1024, 1),
        "cells": metrics["block_cell_count"],
        "area_um2": round(metrics["block_area_m2"] * 1e12),
        "f_max_mhz": round(1e-6 / metrics["critical_path_s"], 3),
        "energy_pj_per_op": round(metrics["block_energy_per_op_j"] * 1e12, 4),
    }


if __name__ == "__main__":
    main()
