"""The process node of a die that several parts share."""

from __future__ import annotations

from pathlib import Path

import pytest

from chipdse.design import LibraryChoice
from chipdse.errors import DesignError
from chipdse.stages.library import shared_node_nm

SHIPPED = LibraryChoice(name="sky130")


@pytest.fixture
def of_no_node(tmp_path: Path) -> LibraryChoice:
    """Liberty files state no process node."""
    file = tmp_path / "cells.lib"
    file.write_text(
        "library (cells) { nom_voltage : 1.8; nom_temperature : 25.0; nom_process : 1.0; }\n"
    )
    return LibraryChoice(files=(file,))


def test_the_libraries_state_it_unless_the_package_does() -> None:
    assert shared_node_nm({"array": SHIPPED, "link": SHIPPED}, None) == 130.0
    assert shared_node_nm({"array": SHIPPED}, 28.0) == 28.0
    assert shared_node_nm({"array": SHIPPED}, 0) == 130.0  # as a file writes None


def test_libraries_of_several_nodes_are_refused_by_name(of_no_node: LibraryChoice) -> None:
    with pytest.raises(DesignError, match="node: array 130 nm, link unknown"):
        shared_node_nm({"array": SHIPPED, "link": of_no_node}, None)


def test_an_unknown_node_is_refused(of_no_node: LibraryChoice) -> None:
    with pytest.raises(DesignError, match=r"is not known; set \[package\] node_nm"):
        shared_node_nm({"array": of_no_node}, None)
    assert shared_node_nm({"array": of_no_node}, 7.0) == 7.0
