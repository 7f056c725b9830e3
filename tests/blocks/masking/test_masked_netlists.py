"""Masking holds in the mapped netlist: by structure, net by net, and by what nets show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from chipdse_hdl import BLOCKS
from chipdse_hdl.block import Block
from chipdse_hdl.side_channel import lane_data, random_lanes, stimuli

from chipdse.design import Design, LibraryChoice
from chipdse.stages.analyse import analyse_cells
from chipdse.stages.build import build_hardware
from chipdse.store.store import Store
from tests.support.masking.flawed import RECOMBINED, UNBLINDED
from tests.support.masking.lanes import scores
from tests.support.masking.probes import masked_netlist, probe

pytestmark = [pytest.mark.tools, pytest.mark.slow]
CLEAR = 7.0
"""A score that chance gives once in 400,000 times to one of a million nets and cycles."""
PRODUCT = re.compile(r"(product|sbox_0\.(first|second|(third|fourth)_(high|low)))_share_[01]")
WORDS = 64  # of 64 runs


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One store for the tests of this file."""
    yield Store(root=tmp_path_factory.mktemp("stages"))


def design(block: Block, hardware: dict[str, Any], workload: dict[str, Any]) -> Design:
    return Design(
        block=block,
        parameters=block.parameters(**hardware),
        workload=block.workload(**workload),
        library=LibraryChoice(name="sky130"),
    )


HASH = {"function": "hash", "shares": 2}
MASKED = {
    "aes_sbox": (BLOCKS["aes_sbox"], {"shares": 2}, {"length": 40}),
    "ascon, both": (
        BLOCKS["ascon"],
        {"function": "both", "shares": 2},
        {"length": 40, "message_bytes": 20},
    ),
    "ascon, hash": (BLOCKS["ascon"], HASH, {"length": 9, "message_bytes": 9}),
}


@pytest.mark.few_cases(1)
@pytest.mark.parametrize("name", MASKED)
def test_no_net_depends_on_both_shares_of_a_variable(name: str, store: Store) -> None:
    masked = design(*MASKED[name])
    netlist, registers = masked_netlist(masked, store)
    probes = probe(netlist, registers)
    assert not probes.joined
    # Only products across domains mix them, each with a random bit of its own.
    assert all(PRODUCT.fullmatch(signal) for signal, _ in probes.mixed)
    assert len(probes.mixed) == 2 * masked.parameters.random_bits
    assert all(len(random) == 1 for random in probes.mixed.values())
    assert not probes.unblinded()


@pytest.mark.few_cases(1)
@pytest.mark.parametrize("name", MASKED)
def test_no_net_tells_fixed_data_from_random_unless_randomness_is_off(
    name: str, store: Store
) -> None:
    masked = design(*MASKED[name])
    assert np.abs(leaks(masked, store)).max() < CLEAR
    assert np.abs(leaks(masked, store, masked=False)).max() > 3 * CLEAR


def leaks(chosen: Design, store: Store, **options: bool) -> np.ndarray:
    """The score of each net in each cycle of an operation."""
    netlist, _ = masked_netlist(chosen, store)
    operation = chosen.block.operation(chosen.parameters)
    random = np.random.default_rng(1)
    is_fixed = random_lanes(random, WORDS)
    fixed = int.from_bytes(random.bytes(operation.data_bits // 8), "little")
    data = lane_data(operation, random, fixed, is_fixed)
    return scores(netlist, stimuli(operation, data, random, **options), is_fixed)


@pytest.mark.few_cases(2)
@pytest.mark.parametrize("name", MASKED)
def test_the_netlist_does_what_the_reference_says(name: str, store: Store) -> None:
    masked = design(*MASKED[name])
    _, built = build_hardware(masked, store)
    _, _, replayed = analyse_cells(masked.library, built, [1.8], [25.0])
    assert replayed.checked_bits > 0


def test_shares_that_meet_in_a_gate_are_found(store: Store) -> None:
    flawed = design(RECOMBINED, {"shares": 2}, {"length": 40})
    probes = probe(*masked_netlist(flawed, store))
    operands = {f"sbox_0.{name}" for name in ("tower", "norm_16", "inverse_4", "inverse_16")}
    assert {name for name, _ in probes.joined.values()} >= operands
    assert np.abs(leaks(flawed, store)).max() > 3 * CLEAR
    assert build_hardware(flawed, store)  # though every substitute is right


def test_terms_that_nothing_blinds_are_found(store: Store) -> None:
    flawed = design(UNBLINDED, {"shares": 2}, {"length": 40})
    probes = probe(*masked_netlist(flawed, store))
    assert not probes.joined
    assert probes.unblinded() == set(probes.mixed)


def test_without_masks_the_state_shows(store: Store) -> None:
    plain = design(BLOCKS["ascon"], {"function": "hash"}, {"length": 9})
    assert np.abs(leaks(plain, store)).max() > 3 * CLEAR
