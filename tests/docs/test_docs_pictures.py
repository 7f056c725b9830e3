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


@pytest.mark.parametrize(
    ("name", "size", "sweep"),
    [("report.png", "SIZE", "adder"), ("chip.png", "CHIP_SIZE", "edge_classifier")],
)
def test_screenshots_are_of_the_sweeps_that_ship(
    pictures: ModuleType, name: str, size: str, sweep: str
) -> None:
    with Image.open(pictures.FOLDER / name) as picture:
        assert picture.size == getattr(pictures, size)
        assert len(picture.getcolors() or []) > 20  # something is drawn
        stored = picture.info[pictures.SWEEP_KEY]
    assert stored == pictures.digest(ROOT / "sweeps" / f"{sweep}.toml")


def test_readme_and_landing_page_show_them_first() -> None:
    for page, folder, first in (
        (ROOT / "README.md", "docs/start", "chip"),
        (ROOT / "docs" / "index.md", "start", "report"),
    ):
        text = page.read_text()
        head = text[: text.index("\n## " if page.name == "README.md" else "```{toctree}")]
        assert f"({folder}/{first}.png)" in head and f"({folder}/flow.svg)" in head
    assert len((ROOT / "README.md").read_text().splitlines()) <= 80
