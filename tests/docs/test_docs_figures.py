"""Figures on the pages are those of the stored runs, and the stored runs what is measured now."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.support.docs_pages import ROOT

sys.path.insert(0, str(ROOT / "docs"))
import figures
from figures import Runs, read_runs, texts_stored
from page_figures import Text, agrees, differences, rewritten, shown

MODULE = figures.page_texts()


def stored(*sweeps: str) -> Runs:
    """What is stored; skips where a sweep's run is not."""
    runs = read_runs()
    if missing := set(sweeps) - set(runs.tables):
        pytest.skip(f"no run of {sorted(missing)} is stored; python docs/figures.py makes it")
    return runs


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("page", list(MODULE.PAGES))
def test_a_page_says_what_is_stored(page: str) -> None:
    texts, missing = texts_stored(MODULE.PAGES[page], read_runs())
    assert missing or len(texts) >= 5
    assert list(differences((ROOT / page).read_text(), texts)) == []
    if missing:
        pytest.skip(f"{len(texts)} texts compared; {missing}")


def test_no_figure_turns_its_sentence_round() -> None:
    # "-2 % less" is more: the sentence no longer says what was measured.
    turned = re.compile(r"[-−]\d[\d.]* %\s+(?:less|more|fewer|faster|slower|smaller|larger)")
    for page in MODULE.PAGES:
        assert turned.findall((ROOT / page).read_text()) == [], page


@pytest.mark.slow
def test_large_fronts_have_reasons(monkeypatch: pytest.MonkeyPatch) -> None:
    fronts = sys.modules["concept_texts.fronts"]
    assert fronts.front_counts(stored("adder"), "adder") == (2, 36)
    assert fronts.front_counts(stored("cordic"), "cordic") == (5, 30)  # a derived objective
    assert fronts.front_counts(stored("mac_array"), "mac_array") == (12, 156)
    assert fronts.front_counts(Runs(), "adder") is None
    monkeypatch.delitem(fronts.LARGE_FRONTS, "mac_precision")
    with pytest.raises(LookupError, match=r"fronts of .*'mac_precision'.* are large"):
        list(MODULE.PAGES["docs/blocks/sweeps.md"](read_runs()))


WHOLE = ("docs/tutorial/tutorial.md", "docs/tutorial/mac_array.md")
"""Pages whose every figure comes from a run; other pages state parameters and sources too."""
CONSTANT = ("1 to 2 %", "90 %", "operand bits | dense", "within 0.5 %", "median")
"""Numbers with a unit that no run gives: a tie, a share of zeros, a heading, a stated error."""


@pytest.mark.slow
@pytest.mark.parametrize("page", WHOLE)
def test_every_figure_of_a_page_is_held(page: str) -> None:
    text = (ROOT / page).read_text()
    held: list[tuple[int, int]] = []
    for one in MODULE.PAGES[page](stored(*MODULE.SWEEPS[page])):
        found = one.pattern().search(text)
        assert found is not None, one.words
        held += [found.span(number + 1) for number in range(len(one.values))]
    units = "pJ|MHz|%|µm²|[$]|TMAC|Msample|ns|µW"
    for found in re.finditer(rf"-?\d[\d,]*\.?\d*(?= (?:{units}))", text):
        around = " ".join(text[found.start() - 30 : found.end() + 8].split())
        if not any(first < found.end() and found.start() < last for first, last in held):
            assert any(constant in around for constant in CONSTANT), around


# One cheap point of each sweep; the tutorial's others are compared by test_docs_tutorial.
POINTS: dict[str, dict[str, Any]] = {
    "which_adder": {"structure": "kogge_stone", "vdd_v": 1.4},
    "fir": {"form": "direct", "samples_per_cycle": 1, "pipeline_stages": 0, "vdd_v": 1.8},
    "mac_precision": {
        **{"operand_bits": 2, "accumulator_bits": 9, "pipeline_stages": 0, "sparsity": 0.0},
    },
    "mac_array": {
        **{"rows": 2, "columns": 2, "pipeline_stages": 1, "vdd_v": 1.2, "accumulator_bits": 21},
        **{"overlapped_drain": False, "clock_frac": 1.0, "tiles": 256, "chiplets": 1},
        "arrangement": "monolithic",
    },
    "multiplier": {"recoding": "booth", "pipeline_stages": 0, "vdd_v": 1.2},
    "zero_gating": {"gating": "isolate", "sparsity": 0.5},
    "fifo": {"depth": 2, "organisation": "shift", "load": 0.3, "clock_gating": 4, "vdd_v": 1.0},
}


@pytest.mark.few_cases(1)
@pytest.mark.tools
@pytest.mark.parametrize("sweep", POINTS)
def test_what_is_stored_is_measured(
    sweep: str, docs_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHIPDSE_CACHE", str(docs_store))
    runs = stored(sweep)
    if sweep == "mac_array":  # the sweep itself records what is near its front
        kept = runs.point(sweep, **POINTS[sweep])
    else:
        kept = runs.row(sweep, **POINTS[sweep])
    found = figures.measured(sweep, {}, POINTS[sweep])
    for name in ("block_area_m2", "f_max_hz", "block_energy_per_op_j", "block_glitch_power_w"):
        assert kept[name] == pytest.approx(found[name], rel=figures.TOLERANCE), name


def test_a_figure_by_hand() -> None:
    text = Text(words="takes {:.1f} pJ, {} of it ({:.0f} %)", values=(12.345, 0.5678, 4.6))
    page = "The array takes 12.0\npJ, 0.568 of it (5 %)."
    (line,) = differences(page, [text])
    assert line.startswith("12.0 is 12.35 now: takes")  # 2.9 % off; the others are rounded right
    assert rewritten(page, [text]) == "The array takes 12.3\npJ, 0.568 of it (5 %)."
    assert list(differences(rewritten(page, [text]), [text])) == []
    assert list(differences("nothing", [text])) == [
        "0 times on the page instead of once: 'takes {:.1f} pJ, {} of it ({:.0f} %)'"
    ]
    assert "2 times" in next(differences(page + page, [text]))


def test_a_stop_or_comma_behind_a_figure_stays() -> None:
    texts = [Text(words="costs {}", values=(97.5,)), Text(words="for {:,.0f}", values=(12345.0,))]
    assert rewritten("It costs 96. One is for 9,999, two.", texts) == (
        "It costs 97.5. One is for 12,345, two."
    )


def test_a_column_of_figures_stays_one() -> None:
    text = Text(words="area {} m", values=(5.0,))
    assert rewritten("area    12.5 m", [text]) == "area       5 m"


@pytest.mark.parametrize(
    ("printed", "value", "right"),
    [
        ("5.43", 5.434, True),
        ("5.43", 5.40, False),  # 0.6 % off
        ("5.43", 5.41, True),
        ("9", 9.4, True),
        ("9", 9.6, False),
        ("22,794", 22_800.0, True),
        ("22,794", 23_000.0, False),
        ("-3", -3.2, True),
    ],
)
def test_within_half_a_percent_or_the_last_digit(printed: str, value: float, right: bool) -> None:
    assert agrees(printed, value) is right


def test_three_digits() -> None:
    values = (12.345, 0.5678, 22_794.4, 5.0, 999.6)
    assert [*map(shown, values)] == ["12.3", "0.568", "22,794", "5", "1000"]


def test_what_is_not_stored_is_named() -> None:
    runs = Runs(tables={"fir": pd.DataFrame({"form": ["direct", "direct"]})})
    with pytest.raises(LookupError, match="fir has 2 points with"):
        runs.row("fir", form="direct")
    with pytest.raises(LookupError, match="is not stored; run 'python docs/figures.py'"):
        runs.point("fir", form="direct")
    runs = Runs(benchmarks={"choices": {"results": [{"block": "fir", "hardware": {}}] * 2}})
    with pytest.raises(LookupError, match="choices has 2 results with {'block': 'fir'}"):
        runs.result("choices", block="fir")
    with pytest.raises(LookupError, match="mapping is not stored; run 'python docs/figures.py'"):
        runs.result("mapping", block="fir")


def test_texts_up_to_the_first_without_a_run() -> None:
    def page(runs: Runs) -> Iterator[Text]:
        yield Text(words="area {} m", values=(5.0,))
        yield Text(words="speed {} m/s", values=(runs.row("adder", bits=8)["speed"],))

    texts, missing = texts_stored(page, Runs())
    assert [text.words for text in texts] == ["area {} m"]
    assert missing.startswith("adder is not stored")
    with pytest.raises(LookupError, match="adder has 0 points with"):  # not the same fault
        texts_stored(page, Runs(tables={"adder": pd.DataFrame({"bits": [4]})}))


def test_a_result_by_its_values() -> None:
    rows = [{"hardware": {}, "pj": 1.0}, {"hardware": {"stages": 1}, "pj": 2.0}]
    runs = Runs(benchmarks={"choices": {"results": rows}})
    assert runs.result("choices", hardware={})["pj"] == 1.0
    assert runs.result("choices", hardware={"stages": 1}, synthesis=None)["pj"] == 2.0


def test_columns_that_are_stored() -> None:
    about = ["trial", "state", "on_front", "origin"]
    measured = ["block_area_m2", "block_cell_count", "f_max_hz", "vdd_v"]
    columns = [*about, "structure", *measured, "failure"]
    assert figures.columns_kept("adder", columns) == [
        *("structure", "block_area_m2", "f_max_hz", "vdd_v")
    ]
    assert figures.columns_kept("fir", columns) == columns[:-1]


@pytest.mark.parametrize("name", list(figures.BENCHMARKS))
def test_a_benchmark_is_a_script(name: str) -> None:
    assert (ROOT / "benchmarks" / figures.BENCHMARKS[name][0]).is_file()
    assert any(name in names for names in MODULE.BENCHMARKS.values())
