"""The examples of docs/blocks/blocks.md run as written."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.support import programs

PAGE = Path(__file__).parents[2] / "docs" / "blocks" / "blocks.md"
SIMULATE, EXPORT = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


def run(example: str, folder: Path) -> str:
    (folder / "example.py").write_text(example)
    done = programs.run(folder / "example.py", cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_simulating_in_amaranth(tmp_path: Path) -> None:
    assert run(SIMULATE, tmp_path).split() == ["19", "22"]


@pytest.mark.tools
@pytest.mark.skipif(not shutil.which("iverilog"), reason="Icarus is not installed")
def test_exporting_and_running_the_bench(tmp_path: Path) -> None:
    run(EXPORT, tmp_path)
    assert json.loads((tmp_path / "result.json").read_text())["cycles"] == 1002
