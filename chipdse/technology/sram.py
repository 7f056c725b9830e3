"""SRAM macros: area, access time, energies and leakage over words and bits.

Fitted to published compiled macros (`data/sram.toml`, made by `tools.sram_fit`): two families, one
port in IHP's 130 nm process, one read-write and one read port in SkyWater's. Outside the sizes
that were fitted the model refuses.
"""

from __future__ import annotations

from dataclasses import dataclass

from chipdse.errors import DesignError
from chipdse.technology.constants import Sources, load_table, variants

_DEEP = 2048  # IHP compiles deeper macros with eight words per row instead of four


@dataclass(frozen=True, kw_only=True)
class MacroSize:
    """A macro of a family.

    words, bits : depth, and width of a word
    mask_bits : bits that one write enable covers
    """

    family: str
    words: int
    bits: int
    mask_bits: int

    @property
    def name(self) -> str:
        """Of the cell: unique for the size."""
        return f"sram_{self.family}_{self.words}x{self.bits}_m{self.mask_bits}"

    @property
    def masks(self) -> int:
        """Write enables of a word."""
        return self.bits // self.mask_bits

    @property
    def address_bits(self) -> int:
        return (self.words - 1).bit_length()

    @property
    def has_second_port(self) -> bool:
        """Whether it can read at one address while it writes at another."""
        return self.family == "sky130_1rw1r"


@dataclass(frozen=True, kw_only=True)
class MacroFigures:
    """Figures of one macro at the supply and temperature it was characterised at; SI units.

    access_s : clock edge to data without load
    read_energy_j, write_energy_j, idle_energy_j : of one clock cycle of one port
    falls : the data come after the clock's falling edge
    """

    area_m2: float
    access_s: float
    access_per_load_s_per_f: float
    output_slew_s: float
    setup_s: float
    hold_s: float
    pin_f: float
    read_energy_j: float
    write_energy_j: float
    idle_energy_j: float
    leakage_w: float
    supply_v: float
    temperature_c: float
    falls: bool


@dataclass(frozen=True, kw_only=True)
class MacroRange:
    """Sizes that a family's fit covers."""

    words_min: int
    words_max: int
    bits_min: int
    bits_max: int


def column_mux(family: str, words: int) -> int:
    """Number of words in one row."""
    if family == "ihp_1p":
        return 4 if words <= _DEEP else 8
    return 1


def families() -> tuple[str, ...]:
    """The families that are fitted."""
    return variants("sram.supply")


def macro_range(family: str) -> MacroRange:
    """Sizes that a family's fit covers."""
    if family not in families():
        raise DesignError(f"SRAM family {family!r} is unknown; use one of {', '.join(families())}")
    known = load_table("sram")
    names = ("words_min", "words_max", "bits_min", "bits_max")
    return MacroRange(**{name: round(known[f"sram.{name}.{family}"].value) for name in names})


def macro_figures(size: MacroSize, sources: Sources | None = None) -> MacroFigures:
    """Figures of a macro.

    Every quantity is linear in words x bits, bits, and rows (words over the words that share a
    row). Coefficients, their fit's error and the error left out: `data/sram.toml`.

    Raises
    ------
    DesignError : a size outside what was fitted
    """
    family, covered = size.family, macro_range(size.family)
    if not covered.words_min <= size.words <= covered.words_max:
        raise DesignError(
            f"a macro of {size.words} words is outside the {covered.words_min} to "
            f"{covered.words_max} words that {family} was fitted to"
        )
    if not covered.bits_min <= size.bits <= covered.bits_max:
        raise DesignError(
            f"a macro of {size.bits} bits is outside the {covered.bits_min} to "
            f"{covered.bits_max} bits that {family} was fitted to"
        )
    read = sources if sources is not None else Sources()

    def coefficient(name: str) -> float:
        return read(f"sram.{name}.{family}") if read.has(f"sram.{name}.{family}") else 0.0

    cells, rows = size.words * size.bits, size.words / column_mux(family, size.words)
    read_j = (
        coefficient("read") + coefficient("read_cell") * cells + coefficient("read_bit") * size.bits
    )
    return MacroFigures(
        area_m2=coefficient("area_cell") * cells
        + coefficient("area_bit") * size.bits
        + coefficient("area_row") * rows,
        access_s=coefficient("access") + coefficient("access_row") * rows,
        access_per_load_s_per_f=coefficient("access_per_ff") / 1e-15,
        output_slew_s=coefficient("output_slew"),
        setup_s=coefficient("setup"),
        hold_s=coefficient("hold"),
        pin_f=coefficient("pin"),
        read_energy_j=read_j,
        write_energy_j=coefficient("write")
        + coefficient("write_cell") * cells
        + coefficient("write_bit") * size.bits,
        idle_energy_j=coefficient("idle_frac") * read_j,
        leakage_w=coefficient("leakage") + coefficient("leakage_cell") * cells,
        supply_v=coefficient("supply"),
        temperature_c=coefficient("temperature"),
        falls=family == "sky130_1rw1r",
    )
