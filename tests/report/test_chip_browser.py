"""The page of chips in a real browser: two side by side, the roofline's memory, a phone."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chipdse.application.parts import LAYER_ENERGY, LAYER_ERROR
from chipdse.report.page import report_html
from chipdse.report.page.chip_details import chip_detail
from chipdse.report.page.chip_page import NamedChip, chip_page_html
from tests.application.dies.test_dies import APART, JOINED, OPERATIONS
from tests.application.one_chips import make_chip
from tests.report.test_chip_details import page_of_two_chips
from tests.report.test_report_browser import is_outside, opened
from tests.support.report_cases import make_study

pytestmark = pytest.mark.tools


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("chips") / "chips.html"
    file.write_text(page_of_two_chips())
    return file.as_uri()


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    """The page; what it complains about or asks for is an error."""
    complaints: list[str] = []
    shown = browser.new_page(viewport={"width": 1366, "height": 900}, color_scheme="light")
    shown.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    shown.on("pageerror", lambda error: complaints.append(str(error)))
    shown.on("request", lambda r: complaints.append(r.url) if is_outside(r.url) else None)
    shown.goto(address)
    shown.wait_for_selector("body[data-ready=yes]")
    shown.wait_for_function("document.querySelectorAll('#chips .main-svg').length >= 6")
    yield shown
    shown.close()
    assert complaints == []


SUPPLY = ".js-plotly-plot[aria-label*='over the supply']"
PLOTS = "[...document.querySelectorAll('#chips .js-plotly-plot')]"


def test_two_chips_have_the_same_axes_and_a_phone_in_the_dark_shows_them(page: Any) -> None:
    assert page.locator("#chips > .panel").count() == 3
    ends = page.evaluate(f"{PLOTS}.map(p => p.layout.xaxis.range).map(String)")
    assert len(ends) == 10 and ends[:4] == ends[5:9]
    assert "B against A" in page.text_content("#chips thead")
    bars = page.evaluate(f"{PLOTS}[0].data.map(t => t.name)")
    assert bars == ["arrays", "buffer", "DRAM", "leakage and idle power"]
    axis = "layout.xaxis.title.text.includes"
    assert page.evaluate(f"{PLOTS}[2].{axis}('buffer') && {PLOTS}[7].{axis}('buffer')")
    page.select_option(".roofline-memory >> nth=0", "dram")
    page.wait_for_function(f"{PLOTS}[2].{axis}('DRAM') && {PLOTS}[7].{axis}('buffer')")
    changes = page.evaluate("[change('°C', 45.1, 45), change('1', -0.01, 0.04), change('J', 2, 3)]")
    assert changes == ["−0.100 K", "", "+50.0 %"]
    page.select_option("#chip-b", "")
    assert page.locator("#chips > .panel").count() == 2
    assert "against" not in page.text_content("#chips thead")
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"{PLOTS}.length && {PLOTS}[0].layout.font.color === '#e6e9ee'")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_energies_that_span_decades_have_logarithmic_axes_and_a_line_for_all(
    browser: Any, tmp_path: Path
) -> None:
    """As at the lowest supplies, where leakage during a long task exceeds all else."""
    (tmp_path / "report.html").write_text(report_html(make_study(tmp_path / "made", 30), None))
    shown, complaints = opened(browser, (tmp_path / "report.html").as_uri())
    detail = chip_detail(make_chip())

    def supply_plot(chip: dict[str, Any]) -> tuple[list[str], list[str]]:
        shown.evaluate(
            "chip => { for (const trial of trial_of) data.details[trial] = chip; choose(0); }", chip
        )
        shown.wait_for_selector(SUPPLY)
        axes, names = shown.evaluate(
            "selector => { const p = document.querySelector(selector); "
            "return [[p.layout.yaxis.type, p.layout.yaxis2.type], p.data.map(t => t.name)]; }",
            SUPPLY,
        )
        return axes, names

    axes, names = supply_plot(detail)
    assert axes == ["linear", "linear"] and "all" not in names
    supply = detail["supply"]
    supply["latency_s"] = [1e4 * supply["latency_s"][0], *supply["latency_s"][1:]]
    leakage = supply["energies_j"]["leakage"]
    supply["energies_j"]["leakage"] = [1e4 * sum(leakage), *leakage[1:]]
    axes, names = supply_plot(detail)
    assert axes == ["log", "log"] and "all" in names
    shown.close()
    assert complaints == []


def test_the_report_of_a_study_shows_chips_in_its_panels(browser: Any, tmp_path: Path) -> None:
    """A made-up study, whose points have a chip inside."""
    (tmp_path / "report.html").write_text(report_html(make_study(tmp_path / "made", 30), None))
    shown, complaints = opened(browser, (tmp_path / "report.html").as_uri())
    shown.evaluate(
        "chip => { for (const trial of trial_of) data.details[trial] = chip; choose(0); }",
        chip_detail(make_chip()),
    )
    plots = "document.querySelectorAll('#points .inside .main-svg').length"
    shown.wait_for_function(f"{plots} >= 5")
    shown.evaluate("choose(1, true)")
    shown.wait_for_function(
        f"{plots} >= 10 && document.querySelectorAll('#points .inside').length === 2"
    )
    titles = shown.locator("#points .panel > h3").all_inner_texts()
    assert titles[1:] == ["A: inside trial 0", "B: inside trial 1"]
    assert complaints == []
    shown.close()


def test_tables_of_dies_and_the_standard_error_fit_on_a_phone(browser: Any, tmp_path: Path) -> None:
    """Two dies with traffic between them, and a layer of which tiles were drawn."""
    chip = make_chip(dies=APART, operations=OPERATIONS, traffic=1e6, **JOINED)
    array = chip.parts[0]
    layers = {LAYER_ENERGY.format(at): 1e-12 for at in range(2)} | {LAYER_ERROR.format(0): 3e-14}
    points = tuple(
        dataclasses.replace(point, metrics={**point.metrics, **layers}) for point in array.points
    )
    parts = (dataclasses.replace(array, points=points), *chip.parts[1:])
    named = NamedChip(
        name="two dies",
        best=["energy_per_task_j"],
        settings={"array count": "64"},
        metrics={"energy_per_task_j": 2e-4},
        chip=dataclasses.replace(chip, parts=parts),
    )
    file = tmp_path / "dies.html"
    words = {"question": "", "summary": "1 chip", "notes": [], "text": ""}
    file.write_text(chip_page_html("chip", [named], **words))
    complaints: list[str] = []
    shown = browser.new_page(viewport={"width": 1366, "height": 900})
    shown.on("pageerror", lambda error: complaints.append(str(error)))
    shown.goto(file.as_uri())
    shown.wait_for_selector("#chips h4:has-text('Data between dies')")
    heads = shown.locator("#chips h4").all_inner_texts()
    assert {"Dies", "Data between dies, per task"} <= set(heads)
    tables = shown.locator("#chips .scroll table")
    rows = [row.split("\t")[0] for row in tables.nth(-2).inner_text().splitlines()]
    assert rows == ["die", "compute", "host"]
    rows = [row.split("\t")[0] for row in tables.nth(-1).inner_text().splitlines()]
    assert rows == ["from and to", "array to buffer", "array to control"]
    error_j = chip.application.layers[0].macs * 3e-14
    text = f"standard error {error_j * 1e9:.4g} nJ, because only some tiles"
    assert text in shown.text_content("#chips").replace("\u202f", " ").replace("\xa0", " ")
    shown.set_viewport_size({"width": 390, "height": 844})
    shown.wait_for_function("document.documentElement.scrollWidth <= 390")  # plots follow later
    assert complaints == []
    shown.close()
