"""Tests of side channels on the operation that a block states."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from chipdse_hdl import BLOCKS
from chipdse_hdl.aes_sbox.model import reference
from chipdse_hdl.side_channel import NOTHING, Operation

from chipdse.cli import main
from chipdse.errors import DesignError
from chipdse.stages.stated_operation import OperationStimuli, operation_of, operation_stimuli
from tests.support.traces.gadget import write_gadget

PLAIN = ["--physical", "wires=none", "clock_tree=false", "added_cells=false", "glitches=false"]
MASKED = ["aes_sbox", "--set", "shares=2", "--workload", "length=40", *PLAIN]
WORD = np.array([0x5555_5555_5555_5555], dtype=np.uint64)


def outcome(capsys: pytest.CaptureFixture[str], *words: str, code: int) -> dict:
    assert main(["leakage", *words, "--json"]) == code
    return json.loads(capsys.readouterr().out)


@pytest.mark.tools
def test_the_stated_operation_is_tested(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    cycles = BLOCKS["aes_sbox"].operation(BLOCKS["aes_sbox"].parameters(shares=2)).cycles - 1
    masked = outcome(capsys, *MASKED, "--traces", "50000", code=0)
    assert len(masked["first_t"]) == cycles
    assert masked["max_t_first_order"] < 4.5 and masked["leaking_nets"] == []
    assert masked["max_t_second_order"] > 10
    bare = outcome(capsys, *MASKED, "--traces", "4096", "--no-masks", code=1)
    assert bare["max_t_first_order"] > 20
    # Nothing secret is at the ports before the first edge, which is that of the reset.
    assert outcome(capsys, *MASKED, "--traces", "4096", "--glitches", "--cycles", "2", code=0)


def test_runs_carry_the_data_of_the_operation() -> None:
    """Fixed runs all have the same word; others do not; shares recombine to it."""
    operation = operation_of(BLOCKS["aes_sbox"], BLOCKS["aes_sbox"].parameters(shares=2))
    names = [
        *operation.controls,
        *(port for each in operation.share_ports.values() for port in each),
    ]
    ports, start = {}, 0
    for name in [*names, "random"]:
        width = operation.random_bits or 1
        if name != "random":
            width = operation.widths[name.partition("_share")[0]]
        ports[name] = slice(start, start + width)
        start += width
    given = operation_stimuli(operation, ports, start, seed=4)
    assert given.cycles == operation.cycles - 1
    sources = [given.draw(np.random.default_rng([4, batch]), WORD) for batch in (0, 1)]

    def words(name: str, batch: int) -> np.ndarray:
        """A word of every run in the cycle in which it is at its port."""
        row = [start != NOTHING for start in operation.data[name]].index(True)
        first, second = (sources[batch][row, ports[port]] for port in operation.share_ports[name])
        bits = (first ^ second)[:, 0, None] >> np.arange(64, dtype=np.uint64) & np.uint64(1)
        return (bits << np.arange(len(bits), dtype=np.uint64)[:, None]).sum(axis=0)

    fixed = {int(word) for batch in (0, 1) for word in words("text", batch)[::2]}
    assert len(fixed) == 1 and len({*map(int, words("text", 0)[1::2])}) > 16
    assert (sources[0] != sources[1]).any()
    other = operation_stimuli(operation, ports, start, seed=5)
    assert (other.fixed, other.rows) != (given.fixed, given.rows)
    parameters = BLOCKS["aes_sbox"].parameters(shares=2)
    assert 0 <= reference(parameters, *fixed, given.fixed >> 8) < 256 and given.fixed & 255 in fixed
    assert isinstance(given, OperationStimuli) and isinstance(operation, Operation)
    with pytest.raises(DesignError, match="gives no value for input 'go'; add it to its controls"):
        operation_stimuli(operation, {**ports, "go": slice(start, start + 1)}, start + 1, seed=4)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["adder"], "block 'adder' states no operation on secret data; name the secret inputs"),
        ([*MASKED, "--random", "random"], "random port 'random' without --secret"),
    ],
)
def test_refused_before_anything_is_built(
    words: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHIPDSE_CACHE", str(tmp_path / "cache"))
    assert main(["leakage", *words]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.glob("cache/stages/*/*"))


@pytest.mark.tools
def test_own_block_without_operation_and_too_many_cycles(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["leakage", str(write_gadget(tmp_path))]) == 2
    assert "states no operation on secret data; name the secret inputs" in capsys.readouterr().err
    assert main(["leakage", *MASKED, "--cycles", "99"]) == 2
    assert "99 cycles: the operation has 11; use 1 to 11" in capsys.readouterr().err
