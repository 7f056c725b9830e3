"""Parameters and workload of `fft`, and how exact its results are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipdse_hdl.block import check_parameters, parameter, seed_parameter
from chipdse_hdl.fft.stages import Stage, chain


@dataclass(frozen=True, kw_only=True)
class FftParameters:
    """The parameters of the hardware."""

    points: int = parameter(16, "samples of a transform, a power of two", minimum=4, maximum=1024)
    radix: int = parameter(
        4, "2: a multiplier behind each butterfly; 4: behind every second", choices=(2, 4)
    )
    data_bits: int = parameter(10, "width of a part of a sample, signed", minimum=2, maximum=20)
    twiddle_bits: int = parameter(
        10, "width of a part of a rotation, whose 1 is 2**(twiddle_bits - 2)", minimum=4, maximum=20
    )
    scaling: str = parameter(
        "grow",
        "grow: each butterfly adds a bit; half: each halves its results, rounded, and the width "
        "stays",
        choices=("grow", "half"),
    )
    delay_lines: str = parameter(
        "shift",
        "shift: every sample moves in every cycle; memory: samples stay, a pointer moves (lines "
        "of 4 and more)",
        choices=("shift", "memory"),
    )
    pipeline_stages: int = parameter(
        0, "1: a register also between butterflies and multipliers", minimum=0, maximum=1
    )

    def __post_init__(self) -> None:
        check_parameters(self)
        if self.points & (self.points - 1):
            below = 1 << (self.points.bit_length() - 1)
            raise ValueError(
                f"points={self.points} is not a power of two; use {below} or {2 * below}"
            )

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The butterflies from the input on, with what each does."""
        # A turned sample is up to sqrt(2) larger than its parts.
        return chain(self.points, self.radix, self.data_bits + 1, int(self.scaling == "grow"))

    @property
    def output_bits(self) -> int:
        """The width of a part of a result."""
        return self.stages[-1].bits

    @property
    def latency_samples(self) -> int:
        """Samples that must follow a transform's first, up to and with which its first leaves."""
        return sum(stage.delay + self._registers(stage) for stage in self.stages)

    def _registers(self, stage: Stage) -> int:
        return 2 if self.pipeline_stages and stage.multiplies else 1

    @property
    def gain(self) -> float:
        """By what results are larger than those of the transform itself."""
        return 1.0 if self.scaling == "grow" else 1 / self.points

    @property
    def error_bound(self) -> float:
        """No result is further, as a complex number, from `gain` times the exact transform.

        Through each butterfly errors add, and half of the last place is lost to rounding where
        it halves; a multiplier adds as much, and the rotation's own error times the sample.
        """
        rounding = np.sqrt(0.5)
        size = np.sqrt(2) * 2 ** (self.data_bits - 1)
        error = 0.0
        for stage in self.stages:
            error, size = 2 * error, 2 * size
            if self.scaling == "half":
                error, size = error / 2 + rounding, size / 2
            if stage.multiplies:
                turn = rounding * 2.0 ** -(self.twiddle_bits - 2)
                error = error * (1 + turn) + size * turn + rounding
        return float(error)


@dataclass(frozen=True, kw_only=True)
class FftWorkload:
    """A signal to transform, block by block."""

    length: int = parameter(512, "samples, filled up to whole blocks", minimum=1, maximum=10**7)
    signal: str = parameter(
        "ofdm",
        "ofdm: as received by radio, QPSK on every carrier, other noise 20 dB below; tones: two "
        "sines, the second 20 dB below; noise: white, gaussian",
        choices=("ofdm", "tones", "noise"),
    )
    level: float = parameter(
        0.25, "root mean square of a part, 1 is full scale; clipped", minimum=0.0, maximum=1.0
    )
    duty: float = parameter(1.0, "fraction of cycles with a sample", minimum=0.001, maximum=1.0)
    seed: int = seed_parameter("samples")

    def __post_init__(self) -> None:
        check_parameters(self)
