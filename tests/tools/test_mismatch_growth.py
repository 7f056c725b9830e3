"""Which transistors decide an arc near threshold, and how fast their effect grows, by hand."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from tools.characterise import catalogue, inputs
from tools.characterise.mismatch import STEPS, Setting, matched_spread, narrow_spreads
from tools.characterise.mismatch_growth import SHIFTS, carriers, levels, together

LAYOUTS, _ = inputs.load()


@pytest.mark.parametrize("name", ["nand2_1", "mux2_1", "xor2_1", "fa_1", "o21ba_1"])
def test_levels_of_outputs_are_those_of_the_function(name: str) -> None:
    cell = catalogue.cell(name)
    for bits in itertools.product((0, 1), repeat=len(cell.inputs)):
        given = dict(zip(cell.inputs, bits, strict=True))
        known = levels(LAYOUTS[name].devices, given)
        for output in cell.outputs:
            assert known[output] == cell.value(output, given)


@pytest.mark.parametrize(
    ("name", "pin", "side", "rises", "expected"),
    [
        # both n transistors in series pull down; one p transistor pulls up
        ("nand2_1", "A", {"B": 1}, True, {("n", "A"), ("n", "B")}),
        ("nand2_1", "A", {"B": 1}, False, {("p", "A")}),
        # the first stage of a buffer and its second one
        ("buf_1", "A", {}, True, {("n", "A"), ("p", None)}),
    ],
)
def test_transistors_that_carry_an_edge(
    name: str, pin: str, side: dict[str, int], rises: bool, expected: set[tuple[str, str | None]]
) -> None:
    setting = Setting(
        pin=pin, output="", edges=((rises, rises),), side=side, measure=lambda slew, load: None
    )
    devices = LAYOUTS[name].devices
    inputs_of = {pin, *side}
    found = {
        (devices[number].kind, gate if (gate := devices[number].gate) in inputs_of else None)
        for number in carriers(devices, setting, rises)
    }
    assert found == expected


def grown(part: float, exponent: float, width_m: float = 1e-6) -> list[object]:
    """A transistor whose part of the delay is exponential in its threshold voltage."""
    shift = SHIFTS * exponent
    return ["p", width_m, part * math.expm1(shift), part * math.expm1(-shift)]


def test_two_equal_transistors_in_series() -> None:
    # Variances add: the excess is that of one; the means and third moments add as well.
    single, both = (
        together([grown(0.4, 0.3)] * count, "p", lambda width_m, spread: 2 * spread)
        for count in (1, 2)
    )
    assert single is not None and both is not None
    assert single.squared == pytest.approx(0.6**2)
    assert (single.count, single.tail) == pytest.approx((1.0, 1.0))
    assert both.squared == pytest.approx(0.6**2)
    assert (both.count, both.tail) == pytest.approx((math.sqrt(2), math.sqrt(0.5)))


def test_small_shifts_are_corrected() -> None:
    # mismatch.py measures expm1(0.5 b) / 0.5 instead of b; all parameters together are 3 b.
    growth = together([grown(0.4, 0.3)], "p", lambda width_m, spread: 3 * spread)
    assert growth is not None
    assert growth.linear == pytest.approx((3 * 0.3 / (math.expm1(0.15) / 0.5)) ** 2)


def test_transistors_that_decide_nothing_are_left_out() -> None:
    assert together([["p", 1e-6, 0.001, -0.001]], "p", lambda width_m, spread: spread) is None
    assert together([grown(0.4, 0.3)], "n", lambda width_m, spread: spread) is None


def test_spread_of_a_product_of_log_normal_factors() -> None:
    steps = np.array(STEPS)
    assert matched_spread([0.3 * steps]) == pytest.approx(0.3, rel=1e-3)
    assert matched_spread([0.3 * steps, 0.4 * steps]) == pytest.approx(0.5, rel=2e-3)


def test_what_other_parameters_add_to_a_part_of_the_delay() -> None:
    # 0.8 of the delay by transistors: 0.3 by threshold voltage, 0.4 by oxide and 0 by offset
    steps = np.array(STEPS)
    effects = {
        name: 0.8 * np.expm1(spread * steps)
        for name, spread in (("vth0", 0.3), ("toxe", 0.4), ("voff", 0.0))
    }
    found = narrow_spreads(effects)
    assert found["share"] == pytest.approx(0.5 / 0.3, rel=5e-3)
    assert found["added"] == pytest.approx(0.4, rel=5e-3)
