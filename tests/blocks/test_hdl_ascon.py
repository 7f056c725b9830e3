"""Ascon against the designers' known answers for SP 800-232, and its documented timing."""

from __future__ import annotations

from pathlib import Path

import pytest
from chipdse_hdl.ascon import BLOCK, Ascon, AsconParameters, AsconWorkload
from chipdse_hdl.ascon.bench import WATCH, in_shares, phases, traffic
from chipdse_hdl.ascon.model import (
    Message,
    cycles,
    messages,
    random_bits,
    reference_aead,
    reference_hash,
    work,
)
from chipdse_hdl.ascon.permutation import HASH_START
from chipdse_hdl.bench.testbench import check_ports, compared
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.hdl_runs import bench_catches, bench_passes, play_in_amaranth, rtlil_hash

# From LWC_AEAD_KAT_128_128.txt of Ascon-AEAD128 in github.com/ascon/ascon-c: number, bytes of
# plaintext (0x20, 0x21, ...), bytes of associated data (0x30, ...), ciphertext and tag.
KEY, NONCE = bytes(range(16)), bytes(range(16, 32))
AEAD_ANSWERS = [
    (1, 0, 0, "4F9C278211BEC9316BF68F46EE8B2EC6"),
    (2, 0, 1, "CCCB674FE18A09A285D6AB11B35675C0"),
    (16, 0, 15, "759102A6953861627AAE1836D003A294"),
    (17, 0, 16, "E4230CDB8330EE9DC0CFD7C7B346E6DC"),
    (33, 0, 32, "EFC3E78B02AD9A80A6F0548C5B0BB5BA"),
    (34, 1, 0, "E8DD576ABA1CD3E6FC704DE02AEDB79588"),
    (35, 1, 1, "962B8016836C75A7D86866588CA245D886"),
    (66, 1, 32, "CB9963324ED507234028425D0F64BA269C"),
    (628, 19, 0, "E8C3DEEE246CC5EAE3E872313897A2BB6089AA26E4099A8F7C06AA8CBF6A20A0316D61"),
    (645, 19, 17, "BF77C71B3DE9F1C5B372EF273A08E89BE9675AC9A30A53BEC2B1D449E64014CFEB9077"),
    (
        1057,
        32,
        0,
        "E8C3DEEE246CC5EAE3E872313897A2BB6089AA3E15E80307970F2D1F006654C2"
        "AAA5FA172CB9F07D07463CEFC7440BC1",
    ),
    (
        1089,
        32,
        32,
        "CB34D04660A66DBFBE9C856601F5B8AA51A499B55AC8F7FBEFBC331A613EE9CD"
        "FD191750A47F211C0A15ED28173D7CAA",
    ),
]
# From LWC_HASH_KAT_128_256.txt of Ascon-Hash256, same place: bytes of message (0x00, ...), digest.
HASH_ANSWERS = [
    (0, "0B3BE5850F2F6B98CAF29F8FDEA89B64A1FA70AA249B8F839BD53BAA304D92B2"),
    (1, "0728621035AF3ED2BCA03BF6FDE900F9456F5330E4B5EE23E7F6A1E70291BC80"),
    (7, "3E4D273BA69B3B9C53216107E88B75CDBEEDBCBF8FAF0219C3928AB62B116577"),
    (8, "B88E497AE8E6FB641B87EF622EB8F2FCA0ED95383F7FFEBE167ACF1099BA764F"),
    (15, "6421330DF99C05EB715415EE17B455F2674F862AE3CC5BADFFE43A4A3ED273E1"),
    (32, "BD9D3D60A66B53868EAB2A5C74539A518A1F60F01EB176C60E43DEE81680B33E"),
    (64, "A6F241BEA5D16405812C06019D9F72D60132BD7C089C60549B2E56BB01C64F48"),
]


def run(p: AsconParameters, given_: list[Message]) -> dict[str, list[int]]:
    inputs, expected = traffic(p, given_)
    shared = in_shares(p)
    stimulus = dict(shared.run(compared(inputs, expected), 1).stimulus)
    watch = [*shared.watch(WATCH), *(["random_used"] if p.shares > 1 else [])]
    seen = shared.recombined(play_in_amaranth(Ascon(p), stimulus, watch))
    check_ports(expected, seen)
    return seen


def known(text: int, data: int) -> Message:
    return Message(
        text=bytes(range(0x20, 0x20 + text)),
        associated=bytes(range(0x30, 0x30 + data)),
        key=KEY,
        nonce=NONCE,
    )


@pytest.mark.parametrize(("count", "text", "data", "answer"), AEAD_ANSWERS)
def test_aead_known_answers(count: int, text: int, data: int, answer: str) -> None:
    assert count == 33 * text + data + 1
    assert b"".join(reference_aead(known(text, data))).hex().upper() == answer


@pytest.mark.parametrize(("length", "answer"), HASH_ANSWERS)
def test_hash_known_answers(length: int, answer: str) -> None:
    assert reference_hash(bytes(range(length))).hex().upper() == answer


def test_the_hash_starts_as_printed() -> None:
    # SP 800-232, the precomputed state of Ascon-Hash256.
    assert HASH_START == (
        0x9B1E5494E934D681,
        0x4BC3A01E333751D2,
        0xAE65396C6B34B81A,
        0x3C7FD4A4D56A4DB3,
        0x1A5C464906C5976D,
    )


@given(st.binary(max_size=50), st.binary(max_size=40), st.binary(min_size=16, max_size=16))
def test_decryption_inverts_encryption(text: bytes, data: bytes, nonce: bytes) -> None:
    cipher, tag = reference_aead(Message(text=text, associated=data, nonce=nonce))
    back = Message(text=cipher, associated=data, nonce=nonce, decrypt=True)
    assert reference_aead(back) == (text, tag)


@pytest.mark.slow
def test_hardware_knows_the_answers() -> None:
    p = AsconParameters(function="encrypt", rounds_per_cycle=4)
    run(p, [known(text, data) for _, text, data, _ in AEAD_ANSWERS])
    p = AsconParameters(function="hash", rounds_per_cycle=12)
    run(p, [Message(text=bytes(range(length))) for length, _ in HASH_ANSWERS])
    p = AsconParameters(function="encrypt", shares=2)
    run(p, [known(text, data) for _, text, data, _ in AEAD_ANSWERS])


@pytest.mark.slow
@pytest.mark.parametrize("function", ["both", "hash"])
def test_random_bits_are_used_as_counted(function: str) -> None:
    p = AsconParameters(function=function, shares=2)
    workload = AsconWorkload(length=30, message_bytes=20, associated_bytes=5)
    used = sum(run(p, messages(p, workload))["random_used"])
    assert used * p.random_bits == random_bits(p, workload)


def test_random_bits_by_hand() -> None:
    # One message of 20 bytes, 5 of data: 13 uses for the nonce, 9 for the data, 9 for the first
    # word of text and 13 for the last, of 320 bits.
    p = AsconParameters(shares=2)
    workload = AsconWorkload(length=20, message_bytes=20, associated_bytes=5)
    assert random_bits(p, workload) == (13 + 9 + 9 + 13) * 320
    assert random_bits(AsconParameters(), workload) == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("function", "digest"),
    [
        ("encrypt", "e925fa1c11aeda5f691d73b88b9885c2c4db68b6d2529878e7f4dbe422ec2f11"),
        ("both", "4472a64cb987466b43c7f1553dac530ba97871d0cb5c44092483dd0f6c158e3a"),
        ("hash", "2f04f8dcbdd4deadd404968dd06e0ac673011f3e2ba422d9f35da9f30920ea82"),
    ],
)
def test_unchanged_without_masks(function: str, digest: str) -> None:
    """The RTL of one share is that of the block before it had shares."""
    assert rtlil_hash(Ascon(AsconParameters(function=function))) == digest


@pytest.mark.slow
@settings(max_examples=40)
@given(
    st.sampled_from(["encrypt", "decrypt", "both", "hash"]),
    st.sampled_from([1, 2, 4]),
    st.integers(1, 200),
    st.integers(1, 90),
    st.integers(0, 40),
    st.sampled_from([1, 2]),
)
def test_cycles_are_exact(
    function: str, rounds: int, length: int, size: int, data: int, shares: int
) -> None:
    rounds = rounds if shares == 1 else 1
    p = AsconParameters(function=function, rounds_per_cycle=rounds, shares=shares)
    workload = AsconWorkload(length=length, message_bytes=size, associated_bytes=data)
    inputs, _ = traffic(p, messages(p, workload))
    assert len(inputs["in_valid"]) == cycles(p, workload)


@pytest.mark.parametrize("rounds_per_cycle", [1, 2])
@pytest.mark.parametrize("message_bytes", [1, 16, 40])
def test_phases_begin_with_the_first_word_that_is_accepted(
    rounds_per_cycle: int, message_bytes: int
) -> None:
    p = AsconParameters(function="both", rounds_per_cycle=rounds_per_cycle)
    given_ = messages(p, AsconWorkload(length=2 * message_bytes, message_bytes=message_bytes))
    inputs, expected = traffic(p, given_)
    stated = phases(p, given_)
    assert list(stated.values()).count("key and nonce") == len(given_) == 2
    for cycle, name in stated.items():
        assert inputs["in_valid"][cycle] and expected["in_ready"][cycle]
        if name == "text and tag":  # the first output is one cycle later, the tag the last of all
            assert expected["out_valid"][cycle + 1]
    last = max(stated)
    assert sum(expected["out_valid"][last:]) == 2


def test_work_and_words_are_counted_as_by_hand() -> None:
    # Two messages of 20 and 10 bytes: key, nonce and 4 bytes of header each; a tag each.
    done = work(AsconParameters(), AsconWorkload(length=30, message_bytes=20, associated_bytes=4))
    assert (done.count, done.unit) == (30, "byte")
    assert (done.input_bits, done.output_bits) == (8 * (30 + 2 * 36), 8 * (30 + 2 * 16))
    workload = AsconWorkload(length=30, message_bytes=20, associated_bytes=4)
    masked = work(AsconParameters(shares=2), workload)
    assert (masked.count, masked.input_bits) == (30, 2 * done.input_bits)


def test_impossible_parameters_and_workloads_are_refused() -> None:
    with pytest.raises(ValueError, match="does not divide the 8 rounds .* use 1, 2 or 4"):
        AsconParameters(rounds_per_cycle=3)
    with pytest.raises(ValueError, match="function='xof' is not one of"):
        AsconParameters(function="xof")
    with pytest.raises(ValueError, match="rounds_per_cycle=2 with shares=2: .* use rounds_per_cyc"):
        AsconParameters(rounds_per_cycle=2, shares=2)
    with pytest.raises(ValueError, match="shares=3 is not one of 1, 2"):
        AsconParameters(shares=3)


SMALL = AsconWorkload(length=100, message_bytes=40)


@pytest.mark.few_cases(2)
@pytest.mark.tools
@pytest.mark.parametrize(
    "parameters",
    [
        *(AsconParameters(function="encrypt", rounds_per_cycle=n) for n in (1, 2, 4)),
        *(AsconParameters(function="decrypt", rounds_per_cycle=n) for n in (1, 2, 4)),
        *(AsconParameters(function="both", rounds_per_cycle=n) for n in (1, 2, 4)),
        *(AsconParameters(function="hash", rounds_per_cycle=n) for n in (1, 2, 3, 4, 6, 12)),
        *(AsconParameters(function=function, shares=2) for function in ("both", "hash")),
    ],
    ids=str,
)
def test_the_bench_passes_on_the_verilog(parameters: AsconParameters, tmp_path: Path) -> None:
    result = bench_passes(BLOCK, parameters, SMALL, tmp_path)
    assert result["cycles"] == cycles(parameters, SMALL)


FAULTS = {
    "a key that is not added": (r"& keyed", "& 1'b0"),
    "no mark before the text": (r"= ~ (_\d+_)\[127\];", r"= \1[127];"),
    "text of the wrong direction": (r"decrypts \? other", "1'b0 ? other"),
    "a byte that should not count": (r"in_bytes > 2'h3", "in_bytes > 2'h2"),
    "padding in the wrong place": (r"in_bytes == 4'hd", "in_bytes == 4'hc"),
    "eight rounds for twelve": (r"in_last \? 4'h0 : 4'h4", "4'h4"),
}


@pytest.mark.few_cases(1)
@pytest.mark.tools
@pytest.mark.parametrize("fault", FAULTS)
def test_the_bench_catches(fault: str, tmp_path: Path) -> None:
    p = AsconParameters(function="both")
    bench_catches(BLOCK, p, AsconWorkload(length=1), FAULTS[fault], tmp_path)


MASK_FAULTS = {
    "one product across domains": (
        r"product_share_0 <= (_\d+_)",
        r"product_share_0 <= {\1[319:1], 1'b0}",
    ),
    "a share of the key": (r"\? in_data_share_1\[127:64\]", "? in_data_share_0[127:64]"),
    "a state refreshed in one share": (r"\^ refreshing\[63:0\]", "^ 64'h0"),
}


@pytest.mark.few_cases(1)
@pytest.mark.tools
@pytest.mark.parametrize("fault", MASK_FAULTS)
def test_the_bench_of_shares_catches(fault: str, tmp_path: Path) -> None:
    p = AsconParameters(function="encrypt", shares=2)
    bench_catches(BLOCK, p, AsconWorkload(length=1), MASK_FAULTS[fault], tmp_path)
