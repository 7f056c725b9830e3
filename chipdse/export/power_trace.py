"""Power traces as files: CSV, NPZ and VCD with real signals."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np

from chipdse.arrays import Floats
from chipdse.errors import DesignError
from chipdse.stages.traces import PowerTrace
from chipdse.store.files import write_whole

SUFFIXES = (".csv", ".npz", ".vcd")
_CODES = [chr(code) for code in range(33, 127)]


def write_trace(trace: PowerTrace, path: Path) -> None:
    """Write a trace in the format of the file's suffix; powers in watts, times in seconds.

    Raises
    ------
    DesignError : the suffix is none of `SUFFIXES`, or the file cannot be written
    """
    writers = {".csv": _csv, ".npz": _npz, ".vcd": _vcd}
    if path.suffix not in writers:
        raise DesignError(f"{path}: a trace is written as {', '.join(SUFFIXES)}")
    try:
        write_whole(path, writers[path.suffix](trace))
    except OSError as error:
        raise DesignError(f"{path} cannot be written: {error.strerror}") from error


def columns_of(trace: PowerTrace) -> dict[str, Floats]:
    """Power [cycles] of the block and of each module's cells by kind, by column name."""
    dynamic = trace.energy_j / trace.clock_period_s
    tree = np.full(trace.cycles, trace.clock_tree_j / trace.clock_period_s)
    leakage = np.full(trace.cycles, trace.leakage_w)
    groups = zip(trace.groups.names, dynamic.T, strict=True)
    return {"power_w": trace.power_w, "leakage_w": leakage, "clock_tree_w": tree} | {
        f"{name} [W]": power for name, power in groups
    }


def _csv(trace: PowerTrace) -> bytes:
    columns = columns_of(trace)
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    marks = ["phase"] if trace.phase else []
    rows.writerow(["cycle", "time_s", *marks, *columns])
    phases = trace.phase or [None] * trace.cycles
    for cycle, (phase, *powers) in enumerate(zip(phases, *columns.values(), strict=True)):
        mark = [] if phase is None else [trace.phase_name(phase)]
        time_s = repr(cycle * trace.clock_period_s)
        rows.writerow([cycle, time_s, *mark, *(repr(float(power)) for power in powers)])
    return text.getvalue().encode()


def _npz(trace: PowerTrace) -> bytes:
    file = io.BytesIO()
    np.savez(
        file,
        power_w=trace.power_w,
        group_power_w=trace.energy_j / trace.clock_period_s,
        groups=np.array(trace.groups.names),
        clock_tree_w=trace.clock_tree_j / trace.clock_period_s,
        leakage_w=trace.leakage_w,
        clock_period_s=trace.clock_period_s,
        vdd_v=trace.vdd_v,
        phase=np.array(trace.phase, dtype=np.int64),
        phase_names=np.array(trace.phase_names, dtype=str),
        drawn_cycles=trace.drawn,
        drawn_power_w=trace.drawn_power_w if len(trace.drawn) else np.zeros(0),
    )
    return file.getvalue()


def _vcd(trace: PowerTrace) -> bytes:
    """One real signal per column; a cycle is a whole number of femtoseconds."""
    columns = columns_of(trace)
    period_fs = max(1, round(trace.clock_period_s * 1e15))
    lines = ["$timescale 1 fs $end", "$scope module power $end"]
    codes = [_code(number) for number in range(len(columns))]
    for code, name in zip(codes, columns, strict=True):
        lines.append(f"$var real 64 {code} {_signal(name)} $end")
    lines += ["$upscope $end", "$enddefinitions $end"]
    before: list[str] = [""] * len(codes)
    for cycle, powers in enumerate(zip(*columns.values(), strict=True)):
        lines.append(f"#{cycle * period_fs}")
        values = [repr(float(power)) for power in powers]
        lines += [
            f"r{new} {code}"
            for new, old, code in zip(values, before, codes, strict=True)
            if new != old
        ]
        before = values
    lines.append(f"#{trace.cycles * period_fs}")
    return ("\n".join(lines) + "\n").encode()


def _signal(name: str) -> str:
    """A column's name as a VCD identifier."""
    return name.removesuffix(" [W]").replace(" ", "_").replace("(top)", "top")


def _code(number: int) -> str:
    code = _CODES[number % len(_CODES)]
    return code if number < len(_CODES) else _code(number // len(_CODES) - 1) + code
