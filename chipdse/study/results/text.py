"""Tables of points as CSV and JSON: the text of pandas and `json`, in less time.

Most columns of a table have few values, because points that were harvested together share a
netlist or a package: each value becomes text once.
"""

from __future__ import annotations

import csv
import functools
import io
import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd


def csv_text(table: pd.DataFrame) -> str:
    """What ``table.to_csv(index=False)`` returns."""
    columns = [
        _float_texts(table[name], "", "") if _is_float(table[name]) else _csv_texts(table[name])
        for name in table.columns
    ]
    rows = [",".join(map(_csv_text, table.columns)), *map(",".join, zip(*columns, strict=True))]
    return "\n".join(rows) + "\n"


def records_json(table: pd.DataFrame) -> str:
    """The rows as ``json.dumps(table.to_dict("records"), indent=1)``; nan and infinity are null."""
    if table.empty:
        return "[]"
    columns, text = [], _each_once(_json_value)
    for name in map(str, table.columns):
        column, start = table[name], f"  {json.dumps(name)}: "
        if _is_float(column):
            columns.append(_float_texts(column, start, "null", infinite="null"))
        else:
            columns.append([f"{start}{text(value)}" for value in column.tolist()])
    rows = "\n },\n {\n".join(map(",\n".join, zip(*columns, strict=True)))
    return f"[\n {{\n{rows}\n }}\n]"


def _is_float(column: pd.Series[Any]) -> bool:
    return column.dtype == np.float64


def _float_texts(
    column: pd.Series[Any], start: str, missing: str, *, infinite: str | None = None
) -> list[str]:
    """The text of each number of a column.

    Parameters
    ----------
    start : before each text
    missing : the text of nan
    infinite : the text of both infinities; None: that of Python
    """
    values = column.to_numpy(dtype=np.float64)
    # By their bits: 0.0 and -0.0 are equal and have two texts.
    codes, bits = pd.factorize(values.view(np.int64))
    numbers = np.asarray(bits).view(np.float64)
    texts = [f"{start}{number!r}" for number in numbers.tolist()]
    for place in np.flatnonzero(~np.isfinite(numbers)):
        if math.isnan(numbers[place]):
            texts[place] = f"{start}{missing}"
        elif infinite is not None:
            texts[place] = f"{start}{infinite}"
    return list(map(texts.__getitem__, codes.tolist()))


def _csv_texts(column: pd.Series[Any]) -> list[str]:
    """The text of each value of a column, quoted where that is necessary."""
    text = _each_once(_csv_text)
    return ["" if value is None or value != value else text(value) for value in column.tolist()]


def _each_once(text_of: Callable[[Any], str]) -> Callable[[Any], str]:
    """`text_of`, called once per value; but 0.0 and -0.0 are equal and have two texts."""
    known = functools.lru_cache(maxsize=None, typed=True)(text_of)
    return lambda value: text_of(value) if isinstance(value, float) else known(value)


def _csv_text(value: Any) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerow(["", value])  # alone, an empty text has quotes
    return file.getvalue()[1:-1]


def _json_value(value: Any) -> str:
    """One value as JSON."""
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return "null"
    return json.dumps(value)
