"""Verb `sim`: run a block's bench, at one choice of parameters or at every corner of them."""

from __future__ import annotations

import argparse
import dataclasses
import shutil
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chipdse.cli.common import Verbs, add_verb, print_json
from chipdse.cli.design import design_options, records_of
from chipdse.errors import DesignError, MachineError, ToolError

if TYPE_CHECKING:
    from chipdse_hdl.block import Block, Record

    from chipdse.hardware.simulate import Simulation


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    parser = add_verb(
        verbs,
        "sim",
        "run a block's cocotb bench against its reference",
        "chipdse sim mac_array --set rows=2 columns=2 --workload length=256 --waves waves.fst\n"
        "  chipdse sim mac_array --all-corners --workload length=64",
        _sim,
    )
    design_options(parser)
    parser.add_argument(
        "--simulator",
        choices=("auto", "icarus", "verilator"),
        default="auto",
        help="auto: the one that is expected to finish first",
    )
    parser.add_argument(
        "--waves", type=Path, metavar="FILE", help="FST from Icarus, VCD from Verilator"
    )
    parser.add_argument(
        "--all-corners",
        action="store_true",
        help="every combination of least, default and largest values (at most four times the "
        "default) that the block accepts",
    )
    parser.add_argument(
        "--among",
        nargs="+",
        action="extend",
        default=[],
        metavar="K=V,V",
        help="with --all-corners: values of a parameter to use instead of its extremes",
    )
    parser.add_argument(
        "--corners",
        type=int,
        metavar="N",
        help="with --all-corners: at most N of them, spread evenly (default: all)",
    )


def _sim(arguments: argparse.Namespace) -> int:
    if arguments.all_corners:
        return _sim_corners(arguments)
    if arguments.among or arguments.corners is not None:
        raise DesignError("--among and --corners go with --all-corners")
    waves = arguments.waves is not None
    if waves and arguments.waves.suffix not in (".fst", ".vcd"):
        raise DesignError(
            f"--waves {str(arguments.waves)!r}: name a file that ends in .fst (Icarus) or .vcd "
            "(Verilator)"
        )
    if waves and not arguments.waves.parent.is_dir():
        raise DesignError(f"--waves {str(arguments.waves)!r}: its folder does not exist; make it")
    block, parameters, workload = records_of(arguments)

    from chipdse.blocks.own import is_checked

    run = _run(block, parameters, workload, arguments.simulator, waves=waves, progress=True)
    if waves:
        _copy_waves(run.folder, arguments.waves)
    work = block.work(parameters, workload)
    if arguments.json:
        print_json(
            {
                "passed": True,
                "checked": is_checked(block),
                "simulator": run.simulator,
                "cycles": run.cycles,
                "work": work.count,
                "work_unit": work.unit,
                "folder": str(run.folder),
            }
        )
        return 0
    if is_checked(block):
        print(f"passed: every output of {block.name} equals the reference ({run.simulator})")
    else:
        print(f"ran on random inputs: {block.name} has no bench, nothing was checked")
    print(
        f"{work.count} {work.unit} in {run.cycles} cycles: {work.count / run.cycles:.4g} per cycle"
    )
    print(f"log: {run.folder / 'simulation.log'}")
    return 0


def _run(
    block: Block,
    parameters: Record,
    workload: Record,
    simulator: str,
    *,
    waves: bool,
    progress: bool,
) -> Simulation:
    from chipdse.hardware.elaborate import elaborate
    from chipdse.hardware.simulate import simulate
    from chipdse.report.terminal.stages import shown_stages
    from chipdse.store.store import Store, default_store, quiet

    with shown_stages() if progress else nullcontext(quiet) as listener:
        store = Store(root=default_store(), tell=listener)
        rtl = elaborate(block, parameters, store)
        return simulate(block, parameters, workload, rtl, store, simulator=simulator, waves=waves)


_MANY_CORNERS = 20


def _sim_corners(arguments: argparse.Namespace) -> int:
    """Run the bench at the corners of what `--set` leaves open; 1 if any fails."""
    if arguments.waves is not None:
        raise DesignError("--waves is for one run; repeat the corner that failed with --set")
    block, _, workload = records_of(arguments)

    from chipdse.blocks.corners import corners_of
    from chipdse.blocks.own import is_checked

    chosen = _chosen_values(block, arguments)
    corners = corners_of(block.parameters, chosen, arguments.corners)
    if len(corners.records) > _MANY_CORNERS:
        print(
            f"{len(corners.records)} corners to run; --corners N takes N of them, spread evenly, "
            "--among and --set fewer values",
            file=sys.stderr,
        )
    results: list[dict[str, Any]] = []
    for number, parameters in enumerate(corners.records, 1):
        results.append(_corner_result(block, parameters, workload, arguments.simulator))
        print(
            f"{number}/{len(corners.records)} {'passed' if results[-1]['passed'] else 'FAILED'} "
            + " ".join(f"{name}={value}" for name, value in results[-1]["parameters"].items()),
            file=sys.stderr,
        )
    failed = [result for result in results if not result["passed"]]
    if arguments.json:
        print_json(
            {
                "block": block.name,
                "checked": is_checked(block),
                "corners_in_all": corners.total,
                "corners_run": len(results),
                "failed": len(failed),
                "results": results,
            }
        )
    else:
        for corner in failed:
            settings = " ".join(f"{name}={value}" for name, value in corner["parameters"].items())
            print(f"failed: --set {settings}\n  {corner['reason']}")
        print(
            f"{len(results) - len(failed)} of {len(results)} corners of {block.name} passed; "
            f"{len(results)} of {corners.total} that it accepts were run"
        )
    return 1 if failed else 0


def _corner_result(
    block: Block, parameters: Record, workload: Record, simulator: str
) -> dict[str, Any]:
    """The parameters of a corner, whether its run passed, and its cycles or why it failed.

    Raises
    ------
    MachineError : nothing can run here
    """
    shown = dataclasses.asdict(parameters)
    try:
        run = _run(block, parameters, workload, simulator, waves=False, progress=False)
    except MachineError:
        raise
    except (ToolError, DesignError) as error:
        return {"parameters": shown, "passed": False, "reason": str(error)}
    return {"parameters": shown, "passed": True, "cycles": run.cycles}


def _chosen_values(block: Block, arguments: argparse.Namespace) -> dict[str, list[Any]]:
    """Values by parameter: one of each that `--set` gives, several of each in `--among`."""
    from chipdse.design import parse_settings

    given = parse_settings(block.parameters, arguments.set, block.name)
    chosen = {name: [value] for name, value in given.items()}
    for setting in arguments.among:
        name, _, texts = setting.partition("=")
        chosen[name] = [
            parse_settings(block.parameters, [f"{name}={text}"], block.name)[name]
            for text in texts.split(",")
        ]
    return chosen


def _copy_waves(folder: Path, target: Path) -> None:
    from chipdse.hardware.simulate import WAVES

    files = [path for path in (folder / f"{WAVES}.fst", folder / "dump.vcd") if path.exists()]
    if files[0].suffix != target.suffix:
        raise DesignError(
            f"--waves {str(target)!r}: this simulator writes {files[0].suffix[1:].upper()}; "
            f"name a file that ends in {files[0].suffix}"
        )
    try:
        shutil.copyfile(files[0], target)
    except OSError as error:
        raise DesignError(f"--waves {str(target)!r}: {error.strerror}") from error
