"""Multipliers against values worked by hand, the literature's adder counts, and their reference."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import chipdse_hdl.multiplier.hardware
import numpy as np
import pytest
from chipdse_hdl.adder.structures import add
from chipdse_hdl.bench.pipelines import Case
from chipdse_hdl.gates.choices import COMPRESSIONS
from chipdse_hdl.gates.compression import (
    and_rows,
    booth_rows,
    compress,
    dense,
    with_constant,
)
from chipdse_hdl.gates.network import KINDS, Network
from chipdse_hdl.multiplier import Multiplier, MultiplierParameters, MultiplierWorkload
from chipdse_hdl.multiplier.bench import hard_cases, job, stream
from chipdse_hdl.multiplier.model import cycles, operands, reference, work
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.blocks.test_hdl_adder import evaluate
from tests.support.hdl_runs import play_in_amaranth


def run(p: MultiplierParameters, cases: Sequence[Case]) -> None:
    """Play cases through the hardware and check all that comes out."""
    timing = stream(p)
    for case in cases:
        seen = play_in_amaranth(Multiplier(p), timing.stimulus(case), ["product_valid", "product"])
        timing.check(case, seen)


def compressed(n: int, structure: str) -> tuple[dict[str, int], int]:
    """Gates of n x n bits without a sign, and the width of the adder at the end."""
    network = Network()
    rows, _ = and_rows(network, network.inputs("a", n), network.inputs("b", n), False)
    first, second = dense(compress(network, structure, rows, 2 * n), 2 * n)
    kinds = [gate.kind for gate in network.gates]
    pairs = sum(min(pair) >= 0 for pair in zip(first, second, strict=True))
    return {"full": kinds.count("sum"), "half": kinds.count("xor")}, pairs


@pytest.mark.parametrize("n", [4, 8, 12, 16, 24])
def test_dadda_has_the_adders_of_the_literature(n: int) -> None:
    # L. Dadda 1965: n**2 - 4 n + 3 full adders, n - 1 half adders, 2 n - 2 places left to add.
    assert compressed(n, "dadda") == ({"full": n * n - 4 * n + 3, "half": n - 1}, 2 * n - 2)


def test_wallace_has_the_adders_of_the_literature() -> None:
    # W. Townsend, E. Swartzlander, J. Abraham, "A comparison of Dadda and Wallace multiplier
    # delays", Proc. SPIE 5205, 2003: 38 full and 15 half adders for 8 x 8 bits.
    assert compressed(8, "wallace")[0] == {"full": 38, "half": 15}


@pytest.mark.parametrize("n", [4, 8, 16])
def test_an_array_has_n_minus_2_rows_of_adders(n: int) -> None:
    # Braun's array is n (n - 2) full and n half adders, the ripple at its end included: that is
    # n - 1 full adders and a half adder.
    counts, pairs = compressed(n, "array")
    assert pairs == n
    assert counts == {"full": n * (n - 2) - (n - 1), "half": n - 1}


def test_levels_of_trees_by_hand() -> None:
    """8 rows to 6, 4, 3, 2: four full adders of two XORs, behind one AND."""
    levels = {}
    for structure in COMPRESSIONS:
        network = Network()
        rows, _ = and_rows(network, network.inputs("a", 8), network.inputs("b", 8), False)
        words = dense(compress(network, structure, rows, 16), 16)
        levels[structure] = max(network.level(bit) for word in words for bit in word)
    # A path can go through a carry instead, which is three.
    assert 1 + 3 * 4 + 3 <= levels["dadda"] <= levels["wallace"] <= 1 + 4 * 4
    # The first two of 8 rows meet the third in one adder: 6 full adders in a row; the half adders
    # that start each row's carries are early.
    assert levels["array"] == 1 + 6 * 4


@pytest.mark.slow
@given(
    st.sampled_from(["and", "booth"]),
    st.sampled_from(COMPRESSIONS),
    st.booleans(),
    st.integers(2, 14),
    st.integers(2, 14),
)
def test_networks_multiply(
    recoding: str, structure: str, signed: bool, a_bits: int, b_bits: int
) -> None:
    random = np.random.default_rng(a_bits)
    low, high = ((n and -(2 ** (n - 1)), 2 ** (n - 1)) for n in (a_bits, b_bits))
    bounds = [low, high] if signed else [(0, 2**a_bits), (0, 2**b_bits)]
    a, b = (random.integers(*bound, 300) for bound in bounds)
    for word, (lowest, end) in zip((a, b), bounds, strict=True):
        word[random.random(300) < 0.2] = lowest
        word[random.random(300) < 0.2] = end - 1
    network = Network()
    inputs = network.inputs("a", a_bits), network.inputs("b", b_bits)
    rows, constant = {"and": and_rows, "booth": booth_rows}[recoding](network, *inputs, signed)
    width = a_bits + b_bits
    two = dense(compress(network, structure, with_constant(rows, constant, width), width), width)
    ones = 2**width - 1
    first, second = (evaluate(network, {"a": a, "b": b}, word) for word in two)
    assert (first + second & ones == a * b & ones).all()


def test_the_hardware_gives_words_worked_by_hand_in_their_cycles() -> None:
    """Words at the ports, cycle by cycle: -3 * 5, a pause, 7 * 7."""
    for structure in (*COMPRESSIONS, "operator"):
        p = MultiplierParameters(bits=4, structure=structure)
        words = {"a": [0xD, 9, 7, 0, 0], "b": [5, 9, 7, 0, 0], "valid": [1, 0, 1, 0, 0]}
        seen = play_in_amaranth(Multiplier(p), words, ["product_valid", "product"])
        assert p.latency_cycles == 2
        assert seen["product_valid"] == [0, 0, 1, 0, 1]
        assert (seen["product"][2], seen["product"][4]) == (256 - 15, 49)


def test_truncation_by_hand() -> None:
    # 3 x 3 bits, two places cut: a0 b0 + 2 (a0 b1 + a1 b0) is at most 5, 1.25 on average; that is
    # less than half of 4, so nothing is added. 7 * 7 = 49: 49 - 5 = 44 = 11 * 4.
    p = MultiplierParameters(bits=3, signed=False, truncated_bits=2)
    assert (p.product_bits, p.correction, p.error_bound) == (4, 0, 5)
    assert reference(p, np.array([7]), np.array([7])).tolist() == [11]
    # 4 x 4, three cut: at most 1 + 2 * 2 + 3 * 4 = 17, 4.25 on average, more than half of 8.
    # 15 * 15 = 225: 225 - 17 + 8 = 216 = 27 * 8, 9 too little.
    p = MultiplierParameters(bits=4, signed=False, truncated_bits=3)
    assert (p.correction, p.error_bound) == (1, 9)
    assert reference(p, np.array([15]), np.array([15])).tolist() == [27]


RECODINGS = [("none", False), ("none", True), ("booth", True)]


@pytest.mark.parametrize(("recoding", "signed"), RECODINGS)
@pytest.mark.parametrize("bits", [2, 3, 5, 6])
def test_the_error_bound_holds_and_is_reached(recoding: str, signed: bool, bits: int) -> None:
    """For all operands there are."""
    values = np.arange(2**bits) - signed * 2 ** (bits - 1)
    a, b = map(np.ravel, np.meshgrid(values, values))
    for cut in range(bits):
        p = MultiplierParameters(bits=bits, recoding=recoding, signed=signed, truncated_bits=cut)
        product = reference(p, a, b).astype(np.int64) << cut
        product -= np.where(signed & (product >= 2 ** (2 * bits - 1)), 2 ** (2 * bits), 0)
        error = product - a * b
        assert np.abs(error).max() == p.error_bound
        assert abs(error.mean()) <= 2**cut  # the correction takes away most of the bias


BRANCHES = [
    MultiplierParameters(
        bits=bits,
        signed=signed,
        recoding=recoding,
        structure=structure,
        adder=adder,
        pipeline_stages=stages,
        truncated_bits=cut if signed or recoding == "none" else 0,
        gating=gating,
    )
    for (recoding, structure, signed), (bits, stages, gating, cut, adder) in itertools.product(
        itertools.product(("none", "booth"), COMPRESSIONS, (False, True)),
        [
            (4, 0, "none", 0, "sklansky"),
            (5, 3, "zero", 3, "ripple"),
            (2, 1, "idle", 1, "carry_select"),
        ],
    )
] + [
    MultiplierParameters(bits=bits, signed=signed, structure="operator", gating=gating)
    for bits, signed, gating in [(5, True, "zero"), (6, False, "none")]
]


@pytest.mark.few_cases(10)
@pytest.mark.quick_cases(4)
@pytest.mark.parametrize("p", BRANCHES, ids=str)
def test_hardware_is_the_reference(p: MultiplierParameters) -> None:
    run(p, hard_cases(p))


@settings(max_examples=10)
@given(st.integers(2, 32), st.sampled_from(["uniform", "gaussian"]), st.booleans())
def test_a_workload_takes_the_cycles_that_are_stated(bits: int, values: str, signed: bool) -> None:
    p = MultiplierParameters(bits=bits, signed=signed, structure="operator")
    workload = MultiplierWorkload(length=20, values=values, sparsity=0.5, duty=0.3)
    case = job(p, workload)
    assert len(case.valid) + p.latency_cycles == cycles(p, workload)
    assert case.valid[0] and case.valid.sum() == 20
    run(p, [case])
    a, b, valid = operands(p, workload)
    exact = [(x * y) % 4**bits for x, y in zip(a[valid].tolist(), b[valid].tolist(), strict=True)]
    assert list(case.expected["product"]) == exact


def test_work_and_words_are_counted_as_by_hand() -> None:
    done = work(MultiplierParameters(bits=8, truncated_bits=3), MultiplierWorkload(length=10))
    assert (done.count, done.input_bits, done.output_bits) == (10, 160, 130)


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({"truncated_bits": 8}, "truncated_bits=8 leaves too little .* use truncated_bits <= 7"),
        (
            {"truncated_bits": 1, "recoding": "booth", "signed": False},
            "truncated_bits=1 with recoding='booth' .* use signed=True or",
        ),
        (
            {"structure": "operator", "pipeline_stages": 1},
            "pipeline_stages=1 needs gates, .* use pipeline_stages=0 or another structure",
        ),
        ({"structure": "operator", "recoding": "booth"}, "recoding='booth' needs gates"),
    ],
)
def test_impossible_parameters_are_refused(given_: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MultiplierParameters(**given_)


# Faults: each changes the hardware in one place, and the checks of the bench must notice.


def _stuck(name: str, bit: int) -> Callable[..., int]:
    real = Network.gate

    def gate(self: Network, kind: str, *bits: int, name: str, at: str = name) -> int:
        return bit if name == at else real(self, kind, *bits, name=name)

    return gate


@pytest.mark.few_cases(6)
@pytest.mark.slow
@pytest.mark.parametrize(
    ("recoding", "gate"),
    [
        ("none", "and_0_0"),
        ("none", "nand_2_5"),
        ("none", "carry_6_1"),
        ("booth", "double_1"),
        ("booth", "sign_2"),
        ("booth", "sum_5_1"),
    ],
)
@pytest.mark.parametrize("structure", COMPRESSIONS)
@pytest.mark.parametrize("bit", [Network.ZERO, Network.ONE])
def test_a_stuck_gate_is_caught(
    recoding: str, gate: str, structure: str, bit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    p = MultiplierParameters(bits=6, recoding=recoding, structure=structure)
    monkeypatch.setattr(Network, "gate", _stuck(gate, bit))
    with pytest.raises(AssertionError, match="words of product differ"):
        run(p, hard_cases(p)[:1])


def _without_correction(p: MultiplierParameters) -> int:
    return 0


def test_a_missing_correction_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    p = MultiplierParameters(bits=6, truncated_bits=4)
    cases = hard_cases(p)
    monkeypatch.setattr(MultiplierParameters, "correction", property(_without_correction))
    with pytest.raises(AssertionError, match="words of product differ"):
        run(p, cases)


def test_a_zero_that_shows_the_last_product_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    p = MultiplierParameters(bits=4, gating="zero")
    monkeypatch.setattr(chipdse_hdl.multiplier.hardware, "Mux", lambda choose, yes, no: yes)
    with pytest.raises(AssertionError, match="words of product differ"):
        run(p, hard_cases(p))


def test_pipeline_stages_are_about_equally_deep() -> None:
    """No stage of 8 x 8 bits is deeper than its share by more than a full adder."""
    network = Network()
    rows, _ = and_rows(network, network.inputs("a", 8), network.inputs("b", 8), False)
    first, second = dense(compress(network, "dadda", rows, 16), 16)
    total = add(network, "sklansky", first, second)[:16]
    depth = max(map(network.level, total))
    for cuts in (1, 2, 3, 4):
        stages = network.stages(total, cuts)
        deepest = {stage: 0 for stage in range(cuts + 1)}
        within: dict[int, int] = {}
        for bit in network.needed(total):
            gate = network.gates[bit]
            if gate.kind == "input":
                continue
            before = [
                within[operand]
                for operand in gate.inputs
                if operand in within and stages[operand] == stages[bit]
            ]
            within[bit] = max(before, default=0) + KINDS[gate.kind].levels
            deepest[stages[bit]] = max(deepest[stages[bit]], within[bit])
        assert max(deepest.values()) <= depth / (cuts + 1) + KINDS["sum"].levels
