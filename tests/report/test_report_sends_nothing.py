"""No button, link or address of a report or a comparison leaves the machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chipdse.cli import main
from chipdse.report.page import report_html
from tests.report.test_report_browser import is_outside, opened
from tests.support.report_cases import make_study

pytestmark = pytest.mark.tools

MODE_BARS = """() => Object.fromEntries(
    [...document.querySelectorAll('.js-plotly-plot')].map(plot => [plot.id,
        [...plot.querySelectorAll('.modebar-btn')].map(b => b.getAttribute('data-title'))]))"""
HARMLESS = {
    *("Zoom", "Pan", "Zoom in", "Zoom out", "Autoscale", "Reset axes", "Box Select"),
    *("Lasso Select", "Orbital rotation", "Turntable rotation", "Reset camera to default"),
    *("Reset camera to last save", "Download plot as a PNG", "Download plot as a png"),
    *("Toggle Spike Lines", "Show closest data on hover", "Compare data on hover"),
}


def leaves_nothing(shown: Any) -> None:
    bars = shown.evaluate(MODE_BARS)
    assert any(bars.values())
    for buttons in bars.values():
        assert set(buttons) <= HARMLESS
    links = shown.evaluate(
        "[...document.querySelectorAll('[href], [action]')].map("
        "e => e.getAttribute('href') || e.getAttribute('action') || e.getAttribute('xlink:href'))"
    )
    assert [link for link in links if link and "//" in link] == []
    contexts = shown.evaluate(
        "[...document.querySelectorAll('.js-plotly-plot')].map("
        "p => [p._context.showSendToCloud, p._context.plotlyServerURL])"
    )
    assert all(context == [False, ""] for context in contexts)


def test_no_button_of_the_report_sends_a_chart_away(browser: Any, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(report_html(make_study(tmp_path / "made", 60), None))
    shown, complaints = opened(browser, file.as_uri())
    leaves_nothing(shown)
    assert complaints == []
    shown.close()


def test_no_button_of_a_comparison_sends_a_chart_away(browser: Any, tmp_path: Path) -> None:
    file = tmp_path / "compared.html"
    for name in ("a", "b"):
        make_study(tmp_path / name, 12, on_disk=True)
    assert main(["compare", str(tmp_path / "a"), str(tmp_path / "b"), "-o", str(file)]) == 0
    page = browser.new_page(color_scheme="dark")
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request", lambda asked: complaints.append(asked.url) if is_outside(asked.url) else None
    )
    page.goto(file.as_uri())
    page.wait_for_selector("#fronts-0 .xtick text")
    ink = "rgb(230, 233, 238)"
    assert page.evaluate("getComputedStyle(document.body).color") == ink
    tick = "getComputedStyle(document.querySelector('#fronts-0 .xtick text')).fill"
    assert page.evaluate(tick) == ink
    page.wait_for_selector(".main-svg")
    leaves_nothing(page)
    assert complaints == []
    page.close()
