"""A wrong reset in a description of Verilog is refused, and a corrected one is used at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from chipdse.design import find_block
from chipdse.errors import DesignError
from chipdse.hardware.elaborate import elaborate
from chipdse.hardware.simulate import simulate
from chipdse.netlist.activity.recording import read_recording
from chipdse.store.store import Store

HEAD = "module top(input clk, input rst, input en, input [3:0] d, output reg [7:0] y,\n"
HEAD += "  output reg [3:0] q);\nalways @(posedge clk) q <= d;\n"
BODIES = {
    "high": "always @(posedge clk) if (rst) y <= 0; else if (en) y <= y + d;",
    "low": "always @(posedge clk) if (!rst) y <= 0; else if (en) y <= y + d;",
    "asynchronous high": "always @(posedge clk or posedge rst)\n"
    "  if (rst) y <= 0; else if (en) y <= y + d;",
    "asynchronous low": "always @(posedge clk or negedge rst)\n"
    "  if (!rst) y <= 0; else if (en) y <= y + d;",
}


def described(folder: Path, body: str, lines: str, head: str = HEAD) -> Path:
    (folder / "top.v").write_text(f"{head}{body}\nendmodule\n")
    path = folder / "block.toml"
    path.write_text(f'sources = ["top.v"]\ntop = "top"\nclock = "clk"\n{lines}\n')
    return path


def simulated(path: Path, store: Store, length: int = 60) -> list[int]:
    """The values of the output `y` in the run."""
    block = find_block(str(path))
    workload = block.workload(length=length)
    rtl = elaborate(block, block.parameters(), store)
    run = simulate(block, block.parameters(), workload, rtl, store)
    return read_recording(run.layout, run.data).values("y")[run.first_cycle + 1 :]


@pytest.mark.few_cases(2)
@pytest.mark.tools
@pytest.mark.parametrize("kind", BODIES)
def test_a_reset_at_the_wrong_level_is_refused_and_the_right_one_used(
    tmp_path: Path, kind: str
) -> None:
    right = kind.split()[-1]
    wrong = {"high": "low", "low": "high"}[right]
    store = Store(root=tmp_path / "store")
    path = described(tmp_path, BODIES[kind], f'reset = "rst"\nreset_active = "{wrong}"')
    with pytest.raises(DesignError, match=f'write .*reset_active = "{right}"') as said:
        simulated(path, store)
    assert "\n" not in str(said.value)
    path = described(tmp_path, BODIES[kind], f'reset = "rst"\nreset_active = "{right}"')
    assert len(set(simulated(path, store))) > 20  # with the same store


@pytest.mark.tools
@pytest.mark.parametrize("lines", ["", 'reset = "en"'])
def test_an_asynchronous_reset_that_is_not_stated_is_refused(tmp_path: Path, lines: str) -> None:
    path = described(tmp_path, BODIES["asynchronous low"], lines)
    expected = r"'rst' resets registers asynchronously.*write reset = \"rst\" and reset_active"
    with pytest.raises(DesignError, match=expected):
        simulated(path, Store(root=tmp_path / "store"))


@pytest.mark.tools
def test_an_enable_named_as_reset_is_refused(tmp_path: Path) -> None:
    body = "always @(posedge clk) if (en) y <= y + d;"
    head = HEAD.replace("always @(posedge clk) q <= d;", "always @* q = d;")
    path = described(tmp_path, body, 'reset = "en"', head)
    with pytest.raises(DesignError, match='constant after it; write reset_active = "low".*or the'):
        simulated(path, Store(root=tmp_path / "store"))


@pytest.mark.tools
@pytest.mark.parametrize(
    "body",
    [
        "always @(posedge clk) y <= {4'd0, q};",  # a pipeline that no reset reaches
        "reg r = 0; always @(posedge clk) begin r <= 1; if (rst) y <= 0; else y <= y + d; end",
        "always @(posedge clk) y <= 0;",
    ],
)
def test_designs_with_constant_registers_are_simulated(tmp_path: Path, body: str) -> None:
    path = described(tmp_path, body, 'reset = "rst"')
    assert simulated(path, Store(root=tmp_path / "store"))


@pytest.mark.tools
def test_a_corrected_clock_is_used_with_the_same_store(tmp_path: Path) -> None:
    body = "always @(posedge d[0]) y <= y + 1;"
    head = HEAD.replace("always @(posedge clk) q <= d;", "").replace("[3:0] d", "d")
    path = described(tmp_path, body.replace("d[0]", "d"), "", head)
    store = Store(root=tmp_path / "store")
    with pytest.raises(DesignError):
        simulated(path, store)
    path.write_text(path.read_text().replace('"clk"', '"d"'))
    block = find_block(str(path))
    assert elaborate(block, block.parameters(), store).clock == "d"
