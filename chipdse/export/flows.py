"""Configurations of other flows for an exported point: LibreLane, OpenROAD-flow-scripts, FuseSoC,
Edalize and plain file lists."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from chipdse.export.golden import INPUTS, OUTPUTS, TOP

CLOCK = "clk"
MEMORIES = "memories.v"
VERILOG = "verilogSource-2005"
ICARUS_STANDARD = "-g2005"
"""Not SystemVerilog: there Icarus sets registers before `always @*` blocks listen to them."""
CORE_UTILISATION_PERCENT = 50
"""Where a flow has no default of its own: LibreLane's default, room for clock tree and repairs."""


@dataclass(frozen=True, kw_only=True)
class Platform:
    """What other flows call a cell library.

    pdk, cells : LibreLane's names of the process kit and of the library; "" where it has none
    openroad : platform of OpenROAD-flow-scripts; "" where it has none
    time_unit_s : of the library's Liberty files, in which that flow reads constraints [s]
    """

    pdk: str
    cells: str
    openroad: str
    time_unit_s: float = 1e-9


_PLATFORMS = {
    r"sky130_fd_sc_hd__": Platform(pdk="sky130A", cells="sky130_fd_sc_hd", openroad="sky130hd"),
    r"sg13g2_": Platform(pdk="ihp-sg13g2", cells="sg13g2_stdcell", openroad="ihp-sg13g2"),
    r"gf180mcu_fd_sc_mcu7t5v0__": Platform(
        pdk="gf180mcuD", cells="gf180mcu_fd_sc_mcu7t5v0", openroad="gf180"
    ),
    r"\w+_ASAP7_75t_\w+": Platform(pdk="", cells="", openroad="asap7", time_unit_s=1e-12),
}


def platform_of(cells: Iterable[str]) -> Platform | None:
    """The platform of a library, by its cells' names; None if no flow here knows it."""
    names = list(cells)
    for pattern, platform in _PLATFORMS.items():
        if names and all(re.match(pattern, name) for name in names):
            return platform
    return None


def constraints(clock_period_s: float, unit_s: float = 1e-9, clock: str = CLOCK) -> str:
    """Synopsys design constraints: the clock, as our own timing has it.

    Parameters
    ----------
    unit_s : unit of the times, which is that of the first Liberty file a tool reads [s]
    clock : its port
    """
    return (
        f"create_clock -name {clock} -period {clock_period_s / unit_s:.6g} [get_ports {clock}]\n"
        f"set_input_delay 0 -clock {clock} [all_inputs -no_clocks]\n"
        f"set_output_delay 0 -clock {clock} [all_outputs]\n"
    )


def librelane(top: str, clock_period_s: float, clock: str = CLOCK) -> str:
    """A LibreLane configuration (JSON); run with ``librelane --pdk PDK --scl CELLS FILE``."""
    values = {
        "meta": {"version": 2, "flow": "Classic"},
        "DESIGN_NAME": top,
        "VERILOG_FILES": "dir::../rtl.v",
        "CLOCK_PORT": clock,
        "CLOCK_PERIOD": float(f"{clock_period_s * 1e9:.6g}"),
        "PNR_SDC_FILE": "dir::../constraints.sdc",
        "SIGNOFF_SDC_FILE": "dir::../constraints.sdc",
    }
    return json.dumps(values, indent=1) + "\n"


def openroad(top: str, platform: Platform) -> str:
    """Configuration of OpenROAD-flow-scripts; run with ``make DESIGN_CONFIG=FILE``."""
    folder = "$(dir $(DESIGN_CONFIG))"
    return "".join(
        f"export {name:<16} = {value}\n"
        for name, value in {
            "PLATFORM": platform.openroad,
            "DESIGN_NAME": top,
            "DESIGN_NICKNAME": f"chipdse_{top}",
            "VERILOG_FILES": f"{folder}../rtl.v",
            "SDC_FILE": f"{folder}constraint.sdc",
            "CORE_UTILIZATION": str(CORE_UTILISATION_PERCENT),
        }.items()
    )


def core_name(name: str) -> str:
    """What FuseSoC calls an exported point: vendor, library, name, version."""
    return f"chipdse:exported:{_plain(name)}:0"


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]", "_", name)


def fusesoc(name: str, top: str, rtl: Iterable[str], netlist: Iterable[str]) -> str:
    """A FuseSoC core (CAPI2): the RTL, and targets that check RTL and netlist."""
    bench = "".join(
        f"      - golden/{file}: {{file_type: {kind}{copy}}}\n"
        for file, kind, copy in (
            ("golden.v", VERILOG, ""),
            (INPUTS, "user", f", copyto: {INPUTS}"),
            (OUTPUTS, "user", f", copyto: {OUTPUTS}"),
        )
    )
    targets = "".join(
        f"  {target}:\n    description: {description}\n    flow: sim\n"
        f"    flow_options: {{tool: icarus, iverilog_options: [{ICARUS_STANDARD}]}}\n"
        f"    filesets: [{files}, golden]\n    toplevel: {TOP}\n"
        for target, description, files in (
            ("sim", "Compare the RTL with the recorded run", "rtl"),
            ("sim_netlist", "Compare the mapped netlist with the recorded run", "netlist"),
        )
    )
    sets = "".join(
        f"  {fileset}:\n    files:\n"
        + "".join(f"      - {file}: {{file_type: {VERILOG}}}\n" for file in files)
        for fileset, files in (("rtl", rtl), ("netlist", netlist))
    )
    return (
        f"CAPI=2:\nname: {core_name(name)}\n"
        f"description: One design point exported from chipdse\nfilesets:\n{sets}"
        f"  golden:\n    files:\n{bench}"
        "targets:\n  default: &default\n    filesets: [rtl]\n"
        f"    toplevel: {top}\n{targets}"
    )


def edalize(name: str, files: Mapping[str, str]) -> str:
    """Edalize's description of a design (EDAM, as JSON, which YAML readers take too).

    Options stand in it twice: for its flows, and for its older interface by tool.

    Parameters
    ----------
    files : Edalize's file type, by file name
    """
    edam: dict[str, Any] = {
        "name": _plain(name),
        "toplevel": TOP,
        "files": [{"name": file, "file_type": kind} for file, kind in files.items()],
        "flow_options": {"tool": "icarus", "iverilog_options": [ICARUS_STANDARD]},
        "tool_options": {"icarus": {"iverilog_options": [ICARUS_STANDARD]}},
    }
    return json.dumps(edam, indent=1) + "\n"
