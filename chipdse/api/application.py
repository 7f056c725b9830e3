"""For notebooks and the verb `map`: a network on copies of one part."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chipdse.api.study import Study
from chipdse.application.layers import Network
from chipdse.application.memories import dram, sram_buffer
from chipdse.application.parts import Chip, Part, contract_of, measured_part
from chipdse.application.rows import ideal_rows, mapped_rows
from chipdse.application.tables import read_network
from chipdse.application.tensors import read_tensors
from chipdse.design import Design, find_block, make_record
from chipdse.errors import DesignError
from chipdse.hardware.memories import family_for
from chipdse.netlist.library.catalogue import DEFAULT
from chipdse.report.terminal.stages import shown_stages
from chipdse.stages.layers import measure_layers
from chipdse.store.store import Store, default_store, quiet
from chipdse.technology.constants import Sources


@dataclass(frozen=True, kw_only=True)
class MemoryChoice:
    """Memories of a chip as a command or notebook states them; None: not there, or as published.

    family : of the buffer's SRAM macros; None: the one that goes with the library
    dram_units : modules, channels, devices or stacks
    dram_energy_j_per_bit, dram_bandwidth_bits_per_s, dram_idle_w : instead of published figures
    link_j_per_bit, link_bits_per_s : between the DRAM and the buffer
    """

    buffer_bytes: int | None = None
    family: str | None = None
    dram: str | None = None
    dram_units: int = 1
    dram_energy_j_per_bit: float | None = None
    dram_bandwidth_bits_per_s: float | None = None
    dram_idle_w: float | None = None
    link_j_per_bit: float = 0.0
    link_bits_per_s: float = math.inf
    output_bits: int | None = None


def map_network(
    network: str | Network,
    block: str = "mac_array",
    parameters: Mapping[str, Any] | None = None,
    *,
    copies: int = 1,
    batch: int = 1,
    metrics: Mapping[str, float] | None = None,
    clock_hz: float = math.nan,
    library: str = DEFAULT,
    memories: MemoryChoice | None = None,
    ideal: str | None = None,
) -> dict[str, Any]:
    """A network on copies of a part, layer by layer.

    Parameters
    ----------
    network : a shipped name, the path of a CSV or ONNX file, or a `Network`
    block : name of the part's block, which has a contract
    parameters : of the part by name; those left out take their defaults
    copies : number of the part's copies, which work side by side
    batch : inputs of the network per task
    metrics : of the block at one operating point by name, e.g. ``evaluate_point(...).flat()``;
        without them there are no energies; with those of `layer_metrics` among them, the energy per
        MAC of each layer is that of its own operands
    clock_hz : clock frequency; by default that of `metrics`
    library : name of the cell library, which chooses the SRAM family of the buffer
    memories : buffer and outer memory; None is neither
    ideal : a dataflow of `chipdse.application.arrays.DATAFLOWS`: cycles of an ideal array instead

    Returns
    -------
    One JSON document: `layers`, `totals`, `unmapped` operators, and `notes` on what is not counted

    Raises
    ------
    DesignError : wrong input, a block without contract, a layer that does not fit
    """
    record = find_block(block)
    given = make_record(record.parameters, parameters or {}, block)
    for name, number in (("copies", copies), ("batch", batch)):
        if number < 1:
            raise DesignError(f"{name}={number} must be 1 or more")
    contract = contract_of(record, given)
    loaded = read_network(network) if isinstance(network, str) else network
    if not loaded.layers:
        raise DesignError(f"network {loaded.name!r} has no layer that can be mapped")
    layers = tuple(layer.batched(batch) for layer in loaded.layers)
    loaded = dataclasses.replace(loaded, layers=layers)
    part = Part(block=block, contract=contract, copies=copies, clock_hz=clock_hz)
    if metrics is not None:
        part = measured_part(block, contract, metrics, copies)
        if not math.isnan(clock_hz):
            part = dataclasses.replace(part, clock_hz=clock_hz)
    sources = Sources()
    chip = chip_of(part, memories or MemoryChoice(), library, sources)
    if ideal is not None and copies > 1:
        raise DesignError("an ideal array is one array; leave copies out")
    rows = mapped_rows(loaded, chip) if ideal is None else ideal_rows(loaded, chip, ideal)
    return {
        "network": loaded.name,
        "part": block,
        "parameters": dataclasses.asdict(given),
        "copies": copies,
        "batch": batch,
        "array": ideal or "contract",
        "clock_frequency_hz": part.clock_hz,
        "mac_energy_j": part.mac_j,
        "mac_energy_of": "each layer's operands" if part.layer_mac_j else "the block's workload",
        "mac_energy_evidence": "measured",
        **rows,
        "unmapped": dict(loaded.unmapped),
        "notes": _notes(loaded, chip, ideal),
        "sources": {key: constant.source for key, constant in sources.used.items()},
    }


def layer_metrics(
    network: str | Network,
    tensors: str | Path,
    design: Design,
    *,
    batch: int = 1,
    store: str | Path | None = None,
    progress: bool = False,
) -> dict[str, float]:
    """Energy per MAC of each layer of a network over its own operands, by names for `map_network`.

    Parameters
    ----------
    network : as of `map_network`
    tensors : the name of a shipped network, or a folder with NAME.inputs.npy and NAME.weights.npy
        of each layer
    design : of the part, e.g. ``chipdse.api.point.design_of_point(...)``
    batch : inputs of the network per task
    store : folder of stage results; default the user's cache
    progress : report on stderr which stage runs

    Raises
    ------
    DesignError : wrong tensors, or operands that the array cannot hold
    """
    loaded = read_network(network) if isinstance(network, str) else network
    layers = [layer.batched(batch) for layer in loaded.layers]
    operands = read_tensors(str(tensors), layers, batch)
    root = Path(store) if store is not None else default_store()
    with shown_stages() if progress else nullcontext(quiet) as listener:
        return measure_layers(design, operands, Store(root=root, tell=listener))


@dataclass(frozen=True, kw_only=True)
class MeasuredBlock:
    """A block with its parameters and the metrics of one point of a study, by their names.

    design : None where nothing was measured
    """

    block: str
    parameters: dict[str, Any]
    metrics: dict[str, float]
    library: str
    design: Design | None = None


def block_of_trial(study: Study, trial: int) -> MeasuredBlock:
    """The block of one trial of a study, as it was measured.

    Parameters
    ----------
    study : as `chipdse.load_study` returns it
    trial : number of the trial

    Raises
    ------
    DesignError : no such trial, or it has no result
    """
    design, values = study.design(trial)
    return MeasuredBlock(
        block=design.block.name,
        parameters=dataclasses.asdict(design.parameters),
        metrics=values,
        library=design.library.name or "",
        design=design,
    )


def chip_of(part: Part, choice: MemoryChoice, library: str, sources: Sources) -> Chip:
    """A part with the memories that were chosen for it.

    Parameters
    ----------
    part : the arrays
    choice : buffer and outer memory
    library : name of the cell library, which chooses the SRAM family where `choice` names none
    sources : notes the constants used

    Raises
    ------
    DesignError : no SRAM family goes with the library, or a DRAM is chosen for an unknown clock
    """
    buffer = outer = None
    if choice.buffer_bytes is not None:
        family = choice.family or family_for(library, "auto")
        if family is None:
            raise DesignError(
                f"no SRAM family goes with library {library!r}; name one with --buffer-family"
            )
        buffer = sram_buffer(choice.buffer_bytes, family, sources)
    if choice.dram is not None:
        outer = dram(
            choice.dram,
            units=choice.dram_units,
            energy_j_per_bit=choice.dram_energy_j_per_bit,
            bandwidth_bits_per_s=choice.dram_bandwidth_bits_per_s,
            idle_w=choice.dram_idle_w,
            sources=sources,
        )
    if outer is not None and math.isnan(part.clock_hz):
        raise DesignError(
            "a DRAM needs a clock to say which limit binds; measure the part or state the clock"
        )
    return Chip(
        part=part,
        buffer=buffer,
        outer=outer,
        link_bits_per_s=choice.link_bits_per_s,
        link_j_per_bit=choice.link_j_per_bit,
        output_bits=choice.output_bits,
    )


def _notes(network: Network, chip: Chip, ideal: str | None) -> list[str]:
    """What a reader of the result must know: what may go wrong and what is not counted."""
    notes = []
    if network.unmapped:
        listed = ", ".join(f"{count} {name}" for name, count in network.unmapped)
        notes.append(f"not mapped: {listed}")
    contract = chip.part.contract
    deep = [layer for layer in network.layers if layer.k > contract.exact_depth]
    if deep and ideal is None:
        which = f"layer {deep[0].name!r} is" if len(deep) == 1 else f"{len(deep)} layers are"
        notes.append(
            f"{which} deeper than {contract.exact_depth}: sums of extreme operands wrap in "
            f"{contract.result_bits} bits"
        )
    if ideal is None and not math.isnan(chip.part.mac_j):
        notes.append(
            "energy per MAC of each layer is measured with its own operands"
            if chip.part.layer_mac_j
            else "energy per MAC is constant: that of the measured workload, whatever the layer's "
            "data"
        )
        notes.append("logic that requantises results, and wires between parts, are not counted")
    if chip.outer is not None and math.isnan(chip.outer.idle_w):
        notes.append(f"idle power of {chip.outer.kind} is not published: not counted")
    return notes
