"""The filter against values worked by hand, its reference, and its documented timing."""

from __future__ import annotations

import itertools
from typing import Any

import chipdse_hdl.fir.hardware
import numpy as np
import pytest
from amaranth.hdl import Const, Module, Signal, Value
from chipdse_hdl.fir import Fir, FirParameters, FirWorkload
from chipdse_hdl.fir.bench import check, filtering, hard_cases, loading
from chipdse_hdl.fir.model import cycles, reference, samples, waits, work
from chipdse_hdl.workloads.signals import low_pass
from hypothesis import given
from hypothesis import strategies as st

from tests.support.fuzzing.examples import examples
from tests.support.hdl_runs import play_in_amaranth

FORMS = ["direct", "transposed"]


@st.composite
def parameters(draw: st.DrawFn, largest: int = 12) -> FirParameters:
    taps, form, lanes = (
        draw(st.integers(1, largest)),
        draw(st.sampled_from(FORMS)),
        draw(st.integers(1, 4)),
    )
    folds = form == "direct" and lanes == 1
    return FirParameters(
        taps=taps,
        form=form,
        samples_per_cycle=lanes,
        folding=draw(st.integers(1, taps)) if folds else 1,
        gating=draw(st.sampled_from(["none", "idle"])),
        data_bits=draw(st.integers(2, 24)),
        coefficient_bits=draw(st.integers(2, 24)),
        pipeline_stages=draw(st.integers(0, 2)),
        coefficients=draw(st.sampled_from(["loadable", "fixed"])),
    )


def play(p: FirParameters, h: np.ndarray, words: dict[str, list[int]]) -> dict[str, list[int]]:
    """Load, then play words; what was seen from the first of them on."""
    load = loading(p, h)
    stimulus = {name: load[name] + words[name] for name in words}
    seen = play_in_amaranth(Fir(p), stimulus, ["y_valid", "y"])
    return {name: record[len(load["x"]) :] for name, record in seen.items()}


def run(p: FirParameters, h: np.ndarray, x: np.ndarray, pauses: np.ndarray) -> None:
    """Filter samples in hardware and check all that comes out."""
    check(p, h, x, pauses, play(p, h, filtering(p, x, pauses)))


def test_the_reference_gives_what_is_worked_by_hand() -> None:
    # y[0] = 1*4, y[1] = 1*5 + 2*4, y[2] = 1*6 + 2*5 - 3*4, y[3] = 1*0 + 2*6 - 3*5
    assert reference(np.array([1, 2, -3]), np.array([4, 5, 6, 0])).tolist() == [4, 13, 4, -3]


@pytest.mark.parametrize("form", FORMS)
def test_the_hardware_gives_words_worked_by_hand_in_their_cycles(form: str) -> None:
    """Words at the ports, cycle by cycle, of the example above; y = -3 is the last."""
    p = FirParameters(taps=3, data_bits=8, coefficient_bits=4, form=form)
    words = {
        "coefficient": [1, 2, 0xD] + [0] * 8,
        "load": [1, 1, 1] + [0] * 8,
        "x": [0, 0, 0, 4, 5, 6, 99, 0] + [0] * 3,
        "x_valid": [0, 0, 0, 1, 1, 1, 0, 1] + [0] * 3,
    }
    seen = play_in_amaranth(Fir(p), words, ["y_valid", "y"])
    assert p.output_bits == 8 + 4 + 2
    assert p.latency_cycles == 2
    assert seen["y_valid"] == [0, 0, 0, 0, 0, 1, 1, 1, 0, 1, 0]
    assert seen["y"][5:10] == [4, 13, 4, 4, 2**14 - 3]


@pytest.mark.parametrize("form", FORMS)
def test_two_samples_a_cycle_by_hand(form: str) -> None:
    p = FirParameters(taps=3, data_bits=8, coefficient_bits=4, form=form, samples_per_cycle=2)
    words = {"x": [0x0504, 0x0006, 0, 0], "x_valid": [1, 1, 0, 0]}
    words |= {"coefficient": [0] * 4, "load": [0] * 4}
    seen = play(p, np.array([1, 2, -3]), words)
    assert seen["y"][2:] == [13 << 14 | 4, (2**14 - 3) << 14 | 4]


@pytest.mark.slow
@examples(80)
@given(parameters())
def test_hardware_is_the_reference_on_hard_samples(p: FirParameters) -> None:
    for case in hard_cases(p):
        run(p, *case)


@pytest.mark.slow
@examples(30)
@given(parameters(), st.integers(1, 50), st.sampled_from(["noise", "tone", "speech"]))
def test_hardware_is_the_reference_on_signals(p: FirParameters, length: int, signal: str) -> None:
    workload = FirWorkload(length=length, signal=signal, level=1.0, duty=0.7)
    x = samples(p, workload)
    pauses = waits(p, workload)
    words = filtering(p, x, pauses)
    assert len(words["x"]) == cycles(p, workload)
    run(p, low_pass(p.taps, p.coefficient_bits), x, pauses)


CORNERS = [
    FirParameters(
        taps=taps,
        data_bits=bits,
        coefficient_bits=bits,
        form=form,
        samples_per_cycle=lanes,
        pipeline_stages=stages,
    )
    for taps, bits, form, lanes, stages in itertools.product(
        (1, 2, 17), (2, 24), FORMS, (1, 8), (0, 2)
    )
]


@pytest.mark.few_cases(10)
@pytest.mark.slow
@pytest.mark.parametrize("p", CORNERS, ids=str)
def test_hardware_is_the_reference_at_the_ends_of_its_parameters(p: FirParameters) -> None:
    for case in hard_cases(p):
        run(p, *case)


@pytest.mark.few_cases(6)
@pytest.mark.quick_cases(3)
@pytest.mark.parametrize("gating", ["none", "idle"])
@pytest.mark.parametrize("stages", [0, 1, 2])
@pytest.mark.parametrize(("taps", "folding"), [(2, 2), (7, 3), (6, 2), (5, 5)])
def test_folded_hardware_is_the_reference_on_hard_cases(
    taps: int, folding: int, stages: int, gating: str
) -> None:
    p = FirParameters(
        taps=taps,
        data_bits=5,
        coefficient_bits=4,
        folding=folding,
        pipeline_stages=stages,
        gating=gating,
    )
    assert p.multipliers == -(-taps // folding)
    for case in hard_cases(p):
        run(p, *case)


def test_folded_by_hand() -> None:
    """Three taps on two multipliers: h[0] and h[2], then h[1] alone; the second sample waits."""
    p = FirParameters(taps=3, data_bits=8, coefficient_bits=4, folding=2)
    words = {"x": [4, 5, 5, 99, 0, 0, 0, 0], "x_valid": [1, 1, 1, 0, 0, 0, 0, 0]}
    words |= {"coefficient": [0] * 8, "load": [0] * 8}
    words["coefficient"] = [1, 2, 0xD, *words["coefficient"]]
    words["load"] = [1, 1, 1, *words["load"]]
    words |= {name: [0, 0, 0, *words[name]] for name in ("x", "x_valid")}
    seen = play_in_amaranth(Fir(p), words, ["x_ready", "y_valid", "y"])
    assert p.latency_cycles == 2 + 2
    assert seen["x_ready"][3:] == [1, 0, 1, 0, 1, 1, 1, 1]
    assert seen["y_valid"][3:] == [0, 0, 0, 0, 1, 0, 1, 0]
    assert (seen["y"][7], seen["y"][9]) == (4, 13)  # 1 * 4; 1 * 5 + 2 * 4


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("taps", [1, 2, 4, 5])
def test_the_largest_sum_fits(taps: int, form: str) -> None:
    """Every product (-8) * (-8): taps * 64 is what `output_bits` must hold."""
    p = FirParameters(taps=taps, data_bits=4, coefficient_bits=4, form=form)
    h, x = np.full(taps, -8), np.full(taps + 2, -8)
    run(p, h, x, np.zeros(len(x), int))
    assert reference(h, x).max() == 64 * taps < 2 ** (p.output_bits - 1)


def test_low_pass_by_hand() -> None:
    # Three taps: sinc(0.3) = sin(0.3 pi) / (0.3 pi) = 0.8584; Hamming 0.08, 1, 0.08.
    # 0.08 * 0.8584 * 2047 = 140.6
    assert low_pass(3, 12).tolist() == [141, 2047, 141]


@given(st.integers(1, 256), st.integers(2, 24))
def test_low_pass_is_symmetric_and_in_range(taps: int, bits: int) -> None:
    h = low_pass(taps, bits)
    assert (h == h[::-1]).all()
    assert h.max() == 2 ** (bits - 1) - 1
    assert h.min() >= -(2 ** (bits - 1))


def test_low_pass_passes_and_stops() -> None:
    response = np.abs(np.fft.rfft(low_pass(63, 16), 1000))
    gain_db = 20 * np.log10(response / response[0])
    assert np.abs(gain_db[:120]).max() < 0.1  # up to 0.12 of the sampling rate
    assert gain_db[185:].max() < -50  # from 0.185 on; a Hamming window promises 53 dB


def test_signals_have_the_statistics_they_claim() -> None:
    p = FirParameters(data_bits=16)
    for signal, correlation in (("noise", 0.0), ("speech", 0.9), ("tone", np.cos(0.1 * np.pi))):
        x = samples(p, FirWorkload(length=100_000, signal=signal, level=0.125))
        assert x.std() / 2**15 == pytest.approx(0.125, rel=0.02)
        assert np.corrcoef(x[1:], x[:-1])[0, 1] == pytest.approx(correlation, abs=0.01)


@given(st.integers(2, 24), st.floats(0, 1), st.integers(0, 9))
def test_samples_are_in_range_and_repeatable(bits: int, level: float, seed: int) -> None:
    p, workload = FirParameters(data_bits=bits), FirWorkload(length=200, level=level, seed=seed)
    x = samples(p, workload)
    assert -(2 ** (bits - 1)) <= x.min() <= x.max() < 2 ** (bits - 1)
    assert (x == samples(p, workload)).all()


def test_work_and_words_are_counted_as_by_hand() -> None:
    p = FirParameters(taps=5, data_bits=8, coefficient_bits=10)
    done = work(p, FirWorkload(length=100))
    # 8 + 10 + 3 bits: five products need three more.
    assert (done.count, done.unit, done.input_bits, done.output_bits) == (100, "sample", 800, 2100)


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({"taps": 0}, "taps=0 is too small; use >= 1"),
        ({"form": "folded"}, "form='folded' is not one of 'direct', 'transposed'"),
        ({"samples_per_cycle": 9}, "samples_per_cycle=9 is too large; use <= 8"),
        ({"folding": 17}, "folding=17 is more than there are taps; use folding <= 16"),
        (
            {"folding": 2, "form": "transposed"},
            "folding=2 needs form='direct' and samples_per_cycle=1",
        ),
        ({"data_bits": 25}, "data_bits=25 is too large; use <= 24"),
    ],
)
def test_impossible_parameters_are_refused(given_: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FirParameters(**given_)


def test_impossible_workloads_are_refused() -> None:
    with pytest.raises(ValueError, match="signal='music' is not one of"):
        FirWorkload(signal="music")
    with pytest.raises(ValueError, match="frequency=0.6 is too large"):
        FirWorkload(frequency=0.6)


# Faults: each changes the hardware in one place, and the checks of the bench must notice.


class ReversedCoefficients(Fir):
    def _coefficients(self, m: Module) -> list[Value]:
        return super()._coefficients(m)[::-1]


class StuckCoefficientBit(Fir):
    def _coefficients(self, m: Module) -> list[Value]:
        first, *others = super()._coefficients(m)
        return [(first & ~1).as_signed(), *others]


class SwappedLanes(Fir):
    def _direct(self, m: Module, coefficients: list[Value], valid: Value) -> list[Value]:
        return super()._direct(m, coefficients, valid)[::-1]

    def _transposed(self, m: Module, coefficients: list[Value], valid: Value) -> list[Value]:
        return super()._transposed(m, coefficients, valid)[::-1]


class IgnoresPauses(Fir):
    def elaborate(self, platform: object) -> Module:
        port, self.x_valid = self.x_valid, Const(1)
        m = super().elaborate(platform)
        self.x_valid = port
        return m


class LateByOne(Fir):
    def _product(self, m: Module, x: Value, h: Value) -> Value:
        late = Signal(x.shape())
        m.d.sync += late.eq(x)
        return super()._product(m, late, h)


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "broken", [ReversedCoefficients, StuckCoefficientBit, SwappedLanes, IgnoresPauses, LateByOne]
)
def test_faults_are_caught(broken: type[Fir], form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    p = FirParameters(taps=6, data_bits=6, coefficient_bits=6, form=form, samples_per_cycle=2)
    for case in hard_cases(p):
        run(p, *case)
    monkeypatch.setitem(globals(), "Fir", broken)
    with pytest.raises(AssertionError):
        for case in hard_cases(p):
            run(p, *case)


@pytest.mark.parametrize("form", FORMS)
def test_a_wrong_fixed_coefficient_is_caught(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    p = FirParameters(taps=5, form=form, coefficients="fixed")
    cases = list(hard_cases(p))
    monkeypatch.setattr(
        chipdse_hdl.fir.hardware, "low_pass", lambda *given_: low_pass(*given_) + [0, 0, 0, 0, 1]
    )
    with pytest.raises(AssertionError, match="outputs differ"):
        run(p, *cases[1])


class NeverReady(Fir):
    """Folded: takes a sample in the midst of the last one's turns."""

    def _folded(self, m: Module, coefficients: list[Value]) -> Module:
        port, self.x_valid = self.x_valid, Const(1)
        m = super()._folded(m, coefficients)
        self.x_valid = port
        return m


class TurnsMixed(Fir):
    def _folded(self, m: Module, coefficients: list[Value]) -> Module:
        return super()._folded(m, [coefficients[1], coefficients[0], *coefficients[2:]])


@pytest.mark.slow
@pytest.mark.parametrize("broken", [NeverReady, TurnsMixed, LateByOne, StuckCoefficientBit])
def test_faults_of_the_folded_filter_are_caught(
    broken: type[Fir], monkeypatch: pytest.MonkeyPatch
) -> None:
    p = FirParameters(taps=5, data_bits=6, coefficient_bits=6, folding=2)
    for case in hard_cases(p):
        run(p, *case)
    monkeypatch.setitem(globals(), "Fir", broken)
    with pytest.raises(AssertionError):
        for case in hard_cases(p):
            run(p, *case)
