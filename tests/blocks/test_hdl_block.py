"""The records every block is made of: ranges, types, the catalogue; and the benches' words."""

from __future__ import annotations

import dataclasses
import importlib
import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from amaranth.back import rtlil
from chipdse_hdl import BLOCKS
from chipdse_hdl.bench.testbench import extremes, pack, unpack
from chipdse_hdl.block import Block, check_parameters, parameter
from hypothesis import given
from hypothesis import strategies as st


@dataclass(frozen=True, kw_only=True)
class Example:
    width: int = parameter(8, "bits", minimum=1, maximum=16)
    level: float = parameter(0.5, "fraction", minimum=0.0, maximum=1.0)
    form: str = parameter("direct", "form", choices=("direct", "transposed"))
    fast: bool = parameter(False, "speed")

    def __post_init__(self) -> None:
        check_parameters(self)


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({"width": 0}, "width=0 is too small; use >= 1"),
        ({"width": 17}, "width=17 is too large; use <= 16"),
        ({"width": 8.0}, "width=8.0 must be of type int"),
        ({"width": True}, "width=True must be of type int"),
        ({"level": math.nan}, "level=nan must be a finite number"),
        ({"form": "folded"}, "form='folded' is not one of 'direct', 'transposed'"),
        ({"fast": 1}, "fast=1 must be of type bool"),
    ],
)
def test_what_a_field_refuses(given_: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message.replace(".", r"\.")):
        Example(**given_)


def test_a_whole_number_is_a_float() -> None:
    assert Example(level=1).level == 1


@pytest.mark.parametrize("block", BLOCKS.values(), ids=lambda block: block.name)
def test_every_block_documents_itself(block: Block) -> None:
    assert BLOCKS[block.name] is block
    assert block.summary and "\n" not in block.summary
    for record in (block.parameters, block.workload):
        record()  # the defaults are legal
        for field in dataclasses.fields(record):
            assert field.metadata["doc"], f"{record.__name__}.{field.name} has no description"
    assert importlib.import_module(block.bench)


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("block", BLOCKS.values(), ids=lambda block: block.name)
def test_ports_are_documented_plain_words(block: Block) -> None:
    component = block.hardware(block.parameters())
    rtlil.convert(component)  # Amaranth warns of components that nobody elaborates
    for name, member in component.signature.members.items():
        assert isinstance(member.shape, int)
        assert re.search(rf"\b{name}\b.* : ", type(component).__doc__)


def test_pack_by_hand() -> None:
    # 4 bits each, first in the low bits: -1 is 0xF, 3 is 0x3.
    assert pack(np.array([[-1, 3], [0, -8]]), 4) == [0x3F, 0x80]
    assert unpack([0x3F, 0x80], 4, 2, True).tolist() == [[-1, 3], [0, -8]]
    assert unpack([0x3F, 0x80], 4, 2, False).tolist() == [[15, 3], [0, 8]]


@given(st.integers(1, 62), st.integers(1, 70), st.booleans(), st.integers(0, 100))
def test_unpack_inverts_pack(bits: int, count: int, is_signed: bool, seed: int) -> None:
    values = extremes(np.random.default_rng(seed), bits, is_signed, (3, count))
    words = pack(values, bits)
    assert max(words) < 2 ** (bits * count)
    assert (unpack(words, bits, count, is_signed) == values).all()
