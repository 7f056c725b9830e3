"""The tables of one cell at one corner, as a Liberty file states them, from simulations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chipdse.characterise.cells import Cell

EDGES = ("rise", "fall")


@dataclass(frozen=True, kw_only=True)
class Arc:
    """One timing arc: [slew, load] tables by edge of the output."""

    pin: str
    output: str
    sense: str
    timing_type: str
    delay_s: dict[str, np.ndarray]
    transition_s: dict[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class CellTables:
    """Everything Liberty says of one cell at one corner.

    output_energy_j : (output, related input) -> edge -> [slew, load]
    input_energy_j : input -> edge -> [slew of `quiet_slews_s`]
    constraints : (pin, timing type) -> edge of the pin -> [clock slew, data slew]
    leakage_w : (condition, power)
    """

    cell: Cell
    area_m2: float
    slews_s: np.ndarray
    loads_f: np.ndarray
    quiet_slews_s: np.ndarray
    constraint_slews_s: np.ndarray
    arcs: list[Arc]
    output_energy_j: dict[tuple[str, str], dict[str, np.ndarray]]
    input_energy_j: dict[str, dict[str, np.ndarray]]
    capacitance_f: dict[str, dict[str, float]]
    constraints: dict[tuple[str, str], dict[str, np.ndarray]]
    leakage_w: list[tuple[str, float]]


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Tables and the points they were simulated at, or filled to."""

    fo4_s: float
    slews_s: np.ndarray
    loads_f: np.ndarray
    constraint_slews_s: np.ndarray
    arcs: list[Arc]
    energy: dict[tuple[str, str], dict[str, np.ndarray]]
    constraints: dict[tuple[str, str], dict[str, np.ndarray]]


def cell_tables(
    cell: Cell, raw: dict[str, Any], leak: dict[str, Any], grid: Grid | None
) -> CellTables:
    """A cell from its raw results; `grid` is None for a cell without inputs."""
    leakage_w = conditions(cell, leak["states"])
    if grid is None:
        empty = np.zeros(0)
        return CellTables(
            cell=cell,
            area_m2=raw["area_m2"],
            slews_s=empty,
            loads_f=empty,
            quiet_slews_s=empty,
            constraint_slews_s=empty,
            arcs=[],
            output_energy_j={},
            input_energy_j={},
            capacitance_f={},
            constraints={},
            leakage_w=leakage_w,
        )
    quiet = next(iter(raw["quiet_energy_j"].values()), None)
    return CellTables(
        cell=cell,
        area_m2=raw["area_m2"],
        slews_s=grid.slews_s,
        loads_f=grid.loads_f,
        quiet_slews_s=np.array(quiet["slew_s"]) if quiet else np.zeros(0),
        constraint_slews_s=grid.constraint_slews_s,
        arcs=grid.arcs,
        output_energy_j=grid.energy,
        input_energy_j={
            pin: {edge: np.array(energies[edge]) for edge in EDGES}
            for pin, energies in raw["quiet_energy_j"].items()
        },
        capacitance_f=raw["capacitance_f"],
        constraints=grid.constraints,
        leakage_w=leakage_w,
    )


def grid_of(cell: Cell, raw: dict[str, Any]) -> Grid:
    arcs = [
        Arc(
            pin=arc["pin"],
            output=arc["output"],
            sense=arc["sense"],
            timing_type=arc.get("timing_type", "combinational"),
            delay_s={edge: np.array(arc[f"{edge}_delay_s"]) for edge in EDGES},
            transition_s={edge: np.array(arc[f"{edge}_transition_s"]) for edge in EDGES},
        )
        for arc in raw["arcs"]
    ]
    constraints = {
        (constraint["pin"], constraint["type"]): {
            edge: np.array(constraint[f"{edge}_s"]) for edge in EDGES
        }
        for constraint in raw.get("constraints", [])
    }
    if cell.sequential is not None:  # energies had the input's own taken off already
        energy = {
            (arc["output"], arc["pin"]): {edge: np.array(arc[f"{edge}_energy_j"]) for edge in EDGES}
            for arc in raw["arcs"]
        }
    else:
        energy = combinational_energy(cell, raw)
    return Grid(
        fo4_s=raw["fo4_s"],
        slews_s=np.array(raw["slews_s"]),
        loads_f=np.array(raw["loads_f"]),
        constraint_slews_s=np.array(raw.get("constraint_slews_s", [])),
        arcs=arcs,
        energy=energy,
        constraints=constraints,
    )


def combinational_energy(
    cell: Cell, raw: dict[str, Any]
) -> dict[tuple[str, str], dict[str, np.ndarray]]:
    """Mean energy of an output's edge caused by an input, over the states of the other inputs.

    What the input's own group counts at every edge of it (output quiet) is taken off. When two
    outputs toggle together, the one that toggles in every state keeps what it costs alone and the
    other gets the rest: totals are then exact.
    """
    pairs = {(arc["output"], arc["pin"]) for arc in raw["arcs"]}
    alone = {
        (out, pin): _mean_energy(cell, raw, out, pin, shared=False) for out, pin in sorted(pairs)
    }
    result = {}
    for out, pin in sorted(pairs):
        energy = alone[out, pin]
        if energy is None:  # never toggles alone: take off what the others cost
            together = _mean_energy(cell, raw, out, pin, shared=True)
            assert together is not None
            others = [
                other_energy
                for (other, source), other_energy in alone.items()
                if source == pin and other != out and other_energy is not None
            ]
            means = [np.mean([each[edge][:, 0] for edge in EDGES], axis=0) for each in others]
            taken = sum(means)
            energy = {edge: together[edge] - np.reshape(taken, (-1, 1)) for edge in EDGES}
        result[out, pin] = energy
    return result


def _mean_energy(
    cell: Cell, raw: dict[str, Any], out: str, pin: str, *, shared: bool
) -> dict[str, np.ndarray] | None:
    """Mean over the states in which `out` toggles alone (or `shared`: with others)."""
    small_f, supply_v = raw["loads_f"][0], raw["supply_v"]
    sums: dict[str, Any] = dict.fromkeys(EDGES, 0.0)
    count = 0
    for arc in raw["arcs"]:
        if (arc["output"], arc["pin"]) != (out, pin):
            continue
        positive = arc["sense"] == "positive_unate"
        sides = _sides(cell, out, pin, positive)
        chosen = [k for k, others in enumerate(arc["others"]) if bool(others) == shared]
        if not chosen:
            continue
        count += len(chosen)
        for edge in EDGES:
            input_rises = (edge == "rise") == positive
            # supply energy at the middle of the grid, loads of other rising outputs taken off
            middle = [
                energies[0 if input_rises else 1]
                - small_f
                * supply_v**2
                * sum(_rises(cell, other, pin, side, input_rises) for other in others)
                for energies, others, side in zip(
                    arc["energies_j"], arc["others"], sides, strict=True
                )
            ]
            every = [energies[0 if input_rises else 1] for energies in arc["energies_j"]]
            # the table holds the mean over all states; move it to the mean over the chosen
            table = np.array(arc[f"{edge}_energy_j"]) - float(np.mean(every))
            worst = arc["worst"][edge]
            table = (
                table + every[worst] - middle[worst] + float(np.mean([middle[k] for k in chosen]))
            )
            quiet = raw["quiet_energy_j"].get(pin)
            if quiet:
                hidden = np.interp(
                    raw["slews_s"], quiet["slew_s"], quiet["rise" if input_rises else "fall"]
                )
                table = table - hidden[:, None]
            sums[edge] = sums[edge] + len(chosen) * table
    return {edge: sums[edge] / count for edge in EDGES} if count else None


def _sides(cell: Cell, out: str, pin: str, positive: bool) -> list[dict[str, int]]:
    """States of the other inputs in which an arc of this sense exists, in the order of the run."""
    return [
        side
        for side in cell.states(pin)
        if cell.value(out, {**side, pin: 1}) - cell.value(out, {**side, pin: 0})
        == (1 if positive else -1)
    ]


def _rises(cell: Cell, out: str, pin: str, side: dict[str, int], input_rises: bool) -> bool:
    before, after = (0, 1) if input_rises else (1, 0)
    return cell.value(out, {**side, pin: after}) > cell.value(out, {**side, pin: before})


def conditions(cell: Cell, states: list[dict[str, Any]]) -> list[tuple[str, float]]:
    """Leakage of a cell by Liberty condition; a stored bit shows as the output."""
    groups = []
    for state in states:
        terms = [pin if level else f"!{pin}" for pin, level in state["levels"].items()]
        rule = cell.sequential
        if rule is not None and state["levels"]:
            gate = rule.kind == "clock_gate"
            if not (gate and not state["levels"][rule.clock]):
                out = cell.outputs[0]
                terms.append(out if state["stored"] else f"!{out}")
        groups.append(("&".join(terms), float(state["power_w"])))
    return groups
