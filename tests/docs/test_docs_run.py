"""Commands and Python on the pages run as they stand, in a folder that has what they name.

Every one is run here, or stands below with the reason why not and where else it is.
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from pathlib import Path

import pytest

from chipdse.cli import main
from tests.support import small_sweep as sweeps
from tests.support.docs_pages import PAGES, ROOT, Command, Listing, commands, listings

MINUTES = (
    "takes minutes; the sweep files it names are read and planned by "
    "tests/study/test_study_sweepfile.py"
)
ELSEWHERE = {
    "docs/tutorial/tutorial.md": "tests/docs/test_docs_tutorial.py walks it",
    "docs/tutorial/chips.md": "tests/docs/test_docs_tutorial.py walks it too",
    "docs/howto/own_block.md": "tests/own_blocks/test_own_newcomer.py follows it",
    "docs/howto/execution.md": "wants a cluster, PostgreSQL or minutes; "
    "tests/study/running/test_execution_*.py have schedulers and servers of their own",
    "docs/howto/ci.md": "every corner of a block; tests/own_blocks/test_plugin_benches.py does it",
    "sweep sweeps/": MINUTES,
    "sweep rv32_programs": MINUTES,
    "eval rv32 --set registers=16 --workload program": "simulates 100,000 cycles; "
    "tests/riscv/test_elf_flow.py runs shorter programs",
    "eval mac_array --set rows=16": "256 elements; tests/hardware/test_map_module.py has smaller "
    "arrays",
    "chip sweeps/chips/": "measures an array of 8 x 8 twice; tests/application/test_chip_file.py "
    "reads the file, tests/application/test_chip_cli.py runs a smaller one",
    "docs/howto/characterise.md": "needs transistor models; tests/characterise runs the verb",
    "library get": "fetches files; tests/netlist/library/test_library_public.py has a server",
    "front studies/mac_array --parquet": "wants pyarrow, which nothing else here needs",
    "import-results export/mac12 routed.v": "wants a routed netlist; "
    "tests/export/test_export_routed.py has some",
    "sta routed.v": "the same; tests/netlist/parasitics has the verbs at work",
    "leakage keccak --set shares=2": "a million traces; tests/stages/test_leakage_operation.py and "
    "tests/blocks/masking draw fewer",
    "leakage aes_sbox --set shares=2": "the same",
    "map layers.csv": "wants a table and tensors of a user; tests/application/test_tensors.py "
    "has some",
    "map digits": "measures an array at three layers; tests/application/test_layer_energy.py does "
    "it on a smaller one",
    "explore": "serves until it is stopped; tests/report/test_report_browser.py opens it",
}
"""By page, or by how a command begins."""
NIGHTLY = {
    "docs/concepts/power_over_time.md": "tests/test_cli_trace.py has its verbs on smaller blocks",
    "docs/concepts/library.md": "docs/howto/own_library.md has the same verbs",
    "docs/blocks/rv32.md": "tests/riscv/test_elf_flow.py runs a shorter program",
    "docs/howto/networks.md": "tests/application has its verbs on a smaller array",
    "docs/howto/reports.md": "tests/report has its verbs on a smaller study",
    "docs/concepts/guarantee.md": "tests/stages/test_guarantee.py has the same options",
}
"""Pages whose commands take 5 s or more, and what runs in `make test` instead."""
PYTHON_NIGHTLY = {
    "README.md": "a sweep with its report; tests/test_flow.py has the call, "
    "tests/docs/test_docs_tutorial.py sweeps with reports",
}
"""The same of listings in Python."""
PYTHON_ELSEWHERE = {
    "docs/developers/adding_a_metric.md": "a line of a record; "
    "tests/report/test_metrics_declared.py declares a metric",
    "docs/developers/adding_a_stage.md": "a part of a module; "
    "tests/store/test_stage.py makes stages",
    "docs/concepts/glitches.md": "goes on with what other pages make; its calls are those of "
    "tests/netlist/activity/test_timed_replay.py",
    "docs/concepts/replay.md": "names files of a store; "
    "the same calls are in tests/support/replay_runs.py",
}
REPORT = {"finish__timing__setup__ws": 1.0, "finish__design__instance__area": 1000}


def why_not(one: Command) -> str:
    """Why a command is not run here; nothing if it is."""
    page, line = one.where.partition(":")[0], " ".join(one.words)
    return next((why for key, why in ELSEWHERE.items() if page == key or line.startswith(key)), "")


EVERY = [one for one in commands("chipdse") if one.whole]
BY_PAGE = {
    page: [one for one in EVERY if one.where.partition(":")[0] == page and not why_not(one)]
    for page in dict.fromkeys(one.where.partition(":")[0] for one in EVERY)
}
PYTHON = [one for page in PAGES for one in listings(page) if one.language == "python"]


def python_that_runs() -> list[Listing]:
    """Python of the pages that is run here as it stands."""
    return [
        listing for listing in PYTHON if str(listing.page.relative_to(ROOT)) not in PYTHON_ELSEWHERE
    ]


def is_nightly(one: Listing) -> bool:
    return str(one.page.relative_to(ROOT)) in PYTHON_NIGHTLY


@pytest.fixture
def workspace(
    warm_store: Path,
    tmp_path: Path,
    shared: Path,
    monkeypatch: pytest.MonkeyPatch,
    coarse_temperatures: None,
) -> Path:
    """A folder with studies, netlists, libraries and another flow's results, as pages call them."""
    for name in ("mac_array", "fir", "before", "after"):
        shutil.copytree(warm_store / "undisturbed", tmp_path / "studies" / name)
    (tmp_path / "sweeps").mkdir()
    (tmp_path / "sweeps" / "systems").symlink_to(ROOT / "sweeps" / "systems")
    (tmp_path / "sweeps" / "mac_precision.toml").write_text(sweeps.SWEEP)  # is stored
    (tmp_path / "table.csv").write_text("latency,accuracy\n1,0.9\n2,0.95\n")
    (tmp_path / "6_report.json").write_text(json.dumps(REPORT))
    (tmp_path / "runs" / "latest" / "final").mkdir(parents=True)
    plain = {name.removeprefix("finish__"): value for name, value in REPORT.items()}
    (tmp_path / "runs" / "latest" / "final" / "metrics.json").write_text(json.dumps(plain))
    netlist = shared / "reference" / "timing-power" / "sky130hd"
    library = shared / "pdk" / "sky130hd" / "sky130_fd_sc_hd__tt_025C_1v80.lib.gz"
    for file in (netlist / "mac8.v", netlist / "mac8.vcd.gz"):
        (tmp_path / file.name).symlink_to(file)
    (tmp_path / "cells.lib.gz").symlink_to(library)
    for file in (shared / "pdk" / "ihp-sg13g2").glob("sg13g2_stdcell_*"):
        (tmp_path / file.name).symlink_to(file)
    (tmp_path / "hdl").symlink_to(ROOT / "hdl")
    monkeypatch.setenv("CHIPDSE_CACHE", str(warm_store))
    monkeypatch.setenv("CHIPDSE_CONFIG", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.tools
@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=[pytest.mark.exhaustive] if page in NIGHTLY else [])
        for page, ran in BY_PAGE.items()
        if ran
    ],
)
def test_commands_run_as_typed(page: str, workspace: Path) -> None:
    for one in BY_PAGE[page]:
        said, answer = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(answer), contextlib.redirect_stderr(said):
            code = main(list(one.words))
        # The exit code of `leakage` says whether the block leaks.
        first = [line for line in answer.getvalue().splitlines() if line.startswith("first order")]
        leaks = one.words[0] == "leakage" and "leaks" in " ".join(first)
        assert code == int(leaks), f"{one}: {said.getvalue()}"


@pytest.mark.tools
@pytest.mark.parametrize(
    "listing",
    [
        pytest.param(one, marks=[pytest.mark.exhaustive] if is_nightly(one) else [])
        for one in PYTHON
    ],
    ids=str,
)
def test_python_runs_as_it_stands(listing: Listing, workspace: Path) -> None:
    page = str(listing.page.relative_to(ROOT))
    if page in PYTHON_ELSEWHERE:
        pytest.skip(PYTHON_ELSEWHERE[page])
    exec(compile(listing.text, str(listing), "exec", dont_inherit=True), {"__name__": "listing"})


def test_nothing_is_left_out_for_no_reason() -> None:
    """Every exception is still needed, and most commands run."""
    pages = {one.where.partition(":")[0] for one in EVERY}
    lines = [" ".join(one.words) for one in EVERY]
    assert NIGHTLY.keys() <= BY_PAGE.keys()
    for key in ELSEWHERE:
        assert key in pages or any(line.startswith(key) for line in lines), key
    ran = sum(map(len, BY_PAGE.values()))
    assert ran > 35, f"{ran} of {len(EVERY)} commands"
    known = {str(one.page.relative_to(ROOT)) for one in PYTHON}
    assert set(PYTHON_ELSEWHERE) <= known and set(PYTHON_NIGHTLY) <= known
