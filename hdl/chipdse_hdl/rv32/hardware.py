"""The hardware of `rv32`: fetch, registers, one adder for all sums, and a shifter."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from chipdse_hdl.riscv.instructions import (
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


@dataclass(frozen=True, kw_only=True, eq=False)
class _Instruction:
    """An instruction in its parts.

    f3 : the field that distinguishes instructions of one kind
    lui ... system : whether it is of that kind
    i_imm ... upper : the immediate of each format
    """

    word: Value
    f3: Value
    lui: Value
    auipc: Value
    jal: Value
    jalr: Value
    branch: Value
    load: Value
    store: Value
    op: Value
    op_imm: Value
    system: Value
    i_imm: Value
    s_imm: Value
    b_imm: Value
    j_imm: Value
    upper: Value

    @classmethod
    def of(cls, word: Value) -> _Instruction:
        """The parts of a 32-bit instruction."""
        opcode = word[:7]
        return cls(
            word=word,
            f3=word[12:15],
            lui=opcode == LUI,
            auipc=opcode == AUIPC,
            jal=opcode == JAL,
            jalr=opcode == JALR,
            branch=opcode == BRANCH,
            load=opcode == LOAD,
            store=opcode == STORE,
            op=opcode == OP,
            op_imm=opcode == OP_IMM,
            system=opcode == SYSTEM,
            i_imm=word[20:].as_signed(),
            s_imm=Cat(word[7:12], word[25:]).as_signed(),
            b_imm=Cat(Const(0, 1), word[8:12], word[25:31], word[7], word[31]).as_signed(),
            j_imm=Cat(Const(0, 1), word[21:31], word[20], word[12:20], word[31]).as_signed(),
            upper=Cat(Const(0, 12), word[12:]),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Datapath:
    """Operands of an instruction, and the outputs of the two adders.

    a, b : the operands of the adder
    rs2 : the second source register, which a store writes
    total : sum or difference of the operands, with the carry
    less, below : a < b, signed and unsigned
    aside : a target or address that starts from the address of the instruction
    """

    a: Value
    b: Value
    rs2: Value
    total: Value
    less: Value
    below: Value
    aside: Value


@dataclass(frozen=True, kw_only=True, eq=False)
class _Shifter:
    """wanted : the instruction is a shift; shifted : its result; places : shifts still to do."""

    wanted: Signal
    shifted: Signal
    places: Signal


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
    RV32I (E: no register beyond x15) has undefined behaviour. Reset starts at address 0; registers
    have no reset.

    Timing
    ------
    One instruction takes one cycle; a load takes 2; a serial shift takes 2 and one more per place.
    With two stages a taken branch or jump takes 2, and one cycle passes after reset.
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

        i = _Instruction.of(word)
        result, writes = Signal(32, name="result"), Signal(name="writes")
        a, rs2 = self._registers(m, word, result, writes)
        data = self._datapath(m, i, a, rs2, pc)
        equal = ~(data.a ^ data.b).any()
        holds = Mux(i.f3[2], Mux(i.f3[1], data.below, data.less), equal) ^ i.f3[0]
        m.d.comb += [
            taken.eq(i.jal | i.jalr | (i.branch & holds)),
            target.eq(Mux(i.jalr, Cat(Const(0, 1), data.total[1:32]), data.aside)),
        ]
        shifter = _Shifter(
            wanted=Signal(name="shifts"),
            shifted=Signal(32, name="shifted", reset_less=True),
            places=Signal(5, name="places"),
        )
        m.d.comb += shifter.wanted.eq((i.op | i.op_imm) & (i.f3[:2] == 1))
        self._choose(m, i, data, shifter.shifted, pc, result)
        if self.parameters.shifter == "serial":
            self._shift_one_place(m, shifter, word)
        else:
            self._shift_at_once(m, shifter.shifted, data.a, data.b[:5], word)
        self._execute(m, i, data, shifter, valid, done, writes)
        return m

    def _datapath(self, m: Module, i: _Instruction, a: Value, rs2: Value, pc: Value) -> _Datapath:
        """One adder for sums, differences, comparisons and addresses, one for targets."""
        b = Signal(32, name="b")
        m.d.comb += b.eq(Mux(i.op | i.branch, rs2, Mux(i.store, i.s_imm, i.i_imm)))
        compares = i.branch | ((i.op | i.op_imm) & ((i.f3 == 2) | (i.f3 == 3)))
        subtract = Signal(name="subtract")
        total, less, below = Signal(33, name="total"), Signal(name="less"), Signal(name="below")
        aside = Signal(32, name="aside")
        m.d.comb += [
            subtract.eq(compares | (i.op & (i.f3 == 0) & i.word[30])),
            total.eq(a + (b ^ subtract.replicate(32)) + subtract),
            below.eq(~total[32]),
            less.eq(Mux(a[31] ^ b[31], a[31], below)),
            aside.eq(pc + Mux(i.jal, i.j_imm, Mux(i.branch, i.b_imm, i.upper))),
        ]
        return _Datapath(a=a, b=b, rs2=rs2, total=total, less=less, below=below, aside=aside)

    def _choose(
        self,
        m: Module,
        i: _Instruction,
        data: _Datapath,
        shifted: Value,
        pc: Value,
        result: Signal,
    ) -> None:
        """The result of an instruction, which its target register receives."""
        a, b = data.a, data.b
        with m.Switch(i.f3):
            sums = [data.total[:32], shifted, data.less, data.below]
            for case, value in enumerate([*sums, a ^ b, shifted, a | b, a & b]):
                with m.Case(case):
                    m.d.comb += result.eq(value)
        with m.If(i.lui):
            m.d.comb += result.eq(i.upper)
        with m.If(i.auipc):
            m.d.comb += result.eq(data.aside)
        with m.If(i.jal | i.jalr):
            m.d.comb += result.eq(pc + 4)
        with m.If(i.load):
            m.d.comb += result.eq(self._loaded(i.f3))

    def _execute(
        self,
        m: Module,
        i: _Instruction,
        data: _Datapath,
        shifter: _Shifter,
        valid: Value,
        done: Signal,
        writes: Signal,
    ) -> None:
        """The states of an instruction: one cycle, and more for loads and serial shifts."""
        serial = self.parameters.shifter == "serial"
        one_cycle = ~i.load & ~i.system & (~shifter.wanted if serial else Const(1))
        stop, read = Signal(name="stop"), Signal(name="reading")
        mask = Signal(4, name="mask")
        m.d.sync += [mask.eq(0), read.eq(0)]
        m.d.comb += [self.halted.eq(stop), self.read.eq(read), self.write_mask.eq(mask)]
        with m.FSM():
            with m.State("EXECUTE"):
                start = valid & ~stop
                m.d.comb += [
                    done.eq(start & one_cycle),
                    writes.eq(done & (i.lui | i.auipc | i.jal | i.jalr | i.op | i.op_imm)),
                ]
                with m.If(start & i.system):
                    m.d.sync += stop.eq(1)
                with m.If(start & (i.load | i.store)):
                    self._request(m, i.f3, data.total, data.rs2)
                with m.If(start & i.store):
                    m.d.sync += mask.eq(self._mask(i.f3, data.total))
                with m.If(start & i.load):
                    m.d.sync += read.eq(1)
                    m.next = "LOAD"
                if serial:
                    with m.If(start & shifter.wanted):
                        m.d.sync += [shifter.shifted.eq(data.a), shifter.places.eq(data.b[:5])]
                        m.next = "SHIFT"
            with m.State("LOAD"):
                m.d.comb += [done.eq(1), writes.eq(1)]
                m.next = "EXECUTE"
            if serial:
                with m.State("SHIFT"):
                    m.d.comb += [done.eq(shifter.places == 0), writes.eq(done)]
                    with m.If(done):
                        m.next = "EXECUTE"

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

    def _shift_one_place(self, m: Module, shifter: _Shifter, word: Value) -> None:
        """One place per cycle: right, with the sign or zeros, or left."""
        shifted, places = shifter.shifted, shifter.places
        with m.If(places != 0):
            filled = Cat(shifted[1:], word[30] & shifted[31])
            m.d.sync += shifted.eq(Mux(word[14], filled, Cat(Const(0, 1), shifted[:31])))
            m.d.sync += places.eq(places - 1)

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
