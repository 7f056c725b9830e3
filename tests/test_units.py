"""Quantities at the edges."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipdse.errors import DesignError
from chipdse.units import parse_quantity, show


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("10ns", "s", 10e-9),
        ("50 ps", "s", 50e-12),
        ("1.2V", "V", 1.2),
        ("4fF", "F", 4e-15),
        ("-40C", "°C", -40.0),
        ("25°C", "°C", 25.0),
        ("2.5e3 mV", "V", 2.5),
        ("100MHz", "Hz", 100e6),
    ],
)
def test_reads_number_prefix_and_unit(text: str, unit: str, value: float) -> None:
    assert parse_quantity(text, unit) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("text", ["10", "ns", "", "10 parsec", "1.2V", "10xs", "nan s", "1e999s"])
def test_refuses_what_is_not_a_time(text: str) -> None:
    with pytest.raises(DesignError, match="write e.g. 10ns"):
        parse_quantity(text, "s", "--clock")


def test_a_long_text_is_refused_at_once() -> None:
    with pytest.raises(DesignError, match="is not a number with a unit"):
        parse_quantity("1" * 60_000 + " a b", "s", "--clock")


def test_shows_four_digits_with_a_prefix() -> None:
    assert show(1.23e-9, "s") == "1.23 ns"
    assert show(0.0, "W") == "0 W"
    assert show(999.96e-12, "s") == "1 ns"  # rounding carries into the next prefix
    assert show(25.0, "°C") == "25 °C"


@given(st.floats(1e-14, 1e14))
def test_what_is_shown_can_be_read_again(value: float) -> None:
    assert math.isclose(parse_quantity(show(value, "s", 9), "s"), value, rel_tol=1e-8)
