"""Wheel and sdist carry all there is; shipped sweeps are found by name.

That the wheel stands alone, tests/docs/test_docs_tutorial.py shows: it walks the tutorial with it.
"""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

import pytest

from chipdse.study.question.shipped import find_sweep, questions, shipped_sweeps

ROOT = Path(__file__).parents[2]


def test_shipped_sweeps_are_found_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = shipped_sweeps()
    assert {"mac_array", "fir"} <= set(shipped)
    assert all(questions().values()), "a shipped sweep without a question"
    monkeypatch.chdir(tmp_path)
    for name in ("fir", "fir.toml", "sweeps/fir.toml"):
        assert find_sweep(Path(name)) == shipped["fir"]
    own = tmp_path / "fir.toml"
    own.write_text("")
    assert find_sweep(Path("fir.toml")) == Path("fir.toml")
    assert find_sweep(Path("elsewhere/fir.toml")) == Path("elsewhere/fir.toml")


@pytest.mark.tools
def test_wheel_and_sdist_carry_everything(distributions: dict[str, Path]) -> None:
    inside = set(zipfile.ZipFile(distributions[".whl"]).namelist())
    places = {"chipdse": "chipdse", "hdl/chipdse_hdl": "chipdse_hdl"}
    for folder, installed in (places | {"sweeps": "chipdse/shipped_sweeps"}).items():
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert f"{installed}/{path.relative_to(ROOT / folder).as_posix()}" in inside
    assert not {name.partition("/")[0] for name in inside} & {"hdl", "sweeps", "tests"}
    assert any(name.endswith("licenses/NOTICE") for name in inside)
    with tarfile.open(distributions[".gz"]) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert {
        "pyproject.toml",
        "README.md",
        "NOTICE",
        "chipdse/kernels/lanes.h",
        "chipdse/kernels/placer.c",
        "hdl/chipdse_hdl/fir/__init__.py",
        "sweeps/fir.toml",
    } <= names
