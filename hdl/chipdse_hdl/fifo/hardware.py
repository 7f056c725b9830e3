"""The hardware of `fifo`: three organisations of the same queue."""

from __future__ import annotations

from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from chipdse_hdl.fifo.parameters import FifoParameters


class Fifo(wiring.Component):
    """The queue.

    Ports
    -----
    w_data : In(width)    the next word
    w_valid : In(1)       ... is there
    w_ready : Out(1)      ... is accepted, if it is there
    r_data : Out(width)   the oldest word, while `r_valid` is high
    r_valid : Out(1)      there is one
    r_ready : In(1)       it is taken, if there is one

    No output depends on an input of the same cycle: a full queue accepts nothing, even while a
    word is taken. Reset empties it; the words themselves have no reset.

    Timing
    ------
    A word accepted at edge t can be taken at edge ``t + latency_cycles``; one word per cycle.
    Prefetch refuses with ``depth - 1`` words until the first has moved to the output register.
    """

    w_data: Signal
    w_valid: Signal
    w_ready: Signal
    r_data: Signal
    r_valid: Signal
    r_ready: Signal

    def __init__(self, parameters: FifoParameters) -> None:
        self.parameters = p = parameters
        super().__init__(
            {
                "w_data": In(p.width),
                "w_valid": In(1),
                "w_ready": Out(1),
                "r_data": Out(p.width),
                "r_valid": Out(1),
                "r_ready": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        write, read = Signal(name="write"), Signal(name="read")
        m.d.comb += [
            write.eq(self.w_valid & self.w_ready),
            read.eq(self.r_valid & self.r_ready),
        ]
        organise = {"ring": self._ring, "prefetch": self._prefetch, "shift": self._shift}
        organise[self.parameters.organisation](m, write, read)
        return m

    def _ring(self, m: Module, write: Value, read: Value) -> None:
        store, level = self._memory(m, write, read)
        port = store.read_port(domain="comb")
        m.d.comb += [
            port.addr.eq(self._pointer(m, "read_pointer", read)),
            self.r_data.eq(port.data),
            self.r_valid.eq(level != 0),
        ]

    def _prefetch(self, m: Module, write: Value, read: Value) -> None:
        fetch = Signal()
        store, level = self._memory(m, write, fetch)
        port = store.read_port()  # its register is the output register
        m.d.comb += [
            fetch.eq((level != 0) & (~self.r_valid | self.r_ready)),
            port.addr.eq(self._pointer(m, "read_pointer", fetch)),
            port.en.eq(fetch),
            self.r_data.eq(port.data),
        ]
        valid = Signal()
        m.d.sync += valid.eq(fetch | (valid & ~read))
        m.d.comb += self.r_valid.eq(valid)

    def _memory(self, m: Module, write: Value, leave: Value) -> tuple[memory.Memory, Signal]:
        """Words, written one after another, and how many of them wait."""
        p = self.parameters
        m.submodules.store = store = memory.Memory(shape=p.width, depth=p.memory_words, init=[])
        port = store.write_port()
        level = Signal(range(p.memory_words + 1))
        m.d.comb += [
            port.addr.eq(self._pointer(m, "write_pointer", write)),
            port.data.eq(self.w_data),
            port.en.eq(write),
            self.w_ready.eq(level != p.memory_words),
        ]
        with m.If(write != leave):
            m.d.sync += level.eq(Mux(write, level + 1, level - 1))
        return store, level

    def _pointer(self, m: Module, name: str, advance: Value) -> Signal:
        """A register that counts round the memory."""
        last = self.parameters.memory_words - 1
        pointer = Signal(range(last + 1), name=name)
        with m.If(advance):
            m.d.sync += pointer.eq(Mux(pointer == last, 0, pointer + 1))
        return pointer

    def _shift(self, m: Module, write: Value, read: Value) -> None:
        """Entry 0 is the oldest. A word goes to the first place that is free after a read."""
        p = self.parameters
        used = [Signal(name=f"used_{n}") for n in range(p.depth)]
        entries = [Signal(p.width, name=f"entry_{n}", reset_less=True) for n in range(p.depth)]
        for n, (entry, occupied) in enumerate(zip(entries, used, strict=True)):
            below = used[n - 1] if n else Const(1)
            last = n == p.depth - 1
            above, moved = (Const(0), self.w_data) if last else (used[n + 1], entries[n + 1])
            fills = Mux(read, occupied & ~above, below & ~occupied) & write
            with m.If(fills | (read & above)):
                m.d.sync += entry.eq(Mux(fills, self.w_data, moved))
            with m.If(write != read):
                m.d.sync += occupied.eq(Mux(write, below, above))
        m.d.comb += [
            self.w_ready.eq(~used[-1]),
            self.r_valid.eq(used[0]),
            self.r_data.eq(entries[0]),
        ]
