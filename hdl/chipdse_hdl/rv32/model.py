"""Reference of `rv32`: the instructions of its workload, executed; work and cycles."""

from __future__ import annotations

from chipdse_hdl.block import Work
from chipdse_hdl.rv32.parameters import Rv32Parameters
from chipdse_hdl.rv32.workload import Rv32Workload


def work(parameters: Rv32Parameters, workload: Rv32Workload) -> Work:
    """One instruction of work has been executed."""
    done = workload.execution(parameters.registers).steps
    reads = sum(step.read is not None for step in done)
    writes = sum(step.write is not None for step in done)
    return Work(
        count=len(done),
        unit="instruction",
        input_bits=32 * (len(done) + reads),
        output_bits=32 * writes,
    )


def cycles(parameters: Rv32Parameters, workload: Rv32Workload) -> int:
    """Clock cycles from the first fetch until it has halted."""
    done = workload.execution(parameters.registers).steps
    return sum(map(parameters.cycles_of, done)) + parameters.stages
