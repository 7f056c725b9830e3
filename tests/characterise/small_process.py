"""Cells and models as SPICE files: those of the shipped library, and a small process by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from chipdse.netlist.library.catalogue import resolve
from chipdse.netlist.library.entry import liberty_text
from tools.characterise.netlists import save

MODELS = """\
* a process of two transistors, level 1
.lib tt
.model nch nmos level=1 vto=0.4 kp=200u tox=4n cgso=0.2n cgdo=0.2n lambda=0.1
.model pch pmos level=1 vto=-0.4 kp=80u tox=4n cgso=0.2n cgdo=0.2n lambda=0.1
.endl tt
.lib ss
.model nch nmos level=1 vto=0.5 kp=150u tox=4n cgso=0.2n cgdo=0.2n lambda=0.1
.model pch pmos level=1 vto=-0.5 kp=60u tox=4n cgso=0.2n cgdo=0.2n lambda=0.1
.endl ss
"""
NETLIST = """\
* an inverter, a NAND gate, and a buffer of two inverters
.subckt inv A Y VDD VSS
MN Y A VSS VSS nch W=1u L = 0.2u   ; pull down
MP Y A VDD VDD pch
+ W=2u L=0.2u
.ends
.SUBCKT nand A B Y VDD VSS
MN1 Y A n1 VSS nch W=1u L=0.2u
MN2 n1 B VSS VSS nch W=1u L=0.2u
MP1 Y A VDD VDD pch W=2u L=0.2u
MP2 Y B VDD VDD pch W=2u L=0.2u
.ENDS nand
.subckt buf A X VDD VSS
Xfirst A n1 VDD VSS inv
Xsecond n1 X VDD VSS inv
C1 n1 VSS 1f
.ends
"""
CELLS = {
    "inv": '[cells.inv]\narea_um2 = 1\ninputs = ["A"]\nfunctions = {Y = "!A"}\n',
    "nand": '[cells.nand]\narea_um2 = 2\ninputs = ["A", "B"]\nfunctions = {Y = "!(A&B)"}\n',
    "buf": '[cells.buf]\narea_um2 = 2\ninputs = ["A"]\nfunctions = {X = "A"}\n',
}
HEAD = 'name = "mine"\nnetlists = ["cells.spice"]\npower = ["VDD"]\nground = ["VSS"]\n'
GRID = '[grid]\nslews = ["20ps", "500ps"]\nloads = ["1fF", "20fF"]\n'
CORNERS = (
    '[[corners]]\nprocess = "{process}"\nsupplies = ["1.8V"]\ntemperatures = ["25C"]\n'
    'models = [{{file = "models.spice", section = "{section}"}}]\n'
)
TYPICAL = CORNERS.format(process="typical", section="tt")
SLOW = CORNERS.format(process="slow", section="ss")


def small_process(
    folder: Path,
    cells: Sequence[str] = ("inv", "nand"),
    *,
    change: tuple[str, str] = ("", ""),
    corners: str = TYPICAL,
) -> Path:
    """A description of cells of the small process in an empty folder.

    Parameters
    ----------
    change : a part of the description and what to write instead
    """
    (folder / "cells.spice").write_text(NETLIST)
    (folder / "models.spice").write_text(MODELS)
    text = HEAD + "".join(CELLS[cell] for cell in cells) + GRID + corners
    assert change[0] in text
    file = folder / "cells.toml"
    file.write_text(text.replace(*change, 1) if change[0] else text)
    return file


def sky130_cells(
    folder: Path, cells: Sequence[str], corners: Sequence[tuple[str, float, float]]
) -> Path:
    """A description of cells of the shipped library, at every third of its slews and loads."""
    entry = resolve("sky130")
    template = folder / "template.lib"
    template.write_text(liberty_text(entry, entry.nominal, "typical"))
    return save(folder, cells, corners, ("10ps", "122.474ps", "1.5ns"), template, loads=3)
