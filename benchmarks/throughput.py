"""Throughput of a sweep over workers: the same cold sweep with one and with more, in one run.

    python benchmarks/throughput.py [--trials 12] [--workers 2] [--rounds 3] [--executor processes]

Each sweep starts with an empty store, except for Verilator's runtime objects, which are compiled
once a machine. The ratio is of the evaluation phase: from the first trial that begins to the last
that ends, so the start of the program is not in it. Pairs alternate; on a machine that others use,
the median of the ratios is what can be trusted. `cores` says what two busy loops at once achieve
against one right afterwards, the most that any sweep could. `busy` is the part of that time that
the workers spent in evaluations, which does not depend on what else the machine does: the rest is
what proposing, recording and loading the program in the second worker cost. Prints one JSON line.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import chipdse

SWEEP = """
block = "mac_array"
[hardware]
rows = [2, 3]
columns = [2, 3, 4]
operand_bits = [4, 6]
accumulator_bits = 20
pipeline_stages = [0, 1]
[workload]
length = 128
depth = 16
[library]
name = "sky130"
[objectives]
block_energy_per_op_j = "minimize"
block_throughput_ops_per_s = "maximize"
[search]
trials = 24
sampler = "random"
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=12)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--executor", default="processes")
    arguments = parser.parse_args()
    ratios, singles, multiples, cores, busy = [], [], [], [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "cold.toml").write_text(SWEEP)
        _sweep(folder, 1, 1, "processes")  # loads libraries, compiles what is compiled once
        for _ in range(arguments.rounds):
            single, _ = _sweep(folder, arguments.trials, 1, "processes")
            multiple, part = _sweep(folder, arguments.trials, arguments.workers, arguments.executor)
            busy.append(part)
            singles.append(single)
            multiples.append(multiple)
            ratios.append(single / multiple)
            cores.append(_cores(arguments.workers))
    print(
        json.dumps(
            {
                "trials": arguments.trials,
                "workers": arguments.workers,
                "executor": arguments.executor,
                "one_worker_s": [round(figure, 2) for figure in singles],
                "workers_s": [round(figure, 2) for figure in multiples],
                "ratios": [round(figure, 3) for figure in ratios],
                "median_ratio": round(statistics.median(ratios), 3),
                "busy": [round(figure, 3) for figure in busy],
                "cores": [round(figure, 3) for figure in cores],
            }
        )
    )


def _sweep(folder: Path, trials: int, workers: int, executor: str) -> tuple[float, float]:
    """Seconds of the evaluation phase of a cold sweep, and the part its workers were busy."""
    study, store = folder / "study", folder / "store"
    runtime = store / "verilator-runtime"
    for path in store.iterdir() if store.is_dir() else ():
        if path != runtime:
            shutil.rmtree(path, ignore_errors=True)
    shutil.rmtree(study, ignore_errors=True)
    done = chipdse.sweep(
        folder / "cold.toml",
        study=study,
        store=store,
        trials=trials,
        workers=workers,
        executor=executor,
        report=False,
        progress=False,
    )
    finished = done.folder.study.get_trials()
    assert len(finished) == trials
    assert all(trial.state.name == "COMPLETE" for trial in finished)
    # A worker's first trial waits for its program to load: count from the first one's evaluation.
    ended = [
        (figure.datetime_complete.timestamp(), figure.user_attrs["seconds"]) for figure in finished
    ]
    phase = max(end for end, _ in ended) - min(end - seconds for end, seconds in ended)
    return phase, sum(seconds for _, seconds in ended) / (workers * phase)


def _cores(count: int) -> float:
    """What so many busy processes achieve together, against one alone, now."""
    with multiprocessing.get_context("spawn").Pool(count) as pool:
        pool.map(_busy, [1e5] * count)
        start = time.perf_counter()
        _ = pool.apply(_busy, (2e7,))
        alone = time.perf_counter() - start
        start = time.perf_counter()
        pool.map(_busy, [2e7] * count, chunksize=1)
        return count * alone / (time.perf_counter() - start)


def _busy(loops: float) -> int:
    total = 0
    for value in range(int(loops)):
        total += value
    return total


if __name__ == "__main__":
    main()
