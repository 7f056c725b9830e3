"""One chip on its application as a described system, as `chipdse package` reads them."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import numpy as np

from chipdse.application.files.dies import DieChoice
from chipdse.application.inside.one_chip import OneChip
from chipdse.errors import DesignError
from chipdse.system.described import BlockDie, System, Traffic
from chipdse.system.parameters import STATED_BY_DIES, PackageParameters
from chipdse.technology.constants import SI_FACTORS, Constant
from chipdse.technology.own_figures import CUSTOM


def chip_system(chip: OneChip, name: str = "chip") -> System:
    """The dies of a chip with the powers and the traffic of its application.

    An operation of the system is a task. The dies have the order of the chip file.

    Raises
    ------
    DesignError : the network does not fit on the chip
    """
    table = chip.task()
    latency_s = float(table.latency_s[0])
    if not math.isfinite(latency_s):
        raise DesignError("the network does not run on this chip: it has no power to draw")
    if chip.dies is None:
        kinds = [DieChoice(name="die", node_nm=chip.node_nm)]
        levels = [table.energies_j[level] for level in ("tile", "sram", "operations")]
        on_die_j = np.sum(levels, axis=0)
        columns = [{"die": per_die} for per_die in (table.area_m2, on_die_j, table.leakage_w)]
        nodes: tuple[float, ...] = (chip.node_nm,)
    else:
        kinds, nodes = list(chip.dies.layout.dies), chip.dies.node_nm
        columns = [table.die_area_m2, table.die_dynamic_j, table.die_leakage_w]
    package, names = chip.package, [die.name for die in kinds]
    described = []
    for kind, (die, node_nm) in enumerate(zip(kinds, nodes, strict=True)):
        area_m2, joules, leakage_w = (float(column[die.name][0]) for column in columns)
        described.append(
            BlockDie(
                name=die.name,
                count=die.count,
                area_m2=(area_m2 + die.other_area_m2) * (1 + package.die_overhead_frac),
                node_nm=node_nm if package.node_nm is None else package.node_nm,
                dynamic_power_w=joules / latency_s,
                leakage_power_w=leakage_w,
                leakage_temperature_c=float(table.temperature_c[0]),
                leakage_doubling_k=package.leakage_doubling_k,
                throughput_ops_per_s=0.0 if kind else 1 / latency_s / die.count,
            )
        )
    flows = () if chip.dies is None else chip.dies.flows
    return System(
        name=name,
        dies=tuple(described),
        package=package,
        traffic=tuple(
            Traffic(
                ends=(names[flow.ends[0]], names[flow.ends[1]]),
                bits_per_s=float(table.flow_bits[flow.name][0]) / latency_s,
            )
            for flow in flows
        ),
        constants=tuple(chip.sources.given.values()),
    )


def link_figures(chip: OneChip) -> list[dict[str, Any]]:
    """What crosses links between dies in a task: its bits, and its time and energy on the links.

    The time is that at the busiest die, which flows of other kinds may share; the energy is without
    that of idle links.
    """
    links = chip.links()
    if links is None or chip.dies is None:
        return []
    bits, names = chip.task().flow_bits, chip.dies.names
    figures: list[dict[str, Any]] = []
    for place, flow in enumerate(links.flows):
        sent = bits[flow.name][0]
        time_s = sent * links.s_per_bit[0, place].max()
        energy_j = sent * links.j_per_bit[0, place]
        dies = [names[kind] for kind in flow.ends]
        figures.append(
            {
                "name": flow.name,
                "dies": dies,
                "bits": float(sent),
                "time_s": float(time_s),
                "energy_j": float(energy_j),
            }
        )
    return figures


def system_text(system: System) -> str:
    """A system as a file that `chipdse package` reads; every number is in SI units."""
    lines = [f"name = {json.dumps(system.name)}", "", "[package]"]
    for field in dataclasses.fields(PackageParameters):
        value = getattr(system.package, field.name)
        if field.name not in STATED_BY_DIES and value != field.default:
            lines.append(f"{field.name} = {json.dumps(value)}")
    for die in system.dies:
        lines += ["", "[[die]]"]
        for field in dataclasses.fields(die):
            value = getattr(die, field.name)
            if value is not None and value != field.default:
                lines.append(f"{field.name} = {json.dumps(value)}")
    for traffic in system.traffic:
        lines += ["", "[[traffic]]", f"between = {json.dumps(traffic.ends)}"]
        lines.append(f"rate = {traffic.bits_per_s!r}")
    custom = system.package.link == CUSTOM  # a file that gives a custom link has to use it
    given = [c for c in system.constants if custom or not _is_custom_link(c)]
    if given:
        lines += ["", "[constants]", *map(_constant, given)]
    return "\n".join([*lines, ""])


def _is_custom_link(constant: Constant) -> bool:
    return constant.key.startswith("links.") and constant.key.endswith(f".{CUSTOM}")


def _constant(constant: Constant) -> str:
    factor = SI_FACTORS[constant.unit]
    unit = "" if constant.unit == "-" else f" {constant.unit}"
    low, high = constant.low / factor, constant.high / factor
    low, high = min(low, constant.published), max(high, constant.published)  # rounding
    figure = f"{constant.published!r}{unit} ({low!r} to {high!r})"
    return f"{json.dumps(constant.key)} = {json.dumps(figure)}"
