"""CORDIC against trigonometry, its bit-exact reference, and its documented timing."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Const, Module, Value
from chipdse_hdl.bench.pipelines import Case
from chipdse_hdl.cordic import Cordic, CordicParameters, CordicWorkload
from chipdse_hdl.cordic.bench import case, hard_cases, stream
from chipdse_hdl.cordic.model import cycles, reference, vectors, work
from hypothesis import given
from hypothesis import strategies as st

from tests.support.hdl_runs import play_in_amaranth

MODES = ["rotation", "vectoring"]


def run(p: CordicParameters, cases: Sequence[Case]) -> None:
    """Play cases through the hardware and check all that comes out."""
    timing = stream(p)
    for one in cases:
        timing.check(one, play_in_amaranth(Cordic(p), timing.stimulus(one), timing.watch))


def test_constants_of_the_literature() -> None:
    # Volder's gain, sqrt(2) sqrt(1.25) sqrt(1.0625) ... = 1.646760; atan 1 is an eighth of a turn.
    p = CordicParameters(iterations=24, angle_bits=20)
    assert p.gain == pytest.approx(1.646760258, rel=1e-9)
    assert p.angles[0] == 2 ** (20 + p.guard_bits) // 8
    # The sum of all angles, 99.88 degrees, is how far the iterations reach.
    assert p.angles.sum() / 2 ** (20 + p.guard_bits) * 360 == pytest.approx(99.88, abs=0.01)


def test_one_iteration_turns_and_stretches_as_by_hand() -> None:
    """One iteration: an eighth of a turn, and sqrt(2) longer."""
    p = CordicParameters(iterations=1, data_bits=8, angle_bits=8)
    x, y = reference(p, np.array([50, 50]), np.array([0, 0]), np.array([32, -32]))
    assert (x.tolist(), y.tolist()) == ([50, 50], [50, -50])
    # Half a turn and an eighth back: a quarter first, then on the way there an eighth more.
    x, y = reference(p, np.array([50]), np.array([0]), np.array([96]))
    assert (x.tolist(), y.tolist()) == ([-50], [50])
    length, angle = reference(
        CordicParameters(mode="vectoring", iterations=1, data_bits=8, angle_bits=8),
        np.array([30, -30]),
        np.array([30, 30]),
        np.zeros(2, int),
    )
    assert (length.tolist(), angle.tolist()) == ([60, 60], [32, 96])


@given(st.integers(1, 16), st.integers(6, 20), st.integers(6, 20), st.integers(0, 99))
def test_rotation_is_within_its_error_bound(
    iterations: int, data_bits: int, angle_bits: int, seed: int
) -> None:
    p = CordicParameters(iterations=iterations, data_bits=data_bits, angle_bits=angle_bits)
    workload = CordicWorkload(length=200, signal="uniform", seed=seed)
    x, y, angle, _ = vectors(p, workload)
    x_out, y_out = reference(p, x, y, angle)
    z = x + 1j * y
    exact = p.gain * z * np.exp(2j * np.pi * angle / 2**angle_bits)
    bound = p.gain * np.abs(z) * p.angle_error_rad + p.rounding_error
    assert (np.abs(x_out + 1j * y_out - exact) <= bound).all()
    assert max(np.abs(x_out).max(), np.abs(y_out).max()) < 2 ** (p.output_bits - 1)


@given(st.integers(1, 16), st.integers(6, 20), st.integers(6, 20), st.integers(0, 99))
def test_vectoring_is_within_its_error_bound(
    iterations: int, data_bits: int, angle_bits: int, seed: int
) -> None:
    p = CordicParameters(
        mode="vectoring", iterations=iterations, data_bits=data_bits, angle_bits=angle_bits
    )
    x, y, angle, _ = vectors(p, CordicWorkload(length=200, signal="uniform", seed=seed))
    length, found = reference(p, x, y, angle)
    z = x + 1j * y
    size = p.gain * np.abs(z)
    # What is left of the angle makes the length smaller by its cosine.
    assert (
        np.abs(length - size) <= size * (1 - np.cos(p.angle_error_rad)) + p.rounding_error
    ).all()
    turn = 2 * np.pi / 2**angle_bits
    error = np.abs((found * turn - np.angle(z) + np.pi) % (2 * np.pi) - np.pi)
    sideways = np.pi / 2 * p.rounding_error / np.maximum(size, 1)
    assert (error <= p.angle_error_rad + sideways + turn / 2)[np.abs(z) > 0].all()


def test_iterations_buy_a_bit_each() -> None:
    errors = []
    for iterations in (4, 8, 12):
        p = CordicParameters(iterations=iterations, data_bits=20, angle_bits=20)
        x, y, angle, _ = vectors(p, CordicWorkload(length=500, signal="uniform"))
        x_out, y_out = reference(p, x, y, angle)
        exact = p.gain * (x + 1j * y) * np.exp(2j * np.pi * angle / 2**20)
        errors.append(np.abs(x_out + 1j * y_out - exact).mean())
    assert 10 < errors[0] / errors[1] < 25 and 10 < errors[1] / errors[2] < 25  # 2**4 is 16


BRANCHES = [
    CordicParameters(
        mode=mode,
        architecture=architecture,
        iterations=iterations,
        iterations_per_cycle=together,
        gating=gating,
        data_bits=6,
        angle_bits=7,
    )
    for mode, architecture, (iterations, together), gating in itertools.product(
        MODES, ("unrolled", "iterative"), ((1, 1), (6, 1), (6, 3), (4, 4)), ("none", "idle")
    )
]


@pytest.mark.few_cases(8)
@pytest.mark.quick_cases(3)
@pytest.mark.parametrize("p", BRANCHES, ids=str)
def test_hardware_is_the_reference(p: CordicParameters) -> None:
    workload = CordicWorkload(length=15, duty=0.6)
    job = case(p, *vectors(p, workload))
    assert len(stream(p).stimulus(job)["valid"]) == cycles(p, workload)
    run(p, [*hard_cases(p), job])


def test_timing_by_hand() -> None:
    """Four iterations, two per cycle: busy for two cycles, and the result after five."""
    p = CordicParameters(
        data_bits=4, angle_bits=4, iterations=4, iterations_per_cycle=2, architecture="iterative"
    )
    words = {"x": [4] * 8, "y": [0] * 8, "angle": [0] * 8, "valid": [1] * 4 + [0] * 4}
    seen = play_in_amaranth(Cordic(p), words, ["ready", "out_valid", "x_out"])
    assert (p.latency_cycles, p.interval_cycles) == (5, 3)
    assert seen["ready"] == [1, 0, 0, 1, 0, 0, 1, 1]
    assert seen["out_valid"] == [0, 0, 0, 0, 0, 1, 0, 0]
    assert seen["x_out"][5] == 7  # 4 * 1.6425 = 6.6


def test_work_and_words_are_counted_as_by_hand() -> None:
    workload = CordicWorkload(length=10)
    done = work(CordicParameters(data_bits=8, angle_bits=6), workload)
    assert (done.count, done.input_bits, done.output_bits) == (10, 220, 200)
    done = work(CordicParameters(mode="vectoring", data_bits=8, angle_bits=6), workload)
    assert (done.count, done.input_bits, done.output_bits) == (10, 160, 160)


def test_the_carrier_is_taken_away() -> None:
    """Turned back, symbols lie on the diagonals they were sent on."""
    p = CordicParameters(data_bits=12, angle_bits=12, iterations=12)
    x, y = reference(p, *vectors(p, CordicWorkload(length=500))[:3])
    angle = np.angle(x + 1j * y) / (np.pi / 4)
    assert np.abs(np.abs(angle) - np.where(x > 0, 1, 3)).max() < 0.6  # noise 20 dB below


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        (
            {"iterations": 8, "iterations_per_cycle": 3},
            "iterations=8 is not a whole number of cycles of iterations_per_cycle=3; use a divisor",
        ),
        ({"mode": "hyperbolic"}, "mode='hyperbolic' is not one of 'rotation', 'vectoring'"),
    ],
)
def test_impossible_parameters_are_refused(given_: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CordicParameters(**given_)


# Faults: each changes the hardware in one place, and the checks of the bench must notice.


class WrongWay(Cordic):
    """The second iteration turns the other way."""

    def _turned(self, m: Module, vector: Any, shifted: Any, by: Any, name: str) -> Any:
        x, y, z = vector
        if name != "1":
            return super()._turned(m, vector, shifted, by, name)
        return super()._turned(m, (x, y, z), (-shifted[0], -shifted[1]), by, name)


class WrongAngle(Cordic):
    """The table's first entry is one too large."""

    def _turned(self, m: Module, vector: Any, shifted: Any, by: Any, name: str) -> Any:
        return super()._turned(m, vector, shifted, by + 8 * (name == "0"), name)


class NoQuarter(Cordic):
    """What the iterations do not reach is not turned by a quarter first."""

    def _started(self, m: Module, flow: Any) -> Any:
        x, y, z = super()._started(m, flow)
        bits = self.parameters.guard_bits
        inputs = (Value.cast(v).as_signed() << bits for v in (self.x, self.y))
        late = [flow.register(v, 0, f"early_{n}") for n, v in enumerate(inputs)]
        return late[0], late[1], z


class StuckBit(Cordic):
    """The lowest bit of x is always 1."""

    def _started(self, m: Module, flow: Any) -> Any:
        x, y, z = super()._started(m, flow)
        return (x | Const(1 << self.parameters.guard_bits)).as_signed(), y, z


@pytest.mark.few_cases(5)
@pytest.mark.slow
@pytest.mark.parametrize("broken", [WrongWay, WrongAngle, NoQuarter, StuckBit])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("architecture", ["unrolled", "iterative"])
def test_faults_are_caught(
    broken: type[Cordic], mode: str, architecture: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = {"unrolled": 1, "iterative": 2}[architecture]
    p = CordicParameters(
        mode=mode,
        data_bits=7,
        angle_bits=8,
        iterations=6,
        architecture=architecture,
        iterations_per_cycle=together,
    )
    run(p, hard_cases(p))
    monkeypatch.setitem(globals(), "Cordic", broken)
    with pytest.raises(AssertionError, match="differ"):
        run(p, hard_cases(p))


class AlwaysReady(Cordic):
    def _iterative(self, m: Module) -> Any:
        real, self.ready = self.ready, Const(1)
        m.d.comb += real.eq(1)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Const, "eq", lambda *_: [])
            made = super()._iterative(m)
        self.ready = real
        return made


def test_a_block_that_takes_too_much_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    p = CordicParameters(data_bits=6, iterations=4, architecture="iterative")
    monkeypatch.setitem(globals(), "Cordic", AlwaysReady)
    with pytest.raises(AssertionError, match="differ"):
        run(p, hard_cases(p))
