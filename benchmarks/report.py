"""How soon the report of 5,000 made-up points is painted in Chromium; prints one JSON line.

python -m benchmarks.report
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from chipdse.report.page import report_html

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from report_cases import make_study  # noqa: E402

POINTS, RUNS = 5000, 3
PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as tools:
        page = Path(scratch) / "report.html"
        page.write_text(report_html(make_study(Path(scratch) / "made", POINTS), None))
        browser = tools.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
        )
        painted = []
        for _ in range(RUNS):
            tab = browser.new_page()
            tab.goto(page.as_uri())
            tab.wait_for_selector("body[data-ready=yes]", timeout=120_000)
            painted.append(tab.evaluate(PAINT) / 1e3)
            tab.close()
        size = page.stat().st_size
    print(json.dumps({"points": POINTS, "bytes": size, "first_paint_s": sorted(painted)}))


if __name__ == "__main__":
    main()
