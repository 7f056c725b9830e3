"""How large a netlist becomes when its hierarchy is flattened, computed before it is."""

from __future__ import annotations

from collections import Counter

from chipdse.netlist.library.library import CellLibrary
from chipdse.netlist.verilog.syntax import Module, VerilogFile

# A module written once may be used often, and a vector takes few characters: a file of some
# kilobytes can name more cells and nets than any machine holds. A real netlist needs more than one
# character for each, or is an array of moderate size.
_FREE = 1 << 21
_MAX_DEPTH = 64


def check_size(
    file: VerilogFile, modules: dict[str, Module], library: CellLibrary, top: Module
) -> None:
    """Refuse a hierarchy that flattens to more cells or net bits than a file of its size may.

    Raises
    ------
    DesignError : too many cells or nets, modules nested too deeply or in themselves
    """
    cells, bits = _expanded(file, modules, library, top, {}, [])
    limit = _FREE + len(file.text)
    if cells > limit or bits > limit:
        many = f"{cells:,} instances" if cells > limit else f"{bits:,} net bits"
        file.fail(
            f"module {top.name!r} expands to {many}; at most {limit:,} are read from a file of "
            f"this size ({len(file.text):,} characters)",
            top.offset,
        )


def _expanded(
    file: VerilogFile,
    modules: dict[str, Module],
    library: CellLibrary,
    module: Module,
    known: dict[str, tuple[int, int]],
    above: list[str],
) -> tuple[int, int]:
    """Cells and declared bits of a module with all that it contains."""
    if module.name in known:
        return known[module.name]
    if module.name in above:
        file.fail(f"module {module.name!r} contains itself", module.offset)
    if len(above) >= _MAX_DEPTH:
        file.fail(f"modules are nested more than {_MAX_DEPTH} deep", module.offset)
    cells = 0
    bits = sum(1 if span is None else abs(span[0] - span[1]) + 1 for span in module.ranges.values())
    for kind, count in Counter(kind for kind, *_ in module.instances).items():
        inner = None if kind in library.index else modules.get(kind)
        if inner is None:
            cells += count
            continue
        inner_size = _expanded(file, modules, library, inner, known, [*above, module.name])
        cells, bits = cells + count * (inner_size[0] + 1), bits + count * inner_size[1]
    known[module.name] = cells, bits
    return cells, bits
