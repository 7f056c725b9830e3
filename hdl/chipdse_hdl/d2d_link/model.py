"""What crosses a link between dies: frames, coded beats, and what happens in each cycle.

Plain Python on whole numbers; the hardware of `d2d_link` must do exactly this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chipdse_hdl.block import Work
from chipdse_hdl.d2d_link.checksum import checksum
from chipdse_hdl.d2d_link.parameters import D2dLinkParameters, D2dLinkWorkload
from chipdse_hdl.workloads.words import word_stream


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """A link's ports, a row per cycle. `out_data` is None where it says nothing."""

    in_data: list[int]
    in_valid: list[int]
    flip: list[int]
    in_ready: list[int]
    wires: list[int]
    bad: list[int]
    out_valid: list[int]
    out_data: list[int | None]


def reference(
    parameters: D2dLinkParameters, flits: Sequence[int], gaps: Sequence[int], errors: Sequence[int]
) -> Traffic:
    """What happens in each cycle, frame by frame, until the last flit has surely arrived.

    Before flit n, `gaps[n]` frames that could take it pass; `errors` says which wires are wrong in
    each cycle, over and over; before the first frame none is.
    """
    p, beats, round_trip = parameters, parameters.serialisation, parameters.replay_frames
    sent: list[int | None] = []  # by frame
    fresh: list[bool] = []
    wires, outputs, waits, damaged = [0, 0], [], [], []
    taken = discard = resend = after = 0
    wait = gaps[0]
    while after <= round_trip + 2:
        number = len(sent)
        if p.replay and number >= round_trip and damaged[number - round_trip]:
            resend = round_trip
        fresh.append(resend == 0)
        waits.append(min(taken, len(flits) - 1))
        if resend:
            resend -= 1
            sent.append(sent[number - round_trip] if number >= round_trip else None)
        elif taken < len(flits) and wait == 0:
            sent.append(flits[taken])
            taken += 1
            wait = gaps[taken] if taken < len(flits) else 0
        else:
            wait = max(wait - 1, 0)
            sent.append(None)
        # When all is sent, frames go on until no error is outstanding.
        after = 0 if taken < len(flits) or resend else after + 1

        word, right = _received(p, frame(p, sent[-1]), wires, errors)
        bad = not right and discard == 0
        damaged.append(bad)
        outputs.append(word >> 1 if right and discard == 0 and word & 1 else None)
        discard = round_trip - 1 if bad and p.replay else max(discard - 1, 0)
        after = 0 if bad else after

    cycles = len(sent) * beats
    frames = range(len(sent))
    offers = [sent[n] is not None and fresh[n] for n in frames for _ in range(beats)]
    free = [fresh[n] for n in frames for _ in range(beats)]
    first = [cycle % beats == 0 for cycle in range(cycles)]
    late = [None] * p.latency_cycles
    given = late + [value for out in outputs for value in (out, *[None] * (beats - 1))]
    is_bad = [0] * p.latency_cycles + [int(bad) for bad in damaged for _ in range(beats)]
    return Traffic(
        in_data=[flits[waits[cycle // beats]] for cycle in range(cycles)],
        in_valid=[int(offers[cycle] or not first[cycle]) for cycle in range(cycles)],
        flip=([0, 0] + [errors[cycle % len(errors)] for cycle in range(2, cycles)])[:cycles],
        in_ready=[int(first[cycle] and free[cycle]) for cycle in range(cycles)],
        wires=wires[:cycles],
        bad=is_bad[:cycles],
        out_valid=[int(value is not None) for value in given[:cycles]],
        out_data=given[:cycles],
    )


def _received(
    p: D2dLinkParameters, sent_frame: int, wires: list[int], errors: Sequence[int]
) -> tuple[int, bool]:
    """The word of a frame at the other end, and whether its checks are right; its beats are
    appended to the wires."""
    right, received = True, 0
    for beat in range(p.serialisation):
        data = sent_frame >> beat * p.data_wires & ((1 << p.data_wires) - 1)
        wires.append(encode(p, data, wires[-1]))
        wrong = errors[(len(wires) - 1) % len(errors)]
        part, parity = decode(p, wires[-1] ^ wrong)
        received |= part << beat * p.data_wires
        right &= parity
    word = received & ((1 << (1 + p.flit_bits)) - 1)
    check = checksum(p.protection, word, 1 + p.flit_bits)
    right &= received >> (1 + p.flit_bits) & ((1 << p.checksum_bits) - 1) == check
    return word, right


def frame(parameters: D2dLinkParameters, flit: int | None) -> int:
    """A frame; without a flit it is all zero, and so are the wires."""
    if flit is None:
        return 0
    word, bits = 1 | flit << 1, 1 + parameters.flit_bits
    return word | checksum(parameters.protection, word, bits) << bits


def encode(parameters: D2dLinkParameters, data: int, before: int) -> int:
    """The wires for one beat of data, if `before` is what they were."""
    p = parameters
    mask = (1 << p.group_wires) - 1
    encoded, inverted = data, 0
    for group in range(p.groups):
        start = group * p.group_wires
        size = min(p.group_wires, p.data_wires - start)
        part = data >> start & mask
        counted = part ^ (before >> start & ((1 << size) - 1)) if p.inversion == "ac" else part
        if 2 * counted.bit_count() > size:
            encoded ^= ((1 << size) - 1) << start
            inverted |= 1 << group
    word = encoded | inverted << p.data_wires
    if p.protection == "parity":
        word |= (word.bit_count() & 1) << (p.wires - 1)
    return word


def decode(parameters: D2dLinkParameters, wires: int) -> tuple[int, bool]:
    """A beat's data, and whether its parity is right."""
    p = parameters
    data = wires & ((1 << p.data_wires) - 1)
    for group in range(p.groups):
        if wires >> (p.data_wires + group) & 1:
            start = group * p.group_wires
            size = min(p.group_wires, p.data_wires - start)
            data ^= ((1 << size) - 1) << start
    return data, p.protection != "parity" or wires.bit_count() % 2 == 0


def flits(parameters: D2dLinkParameters, workload: D2dLinkWorkload) -> list[int]:
    """The flits of a workload."""
    return word_stream(workload.values, workload.length, parameters.flit_bits, workload.seed)


def pace(workload: D2dLinkWorkload) -> list[int]:
    """Frames without a flit before each flit."""
    random = np.random.default_rng([workload.seed, 1])
    return (random.geometric(workload.load, workload.length) - 1).tolist()


def errors(parameters: D2dLinkParameters, workload: D2dLinkWorkload) -> list[int]:
    """Which wires are wrong, by cycle, over and over: none or one."""
    random = np.random.default_rng([workload.seed, 2])
    count = 1 if workload.error_rate == 0 else 9973
    wrong = random.random(count) < workload.error_rate
    which = random.integers(0, parameters.wires, count)
    return [int(bad) << int(wire) for bad, wire in zip(wrong, which, strict=True)]


def work(parameters: D2dLinkParameters, workload: D2dLinkWorkload) -> Work:
    """A bit of work is a bit of a flit that crossed the link once."""
    bits = workload.length * parameters.flit_bits
    return Work(count=bits, unit="bit", input_bits=bits, output_bits=bits)


def cycles(parameters: D2dLinkParameters, workload: D2dLinkWorkload) -> int:
    """Clock cycles of a workload, on average."""
    p = parameters
    frames = workload.length / workload.load + 2 * p.replay_frames + 2
    if p.replay:
        damaged = 1 - (1 - workload.error_rate) ** p.serialisation
        frames *= 1 + damaged * p.replay_frames
    return round(frames * p.serialisation)
