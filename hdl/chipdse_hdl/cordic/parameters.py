"""Parameters and workload of `cordic`, and how exact its results are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipdse_hdl.block import check_parameters, index_bits, parameter, seed_parameter
from chipdse_hdl.gates.choices import GATING_DOC
from chipdse_hdl.workloads.operands import duty_parameter


@dataclass(frozen=True, kw_only=True)
class CordicParameters:
    """The parameters of the hardware."""

    mode: str = parameter(
        "rotation",
        "rotation: a vector turned by an angle; vectoring: a vector's length and angle",
        choices=("rotation", "vectoring"),
    )
    data_bits: int = parameter(10, "width of a vector's part, signed", minimum=3, maximum=24)
    angle_bits: int = parameter(
        10, "width of an angle; 2**angle_bits is a turn", minimum=4, maximum=24
    )
    iterations: int = parameter(8, "one for each bit of the result, about", minimum=1, maximum=24)
    architecture: str = parameter(
        "unrolled",
        "unrolled: hardware for each iteration, one vector per cycle; iterative: all iterations "
        "share their hardware, one vector at a time",
        choices=("unrolled", "iterative"),
    )
    iterations_per_cycle: int = parameter(1, "between registers", minimum=1, maximum=24)
    gating: str = parameter("none", GATING_DOC, choices=("none", "idle"))

    def __post_init__(self) -> None:
        check_parameters(self)
        if self.iterations % self.iterations_per_cycle:
            raise ValueError(
                f"iterations={self.iterations} is not a whole number of cycles of "
                f"iterations_per_cycle={self.iterations_per_cycle}; use a divisor of "
                f"{self.iterations}"
            )

    @property
    def guard_bits(self) -> int:
        """Places below the last of the inputs, so that iterations round without harm."""
        return index_bits(self.iterations) + 1

    @property
    def output_bits(self) -> int:
        """The width of a result's part: turned by 45 degrees and grown by `gain`, 2.33 times."""
        return self.data_bits + 2

    @property
    def steps(self) -> int:
        """Cycles that the iterations take."""
        return self.iterations // self.iterations_per_cycle

    @property
    def latency_cycles(self) -> int:
        """From the edge that accepts a vector to the edge at which its result can be read."""
        return self.steps + (1 if self.architecture == "unrolled" else 3)

    @property
    def interval_cycles(self) -> int:
        """From one vector to the next."""
        return 1 if self.architecture == "unrolled" else self.steps + 1

    @property
    def gain(self) -> float:
        """By what vectors grow."""
        return float(np.prod(np.sqrt(1 + 4.0 ** -np.arange(self.iterations))))

    @property
    def angles(self) -> np.ndarray:
        """What each iteration turns by, int64, with the guard bits."""
        turn = np.arctan(2.0 ** -np.arange(self.iterations)) / (2 * np.pi)
        return np.rint(turn * 2 ** (self.angle_bits + self.guard_bits)).astype(np.int64)

    @property
    def angle_error_rad(self) -> float:
        """What is left of an angle after the iterations, at most, with the table's rounding."""
        unit = 2 * np.pi / 2 ** (self.angle_bits + self.guard_bits)
        return float(np.arctan(2.0 ** -(self.iterations - 1)) + self.iterations * unit / 2)

    @property
    def rounding_error(self) -> float:
        """How far truncated shifts and the last rounding move a result, in its last place."""
        shifts = np.sqrt(2) * self.gain * self.iterations / 2**self.guard_bits
        return float(shifts + np.sqrt(0.5))


@dataclass(frozen=True, kw_only=True)
class CordicWorkload:
    """Vectors one after another."""

    length: int = parameter(512, "vectors", minimum=1, maximum=10**7)
    signal: str = parameter(
        "carrier",
        "carrier: received QPSK symbols with noise 20 dB below, on a carrier, and the angles that "
        "take it away; uniform: anything",
        choices=("carrier", "uniform"),
    )
    frequency: float = parameter(0.05, "carrier: cycles per vector", minimum=-0.5, maximum=0.5)
    duty: float = duty_parameter("; of those in which one can be taken")
    seed: int = seed_parameter("operands")

    def __post_init__(self) -> None:
        check_parameters(self)
