"""Export: a folder with one design point for other tools, and how to repeat it."""

from __future__ import annotations

import dataclasses
import json
import os
import shlex
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chipdse import __version__
from chipdse.design import Design
from chipdse.errors import DesignError
from chipdse.evaluate import build_hardware
from chipdse.hardware.store import Store
from chipdse.metrics import METRICS

CLOCK = "clk"


def export_point(
    design: Design, metrics: Mapping[str, float], store: Store, target: Path
) -> list[Path]:
    """Write a point's files into the new or empty folder `target`; all of them or none.

    rtl.v : the block, hierarchical, with the names of its source
    netlist.v : mapped to the library, module `top`; no signed ports
    constraints.sdc : the clock
    metrics.json : every metric, its unit and kind of evidence
    README.md : the command that repeats the point

    Raises
    ------
    DesignError : `target` holds files, or cannot be written
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise DesignError(f"--to {str(target)!r} is not an empty folder; name a new one")
    rtl, hardware = build_hardware(design, store)
    texts = {
        "rtl.v": rtl.verilog.read_text(),
        "netlist.v": hardware.mapped.netlist.read_text(),
        "constraints.sdc": constraints(1 / metrics["clock_frequency_hz"]),
        "metrics.json": json.dumps(_described(metrics), indent=1) + "\n",
        "README.md": _readme(design, metrics),
    }
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        for name, text in texts.items():
            (part / name).write_text(text)
        part.chmod(0o755)
        if target.exists():
            target.rmdir()
        part.rename(target)
    except OSError as error:
        raise DesignError(f"--to {str(target)!r}: {error.strerror}") from error
    return [target / name for name in texts]


def constraints(clock_period_s: float) -> str:
    """Synopsys design constraints: the clock, as our own timing has it (times in ns)."""
    return (
        f"create_clock -name {CLOCK} -period {clock_period_s * 1e9:.6g} [get_ports {CLOCK}]\n"
        f"set_input_delay 0 -clock {CLOCK} [all_inputs -no_clocks]\n"
        f"set_output_delay 0 -clock {CLOCK} [all_outputs]\n"
    )


def repeat_command(design: Design) -> str:
    """The `chipdse eval` command that gives this point again."""
    words = ["chipdse", "eval", design.block.name]
    words += _settings("--set", design.parameters) + _settings("--workload", design.workload)
    if design.library.name is not None:
        words += ["--library", design.library.name]
    for file in design.library.files:
        words += ["--liberty", os.fspath(file)]
    words += _settings("--synthesis", design.synthesis)
    operating = design.operating
    if operating.vdd_v is not None:
        words += ["--vdd", f"{operating.vdd_v!r}V"]
    if operating.temperature_c is not None:
        words += ["--temperature", f"{operating.temperature_c!r}C"]
    if operating.clock_period_s is not None:
        words += ["--clock", f"{operating.clock_period_s!r}s"]
    elif operating.clock_frac != 1:
        words += ["--clock-frac", repr(operating.clock_frac)]
    words += _settings("--package", design.package)
    return shlex.join(words)


def _settings(option: str, record: Any) -> list[str]:
    """Only what differs from the defaults."""
    changed = [
        f"{field.name}={_word(getattr(record, field.name))}"
        for field in dataclasses.fields(record)
        if getattr(record, field.name) != field.default
    ]
    return [option, *changed] if changed else []


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _described(metrics: Mapping[str, float]) -> dict[str, dict[str, Any]]:
    return {
        name: {"value": value, "unit": METRICS[name]["unit"], "evidence": METRICS[name]["evidence"]}
        for name, value in metrics.items()
        if name in METRICS
    }


def _readme(design: Design, metrics: Mapping[str, float]) -> str:
    parameters = dataclasses.asdict(design.parameters)
    listed = "\n".join(f"- {name}: {value}" for name, value in parameters.items())
    library = design.library.name or ", ".join(file.name for file in design.library.files)
    return f"""# {design.block.name}, one design point

{listed}

Library: {library}. Clock: {metrics["clock_frequency_hz"] / 1e6:.6g} MHz at {metrics["vdd_v"]:g} V.

| file | what it is |
|---|---|
| `rtl.v` | the block as Verilog, module `top`, clock `{CLOCK}`, synchronous reset `rst` |
| `netlist.v` | the same, mapped to the library's cells |
| `constraints.sdc` | the clock |
| `metrics.json` | every metric with its unit and kind of evidence |

Repeat it with chipdse {__version__}:

    {repeat_command(design)}
"""
