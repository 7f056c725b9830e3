"""Read a mapped netlist from structural Verilog: names to nets, hierarchy flattened."""

from __future__ import annotations

import gc
from pathlib import Path

from chipdse.errors import DesignError
from chipdse.netlist.library.library import CellLibrary
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.verilog.flatten import Flattener
from chipdse.netlist.verilog.limits import check_size
from chipdse.netlist.verilog.numbering import netlist_of
from chipdse.netlist.verilog.syntax import Module, VerilogFile
from chipdse.reading import read_text


def read_verilog(
    path: Path, library: CellLibrary, top: str | None = None, *, text: str | None = None
) -> Netlist:
    """Read one file (plain or .gz) of mapped Verilog and flatten it.

    Parameters
    ----------
    library : whose cells the instances are
    top : the module to read; may be left out when only one is not instantiated by another
    text : the file's content, when it has been read already

    Raises
    ------
    DesignError : with file, line and name: syntax, unknown cells and pins, widths, duplicates
    """
    if text is None:
        text = read_text(path)
    file = VerilogFile(text, path, library.index)
    collecting = gc.isenabled()
    gc.disable()  # nothing here is cyclic garbage; collecting costs a third of the time
    try:
        modules = file.parse()
        chosen = _choose_top(file, modules, library, top)
        check_size(file, modules, library, chosen)
        flat = Flattener(file, modules, library)
        return netlist_of(flat, chosen, flat.flatten(chosen))
    finally:
        if collecting:
            gc.enable()


def _choose_top(
    file: VerilogFile, modules: dict[str, Module], library: CellLibrary, top: str | None
) -> Module:
    modules = {name: module for name, module in modules.items() if not module.is_model}
    if top is not None:
        if top not in modules:
            known = ", ".join(sorted(modules)[:8])
            raise DesignError(f"{file.path}: no module {top!r}; it has {known}")
        return modules[top]
    used = {kind for module in modules.values() for kind, *_ in module.instances}
    roots = [name for name in modules if name not in used]
    if len(roots) != 1:
        raise DesignError(
            f"{file.path}: the top module is not clear ({', '.join(sorted(roots)) or 'none'}); "
            "name it"
        )
    return modules[roots[0]]
