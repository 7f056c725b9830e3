"""The transform against FIPS 203 and 204, polynomial multiplication, and its documented timing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from amaranth.back import rtlil
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from chipdse_hdl.ntt import BLOCK, NttParameters, NttWorkload
from chipdse_hdl.ntt.arithmetic import barrett, montgomery
from chipdse_hdl.ntt.banks import lane_positions
from chipdse_hdl.ntt.bench import traffic
from chipdse_hdl.ntt.model import cycles, jobs, reference, work
from chipdse_hdl.ntt.schemes import ADDRESS_BITS, SCHEMES, N
from hypothesis import given
from hypothesis import strategies as st

from tests.support.hdl_runs import bench_catches, bench_passes, play_in_amaranth

KEM, DSA = SCHEMES["ml_kem"], SCHEMES["ml_dsa"]


def test_constants_as_printed() -> None:
    # FIPS 203, appendix A: zeta**BitRev7(i) from i = 0.
    assert KEM.zetas[:8] == [1, 1729, 2580, 3289, 2642, 630, 1897, 848]
    # FIPS 204, appendix B, from i = 1.
    assert DSA.zetas[1:5] == [4808194, 3765607, 3761513, 5178923]
    for scheme in (KEM, DSA):
        q = scheme.modulus
        assert q == scheme.factor * 2**scheme.digit_bits + 1
        # FIPS 203, 4.3 and FIPS 204, 2.3: the root is a primitive 256th or 512th root of unity.
        assert pow(scheme.root, len(scheme.zetas), q) == q - 1
        assert scheme.scale * 2**scheme.layers % q == 1


@given(st.sampled_from([KEM, DSA]), st.integers(0, 99))
def test_the_inverse_inverts(scheme: object, seed: int) -> None:
    f = np.random.default_rng(seed).integers(0, scheme.modulus, N).tolist()
    assert reference(scheme, reference(scheme, f, False), True) == f


def negacyclic(f: list[int], g: list[int], q: int) -> list[int]:
    """f g modulo X**256 + 1, term by term."""
    full = np.convolve(np.array(f, object), np.array(g, object))
    full = np.append(full, 0)
    return [int(low - high) % q for low, high in zip(full[:N], full[N:], strict=True)]


def test_it_multiplies_polynomials_in_ml_dsa() -> None:
    random = np.random.default_rng(1)
    f, g = random.integers(0, DSA.modulus, (2, N)).tolist()
    spectra = [reference(DSA, row, False) for row in (f, g)]
    product = [a * b % DSA.modulus for a, b in zip(*spectra, strict=True)]
    assert reference(DSA, product, True) == negacyclic(f, g, DSA.modulus)


def test_it_multiplies_polynomials_in_ml_kem() -> None:
    """FIPS 203, algorithms 11, 12: pairs multiply modulo X**2 - zeta**(2 BitRev7(i) + 1)."""
    q, random = KEM.modulus, np.random.default_rng(2)
    f, g = random.integers(0, q, (2, N)).tolist()
    a, b = (reference(KEM, row, False) for row in (f, g))
    product = []
    for i in range(N // 2):
        gamma = pow(17, 2 * int(f"{i:07b}"[::-1], 2) + 1, q)
        (a0, a1), (b0, b1) = a[2 * i : 2 * i + 2], b[2 * i : 2 * i + 2]
        product += [(a0 * b0 + a1 * b1 * gamma) % q, (a0 * b1 + a1 * b0) % q]
    assert reference(KEM, product, True) == negacyclic(f, g, q)


def test_the_transform_evaluates_ml_dsa() -> None:
    # FIPS 204, 2.5: the transform is the values at zeta**(2 BitRev8(i) + 1).
    f = np.random.default_rng(3).integers(0, DSA.modulus, N).tolist()
    transformed = reference(DSA, f, False)
    for i in (0, 1, 77, 255):
        point = pow(1753, 2 * int(f"{i:08b}"[::-1], 2) + 1, DSA.modulus)
        value = sum(c * pow(point, k, DSA.modulus) for k, c in enumerate(f)) % DSA.modulus
        assert transformed[i] == value


@pytest.mark.parametrize("lane_bits", [1, 2, 3, 4])
@pytest.mark.parametrize("pair_bit", range(ADDRESS_BITS))
def test_no_two_lanes_meet_in_a_bank(lane_bits: int, pair_bit: int) -> None:
    positions = lane_positions(lane_bits, pair_bit)
    assert positions[0] == pair_bit and len(set(positions)) == lane_bits
    banks = set()
    for lane in range(1 << lane_bits):
        address = sum((lane >> t & 1) << q for t, q in enumerate(positions))
        digits = [address >> k & ((1 << lane_bits) - 1) for k in range(0, ADDRESS_BITS, lane_bits)]
        banks.add(int(np.bitwise_xor.reduce(digits)))
    assert len(banks) == 1 << lane_bits


class Reducer(wiring.Component):
    """One way to reduce, alone."""

    def __init__(self, function: object, scheme: object) -> None:
        self.function, self.scheme = function, scheme
        super().__init__({"x": In(2 * scheme.bits), "y": Out(scheme.bits)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unused = Signal()
        m.d.sync += unused.eq(self.x[0])
        m.d.comb += self.y.eq(self.function(m, self.x, self.scheme))
        return m


@pytest.mark.slow
@pytest.mark.parametrize("scheme", [KEM, DSA], ids=["ml_kem", "ml_dsa"])
@pytest.mark.parametrize("function", [montgomery, barrett])
def test_each_reduction_gives_the_residue(scheme: object, function: object) -> None:
    """On products of residues: around multiples of q, at both ends, and at random."""
    q, random = scheme.modulus, np.random.default_rng(4)
    multiples = random.integers(0, q, 300)
    x = [0, 1, (q - 1) ** 2]
    x += [
        int(k) * q + d for k in multiples for d in (-1, 0, 1) if 0 <= int(k) * q + d <= (q - 1) ** 2
    ]
    x += [int(a) * int(b) for a, b in random.integers(0, q, (300, 2))]
    y = play_in_amaranth(Reducer(function, scheme), {"x": x}, ["y"])["y"]
    scale = pow(4, -scheme.digit_bits, q) if function is montgomery else 1
    assert y == [value * scale % q for value in x]


@pytest.mark.slow
@pytest.mark.parametrize(("reduction", "products"), [("montgomery", 1), ("barrett", 3)])
def test_only_barrett_multiplies_to_reduce(reduction: str, products: int) -> None:
    parameters = NttParameters(scheme="ml_dsa", reduction=reduction)
    text = rtlil.convert(BLOCK.hardware(parameters), name="top", emit_src=False)
    assert text.count("cell $mul ") == products  # that of the butterfly is one


@pytest.mark.slow
def test_barrett_needs_one_correction_only() -> None:
    """All products in ML-KEM: the quotient is right or one too small."""
    w, q = KEM.bits, KEM.modulus
    x = np.arange((q - 1) ** 2 + 1, dtype=np.int64)
    estimate = ((x >> (w - 2)) * ((1 << (2 * w + 1)) // q)) >> (w + 3)
    error = x // q - estimate
    assert error.min() == 0 and error.max() == 1


def test_cycles_by_hand() -> None:
    # One butterfly: 128 words in, 7 layers of 128 and 1 for the memory, 128 words out.
    p = NttParameters()
    assert p.transform_cycles == 128 + 7 * 129 + 128
    inputs, _ = traffic(p, jobs(p, NttWorkload(length=512)))
    assert len(inputs["in_valid"]) == cycles(p, NttWorkload(length=512)) == 2 * 1159 + 1


def test_work_and_words_are_counted_as_by_hand() -> None:
    done = work(NttParameters(scheme="ml_dsa"), NttWorkload(length=600))
    assert (done.count, done.unit, done.input_bits) == (3, "NTT", 3 * 256 * 23)


def test_noise_is_small() -> None:
    rows = [row for row, _ in jobs(NttParameters(), NttWorkload(length=2048, values="noise"))]
    values, counts = np.unique(np.array(rows), return_counts=True)
    assert values.tolist() == [0, 1, 2, 3327, 3328]
    assert counts / counts.sum() == pytest.approx(
        [6 / 16, 4 / 16, 1 / 16, 1 / 16, 4 / 16], abs=0.04
    )


def test_impossible_parameters_and_workloads_are_refused() -> None:
    with pytest.raises(ValueError, match="butterflies=3 is not one of 1, 2, 4, 8"):
        NttParameters(butterflies=3)


@pytest.mark.few_cases(1)
@pytest.mark.tools
@pytest.mark.parametrize(
    "parameters",
    [
        NttParameters(scheme="ml_kem", butterflies=1, reduction="barrett", pipeline_stages=2),
        NttParameters(scheme="ml_kem", butterflies=2, inverse=True),
        NttParameters(scheme="ml_dsa", butterflies=4, inverse=True, reduction="barrett"),
        NttParameters(scheme="ml_kem", butterflies=4, pipeline_stages=1),
        NttParameters(scheme="ml_kem", butterflies=8, inverse=True, pipeline_stages=1),
    ],
    ids=str,
)
def test_the_bench_passes_on_the_verilog(parameters: NttParameters, tmp_path: Path) -> None:
    workload = NttWorkload(length=256, values="noise")
    result = bench_passes(BLOCK, parameters, workload, tmp_path)
    assert result["cycles"] == cycles(parameters, workload)


FAULTS = {
    "a sum reduced wrongly": (r"whole - 12'hd01", "whole - 12'hd00"),
    "a half that is not one": (r"\[0\] \? 11'h681", "[0] ? 11'h680"),
    "banks that are not exchanged": (r"write_turn\[1\] \?", "1'b0 ?"),
    "a factor": (r"12'ha0b", "12'ha0c"),
    "a place that outlives the reset": (r"rst \? 7'h00 :", "1'b0 ? 7'h00 :"),
}


@pytest.mark.few_cases(1)
@pytest.mark.tools
@pytest.mark.parametrize("fault", FAULTS)
def test_the_bench_catches(fault: str, tmp_path: Path) -> None:
    p = NttParameters(butterflies=2, inverse=True)
    bench_catches(BLOCK, p, NttWorkload(length=1), FAULTS[fault], tmp_path)
