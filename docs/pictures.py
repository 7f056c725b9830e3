"""Pictures of README and of the landing page.

    chipdse sweep sweeps/adder.toml
    python docs/pictures.py studies/adder     # start/report.png, from the study's report.html
    chipdse sweep edge_classifier
    python docs/pictures.py studies/edge_classifier    # start/chip.png: the inside of a chip
    python docs/pictures.py                   # start/flow.svg only

The screenshots need Chromium and Playwright. `tests/docs/test_docs_pictures.py` compares the
drawing of the flow with this program, and the studies of the screenshots with the sweeps that ship.
"""

from __future__ import annotations

import hashlib
import html
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from playwright.sync_api import Page

FOLDER = Path(__file__).parent / "start"
SIZE = (1440, 1350)
CHIP_SIZE = (1312, 868)
"""The figures of a chip, its layers, roofline and floorplan."""
SWEEP_KEY = "sweep"
"""Key of the text in the PNG that has the digest of the study's sweep file."""
STEPS = (
    ("Amaranth, Verilog", "parameters to RTL"),
    ("cocotb", "bench against reference"),
    ("Yosys", "RTL to standard cells"),
    ("replay", "activity of every net"),
    ("timing, power", "wires, clock, glitches"),
    ("package", "temperature, cost, carbon"),
    ("front", "Pareto-optimal designs"),
)
SEARCH = (
    "search: Optuna proposes the next design; all supplies, clocks and packages around it are "
    "evaluated with it"
)
WIDTH, HEIGHT, GAP = 172, 58, 24


def flow_svg() -> str:
    """The flow as a row of boxes; the search closes the loop below them."""
    total = len(STEPS) * (WIDTH + GAP) + GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total} 150" '
        'font-family="sans-serif">',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" fill="#5b6673"/></marker></defs>',
        f'<rect width="{total}" height="150" fill="#ffffff"/>',
    ]
    for place, (name, does) in enumerate(STEPS):
        left, is_last = GAP + place * (WIDTH + GAP), place == len(STEPS) - 1
        fill, ink = ("#0072b2", "#ffffff") if is_last else ("#e8f1f8", "#1b1f24")
        parts += [
            f'<rect x="{left}" y="16" width="{WIDTH}" height="{HEIGHT}" rx="7" fill="{fill}" '
            'stroke="#0072b2"/>',
            _text(left + WIDTH / 2, 40, 15, ink, name),
            _text(left + WIDTH / 2, 60, 11.5, ink, does),
        ]
        if place:
            parts.append(_arrow(f"M{left - GAP} 45H{left - 2}"))
    first, last, below = GAP + WIDTH / 2, total - GAP - WIDTH / 2, 16 + HEIGHT
    parts += [
        _arrow(f"M{last:g} {below}V118H{first:g}V{below + 2}", 'stroke-dasharray="5 4" '),
        _text(total / 2, 138, 13, "#1b1f24", SEARCH),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _text(x: float, y: float, size: float, ink: str, text: str) -> str:
    weight = ' font-weight="600"' if size == 15 else ""
    return (
        f'<text x="{x:g}" y="{y:g}" text-anchor="middle" font-size="{size:g}"{weight} '
        f'fill="{ink}">{html.escape(text)}</text>'
    )


def _arrow(path: str, dashes: str = "") -> str:
    return f'<path d="{path}" fill="none" stroke="#5b6673" {dashes}marker-end="url(#tip)"/>'


def digest(sweep: Path) -> str:
    """The first 16 hexadecimal digits of a sweep file's digest."""
    return hashlib.sha256(sweep.read_bytes()).hexdigest()[:16]


def write_screenshot(study: Path, target: Path) -> None:
    """Write the top of a study's report as a picture of few colours."""

    def shoot(page: Page, path: str) -> None:
        page.screenshot(path=path)

    _write(study, target, "", shoot)


def write_chip(study: Path, target: Path) -> None:
    """Write the inside of the chip with the least energy, from the report of a study of chips."""
    points = pd.read_csv(study / "points.csv")
    trial = points.loc[points["energy_per_task_j"].idxmin(), "trial"]

    def shoot(page: Page, path: str) -> None:
        page.wait_for_function("document.querySelectorAll('#points .main-svg').length > 6")
        area = page.locator("#points").bounding_box()
        assert area is not None
        clip = {"x": area["x"], "y": area["y"], "width": CHIP_SIZE[0], "height": CHIP_SIZE[1]}
        page.screenshot(path=path, full_page=True, clip=clip)

    _write(study, target, f"#trial={trial}", shoot)


def _write(study: Path, target: Path, place: str, shoot: Callable[[Page, str], None]) -> None:
    """Write a picture of a study's report, with the digest of its sweep file."""
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo
    from playwright.sync_api import sync_playwright

    options = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as tools:
        chromium = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = tools.chromium.launch(executable_path=chromium, args=options)
        page = browser.new_page(viewport={"width": SIZE[0], "height": SIZE[1]})
        page.goto((study / "report.html").absolute().as_uri() + place)
        page.wait_for_function("document.querySelector('#history-plot .main-svg')")
        shoot(page, f"{folder}/page.png")
        browser.close()
        with Image.open(f"{folder}/page.png") as picture:
            metadata = PngInfo()
            metadata.add_text(SWEEP_KEY, digest(study / "sweep.toml"))
            picture.convert("P", palette=Image.Palette.ADAPTIVE, colors=256).save(
                target, optimize=True, pnginfo=metadata
            )


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "flow.svg").write_text(flow_svg())
    for name in map(Path, sys.argv[1:]):
        if (name / "sweep.toml").read_text().count("[parts."):
            write_chip(name, FOLDER / "chip.png")
        else:
            write_screenshot(name, FOLDER / "report.png")
