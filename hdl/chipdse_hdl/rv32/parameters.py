"""Parameters of `rv32`."""

from __future__ import annotations

from dataclasses import dataclass

from chipdse_hdl.block import check_parameters, parameter
from chipdse_hdl.riscv.instructions import Step


@dataclass(frozen=True, kw_only=True)
class Rv32Parameters:
    """The parameters of the hardware."""

    registers: int = parameter(32, "32: RV32I; 16: RV32E", choices=(16, 32))
    stages: int = parameter(
        1, "1: fetch and execute in one cycle; 2: a register between them", choices=(1, 2)
    )
    shifter: str = parameter(
        "parallel",
        "parallel: any shift in a cycle; serial: a place a cycle",
        choices=("parallel", "serial"),
    )

    def __post_init__(self) -> None:
        check_parameters(self)

    def cycles_of(self, step: Step) -> int:
        """Cycles an instruction takes."""
        if step.shift is not None and self.shifter == "serial":
            return 2 + step.shift
        if step.read is not None:
            return 2
        return 1 + (step.taken and self.stages == 2)
