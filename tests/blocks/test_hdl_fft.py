"""The transform against numpy.fft, its bit-exact reference, and its documented timing."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import chipdse_hdl.fft.hardware
import numpy as np
import pytest
from amaranth.hdl import Module
from chipdse_hdl.fft import Fft, FftParameters, FftWorkload
from chipdse_hdl.fft.bench import WATCH, check, hard_case, stimulus
from chipdse_hdl.fft.model import accepted, cycles, reference, samples, work
from chipdse_hdl.fft.stages import bit_reversed
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.hdl_runs import play_in_amaranth


def run(p: FftParameters, x: np.ndarray, valid: np.ndarray) -> None:
    """Transform samples in hardware and check all that comes out."""
    check(p, x, valid, play_in_amaranth(Fft(p), stimulus(p, x, valid), WATCH))


@pytest.mark.parametrize("radix", [2, 4])
def test_four_points_are_transformed_as_by_hand(radix: int) -> None:
    # Four points of 1, 2, 3, 4: 10, -2 + 2i, -2, -2 - 2i; they leave in the order 0, 2, 1, 3.
    p = FftParameters(points=4, radix=radix)
    x = np.array([[[1, 2, 3, 4]], [[0, 0, 0, 0]]])
    assert bit_reversed(4).tolist() == [0, 2, 1, 3]
    assert reference(p, x).tolist() == [[[10, -2, -2, -2]], [[0, 0, 2, -2]]]


def test_stages_by_hand() -> None:
    """He and Torkelson's figures: 2**2 multiplies behind every second butterfly but the last."""
    radix_4, radix_2 = (FftParameters(points=256, radix=radix) for radix in (4, 2))
    assert [stage.delay for stage in radix_4.stages] == [128, 64, 32, 16, 8, 4, 2, 1]
    assert [stage.multiplies for stage in radix_4.stages] == [False, True] * 3 + [False, False]
    # Radix 2: but behind the last two, whose turns are quarters.
    assert [stage.multiplies for stage in radix_2.stages] == [True] * 6 + [False, False]
    assert radix_4.output_bits == 10 + 1 + 8
    assert radix_4.latency_samples == 255 + 8


@pytest.mark.parametrize("signal", ["ofdm", "tones", "noise"])
@pytest.mark.parametrize("scaling", ["grow", "half"])
@pytest.mark.parametrize("radix", [2, 4])
def test_results_are_within_the_error_bound_of_numpy(radix: int, scaling: str, signal: str) -> None:
    for points, twiddle_bits in ((4, 10), (32, 6), (256, 12)):
        p = FftParameters(points=points, radix=radix, scaling=scaling, twiddle_bits=twiddle_bits)
        x = samples(p, FftWorkload(length=1000, signal=signal, level=0.7))
        re, im = reference(p, x)
        exact = p.gain * np.fft.fft(x[0] + 1j * x[1])[:, bit_reversed(points)]
        assert np.abs(re + 1j * im - exact).max() <= p.error_bound + 1e-6
        assert max(np.abs(re).max(), np.abs(im).max()) < 2 ** (p.output_bits - 1)


def test_more_twiddle_bits_are_nearer() -> None:
    x = samples(FftParameters(points=64), FftWorkload(length=640))
    exact = np.fft.fft(x[0] + 1j * x[1])[:, bit_reversed(64)]
    errors = []
    for bits in (5, 8, 14):
        re, im = reference(FftParameters(points=64, twiddle_bits=bits), x)
        errors.append(np.abs(re + 1j * im - exact).mean())
    assert errors[0] > 4 * errors[1] > 4 * errors[2]


@given(st.sampled_from([4, 8, 16, 64]), st.sampled_from([2, 4]), st.integers(2, 20))
def test_nothing_overflows(points: int, radix: int, data_bits: int) -> None:
    for scaling in ("grow", "half"):
        p = FftParameters(points=points, radix=radix, data_bits=data_bits, scaling=scaling)
        x, _ = hard_case(p)
        for part in reference(p, x):
            assert np.abs(part).max() < 2 ** (p.output_bits - 1)


BRANCHES = [
    FftParameters(
        points=points,
        radix=radix,
        scaling=scaling,
        delay_lines=lines,
        pipeline_stages=stages,
        data_bits=5,
        twiddle_bits=6,
    )
    for (radix, scaling), (points, lines, stages) in itertools.product(
        itertools.product((2, 4), ("grow", "half")),
        [(4, "shift", 0), (8, "memory", 1), (16, "memory", 0), (32, "shift", 1)],
    )
]


@pytest.mark.few_cases(5)
@pytest.mark.quick_cases(3)
@pytest.mark.parametrize("p", BRANCHES, ids=str)
def test_hardware_is_the_reference(p: FftParameters) -> None:
    run(p, *hard_case(p))
    workload = FftWorkload(length=2 * p.points, duty=0.6)
    valid = accepted(p, workload)
    assert len(valid) + 1 == cycles(p, workload)
    run(p, samples(p, workload), valid)


@pytest.mark.slow
@settings(max_examples=5)
@given(st.integers(2, 20), st.integers(4, 20), st.sampled_from([2, 4]))
def test_hardware_is_the_reference_at_any_width(
    data_bits: int, twiddle_bits: int, radix: int
) -> None:
    p = FftParameters(points=8, radix=radix, data_bits=data_bits, twiddle_bits=twiddle_bits)
    run(p, *hard_case(p))


def test_timing_by_hand() -> None:
    """A one and three zeros: the transform is one everywhere."""
    p = FftParameters(points=4, radix=2, data_bits=4)
    x = np.zeros((2, 3, 4), int)
    x[0, 0, 0] = 1
    seen = play_in_amaranth(Fft(p), stimulus(p, x, np.ones(12, bool)), WATCH)
    assert p.latency_samples == 3 + 2
    # Samples 0 to 5 come in cycles 0 to 5: the first result is there in cycle 6.
    assert seen["y_valid"] == [0] * 6 + [1] * 7
    assert seen["y_first"] == [0] * 6 + [1, 0, 0, 0, 1, 0, 0]
    assert seen["y_re"][6:11] == [1, 1, 1, 1, 0]


def test_signals_have_the_level_they_claim() -> None:
    p = FftParameters(points=64, data_bits=16)
    for signal in ("ofdm", "tones", "noise"):
        x = samples(p, FftWorkload(length=20_000, signal=signal, level=0.1))
        assert x.std() / 2**15 == pytest.approx(0.1, rel=0.03)


def test_work_and_words_are_counted_as_by_hand() -> None:
    done = work(FftParameters(points=16, data_bits=8), FftWorkload(length=40))
    # Three blocks of 16; results of 8 + 1 + 4 bits per part.
    assert (done.count, done.unit) == (48, "sample")
    assert (done.input_bits, done.output_bits) == (48 * 16, 48 * 26)


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({"points": 12}, "points=12 is not a power of two; use 8 or 16"),
        ({"radix": 8}, "radix=8 is not one of 2, 4"),
    ],
)
def test_impossible_parameters_are_refused(given_: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FftParameters(**given_)


# Faults: each changes the hardware in one place, and the checks of the bench must notice.


class StaleDelay(Fft):
    def _delay(self, m: Module, stage: Any, value: Any, number: int, name: str) -> Any:
        delayed = super()._delay(m, stage, value, number, name)
        return (delayed & ~1).as_signed() if number == 1 else delayed


class LateRotation(Fft):
    def _counter(self, m: Module, count: int, late: int, name: str) -> Any:
        return super()._counter(m, count, late + (name == "turn_0"), name)


class NeverRotates(Fft):
    def _rotated(self, m: Module, stage: Any, sample: Any, late: int, number: int) -> Any:
        return sample if number == 0 else super()._rotated(m, stage, sample, late, number)


class IgnoresPauses(Fft):
    def _registered(self, m: Module, value: Any, bits: int, name: str) -> Any:
        if name != "turned_1":
            return super()._registered(m, value, bits, name)
        always, self.x_valid = self.x_valid, self.x_valid | ~self.x_valid
        made = super()._registered(m, value, bits, name)
        self.x_valid = always
        return made


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("broken", [StaleDelay, LateRotation, NeverRotates, IgnoresPauses])
@pytest.mark.parametrize("radix", [2, 4])
def test_faults_are_caught(broken: type[Fft], radix: int, monkeypatch: pytest.MonkeyPatch) -> None:
    p = FftParameters(points=16, radix=radix, data_bits=6, twiddle_bits=6)
    run(p, *hard_case(p))
    monkeypatch.setitem(globals(), "Fft", broken)
    with pytest.raises(AssertionError, match="differ"):
        run(p, *hard_case(p))


def _off_by_one(real: Callable[..., np.ndarray], *given_: Any) -> np.ndarray:
    table = real(*given_)
    table[1, -1] += 1
    return table


def test_one_wrong_rotation_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the last place of the last entry of a table."""
    p = FftParameters(points=16, radix=2, data_bits=6, twiddle_bits=6)
    x, valid = hard_case(p)
    right, real = reference(p, x), chipdse_hdl.fft.hardware.twiddles
    words = stimulus(p, x, valid)
    monkeypatch.setattr(
        chipdse_hdl.fft.hardware, "twiddles", lambda *given_: _off_by_one(real, *given_)
    )
    seen = play_in_amaranth(Fft(p), words, WATCH)
    monkeypatch.setattr("chipdse_hdl.fft.bench.reference", lambda *_: right)
    with pytest.raises(AssertionError, match="words of y_.. differ"):
        check(p, x, valid, seen)
