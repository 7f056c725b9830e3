"""Metrics of power over time in a sweep: computed where the file names them, and nowhere else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chipdse.cli import main
from chipdse.errors import DesignError
from chipdse.study.question.sweep_file import read_sweep
from chipdse.study.storage.code import point_files
from tests.support import kernels
from tests.support import small_sweep as sweeps

PHYSICAL = 'wires = "none"\nclock_tree = false\nadded_cells = false\nglitches = false\n'
SWEEP = f"""
block = "aes_sbox"
[hardware]
shares = [1, 2]
[workload]
length = 40
[library]
name = "sky130"
[operating]
clock_frac = [0.5, 1.0]
[physical]
{PHYSICAL}
[objectives]
block_energy_per_op_j = "minimize"
block_area_m2 = "minimize"
"""
NAMED = """
max_t_first_order = "minimize"
[limits]
peak_power_w = { max = 1 }
[derived]
crest = "peak_power_w / block_power_w"
[traces]
traces = 20000
window_cycles = 2
[search]
sampler = "grid"
"""


def write(folder: Path, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / "sweep.toml"
    file.write_text(text)
    return file


@pytest.mark.tools
def test_a_sweep_computes_what_it_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "cache/stages"
    plain = write(tmp_path / "p", SWEEP + '[search]\nsampler = "grid"\n')
    before = sweeps.here(plain, tmp_path / "plain", store=store)
    assert not any((store / name).exists() for name in ("peaks", "revealed"))
    named = write(tmp_path / "n", SWEEP + NAMED)
    study = sweeps.here(named, tmp_path / "named", store=store)
    points = study.points().set_index(["shares", "clock_frac"])
    built = {
        name: len(list((store / name).glob("*/figure.json"))) for name in ("peaks", "revealed")
    }
    assert built == {"peaks": 2, "revealed": 2}  # whatever the clock
    # What a point without them says stays the same, to the last bit.
    for _, row in before.points().iterrows():
        same = points.loc[(row["shares"], row["clock_frac"])]
        for name in ("block_energy_per_op_j", "block_area_m2", "block_power_w", "cost_usd"):
            assert row[name] == same[name]
    assert "peak_power_w" not in before.points().columns
    assert (points.loc[1]["max_t_first_order"] > 20).all()
    assert (points.loc[2]["max_t_first_order"] < 4.5).all()
    assert (points["crest"] == points["peak_power_w"] / points["block_power_w"]).all()
    monkeypatch.setenv("CHIPDSE_CACHE", str(kernels.lend(tmp_path / "cache")))
    words = ["aes_sbox", "--set", "shares=2", "--workload", "length=40", "--physical"]
    words += PHYSICAL.replace('"', "").replace(" ", "").split()
    assert main(["trace", *words, "--window", "2", "--json"]) == 0
    peak_w = json.loads(capsys.readouterr().out)["peak_power_w"]
    assert points.loc[(2, 1.0)]["peak_power_w"] == pytest.approx(peak_w, rel=1e-6)


@pytest.mark.slow
def test_other_points_do_not_depend_on_their_code() -> None:
    traced = {"chipdse.stages.trace_figures", "chipdse.stages.leakage", "kernels/runs.c"}
    assert not traced & set(point_files())
    assert traced <= set(point_files(traced=True))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("aes_sbox", "adder", "needs a block that states an operation on secret data, and 'adder'"),
        ("traces = 20000", "traces = 1", "traces=1"),
        ("traces = 20000", "runs = 1", "'runs' is not a parameter"),
        ("window_cycles = 2", "window_cycles = 0", "window_cycles=0"),
    ],
)
def test_a_trace_metric_that_no_block_has_is_refused(
    old: str, new: str, message: str, tmp_path: Path
) -> None:
    text = (SWEEP + NAMED).replace(old, new)
    if new == "adder":
        text = text.replace("shares = [1, 2]", "bits = [4, 8]")
    with pytest.raises(DesignError, match=message):
        read_sweep(write(tmp_path, text))


def test_options_that_nothing_reads_are_refused(tmp_path: Path) -> None:
    unread = "[traces] is read for peak_power_w and max_t_first_order only; name one of them"
    with pytest.raises(DesignError) as raised:
        read_sweep(write(tmp_path, SWEEP + "[traces]\ntraces = 5000\n"))
    assert unread in str(raised.value)
