"""Whether a description of Verilog states the reset as the source has it.

The bench of random inputs drives the reset that the description names, and random words at every
other input. Under a wrong name or level the registers would be held in reset, or reset at random,
for the whole run, and its activity would be far too low.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from chipdse.arrays import Bools, UInt32s
from chipdse.blocks.own import OwnBlock
from chipdse.errors import DesignError
from chipdse.hardware.elaborate import Rtl
from chipdse.netlist.activity.recording import WORD_BITS, Recording

_LEAST_CYCLES = 16
"""A shorter run does not show that nothing changes in it."""


def check_asynchronous(block: OwnBlock, rtl: Rtl, inputs: Iterable[tuple[str, int]]) -> None:
    """Raise DesignError if an input resets registers asynchronously and is not the stated reset.

    Parameters
    ----------
    inputs : names of the inputs that reset registers, and the level at which each does
    """
    for name, level in sorted(set(inputs)):
        stated = f'reset = "{name}" and reset_active = "{"high" if level else "low"}"'
        if name != rtl.reset:
            raise DesignError(
                f"{block.name}: input {name!r} resets registers asynchronously, but is not the "
                f"reset, so the bench would drive it with random values; write {stated}, or give "
                "the block a bench"
            )
        if level != rtl.reset_level:
            active = "high" if level else "low"
            raise DesignError(
                f"{block.name}: reset {name!r} is active {active} in the source, but "
                f'reset_active = "{"low" if level else "high"}"; write {stated}'
            )


def check_released(block: OwnBlock, rtl: Rtl, recording: Recording, first_cycle: int) -> None:
    """Raise DesignError if the registers change while the reset is said to be active, not after it.

    Registers that the reset does not reach change throughout. Where none changes only after the
    reset, some change before its end and at its end take a value that they keep, the levels are
    reversed.

    Parameters
    ----------
    first_cycle : the first rising edge at which the reset is not active
    """
    rows = recording.words[:: 2 if recording.both_edges else 1]
    cycles = len(rows) - first_cycle - 1
    if not rtl.reset or cycles < _LEAST_CYCLES or first_cycle < 2:
        return
    registers = _register_bits(recording)
    before = _changing(rows[1 : first_cycle + 1]) & registers
    after = _changing(rows[first_cycle + 1 :]) & registers
    at_release = (rows[first_cycle] ^ rows[first_cycle + 1]) & registers
    is_reversed = (at_release & ~after).any() and before.any() and not (after & ~before).any()
    later = _changing(rows[first_cycle + _LEAST_CYCLES // 2 :]) & registers
    stops = before.any() and not later.any()
    if is_reversed or stops:
        level, other = ("high", "low") if rtl.reset_level else ("low", "high")
        raise DesignError(
            f"{block.name}: registers change while reset {rtl.reset!r} is {level} and are constant "
            f'after it; write reset_active = "{other}" if it is active {other}, or the right input '
            "as reset"
        )


def _changing(rows: UInt32s) -> UInt32s:
    """The bits that differ between any two rows, as words."""
    return np.asarray(np.bitwise_or.reduce(rows ^ rows[:1], axis=0))


def _register_bits(recording: Recording) -> UInt32s:
    """The bits of a row that hold registers, as words."""
    is_register: Bools = np.zeros(recording.words.shape[1] * WORD_BITS, dtype=np.bool_)
    for signal in recording.signals.values():
        if signal.clock:
            is_register[signal.offset : signal.offset + signal.width] = True
    return np.packbits(is_register, bitorder="little").view("<u4")
