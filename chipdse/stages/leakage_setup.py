"""What every test of side channels needs of a design: its runs, their inputs and first state."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipdse.arrays import Int32s, Int64s, UInt64s
from chipdse.design import Design
from chipdse.errors import DesignError
from chipdse.netlist.activity.recording import RegisterBit, read_register_map
from chipdse.netlist.activity.runs.plan import RunPlan, plan_runs, recorded_state
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.power.cycles import CycleEnergies
from chipdse.netlist.power.modules import assign_modules
from chipdse.stages.analyse import Analysis, analyse_design
from chipdse.stages.leakage_records import LeakageTest
from chipdse.stages.load import Hardware, load
from chipdse.stages.stated_operation import OperationStimuli, operation_of, operation_stimuli
from chipdse.stages.stimuli import Stimuli, recorded_stimuli
from chipdse.stages.traces import block_energies
from chipdse.store.store import Store

BITS = 16  # of an energy's weight: rounded below what any process repeats


@dataclass(frozen=True, kw_only=True, eq=False)
class Setup:
    """A design ready for a test.

    energies : of its transitions
    stimuli : inputs of the runs, which a plan takes
    state : [registers] words of the first state, equal in all runs
    nets, slots : nets that are tested, and where a plan has them
    net_names, net_module : of these, and the module of the cell that drives each
    watched : slots of the register that is compared with the power
    """

    analysis: Analysis
    plan: RunPlan
    energies: CycleEnergies
    stimuli: Stimuli | OperationStimuli
    state: UInt64s
    nets: Int64s
    slots: Int32s
    net_names: tuple[str, ...]
    net_module: tuple[str, ...]
    watched: Int32s

    @property
    def cycles(self) -> int:
        """Clock cycles of a run."""
        return self.stimuli.cycles


def set_up(design: Design, hardware: Hardware, store: Store, test: LeakageTest) -> Setup:
    """A design ready for a test.

    Raises
    ------
    DesignError : an input or register is not there, or the netlist cannot run by itself
    """
    loaded = load(design.library, hardware, design.operating.process)
    netlist, recording, run = loaded.netlist, loaded.recording, hardware.run
    registers = read_register_map(hardware.mapped.register_map)
    plan = plan_runs(netlist, recording.clock, registers)
    analysis = analyse_design(design, hardware, store)
    stimuli: Stimuli | OperationStimuli
    if test.secret:
        available = min(run.cycles, recording.rows - 1 - run.first_cycle)
        stimuli = recorded_stimuli(
            plan,
            recording,
            first_row=run.first_cycle,
            cycles=available if test.cycles is None else test.cycles,
            secret=test.secret,
            fresh=test.fresh,
        )
    else:
        stimuli = operation_stimuli(
            operation_of(design.block, design.parameters),
            plan.ports,
            len(plan.inputs),
            seed=test.seed,
            cycles=test.cycles,
        )
    nets, slots = _probes(netlist, plan)
    module = assign_modules(loaded.graph).at_depth(test.depth)
    driver = netlist.pin_cell[netlist.net_driver_pin[nets]]
    state = recorded_state(plan, registers, recording, run.first_cycle)
    return Setup(
        analysis=analysis,
        plan=plan,
        energies=block_energies(analysis, plan.plan, test.depth, bits=BITS),
        stimuli=stimuli,
        state=np.where(state > 0, ~np.uint64(0), np.uint64(0)),
        nets=nets,
        slots=slots,
        net_names=tuple(netlist.net_names[net] for net in nets.tolist()),
        net_module=tuple(module.names[number] for number in module.of_cell[driver].tolist()),
        watched=_watched(plan, registers, test.correlate),
    )


def _probes(netlist: Netlist, plan: RunPlan) -> tuple[Int64s, Int32s]:
    """Nets that cells drive, and their slots; a clock's nets change in every cycle alike."""
    slot = plan.plan.slot_of_net
    clocked = np.zeros(netlist.net_count, dtype=bool)
    clocked[[net for net, *_ in plan.plan.clocked]] = True
    nets = np.flatnonzero((netlist.net_driver_pin >= 0) & (slot >= plan.plan.base) & ~clocked)
    return nets, np.ascontiguousarray(slot[nets], dtype=np.int32)


def _watched(plan: RunPlan, registers: dict[str, RegisterBit], name: str | None) -> Int32s:
    """Slots of a register of the RTL; none without a name."""
    if name is None:
        return np.zeros(0, dtype=np.int32)
    numbers = [
        number
        for number, cell in enumerate(plan.registers)
        if cell in registers and registers[cell].signal == name
    ]
    if not numbers:
        some = ", ".join(sorted({register.signal for register in registers.values()})[:8])
        raise DesignError(f"no flip-flop stores register {name!r}; there are e.g. {some}")
    watched: Int32s = plan.state[numbers, 1].copy()
    return watched
