"""The picture of large arrays is drawn from the rows of the table on its page."""

from __future__ import annotations

import json
import re

from tests.support.docs_pages import ROOT

STAGES = ("elaborate", "simulate", "synthesise", "measure")


def test_the_stored_rows_are_those_of_the_table() -> None:
    page = (ROOT / "docs/concepts/hierarchy.md").read_text()
    rows = json.loads((ROOT / "docs/figures/array_sizes.json").read_text())["results"]
    assert [row["size"] for row in rows] == [4, 8, 32, 64]
    for row in rows:
        line = re.search(rf"^\| {row['size']} x {row['size']} \|(.*)\|$", page, re.MULTILINE)
        assert line is not None
        shown = [float(cell.replace(",", "")) for cell in line[1].split("|")]
        stages = [row["stages_s"][stage] for stage in STAGES]
        assert shown == [row["cells"], row["processor_s"], *stages, row["memory_mb"]]
        assert abs(sum(row["stages_s"].values()) - row["processor_s"]) < 0.01
