"""Every script in `benchmarks/` can be loaded: what it imports exists."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from benchmarks.search.table import read_table
from tests.support.docs_pages import ROOT


@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py")))
def test_a_script_loads(name: str) -> None:
    importlib.import_module(f"benchmarks.{name}")  # its main() runs only when it is started


def test_the_public_table_is_read_as_its_page_says(shared: Path) -> None:
    """BOOM-Explorer's table has all parameters in one cell and names each in the header."""
    places, values = read_table(
        shared / "reference/search/boom_demo.csv", ["cycle", "power"], {"fetchWidth": 4}
    )
    page = (ROOT / "docs/concepts/searching.md").read_text()
    assert f"its {len(values)} different designs" in page
    assert f"{places.shape[1]} parameters, cycles and power" in page
    assert places.min() == 0 and places.max() == 1
    assert values[0] == pytest.approx([69559.0, 0.0842])


def test_a_header_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("a,b,c,cycle\n1 2,3\n2 2,4\n")
    with pytest.raises(ValueError, match="rows of 2 parameters, a header of 3"):
        read_table(table, ["cycle"])
    table.write_text("parameters,cycle\n1 2,3\n2 4,4\n2 4,5\n")  # both change together
    places, values = read_table(table, ["cycle"])
    assert places.tolist() == [[0], [1]] and values.tolist() == [[3], [4]]
