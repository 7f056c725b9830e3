"""Chip files: what is read, and one clear line for every mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from chipdse.application.files.chip_file import ChipFile, read_chip
from chipdse.errors import DesignError

ROOT = Path(__file__).parents[2]
CHIP = """
[parts.array]
block = "mac_array"
count = [1, 4]
hardware = { rows = [4, 8], columns = 8 }
operating = { vdd_v = [1.6, 1.8] }
[parts.control]
block = "rv32"
[memories.buffer]
kind = "sram"
bytes = [16384, 65536]
[memories.main]
kind = ["hbm2e", "gddr6"]
units = 2
[application]
network = "resnet8"
batch = 2
"""


def read(text: str, folder: Path) -> ChipFile:
    path = folder / "chip.toml"
    path.write_text(text)
    return read_chip(path)


def test_a_file_by_hand(tmp_path: Path) -> None:
    chip = read(CHIP, tmp_path)
    array, control = chip.parts
    assert (array.counts, len(array.points)) == ((1, 4), 4)
    assert array.points[1] == ({"rows": 4, "columns": 8}, {"vdd_v": 1.8})
    assert (control.counts, control.points) == ((1,), [({}, {})])
    assert chip.memories.buffer_bytes == (16384, 65536)
    assert chip.memories.dram is not None
    assert (chip.memories.dram.kinds, chip.memories.dram.units) == (("hbm2e", "gddr6"), (2,))
    assert chip.application.network is not None and chip.application.network.name == "resnet8"
    assert chip.application.batch == 2


def test_networks_are_found_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "net.csv").write_text("m,n,k\n1,2,3\n")
    chip = read(CHIP.replace('"resnet8"', '"net.csv"'), tmp_path)
    assert chip.application.network is not None and chip.application.network.macs == 6


def test_a_calibration_is_found_beside_the_file(tmp_path: Path) -> None:
    own = 'block = "rv32"\nphysical = { calibration = "mine.toml" }'
    chip = read(CHIP.replace('block = "rv32"', own), tmp_path)
    assert chip.parts[1].physical == {"calibration": str(tmp_path / "mine.toml")}
    standard = read(CHIP.replace('block = "rv32"', own.replace("mine.toml", "")), tmp_path)
    assert standard.parts[1].physical == {"calibration": ""}


def test_shipped_chips_can_be_read() -> None:
    paths = sorted((ROOT / "sweeps" / "chips").glob("*.toml"))
    assert paths
    for path in paths:
        assert read_chip(path).question


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[application]", "[applications]", "'applications' is not known here; use question"),
        ('block = "mac_array"', "", "[parts.array] block is missing"),
        ("count = [1, 4]", "count = 0", "[parts.array] count=0 is not a whole number above 0"),
        ("count = [1, 4]", "count = []", "[parts.array] count is an empty list"),
        ("count = [1, 4]", "count = true", "count=True is not a whole number"),
        ("count = [1, 4]", "counts = 4", "[parts.array]: 'counts' is not known here; use block"),
        ("{ rows = [4, 8], columns = 8 }", "4", "[parts.array] hardware must be a table, not 4"),
        ("rows = [4, 8]", "rows = [[4]]", "rows=[[4]] must be a value or a list of values"),
        ('kind = "sram"', 'kind = "flash"', "[memories.buffer] kind='flash' is unknown; use one"),
        ("bytes = [16384, 65536]", "", "[memories.buffer] bytes is missing"),
        ('["hbm2e", "gddr6"]', '"sram"\nbytes = 1', "'units' is not known here; use kind, bytes"),
        ("units = 2", "energy_per_bit_j = -1", "energy_per_bit_j=-1 is not a number above 0"),
        ('network = "resnet8"', "", "nothing runs; write network"),
        ('network = "resnet8"', 'network = "resnet9"', "network 'resnet9' is unknown"),
        ('network = "resnet8"', 'network = "no.csv"', "no.csv cannot be read"),
        ("batch = 2", "operations = { fft = 2 }", "'fft' is not known here; use array, control"),
        ("batch = 2", "operations = { control = 0 }", "control=0 is not a number above 0"),
        ("batch = 2", "overlapped = 1", "overlapped=1; write true or false"),
        ("batch = 2", "[package]\nchiplets = 2", "chiplets is not free here"),
        ("[parts.array]", "[parts.array", "not TOML"),
    ],
)
def test_mistakes_are_one_line(old: str, new: str, message: str, tmp_path: Path) -> None:
    assert old in CHIP
    with pytest.raises(DesignError) as error:
        read(CHIP.replace(old, new, 1), tmp_path)
    assert message in str(error.value)
    assert str(error.value).startswith(str(tmp_path / "chip.toml"))
    assert "\n" not in str(error.value)


def test_a_number_too_large_for_a_float_is_refused(tmp_path: Path) -> None:
    text = CHIP.replace("units = 2", f"units = 2\nidle_w = 1{'0' * 400}")
    with pytest.raises(DesignError, match="is not a number above 0"):
        read(text, tmp_path)


def test_lists_with_too_many_combinations_are_refused_at_once(tmp_path: Path) -> None:
    lists = ", ".join(f"p{number} = {list(range(50))}" for number in range(12))
    text = CHIP.replace("rows = [4, 8], columns = 8", lists)
    with pytest.raises(
        DesignError, match=r"50{12}|\d+ combinations of settings are more than 1000"
    ):
        read(text, tmp_path)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DesignError, match="cannot be read: No such file"):
        read_chip(tmp_path / "none.toml")
