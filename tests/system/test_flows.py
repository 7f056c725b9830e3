"""Data between known dies: hops and loads by hand, and systems that state them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipdse.errors import DesignError
from chipdse.system.arrays.flows import paths_of
from chipdse.system.described import evaluate_described
from chipdse.system.system_file import load_system


def test_side_by_side_every_pair_is_one_hop() -> None:
    paths = paths_of(((0, 1), (0, 2)), (1, 1, 1), False)
    assert paths.hops.tolist() == [1, 1]
    assert paths.loads.tolist() == [[1, 1, 0], [1, 0, 1]]


def test_data_of_a_stack_pass_the_dies_between() -> None:
    # Die 0 to die 2: two bonds, and each bit enters and leaves die 1.
    paths = paths_of(((0, 2),), (1, 1, 1), True)
    assert paths.hops.tolist() == [2]
    assert paths.loads.tolist() == [[1, 2, 1]]


def test_equal_dies_share_a_flow() -> None:
    # Four dies to one: it has all of the bits, they a quarter; among three dies each has 2/3.
    shared = paths_of(((0, 1),), (4, 1), False)
    assert shared.loads == pytest.approx(np.array([[0.25, 1]]))
    among = paths_of(((0, 0),), (3,), False)
    assert (among.hops, among.loads) == (pytest.approx([1]), pytest.approx(np.array([[2 / 3]])))
    # Two dies below one: bits of the lowest pass the other. 1.5 hops, and it is loaded 1/2 + 1.
    stacked = paths_of(((0, 1),), (2, 1), True)
    assert stacked.hops == pytest.approx([1.5])
    assert stacked.loads == pytest.approx(np.array([[1.5, 1]]))


@given(stacked=st.booleans(), between=st.integers(1, 4))
def test_every_hop_ends_on_two_dies(stacked: bool, between: int) -> None:
    counts = (1, *(1,) * between, 1)
    paths = paths_of(((0, between + 1),), counts, stacked)
    assert paths.loads.sum() == 2 * paths.hops[0]


SYSTEM = """
[[die]]
name = "compute"
count = 2
area = "100 mm2"
throughput = 1e12
[[die]]
name = "host"
area = "50 mm2"
[package]
arrangement = "organic"
[[traffic]]
between = ["compute", "host"]
rate = "100 Gb/s"
"""


def system(folder: Path, text: str = SYSTEM) -> Path:
    path = folder / "two.toml"
    path.write_text(text)
    return path


def test_a_system_states_its_traffic(tmp_path: Path) -> None:
    evaluation = evaluate_described(load_system(system(tmp_path)))
    link = evaluation.parts.link
    assert link.traffic_bits_per_s.tolist() == [1e11]  # one hop each
    assert link.utilisation_limit.tolist() == [1.0]
    more = SYSTEM.replace("100 Gb/s", "1000 Tb/s")
    evaluation = evaluate_described(load_system(system(tmp_path, more)))
    (limit,) = evaluation.parts.link.utilisation_limit
    assert limit < 1
    assert evaluation.metrics.violations["link_bandwidth"] == pytest.approx(1 - limit)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"host"]', '"hots"]', "traffic to die 'hots', which is unknown; the dies are compute"),
        ('["compute", "host"]', '["host", "host"]', "between die 'host' and itself"),
        ('["compute", "host"]', '["host"]', r"between=\['host'\] must name two dies"),
        ('rate = "100 Gb/s"', "", r"\[\[traffic\]\] 1 lacks 'rate'"),
        ('rate = "100 Gb/s"', 'rate = "100 mm"', "rate='100 mm' has unit 'mm'"),
        ('rate = "100 Gb/s"', "rate = -1", "rate=-1 is negative"),
        ('rate = "100 Gb/s"', "rat = 1", "unknown key 'rat'; did you mean 'rate'"),
        ("[[traffic]]", '[link]\ntraffic = "1 Gb/s"\n[[traffic]]', "leave it out of"),
        ("[[traffic]]", "[traffic]", "must be a list of tables"),
    ],
)
def test_wrong_traffic_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(DesignError, match=message):
        load_system(system(tmp_path, SYSTEM.replace(old, new)))
