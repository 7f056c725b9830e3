"""The report in a real browser: it paints, selects, brushes, compares, and asks nobody."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from optuna.trial import TrialState, create_trial

from chipdse.report.page import report_html
from tests.support.report_cases import HOSTILE, make_study

pytestmark = pytest.mark.tools
POINTS = 5000
LONG = f"<ul><li>{'address/' * 20}</li></ul>"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("studies") / "made"
    made = make_study(folder, POINTS, question=HOSTILE, failure=f"ToolError: {HOSTILE}")
    file = folder.parent / "report.html"
    file.write_text(report_html(made, None))
    return file


def opened(browser: Any, address: str, **options: Any) -> tuple[Any, list[str]]:
    """A page with everything drawn, and what it complained about or asked for."""
    page = browser.new_page(**{"viewport": {"width": 1366, "height": 900}, **options})
    page.set_default_timeout(120_000)
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request", lambda asked: complaints.append(asked.url) if is_outside(asked.url) else None
    )
    page.goto(address)
    page.wait_for_selector("body[data-ready=yes]")
    page.wait_for_function("document.querySelector('#history-plot .main-svg')")
    return page, complaints


def is_outside(url: str) -> bool:
    """Whether an address leaves this machine."""
    return not url.startswith(("file:", "data:", "blob:", "http://127.0.0.1"))


@pytest.fixture(scope="module")
def page(browser: Any, report: Path) -> Iterator[tuple[Any, list[str]]]:
    shown, complaints = opened(browser, report.as_uri())
    yield shown, complaints


def test_it_opens_without_a_complaint_and_hostile_names_are_text(page: Any) -> None:
    shown, complaints = page
    assert complaints == []
    assert shown.title() == "made"
    assert HOSTILE.replace("'", "’") in shown.text_content(".lead")
    assert HOSTILE in shown.text_content("#failure-table")
    assert shown.evaluate("document.querySelectorAll('img').length") == 0


def test_every_finished_point_is_drawn(page: Any) -> None:
    shown, _ = page
    drawn = shown.evaluate(
        "document.getElementById('front-plot').data.flatMap(t => t.customdata || [])"
    )
    failed = POINTS // 40 + (POINTS % 40 > 7)
    assert len(drawn) == len(set(drawn)) == POINTS - failed


def test_objectives_can_be_switched_and_turned_into_3d(page: Any) -> None:
    shown, complaints = page
    shown.select_option("#axis-x", "cost_usd")
    layout = "document.getElementById('front-plot').layout"
    assert "cost" in shown.evaluate(f"{layout}.xaxis.title.text")
    assert shown.is_hidden("#axis-depth")
    shown.check("#three")
    assert shown.evaluate("document.getElementById('front-plot').data[0].type") == "scatter3d"
    shown.select_option("#axis-depth", "vdd_v")
    assert "vdd" in shown.evaluate(f"{layout}.scene.zaxis.title.text")
    shown.uncheck("#three")
    shown.select_option("#axis-x", "energy_per_op_j")
    assert complaints == []


def test_a_filter_and_a_brush_keep_what_passes(page: Any) -> None:
    shown, _ = page
    rows = "document.querySelectorAll('#front-table tbody tr').length"
    shown.click("#front-more")
    before = shown.evaluate(rows)
    shown.click("#filter-box summary")
    shown.locator("fieldset", has_text="vdd").get_by_label("1.2 V").uncheck()
    filtered = shown.evaluate(rows)
    assert 0 < filtered < before
    assert "1.2 V" not in shown.text_content("#front-table tbody")
    shown.click("#clear")
    assert shown.evaluate(rows) == before
    # What a drag along the first axis does, through the library's own call.
    shown.evaluate(
        "Plotly.restyle('parallel-plot', {'dimensions[0].constraintrange': [[[1.9, 2.1]]]}, [0])"
    )
    shown.wait_for_function(f"{rows} < {before}")
    column = shown.evaluate(
        "[...document.querySelectorAll('#front-table tbody tr')]"
        ".map(row => row.children[4].textContent)"
    )
    assert set(column) == {"2"}
    dimmed = shown.evaluate(
        "document.getElementById('front-plot').data.find(t => t.customdata).marker.opacity"
    )
    assert min(dimmed) < 0.5 and max(dimmed) == 1
    shown.click("#clear")


def test_a_box_in_the_plot_selects_in_the_table(page: Any) -> None:
    shown, _ = page
    rows = "document.querySelectorAll('#front-table tbody tr').length"
    before = shown.evaluate(rows)
    shown.evaluate("Plotly.relayout('front-plot', {dragmode: 'select'})")
    shown.evaluate("document.getElementById('front-plot').scrollIntoView()")  # below the answer
    area = shown.locator("#front-plot .nsewdrag").first.bounding_box()
    shown.mouse.move(area["x"] + 2, area["y"] + 2)
    shown.mouse.down()
    shown.mouse.move(area["x"] + area["width"] / 4, area["y"] + area["height"] / 2, steps=6)
    shown.mouse.up()
    shown.wait_for_function(f"{rows} < {before}")
    assert shown.evaluate(rows) > 0
    shown.click("#clear")


def test_points_open_by_keyboard_and_two_lie_side_by_side(page: Any) -> None:
    shown, complaints = page
    buttons = shown.locator("#front-table tbody button")
    buttons.nth(0).focus()
    shown.keyboard.press("Enter")
    assert "Trial" in shown.text_content("#points h3")
    first = buttons.nth(0).text_content()
    assert f"trial={first}" in shown.url
    buttons.nth(1).click(modifiers=["Shift"])
    assert "(A) and" in shown.text_content("#points h3")
    assert "B against A" in shown.text_content("#points thead")
    assert complaints == []


def test_everything_to_operate_is_reached_by_tab(page: Any) -> None:
    shown, _ = page
    shown.evaluate("document.body.tabIndex = -1; document.body.focus(); scrollTo(0, 0)")
    reached = set()
    for _ in range(60):
        shown.keyboard.press("Tab")
        reached.add(shown.evaluate("document.activeElement.id || document.activeElement.tagName"))
    assert {"axis-x", "axis-y", "axis-z", "axis-marker", "three", "front-only", "clear"} <= reached
    assert {"compare", "to-points", "BUTTON"} <= reached


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_it_without_scrolling_sideways(
    browser: Any, report: Path, scheme: str
) -> None:
    shown, complaints = opened(
        browser, report.as_uri(), viewport={"width": 390, "height": 844}, color_scheme=scheme
    )
    assert shown.evaluate("document.documentElement.scrollWidth") <= 390
    # A source may be a long address, which has no place to break.
    shown.evaluate(f"document.querySelector('main').insertAdjacentHTML('beforeend', {LONG!r})")
    assert shown.evaluate("document.documentElement.scrollWidth") <= 390
    # Labels of parallel axes do not run into each other: the plot is wider and says so.
    parallel = "document.getElementById('parallel-plot')"
    assert shown.evaluate(f"{parallel}.offsetWidth > 600")
    assert shown.evaluate(f"!!{parallel}.closest('[data-more]')")
    history = shown.evaluate("document.getElementById('history-plot').layout.xaxis.title.text")
    assert history == "evaluations"
    ink = shown.evaluate("getComputedStyle(document.body).color")
    assert (ink == "rgb(27, 31, 36)") == (scheme == "light")
    assert complaints == []
    shown.close()


NAMES = "[...document.getElementById('front-plot').data].map(t => t.name)"


@pytest.fixture(scope="module")
def small(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A report of 300 points, of which many metrics have the same value everywhere."""
    folder = tmp_path_factory.mktemp("studies") / "small"
    file = folder.parent / "report.html"
    file.write_text(report_html(make_study(folder, 300, constant=("link_power_w",)), None))
    yield file


def test_a_text_that_all_of_the_front_has_is_no_marker(browser: Any, tmp_path: Path) -> None:
    made = make_study(tmp_path / "made", 30)
    old = next(t for t in made.study.trials if t.params.get("values") == "uniform" and t.values)
    for values, rows in (([1e-15, 1e13, 1e-3], 2), ([2e-15, 2e13, 1e-3], 4)):
        better = create_trial(
            params={**old.params, "rows": rows},
            distributions=old.distributions,
            values=values,
            user_attrs={
                "metrics": old.user_attrs["metrics"]
                | {o.metric: v for o, v in zip(made.sweep.objectives, values, strict=True)}
            },
        )
        made.study.add_trial(better)
    (tmp_path / "report.html").write_text(report_html(made, None))
    shown, _ = opened(browser, (tmp_path / "report.html").as_uri())
    assert shown.input_value("#axis-marker") == ""
    shown.close()


def test_text_parameters_are_axis_colour_and_marker(browser: Any, small: Path) -> None:
    shown, complaints = opened(browser, small.as_uri())
    # The default: the third objective as colour, the first text parameter as marker.
    assert shown.input_value("#axis-z") == "cost_usd"
    assert shown.input_value("#axis-marker") == "values"
    assert {"gaussian", "uniform"} <= set(shown.evaluate(NAMES))
    shown.select_option("#axis-y", "values")
    axis = "document.getElementById('front-plot').layout.yaxis"
    assert shown.evaluate(f"{axis}.ticktext") == ["gaussian", "uniform"]
    shown.select_option("#axis-z", "vdd_v")
    assert {"vdd 1.2 V", "vdd 1.8 V"} <= set(shown.evaluate(NAMES))
    colors = shown.evaluate(
        "[...document.getElementById('front-plot').data].filter(t => t.name.startsWith('vdd'))"
        ".map(t => t.marker.color)"
    )
    assert len(set(colors)) == 4
    assert complaints == []
    shown.close()


def test_columns_that_are_the_same_everywhere_are_not_offered(browser: Any, small: Path) -> None:
    shown, _ = opened(browser, small.as_uri())
    offered = shown.evaluate("[...document.querySelectorAll('#axis-x option')].map(o => o.value)")
    assert "link_power_w" not in offered and "block_area_m2" in offered
    heads = shown.evaluate("[...document.querySelectorAll('#axis-x optgroup')].map(g => g.label)")
    assert heads == ["objectives", "parameters", "the system", "the block"]
    shown.close()


@pytest.mark.parametrize("size", [(1440, 900), (390, 844)])
def test_a_click_opens_the_point_where_it_is_seen(
    browser: Any, small: Path, size: tuple[int, int]
) -> None:
    shown, complaints = opened(
        browser,
        small.as_uri(),
        viewport={"width": size[0], "height": size[1]},
        reduced_motion="reduce",
    )
    point = "document.querySelector('#front-plot .scatterlayer .point')"
    shown.evaluate(f"{point}.scrollIntoView({{block: 'center'}})")
    plot = shown.evaluate("document.getElementById('front-plot').getBoundingClientRect().top")
    spot = shown.evaluate(
        "(() => { const t = document.getElementById('front-plot').data.findIndex("
        "t => t.customdata && t.name === ''), box = document.querySelectorAll("
        "'#front-plot .scatterlayer .trace')[t].querySelector('.point').getBoundingClientRect();"
        "return [box.x + box.width / 2, box.y + box.height / 2]; })()"
    )
    shown.mouse.click(*spot)
    shown.wait_for_function("location.hash.startsWith('#trial=')")
    trial = shown.url.partition("=")[2]
    assert shown.text_content("#dock h3").startswith(f"Trial {trial}")
    parts = shown.locator("#dock th.part").all_inner_texts()
    assert [part.split(" (")[0][2:] for part in parts] == ["objectives", "limits", "chosen"]
    box = shown.locator("#dock").bounding_box()
    assert box["y"] > -1 and box["y"] + min(box["height"], size[1]) <= size[1] + 1
    if size[0] > 1000:  # docked beside the plot: the page does not move
        now = shown.evaluate("document.getElementById('front-plot').getBoundingClientRect().top")
        assert now == plot
    shown.click("#to-points")
    assert -1 < shown.locator("#points-heading").bounding_box()["y"] < size[1] / 2
    assert complaints == []
    shown.close()


def test_two_points_show_first_what_differs(browser: Any, small: Path) -> None:
    shown, _ = opened(browser, small.as_uri())
    buttons = shown.locator("#front-table tbody button")
    buttons.nth(0).click()
    shown.click("#compare")  # for screens without a shift key
    buttons.nth(1).click()
    assert "(A) and" in shown.text_content("#points h3")
    for place in ("#dock", "#points > .panel:first-child"):
        parts = shown.locator(f"{place} th.part").all_inner_texts()
        assert [part.split(" (")[0][2:] for part in parts] == ["differs", "the same in both"]
        rows = shown.locator(f"{place} tbody:nth-of-type(2) tr")
        assert rows.count() > 3
        for cells in rows.all():
            values = cells.locator("td").all_inner_texts()
            assert values[3] != "="
    same = shown.locator("#points > .panel:first-child th.part button").nth(1)
    assert shown.locator("#points > .panel:first-child td:text-is('link power')").is_hidden()
    same.click()
    assert shown.locator("#points > .panel:first-child td:text-is('link power')").is_visible()
    shown.close()


INNER = """() => [...document.querySelectorAll('main *')].filter(e =>
    ['auto', 'scroll'].includes(getComputedStyle(e).overflowY) && e.clientHeight > 0
    && e.scrollHeight > e.clientHeight + 1 && !e.closest('.js-plotly-plot'))
    .map(e => e.id || e.className)"""


@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_lies_in_an_inner_scroller(browser: Any, small: Path, width: int) -> None:
    shown, _ = opened(browser, small.as_uri(), viewport={"width": width, "height": 844})
    for summary in shown.locator("details > summary").all():
        if summary.is_visible():
            summary.click()
    buttons = shown.locator("#front-table tbody button")
    buttons.nth(0).click()
    buttons.nth(1).click(modifiers=["Shift"])
    assert shown.evaluate(INNER) == []
    # What is wider than the screen says so.
    wider = shown.evaluate(
        "[...document.querySelectorAll('.scroll, .wide')].filter(e => e.clientWidth &&"
        " (e.scrollWidth > e.clientWidth + 1) !== e.hasAttribute('data-more')).length"
    )
    assert wider == 0
    shown.close()


def test_controls_are_folded_on_a_phone(browser: Any, small: Path) -> None:
    for width, is_open in ((1440, True), (390, False)):
        shown, _ = opened(browser, small.as_uri(), viewport={"width": width, "height": 844})
        assert shown.evaluate("document.getElementById('controls').open") == is_open
        assert shown.is_visible("#axis-x") == is_open
        shown.close()


def test_the_live_page_hears_of_new_trials(browser: Any, server: Any) -> None:
    shown, complaints = opened(browser, server.address)
    assert shown.is_hidden("#news")
    server.study.study.add_trial(server.study.study.get_trials()[0])
    shown.wait_for_selector("#news:not([hidden])")
    assert "1 more trial since" in shown.text_content("#news")
    assert complaints == []
    shown.close()


def test_a_study_in_which_all_failed_says_why(browser: Any, tmp_path: Path) -> None:
    made = make_study(tmp_path / "failed", 0)
    point = {axis.name: axis.values[0] for axis in made.sweep.space.axes}
    for reason in ("ToolError: it broke", "ToolError: it broke", HOSTILE):
        made.study.add_trial(
            create_trial(
                state=TrialState.FAIL,
                params=point,
                distributions=made.sweep.space.distributions(),
                user_attrs={"failure": reason},
            )
        )
    file = tmp_path / "report.html"
    file.write_text(report_html(made, None))
    page = browser.new_page()
    page.goto(file.as_uri())
    page.wait_for_selector("body[data-ready=yes]")
    rows = page.locator("#failure-table tbody tr").all_inner_texts()
    assert rows == ["2\tToolError: it broke\t0, 1", f"1\t{HOSTILE}\t2"]
    page.close()
