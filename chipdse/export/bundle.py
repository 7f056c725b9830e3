"""Export: a folder with one design point for other tools, and how to check and repeat it."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shlex
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from chipdse_hdl.block import Block

from chipdse import __version__
from chipdse.blocks.own import is_checked
from chipdse.blocks.work import work_unit
from chipdse.design import Design
from chipdse.errors import DesignError
from chipdse.export import flows
from chipdse.export.bench_files import bench_files
from chipdse.export.cell_models import cell_models
from chipdse.export.check_script import CHECK_SCRIPT
from chipdse.export.flows import VERILOG
from chipdse.export.golden import INPUTS, OUTPUTS, golden_files
from chipdse.export.threedblox import threedblox_files
from chipdse.hardware.memory_model import memory_model
from chipdse.hardware.registers import leaves_open
from chipdse.hardware.simulated_rtl import told_assertions
from chipdse.metrics import METRICS, Basis, basis_of, corner_text, evidence_of
from chipdse.netlist.activity.activity import Activity
from chipdse.netlist.activity.recording import read_recording
from chipdse.netlist.activity.saif import write_saif
from chipdse.netlist.library.liberty.writer import liberty_text
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.timing.records import Timing
from chipdse.records import BlockMetrics, as_written
from chipdse.stages.analyse import activity_of, analyse_cells
from chipdse.stages.build import build_hardware
from chipdse.stages.guarantee import FAST, SLOW
from chipdse.stages.layout import layout, measured_errors
from chipdse.stages.library import library_of
from chipdse.stages.load import Hardware
from chipdse.stages.measure import measure
from chipdse.store.files import write_folder
from chipdse.store.store import Store
from chipdse.system.arrays.columns import BlockPoints, PackageColumns
from chipdse.system.arrays.dies import dies_of
from chipdse.system.arrays.temperature import geometry_of
from chipdse.system.evaluate import evaluate_system
from chipdse.technology.calibration import MeasuredError
from chipdse.technology.citations import bibtex_of, cited_in
from chipdse.technology.constants import Sources
from chipdse.technology.own_figures import own_setting
from chipdse.units import unit_in


def export_point(
    design: Design,
    metrics: Mapping[str, float],
    store: Store,
    target: Path,
    *,
    system_evidence: str,
) -> list[Path]:
    """Write a point's files into the new or empty folder `target`; all of them or none.

    What each is, the folder's README.md says. The same point gives the same bytes.

    Parameters
    ----------
    metrics : of the point, by name
    system_evidence : `SystemMetrics.evidence` of the point

    Raises
    ------
    DesignError : `target` holds files, or cannot be written
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise DesignError(f"--to {str(target)!r} is not an empty folder; name a new one")
    rtl, hardware = build_hardware(design, store)
    # Verilog-2005 has no `assert`: what fails is printed.
    verilog = told_assertions(rtl.verilog.read_text())
    files = {"rtl.v": verilog, "netlist.v": hardware.mapped.netlist.read_text()}
    corner = [metrics["vdd_v"]], [metrics["library_temperature_c"]]
    process = design.operating.process
    timing, _, _ = analyse_cells(design.library, hardware, *corner, process=process)
    # Other flows add wires of their own; the activity is ours, glitches counted if they were.
    activity = activity_of(design, hardware, store, layout(design, hardware, store))
    files |= _measured(timing, activity, 1 / metrics["clock_frequency_hz"], rtl.clock_port)
    if design.operating.is_guaranteed:
        files |= _corner_libraries(design, metrics)
    if hardware.macros:
        models = [memory_model(size) for size in hardware.macros]
        for model in models:
            files["rtl.v"] = files["rtl.v"].replace(model, "")
        files[flows.MEMORIES] = "".join(models)
    files |= _golden(hardware, rtl.top, leaves_open(rtl.rtlil.read_text()))
    files |= bench_files(design, rtl)
    clock_period_s = 1 / metrics["clock_frequency_hz"]
    files |= _flows(name_of(design.block), timing.netlist, clock_period_s, rtl.clock_port)
    block = measure(design, hardware, store)[1]
    files |= _assembly(design, block)
    files["sources.bib"] = _bibliography(design, block)
    basis = basis_of(metrics, checked=is_checked(design.block))
    errors = measured_errors(design)
    described = _described(metrics, system_evidence, basis, work_unit(design.block), errors)
    files["metrics.json"] = json.dumps(described, indent=1) + "\n"
    files["check.py"] = CHECK_SCRIPT
    files["README.md"] = _readme(design, metrics, files, _platform(timing.netlist))
    try:
        write_folder(target, files)
    except OSError as error:
        raise DesignError(f"--to {str(target)!r}: {error.strerror}") from error
    return [target / name for name in sorted(files)]


def _measured(
    timing: Timing, activity: Activity, clock_period_s: float, clock: str
) -> dict[str, str]:
    """Clock, activity, cells: what a timing and power tool needs to follow our figures."""
    timed = dataclasses.replace(activity, duration_s=activity.cycles * clock_period_s)
    with tempfile.TemporaryDirectory() as scratch:
        saif = Path(scratch) / "activity.saif"
        write_saif(timed, timing.netlist, saif)
        saif_text = saif.read_text()
    return {
        "constraints.sdc": flows.constraints(clock_period_s, clock=clock),
        "activity.saif": saif_text,
        "cells.lib": liberty_text(timing.library),
        "cells.v": cell_models(timing.netlist),
    }


def _corner_libraries(design: Design, metrics: Mapping[str, float]) -> dict[str, str]:
    """Liberty files of the corners at which a guaranteed point's clock and hold slack hold."""
    entry = library_of(design.library)
    return {
        f"cells_{process}.lib": liberty_text(
            entry.load(process).at(
                metrics[f"{corner}_supply_v"], metrics[f"{corner}_temperature_c"]
            ),
            deviations=True,
        )
        for process, corner in ((SLOW, "setup"), (FAST, "hold"))
    }


def _golden(hardware: Hardware, top: str, open_values: bool) -> dict[str, str]:
    run = hardware.run
    files = golden_files(
        read_recording(run.layout, run.data),
        top,
        first_cycle=run.first_cycle,
        cycles=run.cycles,
        leaves_open=open_values,
    )
    return {f"golden/{name}": text for name, text in files.items()}


def name_of(block: Block) -> str:
    """A block's name without where it was found."""
    if block.name.endswith(".toml"):
        return Path(block.name).stem
    return str(block.name.rpartition(":")[2])


def _flows(block: str, netlist: Netlist, clock_period_s: float, clock: str) -> dict[str, str]:
    """Configurations of other flows; of those that know the library and have its memories."""
    name = f"{block}_exported"
    has_memories = any(netlist.cells[kind].is_macro for kind in netlist.used_types)
    memories = [flows.MEMORIES] if has_memories else []
    rtl = dict.fromkeys(["rtl.v", *memories], VERILOG)
    gates = dict.fromkeys(["netlist.v", "cells.v", *memories], VERILOG)
    golden = {"golden/golden.v": VERILOG, **{f"golden/{f}": "user" for f in (INPUTS, OUTPUTS)}}
    files = {
        "exported.core": flows.fusesoc(name, netlist.top, list(rtl), list(gates)),
        "rtl.f": "".join(f"{file}\n" for file in rtl),
        "netlist.f": "".join(f"{file}\n" for file in gates),
        "rtl.eda.json": flows.edalize(name, rtl | golden),
        "netlist.eda.json": flows.edalize(name, gates | golden),
    }
    platform = _platform(netlist)
    if platform is not None and platform.pdk:
        files["librelane/config.json"] = flows.librelane(netlist.top, clock_period_s, clock)
    if platform is not None and platform.openroad:
        files["openroad/config.mk"] = flows.openroad(netlist.top, platform)
        files["openroad/constraint.sdc"] = flows.constraints(
            clock_period_s, platform.time_unit_s, clock
        )
    return files


def _platform(netlist: Netlist) -> flows.Platform | None:
    return flows.platform_of(netlist.cells[kind].name for kind in netlist.used_types)


def _assembly(design: Design, block: BlockMetrics) -> dict[str, str]:
    """The system as 3DBlox, if it has more than one die."""
    sources, columns = Sources.of(design.constants), PackageColumns.of([design.package])
    dies = dies_of(BlockPoints.of([block]), columns, sources)
    geometry = geometry_of(columns, dies, 0)
    if len(geometry.dies) == 1:
        return {}
    files = threedblox_files(geometry, sources, f"{design.block.name}_system")
    return {f"threedblox/{name}": text for name, text in files.items()}


def _bibliography(design: Design, block: BlockMetrics) -> str:
    """What the point's figures rest on, as BibTeX."""
    sources = Sources.of(design.constants)
    evaluate_system(block, design.package, sources)
    return bibtex_of(cited_in(sources))


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
    words += _settings("--operating", operating, skip=_OPTIONS)
    words += _settings("--physical", design.physical)
    words += _settings("--package", design.package)
    if design.constants:
        words += ["--constants", *map(own_setting, design.constants)]
    return shlex.join(words)


_OPTIONS = ("vdd_v", "temperature_c", "clock_period_s", "clock_frac")
"""Fields of an operating point that have an option of their own."""


def _settings(option: str, record: Any, skip: Collection[str] = ()) -> list[str]:
    """Only what differs from the defaults, without the fields in `skip`."""
    changed = [
        f"{field.name}={_word(as_written(field, getattr(record, field.name)))}"
        for field in dataclasses.fields(record)
        if getattr(record, field.name) != field.default and field.name not in skip
    ]
    return [option, *changed] if changed else []


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _described(
    metrics: Mapping[str, float],
    system_evidence: str,
    basis: Basis,
    work: str,
    errors: Mapping[str, MeasuredError],
) -> dict[str, dict[str, Any]]:
    return {
        name: {
            "value": value,
            "unit": unit_in(METRICS[name]["unit"], work),
            "evidence": evidence_of(name, system_evidence, basis),
            **({"corner": corner} if (corner := corner_text(name, metrics)) else {}),
            **({"measured_error": errors[name].text()} if name in errors else {}),
        }
        for name, value in metrics.items()
        if name in METRICS
    }


_FILES = {
    "rtl.v": "the block as Verilog-2005, module `top`; read as SystemVerilog, logic that depends "
    "on registers alone can stay unknown (Icarus: `-g2005`)",
    "netlist.v": "the same, mapped to the library's cells; no signed ports",
    "constraints.sdc": "the clock (times in ns)",
    "activity.saif": "how often every net of the netlist switched in the workload",
    "cells.lib": "the cell library at this supply and temperature, as timing and power read it",
    "cells_slow.lib": "the library at the corner of the guaranteed clock: setup is checked with it",
    "cells_fast.lib": "the library at the corner of the guaranteed hold slack",
    "cells.v": "functional models of the cells used",
    "memories.v": "functional models of the SRAM macros; for layout take a compiler's",
    "golden/golden.v": "self-checking testbench; replays the recorded run in `golden/*.hex`",
    "bench/bench.json": "the block's cocotb bench: module, parameters and workload",
    "metrics.json": "every metric with its unit, kind of evidence and error against routed designs",
    "sources.bib": "publications and other sources of the models and constants used, as BibTeX",
    "check.py": "checks RTL and netlist again: `python3 check.py`",
    "exported.core": "FuseSoC: `fusesoc --cores-root . run --target sim NAME`, and `sim_netlist`",
    "rtl.eda.json": "Edalize (EDAM) with the testbench; `netlist.eda.json` for the netlist",
    "rtl.f": "file list of the RTL; `netlist.f` of the netlist",
    "librelane/config.json": "LibreLane: `librelane --pdk PDK --scl CELLS librelane/config.json`",
    "threedblox/": "the dies and how they are assembled (3DBlox, as OpenROAD reads it)",
    "openroad/config.mk": "OpenROAD-flow-scripts: `make DESIGN_CONFIG=.../openroad/config.mk`",
}


def _filled(text: str, known: Mapping[str, str]) -> str:
    return re.sub(r"\b[A-Z]+\b", lambda word: known.get(word[0]) or word[0], text)


def _readme(
    design: Design,
    metrics: Mapping[str, float],
    files: Mapping[str, str],
    platform: flows.Platform | None,
) -> str:
    parameters = dataclasses.asdict(design.parameters)
    listed = "\n".join(f"- {name}: {value}" for name, value in parameters.items())
    known = {"NAME": flows.core_name(f"{name_of(design.block)}_exported")}
    if platform is not None:
        known |= {"PDK": platform.pdk, "CELLS": platform.cells}
    library = design.library.name or ", ".join(file.name for file in design.library.files)
    table = "\n".join(
        f"| `{name}` | {_filled(what, known)} |"
        for name, what in _FILES.items()
        if any(file.startswith(name) for file in files)
    )
    return f"""# {name_of(design.block)}, one design point

{listed}

Library: {library}. Clock: {metrics["clock_frequency_hz"] / 1e6:.6g} MHz at {metrics["vdd_v"]:g} V.

| file | what it is |
|---|---|
{table}

Repeat it with chipdse {__version__}:

    {repeat_command(design)}

Compare the results of a place-and-route flow with these estimates:

    chipdse import-results . PATH/TO/metrics.json
"""
