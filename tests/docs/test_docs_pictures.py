"""Pictures of README and the landing page are those that `docs/pictures.py` makes."""

from __future__ import annotations

import importlib.util
from types import ModuleType

import pytest
from PIL import Image

from tests.support.docs_pages import ROOT


@pytest.fixture(scope="module")
def pictures() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pictures", ROOT / "docs" / "pictures.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_flow_is_as_drawn(pictures: ModuleType) -> None:
    assert (pictures.FOLDER / "flow.svg").read_text() == pictures.flow_svg()


def test_the_report_is_of_the_sweep_that_ships(pictures: ModuleType) -> None:
    with Image.open(pictures.FOLDER / "report.png") as picture:
        assert picture.size == pictures.SIZE
        assert len(picture.getcolors() or []) > 20  # something is drawn
        stored = picture.info[pictures.SWEEP_KEY]
    assert stored == pictures.digest(ROOT / "sweeps" / "adder.toml")


def test_readme_and_landing_page_show_them_first() -> None:
    for page, folder in ((ROOT / "README.md", "docs/start"), (ROOT / "docs" / "index.md", "start")):
        text = page.read_text()
        head = text[: text.index("\n## " if page.name == "README.md" else "```{toctree}")]
        assert f"({folder}/report.png)" in head and f"({folder}/flow.svg)" in head
    assert len((ROOT / "README.md").read_text().splitlines()) <= 80
