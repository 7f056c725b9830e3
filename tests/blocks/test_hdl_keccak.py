"""Keccak against FIPS 202 (through hashlib and printed values), and its documented timing."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from chipdse_hdl.bench.testbench import check_ports, compared
from chipdse_hdl.keccak import BLOCK, Keccak, KeccakParameters, KeccakWorkload
from chipdse_hdl.keccak.bench import WATCH, in_shares, traffic, workload_case
from chipdse_hdl.keccak.model import cycles, random_bits, reference, work
from chipdse_hdl.keccak.parameters import MODES
from chipdse_hdl.keccak.permutation import ROTATIONS, ROUND_CONSTANTS, permute
from hypothesis import given
from hypothesis import strategies as st

from tests.support.hdl_runs import bench_catches, bench_passes, play_in_amaranth, rtlil_hash


def independent(mode: str, message: bytes, count: int) -> bytes:
    """The same from Python's library, which is OpenSSL's."""
    made = hashlib.new(mode.replace("shake", "shake_"), message)
    return made.digest(count) if mode.startswith("shake") else made.digest()  # type: ignore[call-arg]


def test_constants_as_printed() -> None:
    # FIPS 202, table 2: the offsets of rho; columns x = 3, 4, 0, 1, 2, rows y = 2, 1, 0, 4, 3.
    table = """153 231   3  10 171
                55 276  36 300   6
                28  91   0   1 190
               120  78 210  66 253
                21 136 105  45  15"""
    for y, row in zip((2, 1, 0, 4, 3), table.splitlines(), strict=True):
        for x, offset in zip((3, 4, 0, 1, 2), row.split(), strict=True):
            assert ROTATIONS[x + 5 * y] == int(offset) % 64
    # The round constants as the Keccak reference prints them: first, second, last.
    assert ROUND_CONSTANTS[:2] == (0x1, 0x8082)
    assert ROUND_CONSTANTS[-1] == 0x8000000080008008


def test_the_permutation_of_zero_as_published() -> None:
    # The Keccak team's KeccakF-1600-IntermediateValues: the first lane after one permutation.
    assert permute([0] * 25)[0] == 0xF1258F7940E1DDE7


def test_the_empty_message_as_published() -> None:
    # NIST's example values for FIPS 202: SHA3-256 of the message of 0 bits.
    expected = "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a"
    assert reference("sha3_256", b"", 32).hex() == expected


@given(st.sampled_from(sorted(MODES)), st.binary(max_size=500), st.integers(1, 400))
def test_reference_is_hashlib(mode: str, message: bytes, count: int) -> None:
    digest_bytes = MODES[mode][1] or count
    assert reference(mode, message, digest_bytes) == independent(mode, message, digest_bytes)


@pytest.mark.parametrize("mode", list(MODES))
@pytest.mark.parametrize("difference", [-1, 0, 1])
def test_reference_at_the_ends_of_blocks(mode: str, difference: int) -> None:
    message = bytes(range(256))[: MODES[mode][0] + difference]
    count = MODES[mode][1] or MODES[mode][0] + 1
    assert reference(mode, message, count) == independent(mode, message, count)


@pytest.mark.parametrize("buffered", [False, True])
@pytest.mark.parametrize("rounds", [1, 3, 8])
def test_cycles_of_a_long_message(rounds: int, buffered: bool) -> None:
    p = KeccakParameters(rounds_per_cycle=rounds, input_buffer=buffered)
    spent = []
    for blocks in (3, 5):
        workload = KeccakWorkload(length=136 * blocks, message_bytes=136 * blocks)
        taken = len(traffic(p, workload_case(p, workload))[0]["in_valid"])
        assert taken <= cycles(p, workload) <= taken + 2 * blocks + 24
        spent.append(taken)
    assert spent[1] - spent[0] == 2 * p.block_cycles


def test_work_and_words_are_counted_as_by_hand() -> None:
    # 1000 bytes in messages of 300: four of them, each with 32 bytes of digest.
    done = work(KeccakParameters(), KeccakWorkload(length=1000, message_bytes=300))
    assert (done.count, done.unit) == (1000 + 4 * 32, "byte")
    assert (done.input_bits, done.output_bits) == (8000, 1024)


@pytest.mark.slow
def test_random_bits_are_used_as_counted() -> None:
    p = KeccakParameters(shares=2)
    workload = KeccakWorkload(length=150, message_bytes=140)
    inputs, expected = traffic(p, workload_case(p, workload))
    shared = in_shares(p)
    stimulus = dict(shared.run(compared(inputs, expected), 1).stimulus)
    watch = [*shared.watch(WATCH), "random_used"]
    seen = shared.recombined(play_in_amaranth(Keccak(p), stimulus, watch))
    check_ports(expected, seen)
    # Two blocks for 140 bytes, one for 10; 24 rounds each, of 1600 bits.
    assert sum(seen["random_used"]) * 1600 == random_bits(p, workload) == 3 * 24 * 1600
    assert random_bits(KeccakParameters(), workload) == 0


@pytest.mark.few_cases(1)
@pytest.mark.slow
@pytest.mark.parametrize(
    ("parameters", "digest"),
    [
        (
            KeccakParameters(input_buffer=True),
            "3f3bfda30d314cc8d67eb6b25dc502002802ad5cf2c4bc35a6093283d8b41731",
        ),
        (
            KeccakParameters(rounds_per_cycle=4, bus_bits=32),
            "d7ff4cb525f131ac2634f0a6302ee2f8b0be8b04818bb39c511acc56aea8d9e6",
        ),
        (
            KeccakParameters(mode="shake128", bus_bits=16),
            "27bf6f935e319bc3a34c74e76b49cf87707f1877a4d8ff4306f7af487267c620",
        ),
    ],
    ids=str,
)
def test_unchanged_without_masks(parameters: KeccakParameters, digest: str) -> None:
    """The RTL of one share is that of the block before it had shares."""
    assert rtlil_hash(Keccak(parameters)) == digest


def test_operands_of_products_have_no_variable_in_common() -> None:
    """Why products across domains may come straight from theta: its sums of 11 bits, as sets."""

    def summed(x: int, y: int, z: int) -> set[tuple[int, int, int]]:
        before, after = (x - 1) % 5, (x + 1) % 5
        columns = {(before, row, z) for row in range(5)}
        return {(x, y, z), *columns, *((after, row, (z - 1) % 64) for row in range(5))}

    origin = {(y, (2 * x + 3 * y) % 5): (x, y) for x in range(5) for y in range(5)}
    for x in range(5):
        for y in range(5):
            for z in range(64):
                first, second = (
                    summed(*origin[place], (z - ROTATIONS[column + 5 * row]) % 64)
                    for place in (((x + 1) % 5, y), ((x + 2) % 5, y))
                    for column, row in [origin[place]]
                )
                assert not first & second


def test_impossible_parameters_and_workloads_are_refused() -> None:
    with pytest.raises(ValueError, match="rounds_per_cycle=2 with shares=2: .* use rounds_per_cyc"):
        KeccakParameters(rounds_per_cycle=2, shares=2)
    with pytest.raises(ValueError, match="rounds_per_cycle=5 is not one of"):
        KeccakParameters(rounds_per_cycle=5)
    with pytest.raises(ValueError, match="mode='md5' is not one of 'sha3_224'"):
        KeccakParameters(mode="md5")


SMALL = KeccakWorkload(length=200, message_bytes=150, output_bytes=50)
TINY = KeccakWorkload(length=1, message_bytes=1)


@pytest.mark.few_cases(1)
@pytest.mark.tools
@pytest.mark.parametrize(
    "parameters",
    [
        KeccakParameters(mode="sha3_224", bus_bits=16),
        KeccakParameters(mode="sha3_256", rounds_per_cycle=1, input_buffer=True),
        KeccakParameters(mode="sha3_512", bus_bits=32, rounds_per_cycle=2),
        KeccakParameters(mode="shake128", rounds_per_cycle=3, input_buffer=True, bus_bits=16),
        KeccakParameters(mode="sha3_256", rounds_per_cycle=4),
        KeccakParameters(mode="shake256", rounds_per_cycle=6, input_buffer=True),
        KeccakParameters(mode="sha3_224", rounds_per_cycle=8),
        KeccakParameters(mode="shake128", rounds_per_cycle=12, input_buffer=True),
        KeccakParameters(mode="sha3_384", rounds_per_cycle=24, bus_bits=32, input_buffer=True),
        KeccakParameters(mode="sha3_512", shares=2),
        KeccakParameters(mode="shake128", bus_bits=32, input_buffer=True, shares=2),
    ],
    ids=str,
)
def test_the_bench_passes_on_the_verilog(parameters: KeccakParameters, tmp_path: Path) -> None:
    result = bench_passes(BLOCK, parameters, SMALL, tmp_path)
    assert result["cycles"] <= cycles(parameters, SMALL)


FAULTS = {
    "a lane with another's parity": (r"lane_1 \^ round_0_d_1", "lane_1 ^ round_0_d_2"),
    "round constants in another order": (r"= ! step", "= step == 5'h01"),
    "a word in its neighbour's place": (r"in_place == 2'h2", "in_place == 2'h3"),
    "padding in the wrong byte": (r"in_bytes == 2'h2", "in_bytes == 2'h3"),
    "a digest that skips words": (r"out_place \+ 1'h1", "out_place + 2'h2"),
}


@pytest.mark.few_cases(1)
@pytest.mark.tools
@pytest.mark.parametrize("fault", FAULTS)
def test_the_bench_catches(fault: str, tmp_path: Path) -> None:
    bench_catches(BLOCK, KeccakParameters(), TINY, FAULTS[fault], tmp_path)
