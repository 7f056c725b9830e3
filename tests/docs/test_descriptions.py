"""Docstrings describe parameters and attributes that exist."""

from __future__ import annotations

import ast
import textwrap

import pytest

from tests.support.docs_pages import ROOT
from tests.support.source_code.descriptions import misdescribed

FOLDERS = ("chipdse", "hdl", "benchmarks", "tools", "docs", "tests")
TAKEN_BACK = '''
    def scaled(values, factor):
        """Values by a factor.

        Parameters
        ----------
        values, scale : what is scaled
            factor : this line belongs to the one before

        Returns
        -------
        result : scaled
        """

    class Record:
        """A record.

        size_m : its width
        area_m2, height_m : what follows from it
        """

        size_m: float

        def __init__(self):
            self.height_m = 1.0

    class Other(Record):
        """size_m : as of `Record`"""
'''


@pytest.mark.slow
@pytest.mark.parametrize("folder", FOLDERS)
def test_what_is_described_exists(folder: str) -> None:
    wrong = {
        str(file.relative_to(ROOT)): names
        for file in sorted((ROOT / folder).rglob("*.py"))
        if (names := misdescribed(ast.parse(file.read_text(encoding="utf-8"))))
    }
    assert not wrong


def test_names_that_are_gone_are_told() -> None:
    tree = ast.parse(textwrap.dedent(TAKEN_BACK))
    assert misdescribed(tree) == ["scaled: scale", "Record: area_m2"]
