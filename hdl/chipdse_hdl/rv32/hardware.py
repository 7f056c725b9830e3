"""The hardware of `rv32`: fetch, registers, one adder for all sums, and a shifter."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from chipdse_hdl.rv32.instructions import (
    AUIPC,
    BRANCH,
    JAL,
    JALR,
    LOAD,
    LUI,
    OP,
    OP_IMM,
    STORE,
    SYSTEM,
)
from chipdse_hdl.rv32.parameters import Rv32Parameters


class Rv32(wiring.Component):
    """The processor.

    Ports
    -----
    fetch_address : Out(32)  of the next instruction
    instruction : In(32)     ... which is there before the end of the cycle
    data_address : Out(32)   of a load or store, in the cycle after the instruction's first
    read : Out(1)            a load: the word is wanted before the end of this cycle
    read_data : In(32)       ... the whole word, whatever part of it is wanted
    write_mask : Out(4)      a store: which bytes are written at the end of this cycle, 0 for none
    write_data : Out(32)     ... a byte or half word on all its places
    halted : Out(1)          an ecall or ebreak was executed: nothing happens until reset

    All outputs are registers. Loads and stores are aligned to their size. What is no instruction of
    RV32I (E: no register beyond x15) does something unsaid. Reset starts at address 0; registers
    have no reset.

    Timing
    ------
    An instruction a cycle; loads 2, serial shifts 2 and one more a place; with two stages a taken
    branch or jump 2, and after reset a cycle passes first.
    """

    fetch_address: Signal
    instruction: Signal
    data_address: Signal
    read: Signal
    read_data: Signal
    write_mask: Signal
    write_data: Signal
    halted: Signal

    def __init__(self, parameters: Rv32Parameters) -> None:
        self.parameters = parameters
        super().__init__(
            {
                "fetch_address": Out(32),
                "instruction": In(32),
                "data_address": Out(32),
                "read": Out(1),
                "read_data": In(32),
                "write_mask": Out(4),
                "write_data": Out(32),
                "halted": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # The instruction at work, its address and whether there is one; and what it decides.
        word, pc = Signal(32, name="word"), Signal(32, name="pc")
        valid, done, taken = Signal(name="there"), Signal(name="done"), Signal(name="taken")
        target = Signal(32, name="target")
        self._fetch(m, word, pc, valid, done, taken, target)

        opcode, f3 = word[:7], word[12:15]
        kinds = (LUI, AUIPC, JAL, JALR, BRANCH, LOAD, STORE, OP, OP_IMM, SYSTEM)
        lui, auipc, jal, jalr, branch, load, store, op, op_imm, system = (
            opcode == kind for kind in kinds
        )
        i_imm = word[20:].as_signed()
        s_imm = Cat(word[7:12], word[25:]).as_signed()
        b_imm = Cat(Const(0, 1), word[8:12], word[25:31], word[7], word[31]).as_signed()
        j_imm = Cat(Const(0, 1), word[21:31], word[20], word[12:20], word[31]).as_signed()
        upper = Cat(Const(0, 12), word[12:])

        result, writes = Signal(32, name="result"), Signal(name="writes")
        a, rs2 = self._registers(m, word, result, writes)
        b = Signal(32, name="b")
        m.d.comb += b.eq(Mux(op | branch, rs2, Mux(store, s_imm, i_imm)))

        # One adder for sums, differences, comparisons and addresses, one for targets.
        compares = branch | ((op | op_imm) & ((f3 == 2) | (f3 == 3)))
        subtract = Signal(name="subtract")
        total, less, below = Signal(33, name="total"), Signal(name="less"), Signal(name="below")
        aside = Signal(32, name="aside")
        m.d.comb += [
            subtract.eq(compares | (op & (f3 == 0) & word[30])),
            total.eq(a + (b ^ subtract.replicate(32)) + subtract),
            below.eq(~total[32]),
            less.eq(Mux(a[31] ^ b[31], a[31], below)),
            aside.eq(pc + Mux(jal, j_imm, Mux(branch, b_imm, upper))),
        ]
        equal = ~(a ^ b).any()
        holds = Mux(f3[2], Mux(f3[1], below, less), equal) ^ f3[0]
        m.d.comb += [
            taken.eq(jal | jalr | (branch & holds)),
            target.eq(Mux(jalr, Cat(Const(0, 1), total[1:32]), aside)),
        ]

        shifts = Signal(name="shifts")
        loaded = self._loaded(f3)
        shifted = Signal(32, name="shifted", reset_less=True)
        m.d.comb += shifts.eq((op | op_imm) & (f3[:2] == 1))
        with m.Switch(f3):
            values = [total[:32], shifted, less, below, a ^ b, shifted, a | b, a & b]
            for case, value in enumerate(values):
                with m.Case(case):
                    m.d.comb += result.eq(value)
        with m.If(lui):
            m.d.comb += result.eq(upper)
        with m.If(auipc):
            m.d.comb += result.eq(aside)
        with m.If(jal | jalr):
            m.d.comb += result.eq(pc + 4)
        with m.If(load):
            m.d.comb += result.eq(loaded)

        places = Signal(5, name="places")
        if self.parameters.shifter == "serial":
            with m.If(places != 0):
                filled = Cat(shifted[1:], word[30] & shifted[31])
                m.d.sync += shifted.eq(Mux(f3[2], filled, Cat(Const(0, 1), shifted[:31])))
                m.d.sync += places.eq(places - 1)
        else:
            self._shift_at_once(m, shifted, a, b[:5], word)

        one_cycle = ~load & ~system & (~shifts if self.parameters.shifter == "serial" else Const(1))
        stop, read = Signal(name="stop"), Signal(name="reading")
        mask = Signal(4, name="mask")
        m.d.sync += [mask.eq(0), read.eq(0)]
        m.d.comb += [self.halted.eq(stop), self.read.eq(read), self.write_mask.eq(mask)]
        with m.FSM():
            with m.State("EXECUTE"):
                start = valid & ~stop
                m.d.comb += [
                    done.eq(start & one_cycle),
                    writes.eq(done & (lui | auipc | jal | jalr | op | op_imm)),
                ]
                with m.If(start & system):
                    m.d.sync += stop.eq(1)
                with m.If(start & (load | store)):
                    self._request(m, f3, total, rs2)
                with m.If(start & store):
                    m.d.sync += mask.eq(self._mask(f3, total))
                with m.If(start & load):
                    m.d.sync += read.eq(1)
                    m.next = "LOAD"
                if self.parameters.shifter == "serial":
                    with m.If(start & shifts):
                        m.d.sync += [shifted.eq(a), places.eq(b[:5])]
                        m.next = "SHIFT"
            with m.State("LOAD"):
                m.d.comb += [done.eq(1), writes.eq(1)]
                m.next = "EXECUTE"
            if self.parameters.shifter == "serial":
                with m.State("SHIFT"):
                    m.d.comb += [done.eq(places == 0), writes.eq(done)]
                    with m.If(done):
                        m.next = "EXECUTE"
        return m

    def _fetch(
        self,
        m: Module,
        word: Signal,
        pc: Signal,
        valid: Signal,
        done: Signal,
        taken: Signal,
        target: Signal,
    ) -> None:
        """The instruction at work, from the port or from a register behind it."""
        following = Signal(32, name="fetch_register")
        m.d.comb += self.fetch_address.eq(following)
        if self.parameters.stages == 1:
            m.d.comb += [word.eq(self.instruction), pc.eq(following), valid.eq(1)]
            with m.If(done):
                m.d.sync += following.eq(Mux(taken, target, following + 4))
            return
        held = Signal(32, name="instruction_register", reset_less=True)
        held_pc = Signal(32, name="pc_register", reset_less=True)
        full = Signal(name="full")
        m.d.comb += [word.eq(held), pc.eq(held_pc), valid.eq(full)]
        with m.If(done & taken):
            m.d.sync += [following.eq(target), full.eq(0)]
        with m.Elif(done | ~full):
            m.d.sync += [held.eq(self.instruction), held_pc.eq(following), full.eq(1)]
            m.d.sync += following.eq(following + 4)

    def _registers(
        self, m: Module, word: Value, result: Value, writes: Value
    ) -> tuple[Value, Value]:
        """What the two source registers hold; x0 is read as 0, whatever is there."""
        count = self.parameters.registers
        m.submodules.file = file = memory.Memory(shape=32, depth=count, init=[])
        write_port = file.write_port()
        index = len(write_port.addr)
        m.d.comb += [
            write_port.addr.eq(word[7 : 7 + index]),
            write_port.data.eq(result),
            write_port.en.eq(writes & word[7 : 7 + index].any()),
        ]
        values = []
        for name, start in (("rs1", 15), ("rs2", 20)):
            port = file.read_port(domain="comb")
            value = Signal(32, name=name)
            number = word[start : start + index]
            m.d.comb += [port.addr.eq(number), value.eq(Mux(number.any(), port.data, 0))]
            values.append(value)
        return values[0], values[1]

    def _shift_at_once(
        self, m: Module, shifted: Signal, a: Value, places: Value, word: Value
    ) -> None:
        """Right, with the sign or zeros; left is right from the other end."""
        left = ~word[14]
        value: Value = Mux(left, a[::-1], a)
        fill = word[30] & a[31] & ~left
        for level in range(5):
            by = 1 << level
            stage = Signal(32, name=f"shift_{level}")
            m.d.comb += stage.eq(Mux(places[level], Cat(value[by:], fill.replicate(by)), value))
            value = stage
        m.d.comb += shifted.eq(Mux(left, value[::-1], value))

    def _loaded(self, f3: Value) -> Value:
        """The wanted part of a word that was read, with its sign or zeros."""
        half = Mux(self.data_address[1], self.read_data[16:], self.read_data[:16])
        byte = Mux(self.data_address[0], half[8:], half[:8])
        high = Mux(f3[0], half[15], byte[7]) & ~f3[2]
        short = Cat(byte, Mux(f3[0], half[8:16], high.replicate(8)), high.replicate(16))
        return Mux(f3[1], self.read_data, short)

    def _request(self, m: Module, f3: Value, address: Value, data: Value) -> None:
        """Address and data of a load or store, for the next cycle."""
        byte, half = data[:8], data[:16]
        m.d.sync += [
            self.data_address.eq(address[:32]),
            self.write_data.eq(Mux(f3[1], data, Mux(f3[0], half.replicate(2), byte.replicate(4)))),
        ]

    def _mask(self, f3: Value, address: Value) -> Value:
        """Which bytes a store writes."""
        halves = Mux(address[1], 0b1100, 0b0011)
        byte = Const(1, 4) << address[:2]
        return Mux(f3[1], 0b1111, Mux(f3[0], halves, byte))
