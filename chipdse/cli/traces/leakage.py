"""Verb `leakage`: whether the power of a block reveals secret inputs."""

from __future__ import annotations

import argparse
import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chipdse.cli.common import Verbs, add_verb, print_json
from chipdse.cli.design import records_of
from chipdse.cli.traces.trace import built_design, point_options
from chipdse.errors import DesignError
from chipdse.report.pictures.formats import SUFFIXES

if TYPE_CHECKING:
    from chipdse.stages.leakage_records import Leakage

_SHOWN_NETS = 10


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    parser = add_verb(
        verbs,
        "leakage",
        "test whether the power of a block reveals secret inputs: fixed versus random, Welch's t; "
        "exit code 1 if it does",
        "chipdse leakage ascon --set shares=2 --traces 100000\n"
        "  chipdse leakage ascon --workload length=16 --secret in_data@0 --to t.png\n"
        "  chipdse leakage mylib:cipher --secret key text --random mask --traces 1000000",
        _leakage,
    )
    point_options(parser)
    parser.add_argument(
        "--secret",
        nargs="+",
        action="extend",
        default=[],
        metavar="PORT[@CYCLES]",
        help="inputs that are fixed in half of the runs and random in the others: a port, or the "
        "name before _share_0; port@3 or port@3-9 is what it has in these cycles alone "
        "[the data of the operation that the block states]",
    )
    parser.add_argument(
        "--random",
        nargs="+",
        action="extend",
        default=[],
        metavar="PORT",
        help="inputs of fresh random bits, besides one called 'random'",
    )
    parser.add_argument("--traces", type=int, default=10_000, help="traces in both classes [10000]")
    parser.add_argument(
        "--cycles", type=int, metavar="N", help="first cycles of the workload or operation [all]"
    )
    parser.add_argument(
        "--no-masks", action="store_true", help="hold shares and random bits at 0: it must leak"
    )
    parser.add_argument(
        "--glitches",
        action="store_true",
        help="replay every cycle with delays; slow, first order only",
    )
    parser.add_argument(
        "--correlate",
        metavar="REGISTER[@CYCLE]",
        help="correlation of the power with the Hamming weight of a register of the RTL",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the random words [0]")
    parser.add_argument(
        "--depth", type=int, default=1, metavar="N", help="levels of modules that are listed [1]"
    )
    parser.add_argument(
        "--to",
        nargs="+",
        action="extend",
        type=Path,
        default=[],
        metavar="FILE",
        help="t of every cycle as .csv, or drawn as .png, .svg or .pdf",
    )


def _leakage(arguments: argparse.Namespace) -> int:
    for path in arguments.to:
        if path.suffix not in (".csv", *SUFFIXES):
            raise DesignError(f"--to {str(path)!r}: write .csv, .png, .svg or .pdf")
    register, mark, cycle = (arguments.correlate or "").partition("@")
    if mark and not cycle.isdigit():
        raise DesignError(f"--correlate {arguments.correlate!r}: write REGISTER or REGISTER@CYCLE")
    from chipdse.stages.leakage_records import LeakageTest

    test = LeakageTest(
        secret=tuple(arguments.secret),
        fresh=tuple(arguments.random),
        traces=arguments.traces,
        cycles=arguments.cycles,
        masked=not arguments.no_masks,
        glitches=arguments.glitches,
        correlate=register or None,
        correlate_cycle=int(cycle) if mark else None,
        seed=arguments.seed,
        depth=arguments.depth,
    )
    if not test.secret:
        _check_operation(arguments)
    design, hardware, store = built_design(arguments)

    from chipdse.report.pictures.leakage import draw_leakage
    from chipdse.stages.leakage import measure_leakage
    from chipdse.stages.leakage_glitches import measure_leakage_with_glitches

    measure = measure_leakage_with_glitches if arguments.glitches else measure_leakage
    result = measure(design, hardware, store, test)
    for path in arguments.to:
        if path.suffix == ".csv":
            _write_csv(result, path)
        else:
            draw_leakage(result, path)
    if arguments.json:
        print_json(_described(result))
    else:
        _print(result)
    return int(result.leaks_first_order)


def _check_operation(arguments: argparse.Namespace) -> None:
    """Raise DesignError, before anything is built, if the block states no operation."""
    from chipdse.stages.stated_operation import operation_of

    block, parameters, _ = records_of(arguments)
    operation_of(block, parameters)


def _described(result: Leakage) -> dict[str, Any]:
    return {
        "traces": result.traces,
        "max_t_first_order": result.max_t_first_order,
        "max_t_second_order": result.max_t_second_order,
        "max_t_nets": result.max_t_nets,
        "net_threshold": result.net_threshold,
        "leaks_first_order": result.leaks_first_order,
        "traces_needed_first_order": result.traces_needed(1),
        "traces_needed_second_order": result.traces_needed(2),
        "first_t": result.first_t.tolist(),
        "second_t": result.second_t.tolist(),
        "groups": dict(zip(result.groups, abs(result.group_t).max(axis=1).tolist(), strict=True)),
        "leaking_nets": [
            {"net": net, "cycle": cycle, "t": t} for net, cycle, t in result.leaking_nets()
        ],
        "leaking_modules": result.leaking_modules(),
        "correlation": result.correlation.tolist(),
    }


def _print(result: Leakage) -> None:
    from chipdse.netlist.power.welch import THRESHOLD

    cycles = len(result.first_t)
    delay = "zero delay" if len(result.second_t) else "with glitches"
    print(f"{result.traces} traces of {cycles} cycles, half of them fixed; {delay}, no noise")
    orders = (("first", result.first_t, 1), ("second", result.second_t, 2))
    for name, t, order in orders:
        if not len(t):
            continue
        worst, needed = int(abs(t).argmax()), result.traces_needed(order)
        verdict = "no leak seen"
        if needed is not None:
            verdict = f"leaks; seen from {needed} traces on"
        print(f"{name + ' order':14} |t| {abs(t[worst]):.4g} in cycle {worst}: {verdict}")
        if beyond := [cycle for cycle in range(cycles) if abs(t[cycle]) > THRESHOLD]:
            print(f"{'':14} cycles {_ranges(beyond)}")
    nets = result.leaking_nets()
    print(
        f"{'nets':14} |t| {result.max_t_nets:.4g}; {len(nets)} of {len(result.nets)} beyond "
        f"{result.net_threshold:.3g}"
    )
    for net, cycle, net_t in nets[:_SHOWN_NETS]:
        print(f"{'':14} {net} in cycle {cycle}: t {net_t:.4g}")
    if len(nets) > _SHOWN_NETS:
        print(f"{'':14} ...")
    for module, count in result.leaking_modules().items():
        print(f"{'':14} {module or '(top)'}: {count} nets")
    if len(result.correlation):
        worst = int(abs(result.correlation).argmax())
        value = result.correlation[worst]
        print(f"{'correlation':14} {value:.4g} in cycle {worst}, in the random runs")


def _ranges(cycles: list[int]) -> str:
    """``0-3, 7`` for 0, 1, 2, 3, 7."""
    starts = [c for n, c in enumerate(cycles) if n == 0 or cycles[n - 1] != c - 1]
    ends = [c for n, c in enumerate(cycles) if n == len(cycles) - 1 or cycles[n + 1] != c + 1]
    parts = [f"{a}" if a == b else f"{a}-{b}" for a, b in zip(starts, ends, strict=True)]
    return ", ".join(parts)


def _write_csv(result: Leakage, path: Path) -> None:
    from chipdse.store.files import write_whole

    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    has_correlation = ["correlation"] if len(result.correlation) else []
    rows.writerow(["cycle", "first_t", "second_t", *result.groups, *has_correlation])
    for cycle in range(len(result.first_t)):
        correlation = [result.correlation[cycle]] if has_correlation else []
        second = result.second_t[cycle] if len(result.second_t) else float("nan")
        block_t = (result.first_t[cycle], second)
        values = (*block_t, *result.group_t[:, cycle], *correlation)
        rows.writerow([cycle, *(repr(float(value)) for value in values)])
    try:
        write_whole(path, text.getvalue())
    except OSError as error:
        raise DesignError(f"{path} cannot be written: {error.strerror}") from error
