"""Stimuli of a bench: integers of NumPy are accepted, and what is none is named by its signal."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from chipdse_hdl.bench.testbench import integers, passed


def test_integers_of_numpy_are_integers_of_python() -> None:
    columns = integers({"valid": np.array([1, 0]), "x": [np.uint8(7), 2**200], "on": [True, False]})
    assert columns == {"valid": [1, 0], "x": [7, 2**200], "on": [1, 0]}
    assert all(type(word) is int for words in columns.values() for word in words)


@pytest.mark.parametrize("word", [1.0, np.float64(1), "1", None])
def test_what_is_no_integer_is_named(word: object) -> None:
    with pytest.raises(TypeError, match="valid is .* in cycle 1, which is not an integer; write"):
        integers({"x": [1, 2], "valid": [1, word]})


def test_a_short_stimulus_is_named() -> None:
    with pytest.raises(ValueError, match="b has 1 words and a has 2; give each as many words"):
        integers({"a": [1, 2], "b": [1]})


def test_a_phase_outside_the_run_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HDL_RESULT", str(tmp_path / "result.json"))
    passed(first_cycle=3, cycles=10, phases={9: "end", 0: "start"})
    assert json.loads((tmp_path / "result.json").read_text()) == {
        "first_cycle": 3,
        "cycles": 10,
        "phases": [[0, "start"], [9, "end"]],
    }
    with pytest.raises(ValueError, match="'late' begins in cycle 10; the run has 10"):
        passed(first_cycle=3, cycles=10, phases={10: "late"})
