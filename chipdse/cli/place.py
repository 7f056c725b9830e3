"""Verb `place`: where the cells of a netlist lie and how long its wires are."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from chipdse.cli.common import Verbs, add_liberty, add_verb, check_liberty, print_json
from chipdse.errors import DesignError
from chipdse.reading import check_exist


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    parser = add_verb(
        verbs,
        "place",
        "place a mapped netlist: wire length, overflow, positions",
        "chipdse place mac8.v --top mac8 --liberty cells.lib.gz --clock clk --to mac8.npz\n"
        "  chipdse place problem.npz     # its arrays: docs/concepts/physical.md",
        _place,
    )
    parser.add_argument("netlist", type=Path, help="structural Verilog, or a problem in .npz")
    parser.add_argument("--top", help="top module; needed if there are several candidates")
    add_liberty(parser, "Liberty file of its cells")
    parser.add_argument(
        "--clock", metavar="PORT", help="clock port, whose net is left out of the wires"
    )
    parser.add_argument(
        "--utilisation",
        type=float,
        default=0.6,
        help="share of the core that cells fill; default 0.6",
    )
    parser.add_argument(
        "--aspect", type=float, default=1.0, help="height of the core over its width; default 1"
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="seed of the initial placement; default 0"
    )
    parser.add_argument("--to", type=Path, metavar="FILE.npz", help="write positions here")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def _place(arguments: argparse.Namespace) -> int:
    is_problem = arguments.netlist.suffix == ".npz"
    if not is_problem and not arguments.liberty:
        raise DesignError("--liberty is missing: the areas of the netlist's cells come from it")
    check_liberty(arguments.liberty)
    check_exist(arguments.netlist)

    import numpy as np

    from chipdse.netlist.layout.placer.place import place
    from chipdse.netlist.layout.placer.problem import read_problem

    stated_m = float("nan")
    notes: tuple[str, ...] = ()
    if is_problem:
        problem, stated_m = read_problem(arguments.netlist)
    else:
        problem, notes = _problem(arguments)
    began = time.process_time()
    placement = place(problem, seed=arguments.seed)
    spent_s = time.process_time() - began
    cells = len(problem.cell_area_m2)
    result: dict[str, Any] = {
        "cells": cells,
        "ports": problem.port_count,
        "half_perimeter_m": placement.wire_length_m,
        "overflow": placement.overflow,
        "core_width_m": problem.core_width_m,
        "core_height_m": problem.core_height_m,
        "utilisation_frac": problem.utilisation,
        "steps": placement.steps,
        "cpu_s": spent_s,
        "notes": list(notes),
    }
    if stated_m == stated_m:  # the file states a length to compare with
        result["over_reference"] = placement.wire_length_m / stated_m
    if arguments.to is not None:
        try:
            np.savez(arguments.to, x_m=placement.x_m, y_m=placement.y_m)
        except OSError as error:
            raise DesignError(f"--to {str(arguments.to)!r}: {error.strerror}") from error
    if arguments.json:
        print_json(result)
        return 0
    for note in notes:
        print(f"note: {note}")
    print(
        f"{cells} cells, {problem.port_count} ports: {placement.wire_length_m * 1e3:.4g} mm of wire"
    )
    if "over_reference" in result:
        print(f"{result['over_reference']:.3f} times the length the file states")
    print(
        f"overflow {placement.overflow:.3f} after {placement.steps} steps, "
        f"{spent_s:.2f} s of CPU time"
    )
    return 0


def _problem(arguments: argparse.Namespace) -> tuple[Any, tuple[str, ...]]:
    """What to place, and what the netlist's reader left out."""
    from chipdse.netlist.layout.wires import placement_problem
    from chipdse.netlist.library.catalogue import named_library, resolve
    from chipdse.netlist.timing.clock import trace_clock
    from chipdse.netlist.timing.constants import constant_nets
    from chipdse.netlist.verilog.reader import read_verilog

    library = (named_library(arguments.liberty) or resolve(arguments.liberty)).load()
    netlist = read_verilog(arguments.netlist, library, arguments.top)
    clock = None
    if arguments.clock is not None:
        clock = trace_clock(netlist, arguments.clock, constant_nets(netlist))
    problem = placement_problem(
        netlist, clock, utilisation=arguments.utilisation, aspect=arguments.aspect
    )
    return problem, netlist.notes
