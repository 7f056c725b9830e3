"""What cocotb gets in place of pytest ends a test as pytest does."""

from __future__ import annotations

import sys

import pytest

from chipdse.blocks.bench_start import outcomes_alone


def test_it_ends_a_test_as_pytest_does(monkeypatch: pytest.MonkeyPatch) -> None:
    light = outcomes_alone()
    assert light.raises.Exception is pytest.fail.Exception
    for name in ("skip", "xfail", "fail"):
        assert getattr(light, name).Exception is getattr(pytest, name).Exception
    assert not hasattr(light, "RaisesExc") and not hasattr(light, "RaisesGroup")
    monkeypatch.setitem(sys.modules, "pytest", light)
    with light.raises(ZeroDivisionError):  # of the whole module, like all else
        _ = 1 / 0
    assert light.approx is pytest.approx
