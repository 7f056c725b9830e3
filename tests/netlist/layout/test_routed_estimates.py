"""Estimates beside routed designs, as the benchmarks take them from tables and netlists."""

import re
from pathlib import Path

import pytest

from benchmarks.layout_estimates import routed_parts_w
from benchmarks.layout_tables import number, read_tables
from benchmarks.remapped_designs import gates
from benchmarks.routed_designs import register_pairs
from benchmarks.routed_estimates import LIBERTY


@pytest.fixture
def routed(shared: Path) -> Path:
    folder = shared / "reference" / "routed"
    if not folder.is_dir():
        pytest.skip("the tables of routed designs are not here")
    return folder


def test_parts_of_power_add_up(routed: Path) -> None:
    rows = read_tables(routed).stimulus.values()
    assert rows
    for row in rows:
        columns = [name for name in row if re.fullmatch(r"routed_spef_\w+_(?!pin)\w+_uW", name)]
        total_w = 1e-6 * sum(number(row, name) for name in columns)
        assert sum(routed_parts_w(row).values()) == pytest.approx(total_w, rel=1e-9)


def test_paths_between_registers(routed: Path) -> None:
    """20 ns less 13.641652 ns of slack and 0.25 ns of uncertainty, over 1.05: 5.818 ns."""
    (pairs,) = register_pairs(routed)["ihp-sg13g2"].values()
    assert len(pairs) == 3
    assert (6.552, pytest.approx(5.8175, rel=1e-4)) in pairs


@pytest.mark.tools
def test_a_routed_netlist_as_gates(routed: Path, shared: Path, tmp_path: Path) -> None:
    liberty = next((shared / "pdk").glob(LIBERTY["gf180mcu"]))
    netlist = routed / "designs" / "gf180mcu__diceroll.v.gz"
    text = gates(liberty, netlist, "diceroll", tmp_path).read_text()
    kinds = re.findall(r"^  cell (\S+)", text, re.MULTILINE)
    # The 64 flip-flops of the routed design and gates of Yosys; no buffers, fill or library cells.
    assert sum("DFF" in kind for kind in kinds) == 64
    assert all(kind.startswith("$_") and kind != "$_BUF_" for kind in kinds)
