"""The verbs `sta` and `power` on small netlists of every shape, without tools."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chipdse.cli import main
from tests.support import kernels
from tests.support.netlist_cases import liberty_text

GATES = "module top(a, b, y); input a, b; output y; NAND2 g (.A(a), .B(b), .Y(y)); endmodule"
NESTED = r"""
module leaf(clk, d, q); input clk, d; output q; wire \n.x ;
  INV \i[0] (.A(d), .Y(\n.x )); DFF r (.CK(clk), .D(\n.x ), .Q(q));
endmodule : leaf
module top(clk, a, y); input clk, a; output y; leaf \u.one (.clk(clk), .d(a), .q(y)); endmodule
"""
TRACE = r"""$timescale 1ns $end
$scope module tb $end
$scope module d.ut $end
$var wire 1 ! clk $end
$var wire 1 " a $end
$var wire 1 # y $end
$scope module u.one $end
$var wire 1 $ \n.x $end
$upscope $end
$upscope $end
$upscope $end
$enddefinitions $end
#0
1!
1"
0#
0$
"""
CLOCK = "".join(f"#{5 * half}\n{(half + 1) % 2}!\n" for half in range(1, 9))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CHIPDSE_CACHE", str(kernels.lend(tmp_path / "cache")))
    monkeypatch.chdir(tmp_path)
    Path("tiny.lib").write_text(liberty_text())
    Path("gates.v").write_text(GATES)
    Path("nested.v").write_text(NESTED)
    Path("trace.vcd").write_text(TRACE + CLOCK)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], verb: str, *arguments: str) -> tuple[int, str, str]:
    code = main([verb, *arguments, "--liberty", "tiny.lib", "--json"])
    out, err = capsys.readouterr()
    return code, out, err


def test_a_netlist_without_registers_needs_a_period_only(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, "sta", "gates.v", "--clock", "2ns")
    # The slower of NAND2's arcs without load, of a period of 2 ns.
    assert code == 0
    assert json.loads(out)["worst_setup_slack_s"] == pytest.approx(2e-9 - 0.11e-9)
    code, _, err = run(capsys, "sta", "nested.v", "--top", "top", "--clock", "2ns")
    assert code == 2 and "registers without a clock (none is named): u.one.r/CK" in err


def test_a_clock_at_an_output_port_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("out.v").write_text(
        "module top(clk, a, y, c); input clk, a; output y, c;"
        "DFF r (.CK(clk), .D(a), .Q(y)); INV i (.A(clk), .Y(c)); endmodule"
    )
    code, out, _ = run(capsys, "sta", "out.v", "--clock", "clk=2ns")
    found = json.loads(out)
    # The clock's fall passes the inverter (0.1 ns) and has 1 ns until the next rise.
    assert code == 0 and found["clock_outputs"] == ["c"] and found["endpoint"] == "c"
    assert found["worst_setup_slack_s"] == pytest.approx(1e-9 - 0.1e-9)
    words = ["sta", "out.v", "--liberty", "tiny.lib", "--clock", "clk=2ns"]
    assert main(words) == 0
    assert "clock at ports c:" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("clock", "message"),
    [
        (["clk"], "--clock 'clk' is not PORT=PERIOD; write e.g. clk=10ns"),
        (["=5ns"], "--clock '=5ns' is not PORT=PERIOD"),
        (["clk=5"], "'5' has no unit"),
        (["clk=0ns"], "'0ns' must be positive"),
        (["clk=5ns", "b=3ns"], "--clock is given for clk and b; one clock is timed"),
        (["3ns", "clk=5ns"], "--clock is given for no port and clk; one clock is timed"),
    ],
)
def test_a_wrong_clock_is_refused_in_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], clock: list[str], message: str
) -> None:
    given = [word for each in clock for word in ("--clock", each)]
    code, out, err = run(capsys, "sta", "nested.v", *given)
    assert (code, out) == (2, "") and message in err and err.count("\n") == 1


@pytest.mark.parametrize("scope", ["tb.d.ut", r"tb.\d.ut "])
def test_escaped_names_may_hold_dots(
    folder: Path, capsys: pytest.CaptureFixture[str], scope: str
) -> None:
    code, out, _ = run(
        capsys, "power", "nested.v", "--clock", "clk=10ns", "--trace", "trace.vcd", "--scope", scope
    )
    found = json.loads(out)
    # INV has leakage states and its input is 1 throughout (3 nW); the flip-flop's is 4 nW.
    assert code == 0 and found["annotated_fraction"] == 1.0
    assert found["leakage_w"] == pytest.approx(7e-9)


def test_a_scope_that_names_a_few_nets_only(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = TRACE.replace('$var wire 1 " a $end', "").replace("# y", "# z").replace("n.x", "m")
    Path("trace.vcd").write_text(text.replace('1"\n', "") + CLOCK)
    given = ["nested.v", "--clock", "clk=10ns", "--trace", "trace.vcd", "--scope", "tb.d.ut"]
    code, _, err = run(capsys, "power", *given)
    assert code == 2 and "25.0% of the nets have activity" in err
    code, out, _ = run(capsys, "power", *given, "--allow-unannotated")
    assert code == 0 and json.loads(out)["annotated_fraction"] == 0.25


@pytest.mark.slow
def test_a_library_may_be_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # The same figures as from the Liberty file of the library's nominal corner.
    Path("inverter.v").write_text(
        "module top(clk, d, q); input clk, d; output q; wire n;\n"
        "sky130_fd_sc_hd__inv_1 i (.A(d), .Y(n));\n"
        "sky130_fd_sc_hd__dfxtp_1 r (.CLK(clk), .D(n), .Q(q)); endmodule\n"
    )
    assert main(["library", "export", "sky130", "--to", "nominal.lib"]) == 0
    timed = []
    for liberty in ("sky130", "nominal.lib"):
        capsys.readouterr()
        words = ["sta", "inverter.v", "--liberty", liberty, "--clock", "clk=10ns", "--json"]
        assert main(words) == 0
        timed.append(json.loads(capsys.readouterr().out)["critical_path_s"])
    assert timed[0] == pytest.approx(timed[1], rel=1e-5) and timed[0] > 0
    assert main(["sta", "inverter.v", "--liberty", "no_such", "--clock", "clk=1ns"]) == 2


ESCAPE = "\x1b[31m"
ODD_NAMES = {
    "an instance": (GATES.replace("NAND2 g", f"NAND2 \\g{ESCAPE} "), "NAND2"),
    "an instance, its letters turned": (GATES.replace("NAND2 g", "NAND2 \\g\u202e "), "NAND2"),
    "a net": (GATES.replace("(a)", f"(\\a{ESCAPE} )"), "NAND2"),
    "a cell of the library": (GATES, f"NAND2{ESCAPE}"),
    "a suggested cell": (GATES.replace("NAND2", "NAND3"), f"NAND2{ESCAPE}"),
}


@pytest.mark.parametrize("what", ODD_NAMES)
def test_control_characters_reach_no_terminal(
    folder: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    """A name from a file could otherwise colour, hide or answer what the terminal shows."""
    netlist, cell = ODD_NAMES[what]
    Path("odd.v").write_text(netlist)
    library = liberty_text().replace("cell (NAND2)", f"cell ({cell})")
    assert library != liberty_text() or cell == "NAND2"
    Path("odd.lib").write_text(library)
    code = main(["sta", "odd.v", "--liberty", "odd.lib", "--clock", "1ns"])
    out, err = capsys.readouterr()
    assert code == 2 and not out and len(err.splitlines()) == 1
    assert err.rstrip("\n").isprintable()


@pytest.mark.parametrize("name", [f"e{ESCAPE}.v", "two\nlines.v", "right\u202eleft.v"])
def test_a_file_name_is_shown_in_one_printable_line(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    for words in (["sta", name, "--liberty", "tiny.lib", "--clock", "1ns"], ["sta", "--x", name]):
        try:
            code = main(words)
        except SystemExit as ended:
            code = int(str(ended.code))
        err = capsys.readouterr().err
        assert code == 2 and len(err.splitlines()) == 1 and err.rstrip("\n").isprintable()
