"""The link against its reference: coding, checksums, replay; planted faults must be noticed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from amaranth.lib.crc import Algorithm
from chipdse_hdl.bench.testbench import check_ports
from chipdse_hdl.d2d_link import BLOCK, D2dLink, D2dLinkParameters, D2dLinkWorkload
from chipdse_hdl.d2d_link.bench import check_all_arrive, hard_cases, outputs, stimulus, watched
from chipdse_hdl.d2d_link.checksum import CHECKSUMS, checksum
from chipdse_hdl.d2d_link.model import decode, encode, errors, flits, frame, pace, reference, work
from hypothesis import given
from hypothesis import strategies as st

from tests.support.fuzzing.examples import examples
from tests.support.hdl_runs import bench_catches, bench_passes, play_in_amaranth


def run(p: D2dLinkParameters, *case: Any) -> None:
    traffic = reference(p, *case)
    check_ports(outputs(p, traffic), play_in_amaranth(D2dLink(p), stimulus(traffic), watched(p)))


def test_checksums_as_published() -> None:
    # The check values of the catalogue of parametrised CRC algorithms, of "123456789": CRC-8/SMBUS
    # and CRC-16/UMTS, which is this polynomial without inversion or reflection.
    word = int.from_bytes(b"123456789", "big")
    assert checksum("crc8", word, 72) == 0xF4
    assert checksum("crc16", word, 72) == 0xFEE8


@given(st.sampled_from(["crc8", "crc16"]), st.integers(1, 80), st.data())
def test_checksums_are_amaranths(protection: str, bits: int, data: st.DataObject) -> None:
    word = data.draw(st.integers(0, 2**bits - 1))
    width, polynomial = CHECKSUMS[protection]
    algorithm = Algorithm(
        crc_width=width,
        polynomial=polynomial,
        initial_crc=0,
        reflect_input=False,
        reflect_output=False,
        xor_output=0,
    )
    assert checksum(protection, word, bits) == algorithm(data_width=bits).compute([word])


def test_inversion_by_hand() -> None:
    p = D2dLinkParameters(
        flit_bits=8, serialisation=1, inversion="dc", group_wires=8, protection="none"
    )
    # Nine data wires, groups of eight and one: five of eight are high, so they are inverted.
    assert (p.data_wires, p.groups, p.wires) == (9, 2, 11)
    assert encode(p, 0b0_0001_1111, 0) == 0b01_0_1110_0000
    assert encode(p, 0b0_0000_1111, 0) == 0b00_0_0000_1111
    ac = D2dLinkParameters(
        flit_bits=8, serialisation=1, inversion="ac", group_wires=8, protection="none"
    )
    # From 1111 0000 to 0000 1110 seven wires would toggle; inverted, one does.
    assert encode(ac, 0b0_0000_1110, 0b0_1111_0000) == 0b01_0_1111_0001


@given(
    st.sampled_from(["dc", "ac"]),
    st.integers(2, 16),
    st.sampled_from(["none", "parity"]),
    st.data(),
)
def test_inversion_keeps_its_promise(
    inversion: str, group: int, protection: str, data: st.DataObject
) -> None:
    p = D2dLinkParameters(
        flit_bits=40, inversion=inversion, group_wires=group, protection=protection
    )
    value = data.draw(st.integers(0, 2**p.data_wires - 1))
    before = data.draw(st.integers(0, 2**p.wires - 1))
    wires = encode(p, value, before)
    assert decode(p, wires) == (value, True)
    counted = wires ^ before if inversion == "ac" else wires
    for start in range(0, p.data_wires, group):
        size = min(group, p.data_wires - start)
        assert (counted >> start & (1 << size) - 1).bit_count() <= size // 2
    if protection == "parity":
        assert not decode(p, wires ^ 1 << data.draw(st.integers(0, p.wires - 1)))[1]


@given(st.sampled_from(["crc8", "crc16"]), st.data())
def test_checksums_see_a_wrong_inversion_wire(protection: str, data: st.DataObject) -> None:
    """A wrong inversion wire is a burst as long as its group: no longer than the checksum here."""
    p = D2dLinkParameters(inversion="ac", protection=protection)
    flit = data.draw(st.integers(0, 2**p.flit_bits - 1))
    beat = data.draw(st.integers(0, p.serialisation - 1))
    group = data.draw(st.integers(0, p.groups - 1))
    start = group * p.group_wires
    burst = (1 << min(p.group_wires, p.data_wires - start)) - 1
    received = frame(p, flit) ^ burst << beat * p.data_wires + start
    bits = 1 + p.flit_bits
    found = received >> bits & (1 << p.checksum_bits) - 1
    unused = received >> bits + p.checksum_bits
    assert unused or checksum(protection, received & (1 << bits) - 1, bits) != found


@pytest.mark.parametrize("serialisation", [1, 2, 4, 8, 16])
def test_flits_arrive_after_the_stated_latency(serialisation: int) -> None:
    p = D2dLinkParameters(serialisation=serialisation, replay=True)
    quiet = reference(p, [5, 6, 7], [0, 0, 0], [0])
    arrivals = [cycle for cycle, valid in enumerate(quiet.out_valid) if valid]
    assert arrivals == [p.latency_cycles + n * serialisation for n in range(3)]
    # One error in the first frame: it arrives again `replay_frames` frames later.
    noisy = reference(p, [5, 6, 7], [0, 0, 0], [0, 0, 1, *[0] * 999])
    later = [cycle for cycle, valid in enumerate(noisy.out_valid) if valid]
    assert later == [cycle + p.replay_frames * serialisation for cycle in arrivals]
    assert [noisy.out_data[cycle] for cycle in later] == [5, 6, 7]


@pytest.mark.slow
@given(
    st.sampled_from([1, 2, 4, 8, 16]),
    st.sampled_from(["parity", "crc8", "crc16"]),
    st.sampled_from(["none", "dc", "ac"]),
    st.floats(0, 0.05),
    st.integers(0, 99),
)
def test_replay_delivers_all(
    serialisation: int, protection: str, inversion: str, rate: float, seed: int
) -> None:
    p = D2dLinkParameters(
        flit_bits=32,
        serialisation=serialisation,
        inversion=inversion,
        protection=protection,
        replay=True,
    )
    workload = D2dLinkWorkload(length=40, load=0.7, error_rate=rate, seed=seed)
    sent = flits(p, workload)
    check_all_arrive(p, sent, reference(p, sent, pace(workload), errors(p, workload)))


def test_a_lossy_workload_is_refused_with_the_fix() -> None:
    p, workload = D2dLinkParameters(), D2dLinkWorkload(length=200, error_rate=0.02)
    sent = flits(p, workload)
    with pytest.raises(AssertionError, match="of 200 flits arrive.* use replay=True"):
        check_all_arrive(p, sent, reference(p, sent, pace(workload), errors(p, workload)))


@pytest.mark.slow
@examples(12)
@given(
    st.sampled_from([1, 2, 4, 8, 16]),
    st.sampled_from(["none", "parity", "crc8", "crc16"]),
    st.sampled_from(["none", "dc", "ac"]),
    st.booleans(),
    st.integers(8, 40),
    st.integers(2, 9),
)
def test_hardware_is_the_reference(
    serialisation: int, protection: str, inversion: str, replay: bool, bits: int, group: int
) -> None:
    p = D2dLinkParameters(
        flit_bits=bits,
        serialisation=serialisation,
        inversion=inversion,
        group_wires=group,
        protection=protection,
        replay=replay and protection != "none",
    )
    for case in hard_cases(p):
        run(p, *case)


def test_work_and_words_are_counted_as_by_hand() -> None:
    done = work(D2dLinkParameters(flit_bits=32), D2dLinkWorkload(length=10))
    assert (done.count, done.unit, done.input_bits, done.output_bits) == (320, "bit", 320, 320)


def test_impossible_parameters_and_workloads_are_refused() -> None:
    with pytest.raises(ValueError, match="never knows of an error; use parity or a crc"):
        D2dLinkParameters(protection="none", replay=True)
    with pytest.raises(ValueError, match="serialisation=3 is not one of"):
        D2dLinkParameters(serialisation=3)


NOISY = D2dLinkWorkload(length=60, load=0.8, error_rate=0.02)
QUIET = D2dLinkWorkload(length=60, values="sparse")


@pytest.mark.few_cases(2)
@pytest.mark.tools
@pytest.mark.parametrize(
    ("parameters", "workload"),
    [
        (D2dLinkParameters(serialisation=1, inversion="dc", protection="none"), QUIET),
        (D2dLinkParameters(serialisation=2, protection="parity", inversion="ac"), QUIET),
        (D2dLinkParameters(serialisation=8, protection="crc16", replay=True), NOISY),
        (D2dLinkParameters(serialisation=16, protection="parity", replay=True), NOISY),
        (D2dLinkParameters(serialisation=1, inversion="ac", replay=True), NOISY),
    ],
    ids=str,
)
def test_the_bench_passes_on_the_verilog(
    parameters: D2dLinkParameters, workload: D2dLinkWorkload, tmp_path: Path
) -> None:
    bench_passes(BLOCK, parameters, workload, tmp_path)


FAULTS = {
    "errors that are not seen": (r"assign right = .*;", "assign right = 1'b1;"),
    "a frame that is not discarded": (r"discard \? (\w+) : 2'h1", r"discard ? \1 : 2'h0"),
    "a group inverted without need": (r"> 2'h2", "> 2'h1"),
    "nothing is sent again": (r"~ nacked", "1'b1"),
    "a checksum without a bit": (r"flit\[15:14\], ", "flit[15], "),
    "frames that outlive the reset": (r"rst \? 28'h0000000", "1'b0 ? 28'h0"),
}


@pytest.mark.few_cases(1)
@pytest.mark.tools
@pytest.mark.parametrize("fault", FAULTS)
def test_the_bench_catches(fault: str, tmp_path: Path) -> None:
    p = D2dLinkParameters(flit_bits=16, inversion="ac", group_wires=4, replay=True)
    bench_catches(BLOCK, p, D2dLinkWorkload(length=5), FAULTS[fault], tmp_path)
