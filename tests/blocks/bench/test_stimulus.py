"""Stimuli of a bench: integers of NumPy are accepted, and what is none is named by its signal."""

from __future__ import annotations

import numpy as np
import pytest
from chipdse_hdl.bench.testbench import integers


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
