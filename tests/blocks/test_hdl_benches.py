"""The cocotb benches on exported Verilog: good hardware passes, broken hardware does not."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
from chipdse_hdl import BLOCKS
from chipdse_hdl.fir import FirParameters, FirWorkload
from chipdse_hdl.mac_array import MacArrayParameters, MacArrayWorkload

from tests.support.hdl_runs import export_verilog, run_bench

pytestmark = pytest.mark.tools

MAC_ARRAY, FIR = BLOCKS["mac_array"], BLOCKS["fir"]
SMALL_ARRAY = MacArrayParameters(rows=2, columns=3, operand_bits=5, accumulator_bits=16)
SMALL_FILTER = FirParameters(taps=5, data_bits=6, coefficient_bits=5)


@pytest.mark.few_cases(3)
@pytest.mark.parametrize(
    ("parameters", "workload"),
    [
        (MacArrayParameters(), MacArrayWorkload(length=128, sparsity=0.5)),
        (
            dataclasses.replace(SMALL_ARRAY, pipeline_stages=2, overlapped_drain=True),
            MacArrayWorkload(length=12, depth=3),
        ),
        (
            MacArrayParameters(rows=1, columns=1, operand_bits=2, accumulator_bits=6, signed=False),
            MacArrayWorkload(length=5, depth=5, values="gaussian"),
        ),
        (FirParameters(), FirWorkload(length=100)),
        (
            FirParameters(taps=7, form="transposed", samples_per_cycle=3, pipeline_stages=2),
            FirWorkload(length=100, signal="tone", level=1.0),
        ),
        (
            FirParameters(taps=1, coefficients="fixed", samples_per_cycle=8),
            FirWorkload(length=1, signal="noise"),
        ),
    ],
    ids=str,
)
def test_benches_pass_under_icarus(parameters: Any, workload: Any, tmp_path: Path) -> None:
    block = MAC_ARRAY if isinstance(parameters, MacArrayParameters) else FIR
    verilog = export_verilog(block.hardware(parameters), tmp_path)
    assert not re.search(r"(input|output).*signed", verilog.read_text())
    # The edges the bench names are the first at which the workload's data is accepted and on.
    accepts = "valid && ready" if block is MAC_ARRAY else "x_valid"
    watch_acceptance(verilog, accepts)

    result, complaints = run_bench(block, parameters, workload, verilog, tmp_path)

    assert result is not None, complaints
    assert result["cycles"] == block.cycles(parameters, workload)
    edges = [int(edge) for edge in (tmp_path / "accepted.txt").read_text().split()]
    assert result["first_cycle"] in edges
    if block is FIR:
        words = -(-workload.length // parameters.samples_per_cycle)
        first = result["first_cycle"]
        assert edges[-words:] == list(range(first, first + words))


def watch_acceptance(verilog: Path, accepts: str) -> None:
    """Let the top module write the number of each rising edge at which it accepts data."""
    watcher = f"""
      integer edge_number = 0, accepted;
      initial accepted = $fopen("accepted.txt");
      always @(posedge clk) begin
        if (!rst && {accepts}) $fdisplay(accepted, "%0d", edge_number);
        edge_number <= edge_number + 1;
      end
    endmodule"""
    text = verilog.read_text()
    head, top, rest = re.split(r"(?m)^(?=module top\()|^endmodule$", text, maxsplit=2)
    verilog.write_text(head + top + watcher + rest)


# The bench of mac_array runs under Verilator in tests/test_cli.py too, through chipdse.
@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("block", "parameters", "workload"),
    [
        (
            MAC_ARRAY,
            dataclasses.replace(SMALL_ARRAY, pipeline_stages=1),
            MacArrayWorkload(length=64, depth=16),
        ),
        (FIR, dataclasses.replace(SMALL_FILTER, samples_per_cycle=2), FirWorkload(length=101)),
    ],
    ids=["mac_array", "fir"],
)
def test_benches_pass_under_verilator(
    block: Any, parameters: Any, workload: Any, tmp_path: Path
) -> None:
    verilog = export_verilog(block.hardware(parameters), tmp_path)
    result, complaints = run_bench(block, parameters, workload, verilog, tmp_path, "verilator")
    assert result is not None, complaints
    assert result["cycles"] == block.cycles(parameters, workload)


@pytest.mark.parametrize("block", [MAC_ARRAY, FIR], ids=lambda block: block.name)
def test_nothing_depends_on_how_registers_start(block: Any, tmp_path: Path) -> None:
    """As in silicon: without initial values registers are X until written, and that is enough."""
    parameters = SMALL_ARRAY if block is MAC_ARRAY else SMALL_FILTER
    verilog = export_verilog(block.hardware(parameters), tmp_path)
    text, count = re.subn(r"(?m)^(  (?:output )?reg [^=\n]*) = .*;$", r"\1;", verilog.read_text())
    assert count > 10
    verilog.write_text(text)
    result, complaints = run_bench(block, parameters, block.workload(), verilog, tmp_path)
    assert result is not None, complaints


ARRAY_FAULTS = {
    "a product too small": (r"\$signed\(a\) \* \$signed\(b\)", "$signed(a) * $signed(b) - 1"),
    "a sum that never starts anew": (r"command\[1\] \? 16'h0000 : accumulator", "accumulator"),
    "a drain that stands still": (r"command\[2\] \? result_next : accumulator", "accumulator"),
    "a reset that forgets the state": (r"rst \? 1'h1 : ", "1'b0 ? 1'h1 : "),
    "always ready": (r"assign ready = .*;", "assign ready = 1'b1;"),
    "an input bit stuck": (r"a\[9:5\]", "{a[9:6], 1'b0}"),
}
FILTER_FAULTS = {
    "a coefficient not loaded": (r"load \? h_2 : h_1", "load ? h_3 : h_1"),
    "a delay line with a short cut": (r"x_valid \? x_1 : x_2", "x_valid ? x_0 : x_2"),
    "outputs that outlive the reset": (r"rst \? 1'h0 : valid_0", "valid_0"),
    "outputs called valid too soon": (r"rst \? 1'h0 : valid_0", "rst ? 1'h0 : x_valid"),
    "a product without a sign": (r"\$signed\(x_3\)", "$unsigned(x_3)"),
    "samples that outlive the reset": (r"rst \? 6'h00 : ", "1'b0 ? 6'h00 : "),
}


@pytest.mark.few_cases(2)
@pytest.mark.parametrize("fault", ARRAY_FAULTS)
def test_the_bench_of_mac_array_catches(fault: str, tmp_path: Path) -> None:
    _must_fail(MAC_ARRAY, SMALL_ARRAY, ARRAY_FAULTS[fault], tmp_path)


@pytest.mark.few_cases(2)
@pytest.mark.parametrize("fault", FILTER_FAULTS)
def test_the_bench_of_fir_catches(fault: str, tmp_path: Path) -> None:
    _must_fail(FIR, SMALL_FILTER, FILTER_FAULTS[fault], tmp_path)


def test_the_bench_of_fir_catches_an_output_that_does_not_wait(tmp_path: Path) -> None:
    parameters = dataclasses.replace(SMALL_FILTER, form="transposed")
    _must_fail(FIR, parameters, (r"valid_0 \? sum_0 : y", "sum_0"), tmp_path)


def _must_fail(block: Any, parameters: Any, fault: tuple[str, str], folder: Path) -> None:
    verilog = export_verilog(block.hardware(parameters), folder)
    text, count = re.subn(*fault, verilog.read_text(), count=1)
    assert count == 1, f"{fault[0]} is not in the Verilog"
    verilog.write_text(text)
    result, complaints = run_bench(block, parameters, block.workload(), verilog, folder)
    assert result is None
    assert re.search("differ", complaints), complaints


def test_an_overflowing_workload_fails_with_the_fix(tmp_path: Path) -> None:
    parameters = dataclasses.replace(SMALL_ARRAY, accumulator_bits=10)
    verilog = export_verilog(MAC_ARRAY.hardware(parameters), tmp_path)
    workload = MacArrayWorkload(length=256, depth=256)
    result, complaints = run_bench(MAC_ARRAY, parameters, workload, verilog, tmp_path)
    assert result is None
    assert "accumulator_bits=10 overflows" in complaints
