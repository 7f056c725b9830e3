"""A library of many corners in a small file: the first corner in full, the others as ratios.

Numbers of neighbouring corners differ by factors that vary little along a table. Each corner is
stored as the logarithm of its ratio to a similar corner, in steps of 0.034 %, and of those the
differences from entry to entry, which are small and compress well.
"""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipdse.errors import DesignError
from chipdse.netlist.library import CellLibrary, Floats
from chipdse.netlist.library_store import load_saved, save_library

STEPS_PER_OCTAVE = 2048


def save_packed(library: CellLibrary, path: Path, base: Sequence[int]) -> None:
    """Write a library; its numbers keep 3.5 digits.

    Parameters
    ----------
    base : for each corner, an earlier corner that resembles it; the first is its own
    """
    if len(base) != library.corner_count or any(b >= k for k, b in enumerate(base) if k):
        raise ValueError("each corner needs an earlier one as its base")
    if not np.array_equal(library.pin_supply_v, _swings(library)):
        raise ValueError("a library with pins at other voltages cannot be packed")
    numbers = _numbers(library)
    low, high = [], []
    escaped: list[NDArray[np.int64]] = []
    escapes: list[Floats] = []
    decoded = [numbers[0].astype(np.float32).astype(np.float64)]
    for corner in range(1, library.corner_count):
        start, own = decoded[base[corner]], numbers[corner]
        plain = own * start > 0
        ratio = np.divide(own, start, out=np.ones_like(own), where=plain)
        steps = np.round(np.log2(ratio) * STEPS_PER_OCTAVE).astype(np.int64)
        delta = np.diff(steps, prepend=0)
        plain &= np.abs(delta) < 32768
        steps = np.cumsum(np.where(np.abs(delta) < 32768, delta, 0))
        plain &= np.abs(np.log2(ratio) * STEPS_PER_OCTAVE - steps) <= 0.51
        packed = np.diff(steps, prepend=0).astype(np.int16).view(np.uint16)
        low.append((packed & 255).astype(np.uint8))
        high.append((packed >> 8).astype(np.uint8))
        places = np.flatnonzero(~plain)
        escaped.append(places + corner * own.size)
        escapes.append(own[places])
        decoded.append(_decode(start, steps))
        decoded[-1][places] = own[places].astype(np.float32)
    arrays: dict[str, Any] = {
        "corners.supply_v": library.supply_v,
        "corners.temperature_c": library.temperature_c,
        "corners.base": np.array(base, dtype=np.int32),
        "corners.low": np.array(low, dtype=np.uint8),
        "corners.high": np.array(high, dtype=np.uint8),
        "corners.escaped": np.concatenate([np.zeros(0, dtype=np.int64), *escaped]),
        "corners.escapes": np.concatenate([np.zeros(0), *escapes]).astype(np.float32),
    }
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    os.close(handle)
    partial = Path(name)
    try:
        save_library(_first_corner(library), partial, single=True)
        with zipfile.ZipFile(partial, "a", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
            for key, array in arrays.items():
                with file.open(f"{key}.npy", "w") as stream:
                    np.lib.format.write_array(stream, array, allow_pickle=False)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def load_packed(path: Path) -> CellLibrary:
    """Read a library written by `save_packed`.

    Raises
    ------
    DesignError : missing, damaged, or of another format
    """
    first = load_saved(path)
    try:
        with np.load(path, allow_pickle=False) as file:
            packed = {key: file[f"corners.{key}"] for key in _KEYS}
        own = _numbers(first)
        numbers = np.empty((len(packed["base"]), own.shape[1]))
        numbers[0] = own[0]
        escaped, size = packed["escaped"], own.shape[1]
        for corner in range(1, len(numbers)):
            high = packed["high"][corner - 1].astype(np.uint16) << 8
            delta = (packed["low"][corner - 1] | high).view(np.int16)
            steps = np.cumsum(delta, dtype=np.int64)
            numbers[corner] = _decode(numbers[packed["base"][corner]], steps)
            here = escaped // size == corner
            numbers[corner, escaped[here] % size] = packed["escapes"][here]
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, IndexError) as error:
        raise DesignError(f"{path} is not a packed cell library: {error}") from None
    return _with_numbers(first, numbers, packed["supply_v"], packed["temperature_c"])


_KEYS = ("supply_v", "temperature_c", "base", "low", "high", "escaped", "escapes")


def _decode(base: Floats, steps: NDArray[np.int64]) -> Floats:
    return base * np.exp2(steps / STEPS_PER_OCTAVE)


def _swings(library: CellLibrary) -> Floats:
    """The supply of each corner for every pin."""
    return np.repeat(library.supply_v[:, None], library.pin_supply_v.shape[1], axis=1)


def _parts(library: CellLibrary) -> list[Floats]:
    """Every number that differs from corner to corner, [corners, ...]."""
    return [
        library.tables.values,
        library.tables.axis_values,
        library.pin_capacitance_f.reshape(library.corner_count, -1),
        library.cell_leakage_w,
        library.leakages.value_w,
    ]


def _numbers(library: CellLibrary) -> Floats:
    return np.concatenate(_parts(library), axis=1)


def _with_numbers(
    library: CellLibrary, numbers: Floats, supply_v: Floats, temperature_c: Floats
) -> CellLibrary:
    ends = np.cumsum([part.shape[1] for part in _parts(library)])[:-1]
    values, axes, capacitance, cell_leakage, leakage = np.split(numbers, ends, axis=1)
    pins = library.pin_supply_v.shape[1]
    return replace(
        library,
        supply_v=supply_v,
        temperature_c=temperature_c,
        pin_capacitance_f=capacitance.reshape(len(numbers), pins, 4),
        pin_supply_v=np.repeat(supply_v[:, None], pins, axis=1),
        cell_leakage_w=cell_leakage,
        tables=replace(library.tables, values=values, axis_values=axes),
        leakages=replace(library.leakages, value_w=leakage),
    )


def _first_corner(library: CellLibrary) -> CellLibrary:
    return _with_numbers(
        library, _numbers(library)[:1], library.supply_v[:1], library.temperature_c[:1]
    )
