"""Tables of points as text: what pandas and `json` write."""

from __future__ import annotations

import json
import math
from typing import Any

import pandas as pd
from hypothesis import example, given
from hypothesis import strategies as st

from chipdse.cli.common import _plain
from chipdse.study.results.text import csv_text, records_json

COLUMNS: dict[str, st.SearchStrategy[Any]] = {
    "trial": st.integers(0, 10**6),
    "energy_j": st.floats(),
    "rows": st.none() | st.integers(1, 4),
    "drain": st.booleans(),
    "kind": st.none() | st.text(st.sampled_from('ab ,"\n\r\té'), max_size=4),
    "mixed, odd": st.sampled_from([None, True, 2, 0.5, 0.0, -0.0, "a,b", math.inf]),
}


@example([(1, 0.0, None, True, None, 0.0), (2, -0.0, None, True, None, -0.0)])
@given(st.lists(st.tuples(*COLUMNS.values()), max_size=6))
def test_text_is_that_of_pandas_and_json(rows: list[tuple[Any, ...]]) -> None:
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    table["energy_j"] = table["energy_j"].astype(float)
    assert csv_text(table) == table.to_csv(index=False)
    records = _plain(table.to_dict("records"))
    assert records_json(table) == json.dumps(records, indent=1, allow_nan=False)
