"""Operations on secret data: every run of the stimuli is one that the reference knows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from chipdse_hdl import BLOCKS
from chipdse_hdl.aes_sbox.model import reference as reference_aes
from chipdse_hdl.ascon.model import Message, reference_aead, reference_hash
from chipdse_hdl.bench.shares import Shared
from chipdse_hdl.keccak.model import reference as reference_keccak
from chipdse_hdl.side_channel import lane_data, random_lanes, stimuli
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.hdl_runs import play_in_amaranth

FIXED = np.array([0x5, 0, 2**64 - 1], np.uint64)  # runs 0, 2 and 128 to 191


def units_of_study(bits: np.ndarray, run: int) -> list[int]:
    """What a port of uint64[cycle, bit, word] is in a run, one integer per cycle."""
    lane = bits[:, :, run // 64] >> np.uint64(run % 64) & np.uint64(1)
    return [sum(int(bit) << n for n, bit in enumerate(row)) for row in lane]


def word_of(data: np.ndarray, run: int) -> int:
    return units_of_study(data[None], run)[0]


def expected(name: str, parameters: Any, data: int) -> list[int]:
    """The words that a block gives for the data of one operation."""
    if name == "aes_sbox":
        bits = 8 * parameters.bytes
        return [reference_aes(parameters, data & 2**bits - 1, data >> bits)]
    if name == "keccak":
        size = parameters.bus_bits // 8
        message = data.to_bytes(size, "little")[:-1]
        return [int.from_bytes(reference_keccak(parameters.mode, message, size), "little")]
    if parameters.hashes:
        return [int.from_bytes(reference_hash(data.to_bytes(8, "little")[:-1])[:8], "little")]
    raw = data.to_bytes(48, "little")
    text, tag = reference_aead(Message(key=raw[:16], nonce=raw[16:32], text=raw[32:-1]))
    return [int.from_bytes(word, "little") for word in (text, tag)]


CASES: list[tuple[str, dict[str, Any]]] = [
    ("ascon", {}),
    ("ascon", {"function": "both", "shares": 2}),
    ("ascon", {"function": "hash", "shares": 2}),
    ("keccak", {"input_buffer": True, "bus_bits": 16}),
    ("keccak", {"shares": 2}),
    ("aes_sbox", {"structure": "table"}),
    ("aes_sbox", {"shares": 2}),
    ("aes_sbox", {"shares": 2, "unit": "round"}),
]


@pytest.mark.few_cases(4)
@pytest.mark.quick_cases(7)
@pytest.mark.parametrize(("name", "hardware"), CASES, ids=str)
def test_a_run_of_the_stimuli_is_an_operation(name: str, hardware: dict[str, Any]) -> None:
    block = BLOCKS[name]
    parameters = block.parameters(**hardware)
    operation, random = block.operation(parameters), np.random.default_rng(3)
    data = lane_data(operation, random, 3, FIXED)
    given = stimuli(operation, data, random, masked=hardware.get("shares") == 2)
    assert {name for names in operation.share_ports.values() for name in names} <= set(given)
    run = 70
    inputs = {port: units_of_study(bits, run)[1:] for port, bits in given.items() if port != "rst"}
    port = "out" if name == "aes_sbox" else "out_data"
    shared = Shared(
        shares=operation.shares,
        inputs={},
        outputs=(port,),
        random_bits=operation.random_bits,
    )
    component = block.hardware(parameters)
    seen = shared.recombined(play_in_amaranth(component, inputs, shared.watch(["out_valid", port])))
    words = [word for word, valid in zip(seen[port], seen["out_valid"], strict=True) if valid]
    assert words == expected(name, parameters, word_of(data, run))
    assert seen["out_valid"][-1] == 1  # the operation ends with its last word


@pytest.mark.slow
@settings(max_examples=20)
@given(st.integers(0, 2**128 - 1), st.integers(0, 2**32))
def test_runs_are_fixed_or_random(fixed: int, seed: int) -> None:
    operation = BLOCKS["ascon"].operation(BLOCKS["ascon"].parameters(shares=2))
    data = lane_data(operation, np.random.default_rng(seed), fixed, FIXED)
    assert {word_of(data, run) for run in (0, 2, 128, 191)} == {fixed}
    others = [word_of(data, run) for run in (1, 3, 64, 100)]
    assert len({*others, fixed}) == 5


def test_shares_are_uniform_and_their_sum_is_the_data() -> None:
    operation = BLOCKS["keccak"].operation(BLOCKS["keccak"].parameters(shares=2))
    random = np.random.default_rng(5)
    data = lane_data(operation, random, 0, random_lanes(random, 4) | np.uint64(1))
    on, off = (stimuli(operation, data, random, masked=masked) for masked in (True, False))
    first, second = (on[port] for port in operation.share_ports["in_data"])
    assert (first[1] ^ second[1] == data).all()
    # 64 bits of 256 runs, 16,384 fair coins: four standard deviations are 256.
    assert abs(int(np.bitwise_count(second[1]).sum()) - 8192) < 256
    assert not (off["in_data_share_1"].any() or off["random"].any())
    assert (off["in_data_share_0"][1] == data).all()


def test_too_long_data_is_refused() -> None:
    operation = BLOCKS["keccak"].operation(BLOCKS["keccak"].parameters())
    with pytest.raises(ValueError, match="has 65 bits and an operation takes 64; use fewer"):
        lane_data(operation, np.random.default_rng(1), 2**64, FIXED)
