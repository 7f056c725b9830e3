"""optuna-dashboard opens a study in a real browser and shows its front."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import chipdse
from tests.support import servers
from tests.support import small_sweep as sweeps

pytestmark = pytest.mark.tools

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DASHBOARD = Path(sys.executable).with_name("optuna-dashboard")


@contextmanager
def dashboard(storage: str) -> Iterator[str]:
    """Its address on loopback."""
    port = servers.free_port()
    command = [
        DASHBOARD,
        storage,
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--server",
        "wsgiref",
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}"

        def answers() -> bool:
            try:
                with urllib.request.urlopen(f"{address}/api/studies", timeout=5) as answer:
                    return bool(answer.status == 200)
            except OSError:
                return False

        servers.wait_until(answers, "an answer of optuna-dashboard")
        yield address
    finally:
        process.kill()
        process.wait()


def page(address: str, folder: Path, picture: Path) -> str:
    """The page as a browser has it after its scripts ran; also as a picture."""
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
               "--disable-background-networking", "--disable-component-update", "--disable-sync",
               "--disable-quic", "--hide-scrollbars", "--window-size=1400,1600",
               "--virtual-time-budget=20000", f"--user-data-dir={folder}/profile"]  # fmt: skip
    done = subprocess.run(
        [*command, f"--screenshot={picture}", "--dump-dom", address],
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    return done.stdout


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium; sudo apt-get install chromium")
@pytest.mark.skipif(not DASHBOARD.exists(), reason="optuna-dashboard is not installed")
def test_the_front_in_a_browser(warm_store: Path, tmp_path: Path) -> None:
    study = warm_store / "undisturbed"
    with dashboard(f"sqlite:///{study / 'study.db'}") as address:
        with urllib.request.urlopen(f"{address}/api/studies") as answer:
            (found,) = json.load(answer)["study_summaries"]
        shown = page(
            f"{address}/dashboard/studies/{found['study_id']}", tmp_path, tmp_path / "a.png"
        )
    began = shown.index("Pareto Front")
    plot = shown[began : shown.index("History", began)]
    assert "js-plotly-plot" in plot
    assert plot.count('<path class="point"') == sweeps.TRIALS
    for objective in chipdse.load_study(study).folder.sweep.objectives:
        assert objective.metric in shown
    assert (tmp_path / "a.png").stat().st_size > 20_000
