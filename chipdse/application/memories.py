"""Memories of a chip: an on-chip buffer of fitted SRAM macros, and DRAM with published figures."""

from __future__ import annotations

import math
from dataclasses import dataclass

from chipdse.errors import DesignError
from chipdse.technology.constants import Sources, variants
from chipdse.technology.sram import MacroSize, families, macro_figures, macro_range


@dataclass(frozen=True, kw_only=True)
class Buffer:
    """An on-chip buffer of equal SRAM macros that all have their own port.

    size : of one macro
    macros : how many
    access_s : shortest time between two accesses of a macro
    read_j_per_bit, write_j_per_bit : energy of an access per bit
    idle_j_per_cycle : clock energy of all macros in a cycle without access
    leakage_w, area_m2 : of all macros
    bits_per_access : bits that all macros deliver at once
    """

    size: MacroSize
    macros: int
    access_s: float
    read_j_per_bit: float
    write_j_per_bit: float
    idle_j_per_cycle: float
    leakage_w: float
    area_m2: float
    bits_per_access: float

    @property
    def bits(self) -> float:
        """Capacity."""
        return float(self.macros * self.size.words * self.size.bits)


def sram_buffer(bytes_count: int, family: str, sources: Sources | None = None) -> Buffer:
    """A buffer of at least some bytes, from the largest macros of a family that it fills.

    Raises
    ------
    DesignError : the family is unknown or the buffer smaller than its smallest macro
    """
    if family not in families():
        raise DesignError(f"SRAM family {family!r} is unknown; use one of {', '.join(families())}")
    covered, bits = macro_range(family), bytes_count * 8
    words = covered.words_max
    while words // 2 >= covered.words_min and words * covered.bits_max > bits:
        words //= 2
    if words * covered.bits_max > bits:
        raise DesignError(
            f"a buffer of {bytes_count} bytes is smaller than a macro of {family}; use at least "
            f"{words * covered.bits_max // 8} bytes"
        )
    size = MacroSize(family=family, words=words, bits=covered.bits_max, mask_bits=covered.bits_max)
    macros = math.ceil(bits / (size.words * size.bits))
    figures = macro_figures(size, sources)
    return Buffer(
        size=size,
        macros=macros,
        access_s=figures.access_s + figures.setup_s,
        read_j_per_bit=figures.read_energy_j / size.bits,
        write_j_per_bit=figures.write_energy_j / size.bits,
        idle_j_per_cycle=macros * figures.idle_energy_j,
        leakage_w=macros * figures.leakage_w,
        area_m2=macros * figures.area_m2,
        bits_per_access=float(macros * size.bits),
    )


@dataclass(frozen=True, kw_only=True)
class Dram:
    """An outer memory; nan where no figure is published in the tables and none was given.

    energy_j_per_bit : of the device, per bit read or written
    bandwidth_bits_per_s : of all its modules, devices or stacks
    idle_w : background and refresh power
    """

    kind: str
    energy_j_per_bit: float
    bandwidth_bits_per_s: float
    idle_w: float


def dram_kinds() -> tuple[str, ...]:
    """The kinds of DRAM with a published bandwidth."""
    return variants("memory.unit_bandwidth")


def dram(
    kind: str,
    *,
    units: int = 1,
    energy_j_per_bit: float | None = None,
    bandwidth_bits_per_s: float | None = None,
    idle_w: float | None = None,
    sources: Sources | None = None,
) -> Dram:
    """A DRAM with the published figures of its kind; stated ones go first.

    Parameters
    ----------
    units : modules, channels, devices or stacks, as `memory.unit_bandwidth` describes
    energy_j_per_bit : at the device; None is the published one
    bandwidth_bits_per_s : of all units; None is the published one
    idle_w : of all units

    Raises
    ------
    DesignError : the kind is unknown, or its energy per bit is neither published nor given
    """
    if kind not in dram_kinds():
        raise DesignError(f"DRAM {kind!r} is unknown; use one of {', '.join(dram_kinds())}")
    read = sources if sources is not None else Sources()
    energy_key = f"memory.device_energy.{kind}"
    if energy_j_per_bit is None:
        if not read.has(energy_key):
            raise DesignError(
                f"no published energy per bit is known for {kind}; give it, e.g. "
                "--dram-energy 6pJ (device energy per bit)"
            )
        energy_j_per_bit = read(energy_key)
    if bandwidth_bits_per_s is None:
        bandwidth_bits_per_s = units * read(f"memory.unit_bandwidth.{kind}")
    return Dram(
        kind=kind,
        energy_j_per_bit=energy_j_per_bit,
        bandwidth_bits_per_s=bandwidth_bits_per_s,
        idle_w=math.nan if idle_w is None else idle_w,
    )
