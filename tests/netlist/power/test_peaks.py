"""Figures of a power trace."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipdse.errors import DesignError
from chipdse.netlist.power.peaks import peaks_of


def test_peak_and_largest_step_are_those_by_hand() -> None:
    # Means of two cycles: 2, 4.5, 4, 2.5; steps: 2, 3, 4, 3; at 0.5 V a step of 4 W is 8 A.
    peaks = peaks_of(np.array([1.0, 3.0, 6.0, 2.0, 5.0]), 0.5, window_cycles=2)
    assert (peaks.mean_w, peaks.peak_power_w, peaks.peak_cycle) == (3.4, 4.5, 1)
    assert (peaks.largest_step_w, peaks.largest_step_a, peaks.step_cycle) == (4.0, 8.0, 3)
    assert peaks_of(np.arange(2000.0), 1.0).percentile_w == 1997.0  # 1998 of 2000 are at most this


@given(st.lists(st.floats(0.0, 10.0), min_size=1, max_size=40), st.integers(1, 40))
def test_peak_is_between_mean_and_highest(powers: list[float], window: int) -> None:
    power_w = np.array(powers)
    single = peaks_of(power_w, 1.0)
    assert single.peak_power_w == power_w.max() >= single.percentile_w
    if window <= len(powers):
        peak_w = peaks_of(power_w, 1.0, window).peak_power_w
        assert peak_w <= single.peak_power_w + 1e-9
        if len(powers) % window == 0:
            assert peak_w >= single.mean_w - 1e-9


@pytest.mark.parametrize("window", [0, 4])
def test_window_must_fit(window: int) -> None:
    with pytest.raises(DesignError, match=rf"a window of {window} cycles does not fit .* 1 to 3"):
        peaks_of(np.ones(3), 1.0, window)
