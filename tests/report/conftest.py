"""A browser, and a report that is served, for the tests of the pages."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chipdse.report.page.serve import make_server
from tests.support.report_cases import make_study


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("Chromium is not installed")
    with playwright.sync_playwright() as tools:
        opened = tools.chromium.launch(
            executable_path=chromium,
            # The sandbox wants a user of its own; WebGL is drawn without a graphics card.
            args=["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
        )
        yield opened
        opened.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Any]:
    made = make_study(tmp_path / "live", 12, on_disk=True)
    with make_server(made.path, "127.0.0.1", 0) as serving:
        thread = threading.Thread(target=serving.serve_forever, daemon=True)
        thread.start()
        serving.study = made
        yield serving
        serving.shutdown()
