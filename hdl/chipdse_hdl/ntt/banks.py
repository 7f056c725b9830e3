"""The banks of memory of `ntt`: in every layer all lanes of a cycle read and write different ones.

A cycle takes one coefficient per lane. Which address a lane means depends on the layer, that is on
the address bit whose two values a butterfly pairs; which bank the address belongs to is the XOR of
its digits of `lane_bits` bits. Lanes and banks then differ by a rotation of the number's bits and
an XOR, so that a few multiplexers connect them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import memory

from chipdse_hdl.ntt.schemes import ADDRESS_BITS


@dataclass(frozen=True, kw_only=True)
class Access:
    """The coefficients that all lanes mean in a cycle, one each.

    enable : they are read, or written
    bit : the address bit that is paired
    place : which of the layer's groups of coefficients it is: the address bits no lane varies
    """

    enable: Value
    bit: Value
    place: Value

    def later(self, m: Module, stage: int) -> Access:
        """The same a cycle later."""
        parts = {"writes": self.enable, "bit": self.bit, "place": self.place}
        writes, bit, place = (
            Signal.like(value, name=f"{name}_{stage}", reset_less=name != "writes")
            for name, value in parts.items()
        )
        m.d.sync += [writes.eq(self.enable), bit.eq(self.bit), place.eq(self.place)]
        return Access(enable=writes, bit=bit, place=place)


def lane_positions(lane_bits: int, pair_bit: int) -> list[int]:
    """Which address bit each bit of a lane's number stands for, when `pair_bit` is paired.

    Bit 0 is the pair's. Bit t has a residue of its own, ``(pair_bit + t) % lane_bits``: then the
    XOR of an address's digits differs for all lanes.
    """
    positions = [pair_bit]
    for t in range(1, lane_bits):
        same = [q for q in range(ADDRESS_BITS) if (q - pair_bit - t) % lane_bits == 0]
        below = [q for q in same if q < pair_bit]
        positions.append(max(below) if below else min(same))
    return positions


def address(lane: Value, pair_bit: int, place: Value) -> list[Value]:
    """The bits of a lane's address."""
    positions = lane_positions(len(lane), pair_bit)
    free = iter(place)
    return [lane[positions.index(q)] if q in positions else next(free) for q in range(ADDRESS_BITS)]


def banks(
    m: Module,
    lane_bits: int,
    *,
    read: Access,
    arriving: Access,
    write: Access,
    data: Sequence[Value],
) -> list[Value]:
    """Make the banks; what each lane finds, a cycle after it was read.

    Parameters
    ----------
    read, arriving : what is read, and what was read one cycle before
    write, data : what is written, and one word per lane for it
    """
    count, width = 1 << lane_bits, len(data[0])
    read_turn = _turn(m, lane_bits, read, "read_turn")
    write_turn = _turn(m, lane_bits, write, "write_turn")
    # Lane l, its bits rotated, belongs to the bank whose number differs from it by the turn.
    turned = _rotated(m, data, write.bit, lane_bits, left=True, name="to_bank")
    incoming = _exchanged(m, turned, write_turn, "written")
    outgoing = []
    for bank in range(count):
        words = memory.Memory(shape=width, depth=1 << (ADDRESS_BITS - lane_bits), init=[])
        m.submodules[f"bank_{bank}"] = words
        read_port = words.read_port()
        write_port = words.write_port()
        m.d.comb += [
            read_port.en.eq(read.enable),
            write_port.en.eq(write.enable),
            write_port.data.eq(incoming[bank]),
        ]
        for port, access, turn in (
            (read_port, read, read_turn),
            (write_port, write, write_turn),
        ):
            with m.Switch(access.bit):
                for pair_bit in range(ADDRESS_BITS):
                    with m.Case(pair_bit):
                        lane = (turn ^ bank).rotate_right(pair_bit % lane_bits)
                        bits = address(lane, pair_bit, access.place)
                        m.d.comb += port.addr.eq(Cat(bits[lane_bits:]))
        outgoing.append(read_port.data)
    found_turn = _turn(m, lane_bits, arriving, "found_turn")
    exchanged = _exchanged(m, outgoing, found_turn, "exchanged")
    return _rotated(m, exchanged, arriving.bit, lane_bits, left=False, name="found")


def _turn(m: Module, lane_bits: int, access: Access, name: str) -> Signal:
    """The XOR of the digits of lane 0's address: what the numbers of lanes and banks differ by."""
    turn = Signal(lane_bits, name=name)
    with m.Switch(access.bit):
        for pair_bit in range(ADDRESS_BITS):
            with m.Case(pair_bit):
                bits = address(Const(0, lane_bits), pair_bit, access.place)
                digits = [Cat(bits[rest::lane_bits]) for rest in range(lane_bits)]
                m.d.comb += turn.eq(Cat(digit.xor() for digit in digits))
    return turn


def _exchanged(m: Module, values: Sequence[Value], turn: Value, name: str) -> list[Value]:
    """Value ``j ^ turn`` in place j."""
    for level in range(len(turn)):
        step = [Signal.like(value, name=f"{name}_{level}_{j}") for j, value in enumerate(values)]
        m.d.comb += [
            signal.eq(Mux(turn[level], values[j ^ (1 << level)], values[j]))
            for j, signal in enumerate(step)
        ]
        values = step
    return list(values)


def _rotated(
    m: Module, values: Sequence[Value], bit: Value, size: int, *, left: bool, name: str
) -> list[Value]:
    """Values whose numbers' `size` bits are rotated by ``bit % size``."""
    placed = [Signal.like(value, name=f"{name}_{j}") for j, value in enumerate(values)]
    with m.Switch(bit):
        for case in range(ADDRESS_BITS):
            with m.Case(case):
                for j, value in enumerate(values):
                    by = case % size
                    turned = (j << by | j >> (size - by)) & ((1 << size) - 1)
                    if left:
                        m.d.comb += placed[turned].eq(value)
                    else:
                        m.d.comb += placed[j].eq(values[turned])
    return list(placed)
