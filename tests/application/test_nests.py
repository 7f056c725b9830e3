"""Accesses and energy of given mappings: Timeloop's published outputs, and a nest by hand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chipdse.application.nests import (
    Level,
    LevelEnergy,
    Loop,
    Operand,
    accesses_of,
    computations_of,
    cycles_of,
    nest_energy_j,
)
from chipdse.errors import DesignError


def axes(*names: str) -> tuple[tuple[tuple[str, int], ...], ...]:
    return tuple(((name, 1),) for name in names)


GEMM = (
    Operand(name="A", coordinates=axes("m", "k")),
    Operand(name="B", coordinates=axes("k", "n")),
    Operand(name="C", coordinates=axes("m", "n"), is_output=True),
)
STRIDE = 2  # of the published problem
CONVOLUTION = (
    Operand(name="Weights", coordinates=axes("C", "M", "R", "S")),
    Operand(
        name="Inputs",
        coordinates=(*axes("N", "C"), (("R", 1), ("P", STRIDE)), (("S", 1), ("Q", STRIDE))),
    ),
    Operand(name="Outputs", coordinates=axes("N", "M", "Q", "P"), is_output=True),
)


def test_a_product_by_hand() -> None:
    # C = A @ B, 4 x 6 x 5, in tiles of 2 x 3 results that stay: k runs inside.
    nest = (
        Level(name="dram", loops=(Loop(dimension="m", bound=2),), holds=frozenset("ABC")),
        Level(name="sram", loops=(Loop(dimension="n", bound=2),), holds=frozenset("AB")),
        Level(
            name="array",
            loops=(
                Loop(dimension="k", bound=5),
                Loop(dimension="m", bound=2, spatial=True),
                Loop(dimension="n", bound=3, spatial=True),
            ),
            holds=frozenset("C"),
        ),
    )
    assert (cycles_of(nest), computations_of(nest)) == (20, 120)
    counts = accesses_of(nest, GEMM)
    # B (5 x 6) fits whole: it stays over m. A passes in two halves of 2 x 5.
    assert (counts["sram", "B"].fills, counts["sram", "A"].fills) == (30, 20)
    # Two rows of A and three columns of B per cycle, each read once for all that need it.
    assert (counts["sram", "A"].reads, counts["sram", "B"].reads) == (40, 60)
    assert counts["dram", "C"].updates == 24 and counts["dram", "C"].reads == 0
    assert (counts["array", "C"].updates, counts["array", "C"].reads) == (120, 96)


def test_sums_that_leave_come_back() -> None:
    # k outside n: each sum leaves and returns; 2 visits of each of the 3 results.
    nest = (
        Level(name="dram", loops=(Loop(dimension="k", bound=2),), holds=frozenset("ABC")),
        Level(name="outer", loops=(Loop(dimension="n", bound=3),)),
        Level(name="array", holds=frozenset("C")),
    )
    counts = accesses_of(nest, GEMM)
    assert (counts["dram", "C"].updates, counts["dram", "C"].reads) == (6, 3)
    assert (counts["array", "C"].fills, counts["array", "C"].updates) == (3, 6)


def test_the_outermost_level_holds_everything() -> None:
    with pytest.raises(DesignError, match="outermost level 'dram' must hold operand 'C'"):
        accesses_of([Level(name="dram", holds=frozenset("AB"))], GEMM)


def published_nest(folder: Path) -> list[Level]:
    """The mapping as Timeloop prints it, and the registers inside."""
    levels: list[Level] = []
    for line in (folder / "timeloop-mapper.map.txt").read_text().splitlines():
        head = re.match(r"(\w+) \[(.*)\]", line)
        loop = re.match(r"[| ]+for (\w+) in \[0:(\d+)\)(.*)", line)
        if head:
            holds = frozenset(re.findall(r"(\w+):\d+", head[2]))
            levels.append(Level(name=head[1], holds=holds))
        elif loop:
            last = levels.pop()
            more = Loop(dimension=loop[1], bound=int(loop[2]), spatial="Spatial" in loop[3])
            levels.append(Level(name=last.name, loops=(*last.loops, more), holds=last.holds))
    return levels


def published_counts(folder: Path) -> dict[tuple[str, str], dict[str, float]]:
    """Numbers by level and operand from the statistics."""
    counts: dict[tuple[str, str], dict[str, float]] = {}
    level = operand = ""
    for line in (folder / "timeloop-mapper.stats.txt").read_text().splitlines():
        if head := re.match(r"=== (\w+) ===", line):
            level, operand = head[1], ""
        elif head := re.match(r"    (Weights|Inputs|Outputs):$", line):
            operand = head[1]
        elif number := re.match(r" +([\w -]+?)(?: \(.*\))? +: ([\d.]+)(?: pJ)?$", line):
            unit = "(total)" if "(total)" in line else ""
            entry = counts.setdefault((level, operand), {})
            entry.setdefault(number[1] + unit, float(number[2]))
    return counts


def published_energies(folder: Path) -> tuple[dict[str, LevelEnergy], float]:
    """Energy per access in joules by level, and per computation, from the published table."""
    text = (folder / "timeloop-mapper.ERT_summary.yaml").read_text()
    counts = published_counts(folder)
    table: dict[str, dict[str, float]] = {}
    for part in text.split("- name: system_top_level.")[1:]:
        name = re.match(r"\w+", part)
        actions = dict(re.findall(r"- name: (\w+)\s+energy: ([\d.]+)", part))
        assert name is not None
        if actions:
            table[name[0]] = {action: float(pj) * 1e-12 for action, pj in actions.items()}
    energies = {
        name: LevelEnergy(
            read_j=actions["read"],
            write_j=actions["write"],
            update_j=actions["update"],
            words_per_access=round(counts[name, ""]["Block size"]),
            leakage_j_per_cycle=actions["leak"],
        )
        for name, actions in table.items()
        if name != "mac"
    }
    return energies, table["mac"]["compute"]


# Cycles and energy as printed at the end of the statistics.
@pytest.mark.parametrize(
    ("name", "cycles", "total_uj"),
    [("simple_output_stationary", 677_376, 118.46), ("eyeriss_like", 86_016, 59.28)],
)
def test_accesses_and_energy_are_timeloops(
    name: str, cycles: int, total_uj: float, shared: Path
) -> None:
    folder = shared / "reference" / "networks" / "timeloop" / name
    nest, counts = published_nest(folder), published_counts(folder)
    assert cycles_of(nest) == cycles
    assert computations_of(nest) == 10_838_016
    ours = accesses_of(nest, CONVOLUTION)
    compared = 0
    for (level, operand), mine in ours.items():
        theirs = counts[level, operand]
        assert mine.instances == theirs["Utilized instances"], (level, operand)
        assert mine.reads == theirs["Scalar reads"], (level, operand)
        assert mine.fills == theirs["Scalar fills"], (level, operand)
        assert mine.updates == theirs["Scalar updates"], (level, operand)
        assert mine.tile_words == theirs["Utilized capacity"], (level, operand)
        compared += 1
    assert compared == sum(1 for _, operand in counts if operand)
    energies = nest_energy_j(nest, CONVOLUTION, *published_energies(folder))
    for level in energies:
        if level != "compute":
            theirs_pj = (
                sum(
                    values["Energy(total)"]
                    for (name_, operand), values in counts.items()
                    if name_ == level and operand
                )
                + counts[level, ""]["Leakage energy(total)"]
            )
            assert energies[level] == pytest.approx(theirs_pj * 1e-12, rel=1e-5), level
    assert sum(energies.values()) == pytest.approx(total_uj * 1e-6, abs=0.005e-6)
