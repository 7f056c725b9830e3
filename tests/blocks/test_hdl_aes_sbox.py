"""The S-box and a round of AES against FIPS 197, and their documented timing."""

from __future__ import annotations

from pathlib import Path

import pytest
from amaranth.hdl import Module, Signal
from amaranth.sim import Simulator
from chipdse_hdl.aes_sbox import BLOCK, AesSbox, AesSboxParameters, AesSboxWorkload
from chipdse_hdl.aes_sbox.bench import in_shares, stream
from chipdse_hdl.aes_sbox.model import cycles, mix_columns, reference, shift_rows, sub_bytes, work
from chipdse_hdl.aes_sbox.sbox import SBOX
from chipdse_hdl.aes_sbox.tower import composite_sbox
from chipdse_hdl.bench.testbench import compared
from hypothesis import given
from hypothesis import strategies as st

from tests.support.hdl_runs import bench_catches, bench_passes, play_in_amaranth

# FIPS 197, appendix B, round 1: the input, its key (round key 0) and what each step gives.
TEXT = "3243f6a8885a308d313198a2e0370734"
KEY = "2b7e151628aed2a6abf7158809cf4f3c"
SUBSTITUTED = "d42711aee0bf98f1b8b45de51e415230"
SHIFTED = "d4bf5d30e0b452aeb84111f11e2798e5"
MIXED = "046681e5e0cb199a48f8d37a2806264c"
# Round 2: the state after the addition of round key 1, and after MixColumns.
SECOND_START, SECOND_MIXED = "a49c7ff2689f352b6b5bea43026a5049", "584dcaf11b4b5aacdbe7caa81b6bb0e5"


def little(text: str) -> int:
    return int.from_bytes(bytes.fromhex(text), "little")


def test_steps_as_printed() -> None:
    start = [a ^ b for a, b in zip(bytes.fromhex(TEXT), bytes.fromhex(KEY), strict=True)]
    assert bytes(sub_bytes(start)).hex() == SUBSTITUTED
    assert bytes(shift_rows(bytes.fromhex(SUBSTITUTED))).hex() == SHIFTED
    assert bytes(mix_columns(bytes.fromhex(SHIFTED))).hex() == MIXED


def test_rounds_as_printed() -> None:
    p = AesSboxParameters(unit="round")
    assert reference(p, little(TEXT), little(KEY)) == little(MIXED)
    assert reference(p, little(SECOND_START), 0) == little(SECOND_MIXED)


def test_the_sbox_as_printed() -> None:
    # FIPS 197, figure 7: the first row, the last one, and the example of section 5.1.1.
    assert bytes(SBOX[:16]).hex() == "637c777bf26b6fc53001672bfed7ab76"
    assert bytes(SBOX[-16:]).hex() == "8ca1890dbfe6426841992d0fb054bb16"
    assert SBOX[0x53] == 0xED
    assert sorted(SBOX) == list(range(256))


@pytest.mark.slow
def test_the_tower_inverts_every_byte() -> None:
    m, given_byte, out = Module(), Signal(8), Signal(8)
    m.d.comb += out.eq(composite_sbox(m, given_byte, "sbox"))

    async def testbench(context: object) -> None:
        for value, right in enumerate(SBOX):
            context.set(given_byte, value)  # type: ignore[attr-defined]
            assert context.get(out) == right  # type: ignore[attr-defined]

    simulator = Simulator(m)
    simulator.add_testbench(testbench)
    simulator.run()


@given(st.integers(0, 2**128 - 1), st.integers(0, 2**128 - 1), st.integers(0, 2**128 - 1))
def test_only_the_sum_of_text_and_key_counts(text: int, key: int, mask: int) -> None:
    p = AesSboxParameters(unit="round")
    assert reference(p, text, key) == reference(p, text ^ mask, key ^ mask)


@pytest.mark.few_cases(1)
@pytest.mark.slow
@pytest.mark.parametrize("shares", [1, 2])
def test_hardware_knows_the_round(shares: int) -> None:
    p = AesSboxParameters(unit="round", shares=shares)
    inputs = {
        "text": [little(TEXT), little(SECOND_START), *[0] * p.latency_cycles],
        "key": [little(KEY), 0, *[0] * p.latency_cycles],
        "valid": [1, 1, *[0] * p.latency_cycles],
    }
    shared, timing = in_shares(p), stream(p)
    stimulus = dict(shared.run(compared(inputs, {}), 1).stimulus)
    watch = shared.watch(timing.watch)
    seen = shared.recombined(play_in_amaranth(AesSbox(p), stimulus, watch))
    assert seen["out_valid"] == [0] * p.latency_cycles + [1, 1]
    assert seen["out"][-2:] == [little(MIXED), little(SECOND_MIXED)]


def test_work_and_cycles_by_hand() -> None:
    p, workload = AesSboxParameters(unit="round", shares=2), AesSboxWorkload(length=10)
    done = work(p, workload)
    # Ten words of 16 bytes, text and key in, a result out, each in two shares.
    assert (done.count, done.unit) == (160, "byte")
    assert (done.input_bits, done.output_bits) == (2 * 2 * 1280, 2 * 1280)
    assert cycles(p, workload) == 20
    assert p.random_bits == 16 * 18
    assert AesSboxParameters().random_bits == 0


def test_impossible_parameters_and_workloads_are_refused() -> None:
    with pytest.raises(ValueError, match='structure="table" with shares=2: .* use structure="comp'):
        AesSboxParameters(structure="table", shares=2)
    with pytest.raises(ValueError, match="unit='cipher' is not one of 'sbox', 'round'"):
        AesSboxParameters(unit="cipher")


@pytest.mark.few_cases(1)
@pytest.mark.tools
@pytest.mark.parametrize(
    "parameters",
    [
        AesSboxParameters(),
        AesSboxParameters(structure="table"),
        AesSboxParameters(shares=2),
        AesSboxParameters(unit="round"),
        AesSboxParameters(unit="round", shares=2),
    ],
    ids=str,
)
def test_the_bench_passes_on_the_verilog(parameters: AesSboxParameters, tmp_path: Path) -> None:
    workload = AesSboxWorkload(length=20)
    result = bench_passes(BLOCK, parameters, workload, tmp_path)
    assert result["cycles"] == cycles(parameters, workload)


FAULTS = {
    "a bit of the key that is not added": (r"text \^ key", "text ^ (key & 8'h7f)"),
    "a result that does not wait": (r"valid_0 \? substituted_0", "valid ? substituted_0"),
    "a wrong bit of the inverse": (r"sbox_0_inverse\[1\] \^", "sbox_0_inverse[2] ^"),
}
MASK_FAULTS = {
    "a product across shares that is left out": (
        r"first_share_0 <= _",
        "first_share_0 <= 4'h8 & _",
    ),
    "a share of the key": (r"text_share_1 \^ key_share_1", "text_share_1 ^ key_share_0"),
    "a random bit that enters one share only": (r"\^ random\[3:0\]", "^ 4'h0"),
}


@pytest.mark.few_cases(1)
@pytest.mark.tools
@pytest.mark.parametrize("fault", FAULTS)
def test_the_bench_catches(fault: str, tmp_path: Path) -> None:
    p = AesSboxParameters()
    bench_catches(BLOCK, p, AesSboxWorkload(length=4), FAULTS[fault], tmp_path)


@pytest.mark.few_cases(1)
@pytest.mark.tools
@pytest.mark.parametrize("fault", MASK_FAULTS)
def test_the_bench_of_shares_catches(fault: str, tmp_path: Path) -> None:
    p = AesSboxParameters(shares=2)
    bench_catches(BLOCK, p, AesSboxWorkload(length=4), MASK_FAULTS[fault], tmp_path)
