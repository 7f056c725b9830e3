"""`chipdse library`: what it prints, writes and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chipdse.cli import main
from chipdse.netlist.library.catalogue import resolve
from chipdse.netlist.library.liberty.reader import read_liberty
from chipdse.report.pictures.library_summary import fo4, strengths
from tests.support.library_files import liberty


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHIPDSE_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("CHIPDSE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def mine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    files = [
        liberty(tmp_path, "hi.lib", volts=1.2, d=0.1, leak=3),
        liberty(tmp_path, "lo.lib", volts=0.8, d=0.4, leak=1),
    ]
    assert main(["library", "add", "mine", *map(str, files)]) == 0
    assert capsys.readouterr().out == "mine: 1 cells, typical: 1.2 V 25 °C, 0.8 V 25 °C\n"
    return "mine"


def test_the_list_has_libraries_of_the_user_and_the_shipped_ones(
    mine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["library", "list", "--json"]) == 0
    found = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)}
    assert found["mine"]["nominal_supply_v"] == 1.2
    assert not found["mine"]["shipped"]
    assert found["mine"]["node_nm"] is None
    assert found["sky130"]["node_nm"] == 130
    assert main(["library", "list"]) == 0
    said = capsys.readouterr().out
    assert "node unknown  2 file(s) of yours" in said
    assert "nominal 1.8 V 25 °C" in said and "130 nm" in said


@pytest.mark.slow
def test_info_states_cells_and_corners(
    mine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figure = tmp_path / "mine.svg"
    assert main(["library", "info", mine, "--json", "--plot", str(figure)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["cell_count"] == 1
    corners = {corner["supply_v"]: corner for corner in found["corners"]}
    # constant tables: the delay whatever the load; energy is the load's, 4 fF x V^2
    assert corners[1.2]["fo4_s"] == pytest.approx(0.1e-9)
    assert corners[1.2]["fo4_energy_j"] == pytest.approx(4e-15 * 1.44)
    assert corners[0.8]["inverter_leakage_w"] == pytest.approx(1e-9)
    assert "<svg" in figure.read_text()
    assert main(["library", "info", mine]) == 0
    assert "FO4" in capsys.readouterr().out


@pytest.mark.slow
def test_info_of_the_shipped_library_tells_how_it_was_made(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["library", "info", "sky130", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {leak["temperature_c"] for leak in found["leakage"]} == {-40, 25, 85, 125}
    assert len(found["leakage"]) >= len(found["corners"])
    at = {(leak["supply_v"], leak["temperature_c"]): leak for leak in found["leakage"]}
    for corner in found["corners"]:
        point = corner["supply_v"], corner["temperature_c"]
        assert at[point]["inverter_leakage_w"] == pytest.approx(corner["inverter_leakage_w"])
    assert main(["library", "info", "sky130"]) == 0
    said = capsys.readouterr().out
    for words in ("ngspice-", "klayout", "sky130 0.15.3", "gmin=1e-15", "tt_leak", "date: 20"):
        assert words in said
    assert "15 nm less than drawn" in " ".join(said.split())
    assert "known at corners of its own" in said
    assert "-40 °C" in said


def test_remove_forgets_the_name_and_keeps_the_files(
    mine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["library", "remove", "sky130"]) == 2
    assert "cannot be removed" in capsys.readouterr().err
    (tmp_path / "lo.lib").unlink()  # a library that can no longer be read goes too
    assert main(["library", "remove", mine]) == 0
    assert "mine: removed" in capsys.readouterr().out
    assert (tmp_path / "hi.lib").is_file()
    assert main(["library", "list"]) == 0
    assert "mine" not in capsys.readouterr().out
    assert main(["library", "remove", mine]) == 2
    assert "'mine' was not added; added libraries: none" in capsys.readouterr().err


def test_export_between_corners_reads_back_exactly(
    mine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "out.lib"
    assert main(["library", "export", mine, "--supply", "1V", "--to", str(target)]) == 0
    assert "1 cells at 1 V" in capsys.readouterr().out
    again = read_liberty([target])
    point = resolve(mine).load().at(1.0, 25.0)
    assert again.supply_v.tolist() == [1.0]
    assert again.tables.values[0] == pytest.approx(
        point.interpolate(point.library.tables.values)[0], rel=1e-11
    )
    # log interpolation: sqrt(3 * 1) nW
    assert again.cell_leakage_w[0, 0] == pytest.approx(3**0.5 * 1e-9)


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["export", "mine", "--supply", "0.5V"], "never extrapolated"),
        (["export", "mine", "--supply", "1V", "--temperature", "85C"], "never extrapolated"),
        (["export", "mine", "--supply", "1V", "--temperature=-20C"], "1 V at -20 °C lies outside"),
        (["export", "mine", "--supply", "1"], "has no unit"),
        (["export", "nobody"], "is not known"),
    ],
)
def test_export_refuses(
    mine: str,
    arguments: list[str],
    says: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    target = tmp_path / "out.lib"
    assert main(["library", *arguments, "--to", str(target)]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1
    assert not target.exists()


def test_refuses_plot_format_and_unwritable_target(
    mine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["library", "info", mine, "--plot", str(tmp_path / "no" / "x.svg")]) == 2
    assert "x.svg' cannot be written: No such file" in capsys.readouterr().err
    assert main(["library", "info", mine, "--plot", str(tmp_path / "x.gif")]) == 2
    assert ".svg" in capsys.readouterr().err
    absent = tmp_path / "absent" / "x.lib"
    assert main(["library", "export", mine, "--to", str(absent)]) == 2
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.slow
def test_strengths_of_real_names(shared: Path) -> None:
    folder = shared / "pdk"
    asap7 = resolve([folder / "asap7" / "asap7sc7p5t_INVBUF_RVT_TT_nldm_220122.lib.gz"]).load()
    assert strengths(asap7)["INV"][:3] == ("p33", "p67", "1")
    ihp = resolve([folder / "ihp-sg13g2" / "sg13g2_stdcell_typ_1p20V_25C.lib.gz"]).load()
    assert strengths(ihp)["inv"] == ("1", "2", "4", "8", "16")


@pytest.mark.slow
def test_fo4_of_a_real_library_falls_with_supply(shared: Path) -> None:
    folder = shared / "pdk" / "ihp-sg13g2"
    files = [folder / f"sg13g2_stdcell_typ_{v}_25C.lib.gz" for v in ("1p20V", "1p50V")]
    speed = fo4(resolve(files).load().at([1.2, 1.3, 1.4, 1.5], 25.0))
    assert speed.inverter == "sg13g2_inv_1"
    assert (speed.delay_s[1:] < speed.delay_s[:-1]).all()
    assert (speed.energy_j[1:] > speed.energy_j[:-1]).all()
    assert (speed.leakage_w[1:] > speed.leakage_w[:-1]).all()


def test_a_folder_of_settings_that_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config").write_text("no folder")
    file = liberty(tmp_path, "one.lib")
    assert main(["library", "add", "mine", str(file)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "library 'mine' cannot be added: " in line and "CHIPDSE_CONFIG names another" in line
