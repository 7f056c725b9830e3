"""A study never mixes versions: of the block, its bench, the library, chipdse, the tools."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import pytest

import chipdse
from chipdse.errors import DesignError
from chipdse.evaluate import STAGES
from chipdse.netlist.library.user import add_library
from chipdse.study.question.sweep_file import read_sweep
from chipdse.study.storage import code, fingerprint, kept_fingerprint
from chipdse.study.storage.attributes import FINGERPRINT, OUTDATED
from chipdse.study.storage.code import point_files
from chipdse.study.storage.fingerprint import differences, parts_of
from chipdse.study.storage.folder import kept_in
from chipdse.study.storage.trials import finished
from chipdse.technology.calibration import CALIBRATION_TABLES
from tests.support import kernels, library_files
from tests.support import small_sweep as sweeps

pytestmark = pytest.mark.tools

BLOCK = """
import json
import os
from pathlib import Path
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class B(wiring.Component):
    def __init__(self, width=4):
        self.width = width
        super().__init__({"a": In(width), "b": In(width), "y": Out(width)})

    def elaborate(self, platform):
        m = Module()
        ra, rb = Signal(self.width), Signal(self.width)
        odd = json.loads((Path(__file__).parent / "odd.json").read_text())
        value = ra OPERATOR rb if odd + int(os.environ.get("ODD", "0")) else ~ra
        m.d.sync += [ra.eq(self.a), rb.eq(self.b), self.y.eq(value)]
        return m
"""
SWEEP = """
question = "Which width?"
block = "blk:B"
[hardware]
width = [2, 3]
[workload]
length = 20
[library]
name = "sky130"
[operating]
clock_frac = [0.5, 1.0]
[physical]
wires = "none"
glitches = false
[objectives]
energy_per_op_j = "minimize"
throughput_ops_per_s = "maximize"
[search]
sampler = "grid"
harvest = HARVEST
"""


def project(folder: Path, operator: str = "^", *, harvest: bool = False) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "pyproject.toml").write_text("")
    (folder / "blk.py").write_text(BLOCK.replace("OPERATOR", operator))
    (folder / "odd.json").write_text("1")
    text = SWEEP.replace("HARVEST", str(harvest).lower())
    (folder / "sweep.toml").write_text(text)
    return folder / "sweep.toml"


def sweep(
    folder: Path, *arguments: object, study: str = "study", cache: Path | None = None, **more: str
) -> subprocess.CompletedProcess[str]:
    """`chipdse sweep` by the installed program, in a process of its own."""
    command = [sweeps.CHIPDSE, "sweep", folder / "sweep.toml", "--study", folder / study,
               "--workers", "1", "--no-report", *arguments]  # fmt: skip
    cache = kernels.lend(cache or folder.parent / "cache")
    return subprocess.run(
        [str(word) for word in command],
        env=os.environ | {"CHIPDSE_CACHE": str(cache)} | more,
        capture_output=True,
        text=True,
        timeout=900,
    )


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    """The one line of a sweep that refused to go on, exit code 2."""
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.endswith(
        "; name a new folder with --study, or evaluate its points again with --re-evaluate"
    )
    return line


def points(study: Path) -> pd.DataFrame:
    """Points without trial numbers, in an order of their own, as the sweep wrote them."""
    table = pd.read_csv(study / "points.csv")
    return table.drop(columns="trial").sort_values(["width", "clock_frac"], ignore_index=True)


@pytest.mark.few_cases(1)
@pytest.mark.parametrize("harvest", [False, True])
def test_an_edited_block_is_refused_and_evaluated_again(tmp_path: Path, harvest: bool) -> None:
    folder, count = tmp_path / "p", 2 if harvest else 4
    project(folder, harvest=harvest)
    done = sweep(folder, "--trials", 1)
    assert done.returncode == 0, done.stderr
    before = points(folder / "study")
    project(folder, "&", harvest=harvest)
    assert "study was made with another version of: blk.py;" in refusal(
        sweep(folder, "--trials", count)
    )
    # With the results of the old and the new version in one store, then with an empty store.
    assert sweep(folder, "--trials", count, "--re-evaluate").returncode == 0
    cold = sweep(folder, "--trials", count, study="cold", cache=tmp_path / "empty")
    assert cold.returncode == 0, cold.stderr
    after, fresh = points(folder / "study"), points(folder / "cold")
    pd.testing.assert_frame_equal(after, fresh)
    # XOR is the larger gate: no point of it is left.
    assert not set(before["block_area_m2"]) & set(after["block_area_m2"])
    storage = f"sqlite:///{folder / 'study' / 'study.db'}"
    (name,) = optuna.get_all_study_names(storage)
    study = optuna.load_study(study_name=name, storage=storage)
    kept = kept_in(study.user_attrs)
    assert kept is not None
    assert {one.user_attrs[FINGERPRINT] for one in finished(study)} == {kept.identity}
    assert [one for one in study.trials if OUTDATED in one.user_attrs]
    status = subprocess.run([str(sweeps.CHIPDSE), "status", str(folder / "study")],
                            capture_output=True, text=True)  # fmt: skip
    assert f"made by {kept.identity}: chipdse {chipdse.__version__}" in status.stdout


def test_data_and_environment_that_a_block_reads_count(tmp_path: Path) -> None:
    """Seen while the first points were evaluated: nobody declared them."""
    folder = tmp_path / "p"
    project(folder)
    assert sweep(folder, "--trials", 1, ODD="0").returncode == 0
    line = refusal(sweep(folder, ODD="5"))
    assert "another version of: environment ODD;" in line
    (folder / "odd.json").write_text("0")
    assert "another version of: odd.json;" in refusal(sweep(folder, ODD="0"))
    (folder / "odd.json").write_text("1")
    assert sweep(folder, ODD="0").returncode == 0
    assert len(points(folder / "study")) == 4


def here(folder: Path, **arguments: Any) -> chipdse.Study:
    return sweeps.here(folder / "sweep.toml", folder / "study", store=folder / "store", **arguments)


COUNTER = """
module counter #(parameter WIDTH = 2) (input clk, input en, output reg [WIDTH-1:0] count);
  initial count = 0;
  always @(posedge clk) if (en) count <= count + 1;
endmodule
"""


def verilog(folder: Path) -> Path:
    """The same question of a Verilog block, which this process may read again and again."""
    project(folder)
    (folder / "counter.v").write_text(COUNTER)
    (folder / "counter.toml").write_text(
        'sources = ["counter.v"]\ntop = "counter"\nclock = "clk"\n[parameters]\nWIDTH = 2\n'
    )
    text = SWEEP.replace("HARVEST", "false").replace("blk:B", "counter.toml")
    text = text.replace("width", "WIDTH") + "[package]\nnode_nm = 130.0\n"
    (folder / "sweep.toml").write_text(text)
    return folder


def edit(folder: Path) -> None:
    """Change the Verilog; workers of this process begin anew, as those of a new driver do."""
    (folder / "counter.v").write_text(COUNTER.replace("count + 1", "count + 3"))
    code._CODES.clear()


OTHERS = {
    r"chipdse \(0\.0\.1, now ": ("chipdse", "0.0.1"),
    r"icarus \(0\.9, now ": ("tool icarus", "0.9"),
    r"pyosys \(0\.1, now ": ("tool pyosys", "0.1"),
    r"technology/data/carbon\.toml;": ("module technology/data/carbon.toml", "0" * 16),
    r"library sky130:sky130\.npz;": ("library sky130:sky130.npz", "0" * 16),
}


def test_other_versions_are_refused_and_named(tmp_path: Path) -> None:
    """Of chipdse, its tools, tables and libraries: as a study has it that began under another."""
    folder = verilog(tmp_path / "p")
    here(folder, trials=1)
    study = chipdse.load_study(folder / "study").folder
    kept = kept_in(study.study.user_attrs)
    assert kept is not None
    before = (folder / "study" / "study.json").read_bytes()
    for said, (name, value) in OTHERS.items():
        assert name in kept.parts
        other = fingerprint.Fingerprint(identity="0" * 12, parts={**kept.parts, name: value})
        kept_fingerprint._write(study.storage.optuna, study.study._study_id, other, outdate=False)
        with pytest.raises(DesignError, match=said):
            here(folder)
        assert (folder / "study" / "study.json").read_bytes() == before
    again = here(folder, re_evaluate=True)
    table = again.points()
    assert len(table) == 4 and (table["state"] == "feasible").all()
    assert kept_in(again.folder.study.user_attrs) == kept


def test_a_library_of_ones_own_that_was_replaced(tmp_path: Path) -> None:
    folder = verilog(tmp_path / "p")
    cells = folder / "cells.lib"
    text = Path(library_text(tmp_path)).read_text()
    cells.write_text(text)
    here(folder, trials=1, liberty=[cells])
    cells.write_text(text + "\n/* another release */\n")
    with pytest.raises(DesignError, match=r"another version of: library cells\.lib;"):
        here(folder, liberty=[cells])
    other = folder / "other.lib"  # other files than the study began with
    other.write_text(text)
    with pytest.raises(DesignError, match=r"library cells\.lib, library other\.lib;"):
        here(folder, liberty=[other])
    assert len(here(folder, liberty=[cells], re_evaluate=True).points()) == 4


def library_text(folder: Path) -> Path:
    """A Liberty file, written from a library that comes with the program."""
    file = folder / "sky130.lib"
    sweeps.call("library", "export", "sky130", "--to", file)
    return file


CHIP = """
question = "How many copies?"
[parts.array]
block = "mac_array"
count = [1, 2]
[parts.array.hardware]
rows = 1
columns = 1
[application]
network = "own.csv"
[objectives]
energy_per_task_j = "minimize"
die_area_m2 = "minimize"
"""


def test_a_network_that_was_edited(tmp_path: Path) -> None:
    folder = Path(chipdse.__file__).parent / "application/networks"
    table = (folder / "autoencoder.csv").read_text()
    (tmp_path / "own.csv").write_text(table)
    (tmp_path / "sweep.toml").write_text(CHIP)
    before = parts_of(read_sweep(tmp_path / "sweep.toml"))
    lines = table.rstrip().splitlines()
    (tmp_path / "own.csv").write_text("\n".join(lines[:-1]) + "\n")
    after = parts_of(read_sweep(tmp_path / "sweep.toml"))
    assert differences(before, after) == ["network own"]


def test_what_is_known_of_a_library_beside_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its node, the corner that is the nominal one, and files of one name in several folders."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    folder = verilog(tmp_path / "p")
    text = (folder / "sweep.toml").read_text().replace('name = "sky130"', 'name = "mine"')
    (folder / "sweep.toml").write_text(text)
    files = []
    for volts in (1.0, 1.1):
        (tmp_path / f"at_{volts}").mkdir()
        files.append(library_files.liberty(tmp_path / f"at_{volts}", "cells.lib", volts=volts))

    def parts(*, node_nm: float = 130.0) -> dict[str, str]:
        add_library("mine", files, node_nm=node_nm, replace=True)
        return parts_of(read_sweep(folder / "sweep.toml"))

    before = parts()
    assert differences(before, parts(node_nm=65.0)) == ["library mine:node and corners"]
    files.reverse()
    assert "library mine:node and corners" in differences(before, parts())
    files.reverse()
    assert parts() == before
    for file in files:
        original = file.read_text()
        file.write_text(original.replace("area : 2", "area : 3"))
        assert differences(before, parts()) == ["library mine:cells.lib"]
        file.write_text(original)


def test_every_table_of_a_stage_is_in_the_fingerprint(tmp_path: Path) -> None:
    """But for the shipped library, whose files are parts of their own."""
    names = set(point_files())
    read = {name for stage in STAGES for name in stage.data if name.endswith(".toml")}
    assert read and read <= names
    assert {name for name in names if "layout_" in name} >= set(CALIBRATION_TABLES)


def test_a_study_of_an_older_chipdse_is_refused(tmp_path: Path) -> None:
    folder = verilog(tmp_path / "p")
    study = here(folder, trials=1).folder
    import sqlalchemy

    with study.storage.optuna.engine.begin() as connection:
        connection.execute(
            sqlalchemy.text("DELETE FROM study_user_attributes WHERE key = 'fingerprint'")
        )
        connection.execute(
            sqlalchemy.text("DELETE FROM trial_user_attributes WHERE key = 'fingerprint'")
        )
    assert len(chipdse.load_study(folder / "study").points()) == 1  # it can be looked at
    with pytest.raises(DesignError, match="kept no versions of what made it; name a new folder"):
        here(folder)
    assert len(here(folder, re_evaluate=True).points()) == 4


def test_compare_says_when_versions_differ(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], coarse_temperatures: None
) -> None:
    folder = verilog(tmp_path / "p")
    sweeps.here(folder / "sweep.toml", folder / "one", store=folder / "store")
    edit(folder)
    sweeps.here(folder / "sweep.toml", folder / "two", store=folder / "store")
    chipdse.cli.main(["compare", str(folder / "one"), str(folder / "two")])
    said = capsys.readouterr().out
    assert "differs: versions: " in said and "in counter.v" in said
    chipdse.cli.main(["compare", str(folder / "one"), str(folder / "one")])
    assert "versions" not in capsys.readouterr().out
    study = chipdse.load_study(folder / "one")
    kept = kept_in(study.folder.study.user_attrs)
    page = study.write_report(folder / "report.html", details=0).read_text()
    assert kept is not None and kept.identity in page


def test_what_makes_no_point_does_not_count(tmp_path: Path) -> None:
    names = set(point_files())
    shown = (
        "chipdse.report",
        "chipdse.cli",
        "chipdse.api.study",
        "chipdse.export",
        "chipdse.store",
    )
    assert not any(name.startswith(shown) for name in names)
    assert not names & {f"chipdse.study.{n}" for n in ("storage", "status", "engine", "samplers")}
    assert {"chipdse.evaluate", "chipdse.study.harvest.harvest", "chipdse.system.evaluate"} <= names
    assert {f"chipdse.study.running.{n}" for n in ("outcome", "finishes")} <= names
    assert "chipdse.study.harvest.measured_parts" in set(point_files(chip=True)) - names
    folder = verilog(tmp_path / "p")
    before = parts_of(read_sweep(folder / "sweep.toml"))
    (folder / "README.md").write_text("words")
    moved = folder.rename(tmp_path / "elsewhere")  # the same project in another place
    assert parts_of(read_sweep(moved / "sweep.toml")) == before


def test_differences_by_hand() -> None:
    one = {"chipdse": "1.0", "block a.py": "1", "library x:a.lib": "2", "tool pyosys": "0.70"}
    other = one | {"chipdse": "1.1", "block a.py": "3", "read environment MYOP": "4"}
    assert differences(one, other) == ["a.py", "chipdse (1.0, now 1.1)", "environment MYOP"]
    assert differences(one, one) == []
    assert fingerprint.listed(list("abcdefg")) == "a, b, c, d, e and 2 more"
