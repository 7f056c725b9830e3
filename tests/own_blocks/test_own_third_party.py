"""Hardware of other people's packages: its benches pass, its sweeps are sound."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipdse.design import find_block
from chipdse.errors import ToolError
from chipdse.hardware.elaborate import elaborate
from chipdse.hardware.simulate import Simulation, simulate
from chipdse.store.store import Store
from chipdse.study.question.sweep_file import check_libraries, read_sweep

THIRD_PARTY = Path(__file__).parents[2] / "sweeps" / "third_party"


@pytest.fixture(scope="module", autouse=True)
def on_the_path() -> Iterator[None]:
    path = list(sys.path)
    sys.path.insert(0, str(THIRD_PARTY))
    yield
    sys.path[:] = path


def simulated(
    reference: str, given: dict[str, Any], load: dict[str, Any], folder: Path
) -> Simulation:
    block = find_block(reference, THIRD_PARTY)
    parameters, store = block.parameters(**given), Store(root=folder)
    rtl = elaborate(block, parameters, store)
    return simulate(block, parameters, block.workload(**load), rtl, store)


@pytest.mark.few_cases(2)
@pytest.mark.tools
@pytest.mark.parametrize(
    ("reference", "kind", "cycles"),
    [
        # Cycles as smolarith's documentation has them: `width` an operation, or one in a row.
        ("smolarith_blocks:MULTIPLIER", "multicycle", 20 * 5),
        ("smolarith_blocks:MULTIPLIER", "pipelined", 20 + 5),
        ("smolarith_blocks:DIVIDER", "restoring", 20 * (5 + 3)),
        ("smolarith_blocks:DIVIDER", "non_restoring", 20 * (5 + 4)),
    ],
)
def test_smolarith_takes_the_cycles_of_its_kind(
    reference: str, kind: str, cycles: int, tmp_path: Path
) -> None:
    pytest.importorskip("smolarith", reason="pip install chipdse[third-party]")
    run = simulated(reference, {"width": 5, "kind": kind}, {"length": 20}, tmp_path)
    assert run.cycles == pytest.approx(cycles, abs=22)  # a cycle each between operations


@pytest.mark.tools
def test_a_wrong_quotient_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("smolarith", reason="pip install chipdse[third-party]")
    with pytest.raises(ToolError, match="failed in quotients_match"):
        # The divider's bench on a multiplier: same ports but for the result's width.
        block = find_block("smolarith_blocks:DIVIDER", THIRD_PARTY)
        import smolarith_blocks

        object.__setattr__(
            block, "hardware", lambda p: smolarith_blocks.MulticycleMul(width=p.width)
        )
        object.__setattr__(block, "source", "a multiplier")
        store, parameters = Store(root=tmp_path), block.parameters(width=4)
        rtl = elaborate(block, parameters, store)
        simulate(block, parameters, block.workload(length=8), rtl, store)


@pytest.mark.exhaustive
@pytest.mark.tools
@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")  # of its macro processor
def test_sentinel_sorts(tmp_path: Path) -> None:
    pytest.importorskip("sentinel_cpu", reason="pip install chipdse[third-party]")
    run = simulated("sentinel_blocks:SORTER", {}, {"length": 4}, tmp_path)
    import sentinel_blocks

    count, writes = sentinel_blocks.reference(sentinel_blocks.Workload(length=4))
    assert 4 * count < run.cycles < 12 * count
    assert writes[-1] == (sentinel_blocks.DONE, 1)


@pytest.mark.tools
def test_serv_adds_up(tmp_path: Path) -> None:
    pytest.importorskip("pythondata_cpu_serv", reason="pip install chipdse[third-party]")
    run = simulated("verilog/serv.toml", {"RF_WIDTH": 8}, {"length": 2}, tmp_path)
    # A bit per cycle: 32 cycles per instruction and some around it, twice as many for lw and sw.
    assert 32 * 17 < run.cycles < 64 * 17


def test_the_programs_encodings_are_the_specifications() -> None:
    pytest.importorskip("sentinel_cpu", reason="pip install chipdse[third-party]")
    from sentinel_blocks import machine_code

    # Worked by hand from the base formats of RV32I: addi x1,x0,1024; lw x4,0(x3); sw x4,4(x5);
    # bgeu x4,x6,+16; jal x0,-20
    lines = [("addi", 1, 0, 1024), ("lw", 4, 3, 0), ("sw", 4, 5, 4), ("bgeu", 4, 6, 16)]
    expected = [0x40000093, 0x0001A203, 0x0042A223, 0x00627863, 0xFEDFF06F]
    assert machine_code([*lines, ("jal", 0, 0, -20)]) == expected


def test_the_reference_sorts() -> None:
    pytest.importorskip("sentinel_cpu", reason="pip install chipdse[third-party]")
    from sentinel_blocks import DATA, Workload, reference, words

    load = Workload(length=9, seed=3)
    memory = {DATA + 4 * n: word for n, word in enumerate(words(load))}
    for address, word in reference(load)[1]:
        memory[address] = word
    assert [memory[DATA + 4 * n] for n in range(9)] == sorted(words(load))


@given(st.integers(2, 16), st.booleans(), st.data())
def test_quotient_and_remainder_give_the_dividend_again(
    width: int, signed: bool, data: Any
) -> None:
    pytest.importorskip("smolarith", reason="pip install chipdse[third-party]")
    from smolarith_blocks import quotient

    low = -(2 ** (width - 1)) if signed else 0
    n, d = (data.draw(st.integers(low, low + 2**width - 1)) for _ in "nd")
    q, r = quotient(width, signed, n, d)
    assert (q * d + r - n) % 2**width == 0
    if d == 0:
        assert (q, r) == (2**width - 1, n % 2**width)  # RISC-V's division by zero


@pytest.mark.slow
@pytest.mark.parametrize("file", sorted(THIRD_PARTY.glob("*.toml")), ids=lambda path: path.stem)
def test_sweeps_of_other_peoples_hardware_are_sound(file: Path) -> None:
    needed = {"sentinel": "sentinel_cpu", "serv": "pythondata_cpu_serv"}
    package = needed.get(file.stem, "smolarith")
    pytest.importorskip(package, reason="pip install chipdse[third-party]")
    sweep = read_sweep(file)
    check_libraries(sweep)
    assert sweep.question.endswith("?") and sweep.space.size >= 8
