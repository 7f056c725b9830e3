"""Adders against values worked by hand, the literature's gate counts, and their reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import chipdse_hdl.adder.structures
import numpy as np
import pytest
from chipdse_hdl.adder import Adder, AdderParameters, AdderWorkload
from chipdse_hdl.adder.bench import hard_cases, job, stream
from chipdse_hdl.adder.model import cycles, operands, reference, work
from chipdse_hdl.adder.parameters import PREFIX, STRUCTURES
from chipdse_hdl.adder.structures import add, prefix_levels
from chipdse_hdl.bench.pipelines import Case
from chipdse_hdl.gates.network import KINDS, Network
from hypothesis import given
from hypothesis import strategies as st

from tests.support.fuzzing.examples import examples
from tests.support.hdl_runs import play_in_amaranth

ALL = (*STRUCTURES, "operator")


def run(p: AdderParameters, cases: Sequence[Case]) -> None:
    """Play cases through the hardware and check all that comes out."""
    timing = stream(p)
    for case in cases:
        seen = play_in_amaranth(Adder(p), timing.stimulus(case), ["sum_valid", "sum"])
        timing.check(case, seen)


def evaluate(network: Network, words: dict[str, np.ndarray], outputs: list[int]) -> np.ndarray:
    """The word that a network makes of its inputs, without any hardware."""
    values: dict[int, Any] = {Network.ZERO: np.False_, Network.ONE: np.True_}
    for number, gate in enumerate(network.gates):
        if gate.kind == "input":
            name, _, bit = gate.name.rpartition("_")
            values[number] = words[name] >> int(bit) & 1 == 1
        else:
            values[number] = KINDS[gate.kind].function(*(values[bit] for bit in gate.inputs))
    return sum(np.asarray(values[bit]).astype(np.int64) << n for n, bit in enumerate(outputs))


def test_prefix_by_hand() -> None:
    # Four bits. Kogge-Stone: neighbours, then distance two. Sklansky: pairs, then the upper half
    # on bit 1. Brent-Kung: pairs, the whole, then bit 2 on the pair below it.
    assert prefix_levels("kogge_stone", 4) == [[(1, 0), (2, 1), (3, 2)], [(2, 0), (3, 1)]]
    assert prefix_levels("sklansky", 4) == [[(1, 0), (3, 2)], [(2, 1), (3, 1)]]
    assert prefix_levels("brent_kung", 4) == [[(1, 0), (3, 2)], [(3, 1)], [(2, 1)]]


def depth(levels: list[list[tuple[int, int]]], bits: int) -> int:
    """Merges on the longest path, whatever level they are drawn in."""
    at = [0] * bits
    for level in levels:
        for i, d in [(i, 1 + max(at[i], at[j])) for i, j in level]:
            at[i] = d
    return max(at)


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 6])
def test_prefix_sizes_depths_and_fan_outs_of_the_literature(k: int) -> None:
    n = 2**k
    size = {
        "kogge_stone": n * k - n + 1,
        "sklansky": n * k // 2,
        "brent_kung": 2 * n - 2 - k,
    }
    levels = {name: prefix_levels(name, n) for name in PREFIX}
    assert {name: sum(map(len, level)) for name, level in levels.items()} == size
    assert [len(levels[name]) for name in ("kogge_stone", "sklansky")] == [k, k]
    assert len(levels["brent_kung"]) == 2 * k - 1
    assert depth(levels["brent_kung"], n) == (2 * k - 2 if k > 1 else 1)
    # How often a group is the lower partner in one level.
    fan_out = {
        name: max(max([j for _, j in level].count(j) for _, j in level) for level in levels[name])
        for name in PREFIX
    }
    assert fan_out == {"kogge_stone": 1, "sklansky": n // 2, "brent_kung": 1}


@given(st.sampled_from(PREFIX), st.integers(1, 62))
def test_every_prefix_reaches_down_to_bit_0(structure: str, bits: int) -> None:
    low = list(range(bits))
    for level in prefix_levels(structure, bits):
        reached = [(i, low[j]) for i, j in level if low[i] <= j + 1]
        assert len(reached) == len(level)  # nothing between the two is left out
        for i, bottom in reached:
            low[i] = bottom
    assert low == [0] * bits


def test_levels_of_whole_adders_by_hand() -> None:
    """The longest path of 16 bits: p and g, the carries, the sum."""
    found = {}
    for structure in STRUCTURES:
        network = Network()
        a, b = network.inputs("a", 16), network.inputs("b", 16)
        outputs = add(network, structure, a, b)
        found[structure] = max(map(network.level, outputs))
    # p takes two, being an XOR, as does the sum; a carry or a multiplexer takes one.
    assert found["ripple"] == 2 + 14 + 2
    # Groups of 4: p, the first group's three carries, and three multiplexers that choose in turn;
    # the others have added up both ways a level later: p, the guess, two carries, the sum.
    assert found["carry_select"] == max(2 + 3 + 3, 2 + 1 + 2 + 2 + 1, 2 + 1 + 3 + 3)
    assert found["sklansky"] == found["kogge_stone"] == 2 + 4 + 2
    assert found["brent_kung"] == 2 + (2 * 4 - 2) + 2


@given(st.sampled_from(STRUCTURES), st.integers(2, 40), st.integers(1, 9), st.integers(0, 99))
def test_networks_add(structure: str, bits: int, group_bits: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    a, b = random.integers(0, 2**bits - 1, (2, 200), endpoint=True)
    b = np.where(random.random(200) < 0.5, a ^ (2**bits - 1), b)
    carry = random.integers(0, 2, 200)
    network = Network()
    words = [network.inputs(name, n) for name, n in (("a", bits), ("b", bits), ("carry", 1))]
    outputs = add(network, structure, words[0], words[1], words[2][0], group_bits)
    assert (evaluate(network, {"a": a, "b": b, "carry": carry}, outputs) == a + b + carry).all()


@pytest.mark.parametrize("structure", ALL)
def test_the_hardware_gives_words_worked_by_hand_in_their_cycles(structure: str) -> None:
    """Words at the ports, cycle by cycle: 5 + 3, a pause, then 15 + 15 + 1."""
    p = AdderParameters(bits=4, structure=structure)
    words = {"a": [5, 9, 15, 0, 0], "b": [3, 9, 15, 0, 0], "carry": [0, 0, 1, 0, 0]}
    words["valid"] = [1, 0, 1, 0, 0]
    seen = play_in_amaranth(Adder(p), words, ["sum_valid", "sum"])
    assert p.latency_cycles == 2
    assert seen["sum_valid"] == [0, 0, 1, 0, 1]
    assert (seen["sum"][2], seen["sum"][4]) == (8, 31)


@pytest.mark.few_cases(9)
@pytest.mark.quick_cases(4)
@pytest.mark.parametrize("gating", ["none", "idle"])
@pytest.mark.parametrize("stages", [0, 1, 4])
@pytest.mark.parametrize("structure", STRUCTURES)
def test_hardware_is_the_reference(structure: str, stages: int, gating: str) -> None:
    for bits, group_bits in ((2, 4), (9, 2)):
        p = AdderParameters(
            bits=bits,
            structure=structure,
            group_bits=group_bits,
            pipeline_stages=stages,
            gating=gating,
        )
        run(p, hard_cases(p))


@pytest.mark.slow
@examples(15)
@given(
    st.sampled_from(ALL), st.integers(2, 62), st.sampled_from(["uniform", "narrow", "addresses"])
)
def test_a_workload_takes_the_cycles_that_are_stated(
    structure: str, bits: int, values: str
) -> None:
    p = AdderParameters(bits=bits, structure=structure)
    workload = AdderWorkload(length=20, values=values, duty=0.3)
    case = job(p, workload)
    assert len(case.valid) + p.latency_cycles == cycles(p, workload)
    assert case.valid[0] and case.valid.sum() == 20
    run(p, [case])


def test_narrow_values_and_addresses_are_what_they_claim() -> None:
    p = AdderParameters(bits=32)
    a, _, carry, _ = operands(p, AdderWorkload(length=10_000, values="narrow"))
    signs = a >> 31
    assert ((a >> 20 == 0) | (a >> 20 == 0xFFF)).all()  # the upper bits are copies of the sign
    assert 0.45 < signs.mean() < 0.55 and not carry.any()
    a, b, _, _ = operands(p, AdderWorkload(length=100, values="addresses"))
    assert (a[1:] == (a + b)[:-1] & 0xFFFFFFFF).all()


def test_reference_and_work_by_hand() -> None:
    assert reference(np.array([7]), np.array([8]), np.array([1])).tolist() == [16]
    done = work(AdderParameters(bits=8), AdderWorkload(length=10))
    assert (done.count, done.input_bits, done.output_bits) == (10, 170, 90)


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({"bits": 63}, "bits=63 is too large; use <= 62"),
        ({"structure": "magic"}, "structure='magic' is not one of 'ripple', "),
        (
            {"structure": "operator", "pipeline_stages": 1},
            "pipeline_stages=1 cannot cut structure='operator'.* use pipeline_stages=0 or another",
        ),
    ],
)
def test_impossible_parameters_are_refused(given_: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AdderParameters(**given_)


# Faults: each changes the hardware in one place, and the checks of the bench must notice.


def _one_merge_short(structure: str, bits: int) -> list[list[tuple[int, int]]]:
    return [*prefix_levels(structure, bits)[:-1], prefix_levels(structure, bits)[-1][1:]]


@pytest.mark.few_cases(2)
@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("structure", PREFIX)
@pytest.mark.parametrize("bits", [5, 16])
def test_a_missing_merge_is_caught(
    structure: str, bits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    p = AdderParameters(bits=bits, structure=structure)
    run(p, hard_cases(p))
    monkeypatch.setattr(chipdse_hdl.adder.structures, "prefix_levels", _one_merge_short)
    with pytest.raises(AssertionError, match="words of sum differ"):
        run(p, hard_cases(p))


@pytest.mark.few_cases(4)
@pytest.mark.quick_cases(3)
@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("place", [0, 3, 7])
def test_a_carry_lost_or_forced_is_caught(
    structure: str, place: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The generate bit of one place stuck at 0, or its propagate bit at 1."""
    real = Network.gate
    p = AdderParameters(bits=8, structure=structure)
    for name, stuck in ((f"g_{place}", Network.ZERO), (f"p_{place}", Network.ONE)):

        def faulty(
            self: Network, kind: str, *bits: int, name: str, at: str = name, is_: int = stuck
        ) -> int:
            return is_ if name == at else real(self, kind, *bits, name=name)

        monkeypatch.setattr(Network, "gate", faulty)
        with pytest.raises(AssertionError, match="words of sum differ"):
            run(p, hard_cases(p))
