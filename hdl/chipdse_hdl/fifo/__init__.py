"""A queue of words between a producer and a consumer that keep different time.

Three organisations of the same queue: words that move up one place whenever one leaves, words that
stay where they were written while two pointers go round, and the same with a clocked memory and an
output register, as a memory macro needs it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from chipdse_hdl.block import Block, Work, check_parameters, parameter, seed_parameter
from chipdse_hdl.workloads.words import VALUES, VALUES_DOC, word_stream

MOST_FLIP_FLOPS = 1 << 16  # more than anybody would build of them


@dataclass(frozen=True, kw_only=True)
class FifoParameters:
    """What can be chosen about the hardware."""

    width: int = parameter(32, "bits of a word", minimum=1, maximum=512)
    depth: int = parameter(16, "words it holds", minimum=2, maximum=4096)
    organisation: str = parameter(
        "ring",
        "ring: words stay, pointers move, the oldest word is selected by logic; prefetch: a ring "
        "in a memory with a clocked read port, and an output register; shift: words move up",
        choices=("ring", "prefetch", "shift"),
    )

    def __post_init__(self) -> None:
        check_parameters(self)
        if self.organisation == "prefetch" and self.depth < 3:
            raise ValueError(
                f"depth={self.depth} with organisation='prefetch' could take a word only every "
                "second cycle; use depth >= 3"
            )
        if self.organisation != "prefetch" and self.width * self.depth > MOST_FLIP_FLOPS:
            raise ValueError(
                f"width={self.width} and depth={self.depth} with "
                f"organisation={self.organisation!r} take {self.width * self.depth} flip-flops; "
                "use organisation='prefetch', whose words may lie in an SRAM macro, or at most "
                f"{MOST_FLIP_FLOPS}"
            )

    @property
    def memory_words(self) -> int:
        """Words in the memory: with prefetch the last one is in the output register."""
        return self.depth - (self.organisation == "prefetch")

    @property
    def latency_cycles(self) -> int:
        """From the edge that accepts a word into an empty queue to the edge that can take it."""
        return 2 if self.organisation == "prefetch" else 1


@dataclass(frozen=True, kw_only=True)
class FifoWorkload:
    """Words from a producer that sends in bursts to a consumer that pauses."""

    length: int = parameter(2048, "words", minimum=1, maximum=10**7)
    load: float = parameter(
        0.5, "fraction of the time in which the producer has a word", minimum=0.01, maximum=1.0
    )
    burst: int = parameter(8, "mean number of words without a gap", minimum=1, maximum=4096)
    service: float = parameter(
        0.75, "fraction of the cycles in which the consumer takes one", minimum=0.01, maximum=1.0
    )
    values: str = parameter("uniform", VALUES_DOC, choices=VALUES)
    seed: int = seed_parameter("words and pauses")

    def __post_init__(self) -> None:
        check_parameters(self)


def words(parameters: FifoParameters, workload: FifoWorkload) -> list[int]:
    """The words of a workload."""
    return word_stream(workload.values, workload.length, parameters.width, workload.seed)


def pace(workload: FifoWorkload) -> tuple[list[int], list[bool]]:
    """Cycles the producer waits before each word, and whether the consumer is ready, by cycle.

    Bursts and the gaps between them are of random (geometric) length; the consumer's pattern
    starts over after some thousand cycles.
    """
    random = np.random.default_rng([workload.seed, 1])
    gaps = np.zeros(workload.length, int)
    starts = random.random(workload.length) < 1 / workload.burst
    mean_gap = workload.burst * (1 / workload.load - 1)  # after a burst, so that `load` results
    gaps[starts] = random.geometric(1 / (1 + mean_gap), starts.sum()) - 1
    ready = random.random(4099) < workload.service
    ready[0] = True
    return gaps.tolist(), ready.tolist()


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """A queue's ports, a row a cycle. `r_data` is None where there is nothing to read."""

    w_data: list[int]
    w_valid: list[int]
    r_ready: list[int]
    w_ready: list[int]
    r_valid: list[int]
    r_data: list[int | None]


def reference(
    parameters: FifoParameters, words: list[int], gaps: list[int], ready: list[bool]
) -> Traffic:
    """What happens in each cycle until the last word is taken.

    The producer waits `gaps[n]` cycles, then offers word n until it is accepted; the consumer is
    ready in the cycles that `ready` says, over and over.
    """
    seen = Traffic(w_data=[], w_valid=[], r_ready=[], w_ready=[], r_valid=[], r_data=[])
    stored: deque[int] = deque()
    fetched: deque[int] = deque()  # the output register: none or one; without prefetch: `stored`
    source = fetched if parameters.organisation == "prefetch" else stored
    sent = taken = cycle = 0
    wait = gaps[0]
    while taken < len(words):
        offers = sent < len(words) and wait == 0
        accepts = len(stored) < parameters.memory_words
        wants = ready[cycle % len(ready)]
        seen.w_data.append(words[min(sent, len(words) - 1)])
        seen.w_valid.append(int(offers))
        seen.w_ready.append(int(accepts))
        seen.r_ready.append(int(wants))
        seen.r_valid.append(int(bool(source)))
        seen.r_data.append(source[0] if source else None)
        if source and wants:
            source.popleft()
            taken += 1
        if source is fetched and not fetched and stored:
            fetched.append(stored.popleft())
        if offers and accepts:
            stored.append(words[sent])
            sent += 1
            wait = gaps[sent] if sent < len(words) else 0
        elif wait:
            wait -= 1
        cycle += 1
    return seen


def work(parameters: FifoParameters, workload: FifoWorkload) -> Work:
    """One word is written and read once."""
    bits = workload.length * parameters.width
    return Work(count=workload.length, unit="word", input_bits=bits, output_bits=bits)


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
    A word accepted at edge t can be taken at edge ``t + latency_cycles``; one word a cycle.
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
        for n, (entry, here) in enumerate(zip(entries, used, strict=True)):
            below = used[n - 1] if n else Const(1)
            last = n == p.depth - 1
            above, moved = (Const(0), self.w_data) if last else (used[n + 1], entries[n + 1])
            fills = Mux(read, here & ~above, below & ~here) & write
            with m.If(fills | (read & above)):
                m.d.sync += entry.eq(Mux(fills, self.w_data, moved))
            with m.If(write != read):
                m.d.sync += here.eq(Mux(write, below, above))
        m.d.comb += [
            self.w_ready.eq(~used[-1]),
            self.r_valid.eq(used[0]),
            self.r_data.eq(entries[0]),
        ]


def cycles(parameters: FifoParameters, workload: FifoWorkload) -> int:
    """Clock cycles of a workload, on average: the slower side sets the pace."""
    rate = min(workload.load, workload.service)
    return round(workload.length / rate) + parameters.latency_cycles


BLOCK = Block(
    name="fifo",
    summary="queue of words with valid and ready on both sides",
    parameters=FifoParameters,
    workload=FifoWorkload,
    hardware=Fifo,
    bench="chipdse_hdl.fifo.bench",
    work=work,
    cycles=cycles,
)
