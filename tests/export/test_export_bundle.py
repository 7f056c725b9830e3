"""An exported folder stands on its own: other tools take it, and it checks itself."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from chipdse_hdl import BLOCKS

import chipdse
from chipdse.design import Design, LibraryChoice
from chipdse.errors import DesignError
from chipdse.evaluate import evaluate
from chipdse.export.bundle import export_point
from chipdse.export.flows import constraints, platform_of
from chipdse.store.store import Store
from chipdse.system.parameters import PackageParameters
from chipdse.tools import run_yosys

pytestmark = pytest.mark.tools
CHECKED = ("rtl: PASS", "netlist: PASS")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(root=tmp_path_factory.mktemp("store"))


def small(block: str) -> Design:
    """A point that takes seconds; the filter's system has two dies."""
    found = BLOCKS[block]
    parameters = {
        "mac_array": {"rows": 1, "columns": 2, "operand_bits": 4},
        "fir": {"taps": 3, "data_bits": 4, "coefficient_bits": 4},
    }[block]
    return Design(
        block=found,
        parameters=found.parameters(**parameters),
        workload=found.workload(length=32),
        library=LibraryChoice(name="sky130"),
        package=PackageParameters(chiplets=2, tiles=2, arrangement="organic")
        if block == "fir"
        else PackageParameters(),
    )


@pytest.fixture(scope="module", params=["mac_array", "fir"])
def bundle(
    request: pytest.FixtureRequest, store: Store, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    design = small(request.param)
    target = tmp_path_factory.mktemp("export") / "point"
    metrics = evaluate(design, store)
    export_point(design, metrics.flat(), store, target, system_evidence=metrics.system.evidence)
    return target


def run(command: list[str], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **environment},
    )


def need_icarus() -> None:
    if not shutil.which("iverilog"):
        pytest.skip("Icarus (iverilog) is not installed")


@pytest.mark.few_cases(1)
def test_it_checks_itself_with_python_and_icarus_alone(bundle: Path, tmp_path: Path) -> None:
    need_icarus()
    moved = shutil.copytree(bundle, tmp_path / "elsewhere")
    # -I -S: neither the environment nor installed packages can help.
    done = run([sys.executable, "-I", "-S", "check.py"], moved)
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(line in done.stdout for line in CHECKED)


@pytest.mark.few_cases(1)
def test_it_notices_a_fault(bundle: Path, tmp_path: Path) -> None:
    need_icarus()
    broken = shutil.copytree(bundle, tmp_path / "broken")
    rows = (broken / "golden" / "outputs.hex").read_text().splitlines()
    rows[-3] = f"{int(rows[-3], 16) ^ 1:0{len(rows[-3])}x}"
    (broken / "golden" / "outputs.hex").write_text("\n".join(rows) + "\n")
    done = run([sys.executable, "-I", "-S", "check.py"], broken)
    assert done.returncode == 1
    assert "FAIL: 1 of" in done.stdout


@pytest.mark.few_cases(1)
def test_its_cocotb_bench_runs_without_this_project(bundle: Path, tmp_path: Path) -> None:
    need_icarus()
    moved = shutil.copytree(bundle, tmp_path / "elsewhere")
    # It compares with the reference, and needs neither the hardware's source nor Amaranth.
    assert not list((moved / "bench").rglob("hardware.py"))
    required = (moved / "bench" / "requirements.txt").read_text().split()
    assert {name.partition("==")[0] for name in required} == {"cocotb", "numpy"}
    # The project's own `chipdse_hdl` is installed here too: the folder's must be the one that runs.
    shared_module = moved / "bench" / "chipdse_hdl" / "bench" / "testbench.py"
    shared_module.write_text(shared_module.read_text() + "\nprint('the bench of the folder')\n")
    done = run([sys.executable, "check.py", "--cocotb"], moved)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PASS=1 FAIL=0" in done.stdout + done.stderr
    assert "the bench of the folder" in done.stdout + done.stderr


@pytest.mark.few_cases(1)
def test_it_has_what_to_cite(bundle: Path) -> None:
    text = (bundle / "sources.bib").read_text()
    assert (
        "@inproceedings{gupta2022act," in text
        and "sources.bib" in (bundle / "README.md").read_text()
    )


@pytest.mark.few_cases(1)
def test_the_evidence_is_that_of_eval(bundle: Path, store: Store) -> None:
    design = small(
        json.loads((bundle / "bench" / "bench.json").read_text())["module"].split(".")[1]
    )
    described = json.loads((bundle / "metrics.json").read_text())
    assert {name: each["evidence"] for name, each in described.items()} == evaluate(
        design, store
    ).evidence()
    # Wires and clock tree are models, so all that has a part of them is; a supply is no result.
    assert described["f_max_hz"]["evidence"] == described["block_power_w"]["evidence"] == "modelled"
    assert described["block_area_m2"]["evidence"] == "measured"
    assert described["vdd_v"]["evidence"] == described["glitches_counted"]["evidence"] == "input"


@pytest.mark.few_cases(1)
def test_the_same_point_is_the_same_bytes(bundle: Path, store: Store, tmp_path: Path) -> None:
    design = small(
        json.loads((bundle / "bench" / "bench.json").read_text())["module"].split(".")[1]
    )
    metrics = evaluate(design, store)
    again = tmp_path / "again"
    export_point(design, metrics.flat(), store, again, system_evidence=metrics.system.evidence)
    names = sorted(path.relative_to(bundle) for path in bundle.rglob("*") if path.is_file())
    assert names
    for name in names:
        assert (bundle / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name


@pytest.mark.few_cases(1)
def test_readers_take_netlist_liberty_and_file_lists(bundle: Path, tmp_path: Path) -> None:
    need_icarus()
    for name in ("rtl.f", "netlist.f"):
        command = ["iverilog", "-g2005", "-Wall", "-s", "top", "-t", "null", "-f", name]
        done = run(command, bundle)
        assert done.returncode == 0, done.stderr
    run_yosys(
        f"read_liberty -lib {bundle / 'cells.lib'}\nread_verilog {bundle / 'netlist.v'}\n"
        "hierarchy -check -top top\nstat\ncheck -assert\n",
        tmp_path,
        "netlist",
    )


@pytest.mark.few_cases(1)
def test_fusesoc_runs_both_targets(bundle: Path, tmp_path: Path) -> None:
    need_icarus()
    pytest.importorskip("fusesoc", reason="FuseSoC is not installed")
    fusesoc = [sys.executable, "-m", "fusesoc.main", "--cores-root", str(bundle)]
    (name,) = [
        line.split(":", 1)[1].strip()
        for line in (bundle / "exported.core").read_text().splitlines()
        if line.startswith("name:")
    ]
    for target in ("sim", "sim_netlist"):
        done = run([*fusesoc, "run", "--target", target, name], tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "PASS: " in done.stdout + done.stderr


@pytest.mark.few_cases(2)
@pytest.mark.parametrize("which", ["rtl", "netlist"])
def test_edalize_builds_and_runs(bundle: Path, tmp_path: Path, which: str) -> None:
    need_icarus()
    edatool = pytest.importorskip("edalize.edatool", reason="Edalize is not installed")
    edam = json.loads((bundle / f"{which}.eda.json").read_text())
    for file in edam["files"]:
        source = bundle / file["name"]
        if file["file_type"] == "user":  # data is read from where the simulation runs
            shutil.copy(source, tmp_path)
        file["name"] = str(source)
    backend = edatool.get_edatool("icarus")(edam=edam, work_root=str(tmp_path))
    backend.configure()
    backend.build()
    backend.run()
    assert "PASS: " in (tmp_path / "icarus.log").read_text()


@pytest.mark.few_cases(1)
def test_edalize_runs_it_as_a_flow(
    bundle: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    need_icarus()
    sim = pytest.importorskip("edalize.flows.sim", reason="Edalize is not installed")
    edam = json.loads((bundle / "netlist.eda.json").read_text())
    for file in edam["files"]:
        if file["file_type"] == "user":
            shutil.copy(bundle / file["name"], tmp_path)
        file["name"] = str(bundle / file["name"])
    flow = sim.Sim(edam, str(tmp_path))
    flow.configure()
    flow.build()
    flow.run(None)
    assert "PASS: " in capfd.readouterr().out


@pytest.mark.few_cases(1)
def test_librelane_accepts_its_configuration(bundle: Path, tmp_path: Path) -> None:
    pytest.importorskip("librelane", reason="LibreLane is not installed")
    pytest.importorskip("tkinter", reason="LibreLane reads Tcl by tkinter: apt-get python3-tk")
    # The loader wants a process kit; these two files are all it reads of one.
    cells = tmp_path / "sky130A" / "libs.tech" / "librelane" / "sky130_fd_sc_hd"
    cells.mkdir(parents=True)
    (cells / "config.tcl").write_text("")
    (cells.parent / "config.tcl").write_text(
        'set ::env(STD_CELL_LIBRARY) "sky130_fd_sc_hd"\n'
        'set ::env(PRIMARY_GDSII_STREAMOUT_TOOL) "klayout"\n'
    )
    script = """
import sys
from librelane.config import Config
from librelane.config.flow import flow_common_variables
from librelane.flows import Flow
flow = Flow.factory.get("Classic")
known = {v.name: v for v in (*flow_common_variables, *flow.config_vars)}
known |= {v.name: v for step in flow.Steps for v in step.config_vars}
kit = ("PDK", "STD_CELL_LIBRARY", "PAD_CELL_LIBRARY", "PRIMARY_GDSII_STREAMOUT_TOOL")
used = [v for v in known.values() if not v.pdk or v.name in kit]
kit = {"pdk": "sky130A", "scl": "sky130_fd_sc_hd", "pdk_root": sys.argv[2]}
config, _ = Config.load(sys.argv[1], used, **kit)
print(*(config[f"{name}"] for name in ("DESIGN_NAME", "CLOCK_PORT", "CLOCK_PERIOD")))
print(*config["VERILOG_FILES"])
"""
    config = bundle / "librelane" / "config.json"
    done = run([sys.executable, "-c", script, str(config), str(tmp_path)], tmp_path)
    assert done.returncode == 0, done.stderr
    top, clock, period, rtl = done.stdout.split()[-4:]
    assert (top, clock, Path(rtl).resolve()) == ("top", "clk", (bundle / "rtl.v").resolve())
    assert float(period) > 0
    assert "unknown" not in (done.stdout + done.stderr).lower()


@pytest.mark.few_cases(1)
def test_openroad_configuration_points_at_files(bundle: Path, tmp_path: Path) -> None:
    if not shutil.which("make"):
        pytest.skip("make is not installed")
    config = bundle / "openroad" / "config.mk"
    (tmp_path / "Makefile").write_text(
        "include $(DESIGN_CONFIG)\n"
        "all:\n\t@echo $(PLATFORM) $(DESIGN_NAME) $(VERILOG_FILES) $(SDC_FILE)\n"
    )
    done = run(["make", "-s", f"DESIGN_CONFIG={config}"], tmp_path)
    platform, top, rtl, sdc = done.stdout.split()
    assert (platform, top) == ("sky130hd", "top")
    assert Path(rtl).is_file() and "create_clock" in Path(sdc).read_text()


@pytest.mark.few_cases(1)
def test_a_system_of_several_dies_comes_as_3dblox(bundle: Path) -> None:
    several = "fir" in bundle.joinpath("bench", "bench.json").read_text()
    assert (bundle / "threedblox").is_dir() == several
    assert ("threedblox/" in (bundle / "README.md").read_text()) == several


def test_constraints_follow_the_unit_of_the_library() -> None:
    assert "-period 2.5 " in constraints(2.5e-9)
    assert "-period 2500 " in constraints(2.5e-9, 1e-12)
    seven = platform_of(["INVx1_ASAP7_75t_R", "DFFHQNx1_ASAP7_75t_R"])
    assert seven is not None and (seven.openroad, seven.time_unit_s) == ("asap7", 1e-12)
    assert platform_of(["sky130_fd_sc_hd__inv_1", "other_inv"]) is None
    assert platform_of([]) is None


@pytest.mark.few_cases(1)
def test_a_full_folder_is_left_alone(bundle: Path, store: Store) -> None:
    before = sorted(bundle.rglob("*"))
    with pytest.raises(DesignError, match="is not an empty folder; name a new one"):
        export_point(small("fir"), {}, store, bundle, system_evidence="modelled")
    assert sorted(bundle.rglob("*")) == before
    assert chipdse.__version__ in (bundle / "README.md").read_text()
