"""A study's fingerprint has the calibrations of layout that its sweep names."""

from __future__ import annotations

from pathlib import Path

import pytest

import chipdse
from chipdse.errors import DesignError
from chipdse.study.question.sweep_file import read_sweep
from chipdse.study.storage.fingerprint import parts_of
from tests.study.test_study_fingerprint import here, verilog

pytestmark = pytest.mark.tools


def edited_calibration(folder: Path) -> None:
    file = folder / "mine.toml"
    file.write_text(file.read_text().replace("skew_frac = ", "skew_frac = 0.1 # "))


def test_a_calibration_of_the_user_that_was_edited(tmp_path: Path) -> None:
    folder = verilog(tmp_path / "p")
    shipped = Path(chipdse.__file__).parent / "technology/data/layout_any.toml"
    file = folder / "mine.toml"
    file.write_text(shipped.read_text())
    text = (folder / "sweep.toml").read_text()
    text = text.replace('wires = "none"', f'wires = "none"\ncalibration = "{file}"')
    (folder / "sweep.toml").write_text(text)
    here(folder, trials=1)
    edited_calibration(folder)
    with pytest.raises(DesignError, match=r"another version of: calibration .*mine\.toml;"):
        here(folder)
    swept = text.replace(f'"{file}"', f'["", "{file}"]')
    (folder / "sweep.toml").write_text(swept)
    assert f"calibration {file}" in parts_of(read_sweep(folder / "sweep.toml"))


def test_a_calibration_is_found_beside_the_sweep_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file that lies in the current folder is another one."""
    folder = verilog(tmp_path / "p")
    shipped = Path(chipdse.__file__).parent / "technology/data/layout_any.toml"
    (folder / "mine.toml").write_text(shipped.read_text())
    text = (folder / "sweep.toml").read_text()
    named = text.replace('wires = "none"', 'wires = "none"\ncalibration = "mine.toml"')
    (folder / "sweep.toml").write_text(named)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    Path("mine.toml").write_text("no calibration")
    study = here(folder, trials=1)
    assert study.points()["state"].tolist() == ["feasible"]
    assert "calibration mine.toml" in parts_of(study.folder.sweep)
    swept = named.replace('"mine.toml"', '["", "mine.toml"]')
    (folder / "sweep.toml").write_text(swept)
    sweep = read_sweep(folder / "sweep.toml")
    used = {sweep.template.design(point).physical.calibration for point in sweep.space.points()}
    assert used == {None, str(folder / "mine.toml")}
