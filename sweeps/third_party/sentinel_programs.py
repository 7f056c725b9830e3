"""The RISC-V core of the package `sentinel-cpu` as a block that runs the programs of ELF files.

The hardware is that of `sentinel_blocks`. Any core runs programs this way: a workload whose program
is a file, the model of `chipdse_hdl.riscv`, and a bench that answers as memory and compares every
store with the model (`bench_sentinel_programs`).
"""

from __future__ import annotations

from dataclasses import dataclass

from chipdse_hdl.block import Block, Work, check_parameters, file_parameter, named_file
from chipdse_hdl.riscv.program import PROGRAMS, Execution, run_elf
from sentinel_blocks import CYCLES_PER_INSTRUCTION, Parameters, hardware


@dataclass(frozen=True, kw_only=True)
class Workload:
    """A program: one that ships with chipdse, or an ELF file."""

    program: str = file_parameter(
        "quicksort", "a static ELF file of RV32I or RV32E", suffix=".elf", folder=PROGRAMS
    )

    def __post_init__(self) -> None:
        check_parameters(self)

    @property
    def execution(self) -> Execution:
        """What the program does."""
        path = named_file(self, "program")
        assert path is not None
        return run_elf(path)


def work(parameters: Parameters, workload: Workload) -> Work:
    """An instruction is one operation."""
    done = workload.execution.steps
    loads = sum(step.read is not None for step in done)
    stores = sum(step.write is not None for step in done)
    return Work(
        count=len(done),
        unit="instruction",
        input_bits=32 * (len(done) + loads),
        output_bits=32 * stores,
    )


def cycles(parameters: Parameters, workload: Workload) -> int:
    """Clock cycles of a run, roughly."""
    return CYCLES_PER_INSTRUCTION * len(workload.execution.steps)


CORE = Block(
    name="sentinel",
    summary="the RISC-V core Sentinel, running programs",
    parameters=Parameters,
    workload=Workload,
    hardware=hardware,
    bench="bench_sentinel_programs",
    work=work,
    cycles=cycles,
)
