"""What replay refuses before anything is computed, on netlists written by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from chipdse.errors import DesignError
from chipdse.kernels.build import compiler
from chipdse.netlist.activity.recording import RecordedSignal, Recording, RegisterBit
from chipdse.netlist.activity.replay.replay import replay
from chipdse.netlist.library.cache import load_library
from chipdse.netlist.library.library import CellLibrary
from chipdse.netlist.verilog.reader import read_verilog

ENGINES = ["numpy", *(["compiled"] if compiler() else [])]


@pytest.fixture(scope="module")
def library(shared: Path) -> CellLibrary:
    return load_library([shared / "pdk/ihp-sg13g2/sg13g2_stdcell_typ_1p20V_25C.lib.gz"])


def recording(rows: list[dict[str, int]], widths: dict[str, int]) -> Recording:
    signals, offset = {}, 0
    for name, width in widths.items():
        kind = "input" if name in ("a", "b") else "output" if name == "y" else "register"
        signals[name] = RecordedSignal(name=name, kind=kind, width=width, offset=offset)
        offset += width
    words = [
        sum(row.get(name, 0) << signal.offset for name, signal in signals.items()) for row in rows
    ]
    return Recording(words=np.array(words, dtype=np.uint32)[:, None], signals=signals, clock="clk")


def write(folder: Path, body: str, library: CellLibrary) -> object:
    file = folder / "gates.v"
    file.write_text(f"module top(clk, a, b, y); input clk, a, b; output y;\n{body}\nendmodule\n")
    return read_verilog(file, library, "top")


@pytest.mark.parametrize("engine", ENGINES)
def test_by_hand(engine: str, library: CellLibrary, tmp_path: Path) -> None:
    # q follows a one cycle late; y = !(q & b).
    netlist = write(
        tmp_path,
        "sg13g2_dfrbpq_1 ff (.CLK(clk), .D(a), .RESET_B(1'b1), .Q(q));"
        "sg13g2_nand2_1 gate (.A(q), .B(b), .Y(y));",
        library,
    )
    a, b = [0, 1, 1, 0, 1], [1, 1, 0, 1, 1]
    q = [0, 0, 1, 1, 0]
    rows = [{"a": a[i], "b": b[i], "q": q[i], "y": 1 - (q[i] & b[i])} for i in range(5)]
    result = replay(
        netlist,
        recording(rows, {"a": 1, "b": 1, "y": 1, "q": 1}),
        {"ff": RegisterBit(signal="q", bit=0, inverted=False)},
        engine=engine,
        clock_period_s=2e-9,
    )
    activity, nets = result.activity, netlist.nets_by_name
    assert result.checked_bits == 2 and result.engine == engine
    assert activity.cycles == 4 and activity.duration_s == pytest.approx(8e-9)
    # q: 0 0 1 1 0; b: 1 1 0 1 1; y: 1 1 1 0 1
    assert [activity.toggles[nets[n]] for n in ("a", "b", "q", "y", "clk")] == [3, 2, 2, 2, 8]
    assert activity.high_fraction[nets["y"]] == 0.75
    assert activity.high_fraction[nets["clk"]] == 0.5
    # rows 1 to 4 of (q, b): 01 10 11 01 -> A is the least significant
    kind = library.index["sg13g2_nand2_1"]
    assert activity.states[kind].tolist() == [[0, 0.25, 0.5, 0.25]]


@pytest.mark.parametrize("engine", ENGINES)
def test_an_output_that_differs_is_named(engine: str, library: CellLibrary, tmp_path: Path) -> None:
    netlist = write(tmp_path, "sg13g2_nor2_1 gate (.A(a), .B(b), .Y(y));", library)
    rows = [{"a": i & 1, "b": i >> 1 & 1, "y": int(not i & 3)} for i in range(700)]
    rows[611]["y"] ^= 1
    with pytest.raises(DesignError, match=r"output y: the netlist has 0 before edge 611, .* 1;"):
        replay(netlist, recording(rows, {"a": 1, "b": 1, "y": 1}), {}, engine=engine)


def test_a_loop_is_refused_by_name(library: CellLibrary, tmp_path: Path) -> None:
    netlist = write(
        tmp_path,
        "sg13g2_nand2_1 one (.A(a), .B(back), .Y(y)); sg13g2_nand2_1 two (.A(b), .B(y), .Y(back));",
        library,
    )
    with pytest.raises(DesignError, match=r"combinational loop through (y|back), (y|back)"):
        replay(netlist, recording([{}] * 4, {"a": 1, "b": 1, "y": 1}), {})


def test_what_hangs_on_an_unmapped_register_is_not_annotated(
    library: CellLibrary, tmp_path: Path
) -> None:
    netlist = write(
        tmp_path,
        "sg13g2_dfrbpq_1 ff (.CLK(clk), .D(a), .RESET_B(1'b1), .Q(q));"
        "sg13g2_nand2_1 gate (.A(q), .B(b), .Y(y));",
        library,
    )
    result = replay(netlist, recording([{}] * 4, {"a": 1, "b": 1, "y": 1}), {})
    assert result.unmapped == {"ff": "no register of the RTL is known for it"}
    nets = netlist.nets_by_name
    assert [result.activity.annotated[nets[n]] for n in ("a", "b", "clk", "q", "y")] == [
        *(True, True, True),
        *(False, False),
    ]
    assert result.annotated_fraction == pytest.approx(3 / 5)
    missing = {"ff": RegisterBit(signal="q", bit=0, inverted=False)}
    result = replay(netlist, recording([{}] * 4, {"a": 1, "b": 1, "y": 1}), missing)
    assert result.unmapped == {"ff": "register q[0] is not in the recording"}


@pytest.mark.parametrize("engine", ENGINES)
def test_an_asynchronous_reset_masks_the_check(
    engine: str, library: CellLibrary, tmp_path: Path
) -> None:
    netlist = write(tmp_path, "sg13g2_dfrbpq_1 ff (.CLK(clk), .D(a), .RESET_B(b), .Q(y));", library)
    registers = {"ff": RegisterBit(signal="y", bit=0, inverted=False)}
    widths = {"a": 1, "b": 1, "y": 1}
    # While b is 0, y is 0 whatever a was; one row later the data counts again.
    rows = [{"a": 1, "b": int(i not in (3, 4)), "y": int(i not in (3, 4, 5))} for i in range(9)]
    replay(netlist, recording(rows, widths), registers, engine=engine)
    rows[8]["y"] = 0
    with pytest.raises(DesignError, match=r"register y\[0\] .* is 1 in cycle 7, .* 0 after"):
        replay(netlist, recording(rows, widths), registers, engine=engine)


def test_refuses_unknown_values(library: CellLibrary, tmp_path: Path) -> None:
    import dataclasses

    netlist = write(tmp_path, "sg13g2_nor2_1 gate (.A(a), .B(b), .Y(y));", library)
    rows = recording([{"y": 1}] * 6, {"a": 1, "b": 1, "y": 1})
    unknown = np.zeros_like(rows.words)
    unknown[2] = 2
    rows = dataclasses.replace(rows, unknown=unknown)
    with pytest.raises(DesignError, match="b is X at edge 2 of the recording"):
        replay(netlist, rows, {})
    assert replay(netlist, rows, {}, first_cycle=3).activity.cycles == 2


def test_without_a_compiler_numpy_does_it(
    library: CellLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHIPDSE_CC", "")
    compiler.cache_clear()
    try:
        netlist = write(tmp_path, "sg13g2_nor2_1 gate (.A(a), .B(b), .Y(y));", library)
        rows = recording([{"y": 1}] * 4, {"a": 1, "b": 1, "y": 1})
        assert replay(netlist, rows, {}).engine == "numpy"
    finally:
        monkeypatch.undo()
        compiler.cache_clear()


@pytest.mark.slow
def test_a_damaged_compiled_kernel_is_made_again(
    library: CellLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chipdse.kernels import build

    if compiler() is None:
        pytest.skip("no C compiler")
    monkeypatch.setenv("CHIPDSE_CACHE", str(tmp_path / "cache"))
    netlist = write(tmp_path, "sg13g2_nor2_1 gate (.A(a), .B(b), .Y(y));", library)
    rows = recording([{"y": 1}] * 4, {"a": 1, "b": 1, "y": 1})
    build.kernels.cache_clear()
    try:
        assert replay(netlist, rows, {}, engine="compiled").engine == "compiled"
        for index in (tmp_path / "cache").rglob("*.json"):
            index.write_text("[")
        build.kernels.cache_clear()
        assert replay(netlist, rows, {}, engine="compiled").engine == "compiled"
    finally:
        monkeypatch.undo()
        build.kernels.cache_clear()
