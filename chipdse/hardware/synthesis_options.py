"""The options of synthesis, as a record that checks them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from chipdse.records import Absent, check_knobs, knob, read_absent


@dataclass(frozen=True, kw_only=True)
class SynthesisOptions:
    """The options of synthesis."""

    target_period_s: float | None = knob(
        None, "clock period to aim at; by default as short as possible", "s", kind=float, above=0
    )
    effort: Literal["quick", "full"] = knob(
        "quick",
        "quick for searches; full tries harder for area and speed, at several times the run time",
        choices=("quick", "full"),
    )
    goal: Literal["balanced", "delay"] = knob(
        "balanced",
        "balanced maps for delay with area recovered everywhere; delay for the shortest path, with"
        " up to twice the cells and more energy per operation (docs/concepts/glitches.md)",
        choices=("balanced", "delay"),
    )
    clock_gating: int | None = knob(
        None,
        "smallest group of flip-flops that share an enable and get a clock gate",
        kind=int,
        minimum=1,
        absent=Absent(
            written=0,
            meaning="no clock gates; enables become multiplexers or enabled flip-flops",
        ),
    )
    hierarchy: Literal["flat", "shared", "auto"] = knob(
        "flat",
        "flat maps the design as one module; shared maps modules that are equal but for names once"
        " (docs/concepts/hierarchy.md); auto is shared where that saves half of the gates",
        choices=("flat", "shared", "auto"),
    )
    seed: int = knob(
        0,
        "0 for the plain flow; any other value gives ABC another, equally good start, so that"
        " replicates show how much of a difference is chance",
        minimum=0,
    )
    memory_macro_bits: int | None = knob(
        4096,
        "memories of at least so many bits become SRAM macros (docs/howto/memories.md)",
        minimum=1,
        absent=Absent(written=0, meaning="all memories stay in registers"),
    )
    memory_family: str = knob(
        "auto", "of SRAM macros; auto is the one of the library's process, if there is one"
    )

    def __post_init__(self) -> None:
        read_absent(self)
        check_knobs(self)
