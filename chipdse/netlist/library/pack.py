"""A library of many corners in a small file: the first corner in full, the others as ratios.

Numbers of neighbouring corners differ by factors that vary little along a table. Each corner is
stored as the logarithm of its ratio to a similar corner, in steps of 0.034 %, and of those the
differences from entry to entry, which are small and compress well. Leakage has its own corners,
and so its own series.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipdse import numerics
from chipdse.arrays import Float32s, Floats, Int32s, Int64s, UInt8s
from chipdse.errors import DesignError
from chipdse.netlist.library.grid import Corners
from chipdse.netlist.library.library import CellLibrary
from chipdse.netlist.library.npz import load_saved, save_library
from chipdse.reading import DAMAGED_ARCHIVE
from chipdse.store.files import replacing

STEPS_PER_OCTAVE = 2048


def save_packed(library: CellLibrary, path: Path, *, coarseness: int = 1) -> None:
    """Write a library; its numbers keep 3.5 digits.

    Parameters
    ----------
    coarseness : steps that become one: of 8, ratios are right within 0.14 %, in half the size
    """
    if not np.array_equal(library.pin_supply_v, _swings(library)):
        raise ValueError("a library with pins at other voltages cannot be packed")
    if (library.leakage_grid.supply_v[0], library.leakage_grid.temperature_c[0]) != (
        library.supply_v[0],
        library.temperature_c[0],
    ):
        raise ValueError("the first corner of leakage must be the first corner")
    arrays = _Series.of(_numbers(library), library.grid, coarseness).arrays("corners")
    arrays |= _Series.of(_leakages(library), library.leakage_grid, coarseness).arrays("leakage")
    with replacing(path) as partial:
        save_library(_first_corner(library), partial, single=True)
        with zipfile.ZipFile(partial, "a", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
            for key, array in arrays.items():
                with file.open(f"{key}.npy", "w") as stream:
                    np.lib.format.write_array(stream, array, allow_pickle=False)


def load_packed(path: Path) -> CellLibrary:
    """Read a library written by `save_packed`.

    Raises
    ------
    DesignError : missing, damaged, or of another format
    """
    first = load_saved(path)
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            timing, leakage = (_Series.read(file, name) for name in ("corners", "leakage"))
        numbers = timing.numbers(_numbers(first)[0])
        leakages = leakage.numbers(_leakages(first)[0])
    except DAMAGED_ARCHIVE as error:
        raise DesignError(f"{path} is not a packed cell library: {error}") from None
    return _with_numbers(first, timing.corners, numbers, leakage.corners, leakages)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Series:
    """Numbers of several corners, of all but the first as differences.

    Parameters
    ----------
    base : for each corner, the earlier one it is a ratio to
    low, high : bytes of the differences of steps from entry to entry [corners - 1, entries]
    escaped, escapes : places in [corners, entries] where a ratio is not defined, and the numbers
    """

    corners: Corners
    base: Int32s
    low: UInt8s
    high: UInt8s
    escaped: Int64s
    escapes: Float32s

    @classmethod
    def of(cls, numbers: Floats, corners: Corners, coarseness: int) -> _Series:
        """Encode numbers [corners, entries]; ratios are multiples of a step."""
        count, size = numbers.shape
        low = np.zeros((count - 1, size), dtype=np.uint8)
        high = low.copy()
        places: list[Int64s] = [np.zeros(0, dtype=np.int64)]
        escapes: list[Floats] = [np.zeros(0)]
        base = np.zeros(count, dtype=np.int32)
        decoded = [numbers[0].astype(np.float32).astype(np.float64)]
        for corner in range(1, count):
            base[corner] = _resembles(corners, corner)
            start, values = decoded[base[corner]], numbers[corner]
            plain = values * start > 0
            ratio = np.divide(values, start, out=np.ones_like(values), where=plain)
            octaves = numerics.log2(ratio) * STEPS_PER_OCTAVE
            steps = coarseness * np.round(octaves / coarseness).astype(np.int64)
            delta = np.diff(steps, prepend=0)
            plain &= np.abs(delta) < 32768
            steps = np.cumsum(np.where(np.abs(delta) < 32768, delta, 0))
            plain &= np.abs(octaves - steps) <= 0.51 * coarseness
            packed = np.diff(steps, prepend=0).astype(np.int16).view(np.uint16)
            low[corner - 1], high[corner - 1] = packed & 255, packed >> 8
            escaped = np.flatnonzero(~plain)
            places.append(escaped + corner * size)
            escapes.append(values[escaped])
            decoded.append(_decode(start, steps))
            decoded[-1][escaped] = values[escaped].astype(np.float32)
        return cls(
            corners=corners,
            base=base,
            low=low,
            high=high,
            escaped=np.concatenate(places),
            escapes=np.concatenate(escapes).astype(np.float32),
        )

    def numbers(self, first: Floats) -> Floats:
        """Decode to [corners, entries]; the numbers of the first corner are given."""
        numbers = np.empty((len(self.base), len(first)))
        numbers[0] = first
        for corner in range(1, len(numbers)):
            packed = self.low[corner - 1] | (self.high[corner - 1].astype(np.uint16) << 8)
            steps = np.cumsum(packed.view(np.int16), dtype=np.int64)
            numbers[corner] = _decode(numbers[self.base[corner]], steps)
            in_corner = self.escaped // len(first) == corner
            numbers[corner, self.escaped[in_corner] % len(first)] = self.escapes[in_corner]
        return numbers

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """What is written, by name in the file."""
        arrays: dict[str, NDArray[Any]] = {key: getattr(self, key) for key in _KEYS}
        arrays |= {"supply_v": self.corners.supply_v, "temperature_c": self.corners.temperature_c}
        return {f"{name}.{key}": array for key, array in arrays.items()}

    @classmethod
    def read(cls, file: Mapping[str, NDArray[Any]], name: str) -> _Series:
        """Back from the arrays of a file."""
        corners = Corners(
            supply_v=file[f"{name}.supply_v"], temperature_c=file[f"{name}.temperature_c"]
        )
        return cls(corners=corners, **{key: file[f"{name}.{key}"] for key in _KEYS})


_KEYS = ("base", "low", "high", "escaped", "escapes")


def _resembles(corners: Corners, number: int) -> int:
    """The earlier corner most like one: of its supply that nearest in temperature, else of its
    temperature that nearest in supply."""
    volts, temps = corners.supply_v[:number], corners.temperature_c[:number]
    own_v, own_c = corners.supply_v[number], corners.temperature_c[number]
    if (volts == own_v).any():
        return int(np.argmin(np.where(volts == own_v, np.abs(temps - own_c), np.inf)))
    if (temps == own_c).any():
        return int(np.argmin(np.where(temps == own_c, np.abs(volts - own_v), np.inf)))
    return number - 1


def _decode(base: Floats, steps: Int64s) -> Floats:
    return np.asarray(base * numerics.exp2(steps / STEPS_PER_OCTAVE))


def _swings(library: CellLibrary) -> Floats:
    """The supply of each corner for every pin."""
    return np.repeat(library.supply_v[:, None], library.pin_supply_v.shape[1], axis=1)


def _numbers(library: CellLibrary) -> Floats:
    """Every number but leakage that differs from corner to corner, [corners, entries]."""
    return np.concatenate(
        [
            library.tables.values,
            library.tables.axis_values,
            library.pin_capacitance_f.reshape(library.corner_count, -1),
        ],
        axis=1,
    )


def _leakages(library: CellLibrary) -> Floats:
    """[leakage corners, entries]"""
    return np.concatenate([library.cell_leakage_w, library.leakages.value_w], axis=1)


def _with_numbers(
    library: CellLibrary,
    corners: Corners,
    numbers: Floats,
    leakage_corners: Corners,
    leakages: Floats,
) -> CellLibrary:
    ends = np.cumsum([library.tables.values.shape[1], library.tables.axis_values.shape[1]])
    values, axes, capacitance = np.split(numbers, ends, axis=1)
    cell_leakage, leakage = np.split(leakages, [len(library.cells)], axis=1)
    pins = library.pin_supply_v.shape[1]
    return replace(
        library,
        supply_v=corners.supply_v,
        temperature_c=corners.temperature_c,
        pin_capacitance_f=capacitance.reshape(len(numbers), pins, 4),
        pin_supply_v=np.repeat(corners.supply_v[:, None], pins, axis=1),
        cell_leakage_w=cell_leakage,
        tables=replace(library.tables, values=values, axis_values=axes),
        leakages=replace(library.leakages, value_w=leakage),
        leakage_corners=leakage_corners,
    )


def _first_corner(library: CellLibrary) -> CellLibrary:
    first = Corners(supply_v=library.supply_v[:1], temperature_c=library.temperature_c[:1])
    return _with_numbers(library, first, _numbers(library)[:1], first, _leakages(library)[:1])
