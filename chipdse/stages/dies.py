"""The process of each die of a chip, from the libraries of its parts."""

from __future__ import annotations

from collections.abc import Mapping

from chipdse.application.dies import DieSetting
from chipdse.application.files.dies import DieChoice, Layout
from chipdse.design import LibraryChoice
from chipdse.errors import DesignError
from chipdse.stages.library import library_of, shared_node_nm


def die_setting(
    layout: Layout,
    carrier: str | None,
    memories: tuple[str, str],
    libraries: Mapping[str, LibraryChoice],
) -> DieSetting:
    """What is the same in all chips of a file with named dies.

    Parameters
    ----------
    carrier : the part on which the network runs; None without a network
    memories : names of the buffer and the DRAM; empty where there is none
    libraries : of each part by its name

    Raises
    ------
    DesignError : the libraries on a die differ in their node, or it is not known
    """
    nodes = []
    for die in layout.dies:
        on_die = layout.on(die.name)
        nodes.append(_node(die, {n: lib for n, lib in libraries.items() if n in on_die}))
    return DieSetting(
        layout=layout,
        flows=layout.flows(carrier, *memories),
        carrier=carrier,
        buffer=memories[0],
        node_nm=tuple(node for node, _ in nodes),
        moved=tuple(moved for _, moved in nodes),
    )


def _node(die: DieChoice, libraries: Mapping[str, LibraryChoice]) -> tuple[float, bool]:
    """The node of a die [nm], and whether it is not that of its measured parts."""
    if not libraries:
        assert die.node_nm is not None  # the file was refused otherwise
        return die.node_nm, False
    try:
        chosen = shared_node_nm(libraries, die.node_nm)
    except DesignError as error:
        message = str(error).replace("[package] node_nm", "node_nm")
        raise DesignError(f"[dies.{die.name}] {message}") from error
    measured = library_of(next(iter(libraries.values()))).node_nm
    return chosen, measured is not None and chosen != measured
