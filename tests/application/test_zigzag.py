"""Word accesses of ResNet-18's layers on a TPU-like chip: ZigZag's, for its mappings."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest

from chipdse.application.nests import Accesses, Level, Loop, Operand, accesses_of, cycles_of

FOLDER = Path(__file__).parents[3] / "shared" / "reference" / "networks" / "zigzag"
LAYERS = sorted(path.stem for path in FOLDER.glob("*.json"))
# Of ZigZag's tpu_like.yaml: bits that one access of a memory moves, and the fewest it can move.
BUFFER_BITS, LEAST_BITS, DRAM_BITS = 2048, 64, 64


def loops(texts: list[str], *, spatial: bool = False) -> list[Loop]:
    """Loops from ZigZag's text, which has the innermost first; here it comes last."""
    pairs = [re.findall(r"\w+", text) for text in reversed(texts)]
    return [Loop(dimension=name, bound=int(bound), spatial=spatial) for name, bound in pairs]


def operands(layer: dict[str, Any]) -> tuple[Operand, ...]:
    """Weights, inputs and outputs with the index relations that the file states."""
    relations = {}
    for text in layer["equation_relations"]:
        axis, terms = text.split(" = ")
        pairs = re.findall(r"(\d+)\*(\w+)", terms)
        relations[axis] = tuple((name, int(factor)) for factor, name in pairs)
    sizes = layer["loop_dimensions"]
    # "Same" padding, which is not stored: the map has stride times as many rows as the outputs.
    extents = tuple(relations[axis][0][1] * sizes[relations[axis][0][0]] for axis in ("IY", "IX"))
    inputs = ((("C", 1),), relations["IY"], relations["IX"])
    outputs = tuple(((name, 1),) for name in ("K", "OY", "OX"))
    weights = tuple(((name, 1),) for name in ("K", "C", "FY", "FX"))
    return (
        Operand(name="W", coordinates=weights),
        Operand(name="I", coordinates=inputs, extents=(sizes["C"], *extents)),
        Operand(name="O", coordinates=outputs, is_output=True),
    )


def nest_of(document: dict[str, Any]) -> list[Level]:
    """DRAM, buffer for inputs and outputs, then the registers of weights and sums in each element.

    An operand's registers hold the innermost loops; those with more of them lie further out.
    """
    temporal = document["temporal_mapping"]
    assert temporal["O"][2] == temporal["I"][1] == [], "the buffer holds all inputs and outputs"
    order = loops([text for level in temporal["O"] for text in level])
    registers = {"W": len(temporal["W"][0]), "O": len(temporal["O"][0])}
    spatial = [text for level in document["spatial_mapping"]["O"] for text in level]
    outer, inner = sorted(registers, key=lambda name: -registers[name])
    total = len(order)

    def part(begin: int, end: int) -> tuple[Loop, ...]:
        return tuple(order[total - begin : total - end])

    return [
        Level(name="dram", holds=frozenset("WIO")),
        Level(name="sram", loops=part(total, registers[outer]), holds=frozenset("IO")),
        Level(name="elements", loops=tuple(loops(spatial, spatial=True))),
        Level(
            name=f"rf_{outer}",
            loops=part(registers[outer], registers[inner]),
            holds=frozenset(outer),
        ),
        Level(name=f"rf_{inner}", loops=part(registers[inner], 0), holds=frozenset(inner)),
    ]


@pytest.mark.parametrize("name", LAYERS or [pytest.param("", marks=pytest.mark.skip("no files"))])
def test_word_accesses_are_zigzags(name: str) -> None:
    result = json.loads((FOLDER / f"{name}.json").read_text())
    document, theirs = result["inputs"], result["memory_word_accesses"]
    bits = document["layer"]["operand_precision"]
    nest = nest_of(document)
    ours = accesses_of(nest, operands(document["layer"]))

    def words(level: str, operand: str, field: str) -> int:
        counts: Accesses = ours[level, operand]
        number: int = getattr(counts, field)
        return number * counts.instances

    # Weights: registers of 8 bits, loaded from the DRAM.
    assert theirs["W"][0]["rd_out_to_low"] == words("rf_W", "W", "reads")
    assert theirs["W"][0]["wr_in_by_high"] == words("rf_W", "W", "fills")
    assert theirs["W"][1]["rd_out_to_low"] == words("dram", "W", "reads") * bits["W"] / DRAM_BITS
    # Inputs: all elements that need a word get it by one access of the buffer.
    cycles = cycles_of(nest)
    moved = max(words("sram", "I", "reads") // cycles * bits["I"], LEAST_BITS)
    assert theirs["I"][0]["rd_out_to_low"] == cycles * moved / BUFFER_BITS
    filled = words("sram", "I", "fills") * bits["I"]
    assert theirs["I"][0]["wr_in_by_high"] == math.ceil(filled / BUFFER_BITS)
    assert theirs["I"][1]["rd_out_to_low"] == filled / DRAM_BITS
    # Sums: ZigZag reads a register also before the first addition to it, and, where sums come
    # back, loads them also in the first pass, in which there are none. We count neither.
    sums, kept = theirs["O"][0], ours["rf_O", "O"]
    assert sums["wr_in_by_low"] == words("rf_O", "O", "updates")
    begun = (kept.updates - kept.reads) * kept.instances
    assert sums["rd_out_to_low"] == words("rf_O", "O", "reads") + begun
    results = math.prod(document["layer"]["loop_dimensions"][name] for name in ("K", "OX", "OY"))
    first = results * kept.instances // spatial_outputs(nest) if kept.fills else 0
    assert sums["wr_in_by_high"] == words("rf_O", "O", "fills") + first
    passes = words("sram", "O", "updates") // results
    # Sums leave the elements with 16 bits while they are partial, and with 8 once complete.
    width = bits["O"] if passes > 1 else bits["O_final"]
    assert theirs["O"][1]["wr_in_by_low"] == passes * results * width / BUFFER_BITS
    back = words("sram", "O", "reads") + (results if passes > 1 else 0)
    assert theirs["O"][1]["rd_out_to_low"] == back * bits["O"] / BUFFER_BITS
    left = words("dram", "O", "updates") * bits["O_final"]
    assert theirs["O"][1]["rd_out_to_high"] == left / BUFFER_BITS
    assert theirs["O"][2]["wr_in_by_low"] == left / DRAM_BITS


def spatial_outputs(nest: list[Level]) -> int:
    """Elements that work on different results."""
    spread = next(level for level in nest if level.name == "elements")
    return math.prod(loop.bound for loop in spread.loops if loop.dimension == "K")
