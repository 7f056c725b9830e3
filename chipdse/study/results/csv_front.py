"""The Pareto front of any table in a CSV file."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from chipdse.design import suggest
from chipdse.errors import DesignError, InfeasibleError
from chipdse.sorting import among
from chipdse.study.results.front import is_on_front, knee_of
from chipdse.study.results.select import matching


def front_of_csv(
    path: Path, minimize: Sequence[str], maximize: Sequence[str], conditions: Sequence[str] = ()
) -> tuple[pd.DataFrame, int]:
    """A table of a CSV file with a column `on_front`, and the row of the front's knee.

    Rows without a finite value of an objective are on no front.

    Parameters
    ----------
    conditions : the table has only the rows that satisfy them (`matching`)

    Raises
    ------
    DesignError : the file is not a table, or an objective is not a column of numbers
    InfeasibleError : no row has a finite value of every objective, or satisfies the conditions
    """
    table = _read_table(path)
    numbers = [str(name) for name in table.select_dtypes("number").columns]
    objectives = [*minimize, *maximize]
    header = _header(path)
    for name in objectives:
        if header.count(name) > 1:
            raise DesignError(f"{path} has {header.count(name)} columns {name!r}; rename or remove")
        if name not in numbers:
            kind = "is text in" if name in table.columns else "is not a column of"
            raise DesignError(f"{name!r} {kind} {path}; {suggest(name, numbers)}")
    for name in objectives:
        if objectives.count(name) > 1:
            raise DesignError(f"{name!r} is given twice; give each objective once")
    table = matching(table, conditions, {}).copy()
    signs = np.array([1.0] * len(minimize) + [-1.0] * len(maximize))
    values = table[objectives].to_numpy(dtype=float) * signs
    finite = np.flatnonzero(np.isfinite(values).all(axis=1))
    if not len(finite):
        raise InfeasibleError(f"{path} has no row with a number in each of {', '.join(objectives)}")
    rows = finite[is_on_front(values[finite])]
    table["on_front"] = among(np.arange(len(table)), rows)
    return table, int(table.index[rows[knee_of(values[rows])]])


def _read_table(path: Path) -> pd.DataFrame:
    try:
        with warnings.catch_warnings():
            # Pandas takes rows of more cells than the header for rows with a name, or shortens
            # them: either shifts or loses values.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            return pd.read_csv(path, index_col=False)
    except pd.errors.ParserWarning:
        raise DesignError(
            f"{path} has rows with more cells than its header has names; name every column"
        ) from None
    except (OSError, ValueError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise DesignError(f"{path} is not a table of comma-separated values: {reason}") from error


def _header(path: Path) -> list[str]:
    """The names in a table's first line, as they are written: pandas numbers equal ones."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return next((row for row in csv.reader(file) if row), [])
