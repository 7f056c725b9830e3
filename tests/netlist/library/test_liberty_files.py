"""Liberty files of real and of hostile size: their head, and the reduced text for synthesis."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from chipdse.errors import DesignError
from chipdse.hardware.mapping_library import mapping_library
from chipdse.hardware.reduced_library import reduce_library
from chipdse.netlist.library.liberty.head import Corner, read_corner
from chipdse.netlist.library.liberty.reader import read_liberty
from chipdse.netlist.library.library import CellLibrary


@pytest.mark.slow
def test_the_head_of_real_files_is_what_reading_them_gives(shared: Path) -> None:
    for path in sorted((shared / "pdk").glob("*/*.lib.gz")):
        if path.stat().st_size < 400_000:
            whole, (corner, _) = read_liberty([path]), read_corner(path)
            assert corner == Corner(
                supply_v=float(whole.supply_v[0]), temperature_c=float(whole.temperature_c[0])
            )


@pytest.mark.slow
@pytest.mark.parametrize("family", ["ihp-sg13g2/*typ_1p20V*", "gt2n/*svt*", "asap7/*INVBUF_RVT*"])
def test_the_reduced_text_has_the_delays_of_the_whole(shared: Path, family: str) -> None:
    """Yosys and ABC see the tables that timing uses: the writer changes no number."""
    (path,) = (shared / "pdk").glob(family)
    data = gzip.decompress(path.read_bytes())
    text, record = reduce_library([path], [data])
    whole, reduced = read_liberty([path], [data]), read_liberty([path], [text.encode()])
    assert {cell.name for cell in reduced.cells} == set(record["area"])

    def delays(library: CellLibrary, name: str) -> list[np.ndarray]:
        number, tables = library.index[name], library.tables
        return [
            tables.values[0, tables.start[table] : tables.start[table + 1]]
            for row in np.flatnonzero(library.arcs.cell == number)
            for table in (library.arcs.rise_delay[row], library.arcs.fall_slew[row])
            if table >= 0
        ]

    for cell in reduced.cells:
        full = whole.cell(cell.name)
        assert cell.area_m2 == full.area_m2
        if full.sequential is None:
            assert cell.pins == full.pins
            for one, other in zip(
                delays(reduced, cell.name), delays(whole, cell.name), strict=True
            ):
                assert (one == other).all()


@pytest.mark.slow
def test_a_packed_library_that_unpacks_to_gigabytes_is_refused(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.lib.gz"
    bomb.write_bytes(gzip.compress(b" " * (1 << 20)) * 300)
    for read in (
        read_corner,
        lambda path: read_liberty([path]),
        lambda path: mapping_library([path], tmp_path),
    ):
        with pytest.raises(DesignError, match=r"bomb\.lib\.gz unpacks to more than"):
            read(bomb)
