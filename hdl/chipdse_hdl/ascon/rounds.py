"""A round of Ascon's permutation as gates: whole, or half of one in shares."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value

from chipdse_hdl.ascon.permutation import LONG, ROTATIONS, WORD, round_constant
from chipdse_hdl.gates.arithmetic import lanes, named


def half_round(
    m: Module,
    states: Sequence[list[Signal]],
    number: Signal,
    done: Value,
    random: Value,
    cross_products: Callable[..., list[Value]],
) -> tuple[list[list[Value]], Value]:
    """The state's shares after half a round, and whether `random` is used in this cycle.

    The operands of a product must come from registers without a common variable, but the
    S-box starts by adding words to each other. So while it is permuted, the state is held as
    it is behind these additions: the first cycle makes them, and so does each end of a round
    but the last. The words of the first cycle are sums of those before it, at the same gates,
    so it refreshes them.
    """
    started, multiplies = Signal(name="started"), number[0]
    m.d.sync += started.eq(~done)
    fresh = named(m, Mux(started, 0, random), "refreshing")
    first = [Cat(*state[1:], state[0]) for state in states]
    second = [Cat(*state[2:], *state[:2]) for state in states]
    first[0] = ~first[0]  # the complement of a value is that of one share
    crossed = cross_products(m, first, second, random, "product", enable=multiplies)
    constant = Array([round_constant(n) for n in range(LONG)])[number[1:]]
    afters: list[list[Value]] = []
    for share, state in enumerate(states):
        name = f"half_round_share_{share}"
        products = lanes((first[share] & second[share]) ^ crossed[share], WORD)
        b = [
            named(m, word ^ product, f"{name}_b{n}")
            for n, (word, product) in enumerate(zip(state, products, strict=True))
        ]
        ended = _diffused(m, b, name, inverted=share == 0)
        x = [
            named(m, Mux(started, *pair), f"{name}_x{n}")
            for n, pair in enumerate(zip(ended, state, strict=True))
        ]
        added = _added(x, constant if share == 0 else Const(0, WORD))
        refreshed = [a ^ r for a, r in zip(added, lanes(fresh, WORD), strict=True)]
        following = [
            Mux(multiplies, before, Mux(done, *pair))
            for before, *pair in zip(state, x, refreshed, strict=True)
        ]
        afters.append([named(m, w, f"{name}_after{n}") for n, w in enumerate(following)])
    return afters, multiplies | ~started


def _added(x: Sequence[Value], constant: Value) -> list[Value]:
    """How the S-box starts: words added to each other, and the round's constant."""
    return [x[0] ^ x[4], x[1], x[2] ^ x[1] ^ constant, x[3], x[4] ^ x[3]]


def one_round(m: Module, x: list[Value], constant: Value, name: str) -> list[Value]:
    """One round of the permutation, as `permute` does it."""
    a = [named(m, word, f"{name}_a{n}") for n, word in enumerate(_added(x, constant))]
    b = [named(m, a[n] ^ (~a[(n + 1) % 5] & a[(n + 2) % 5]), f"{name}_b{n}") for n in range(5)]
    return _diffused(m, b, name, inverted=True)


def _diffused(m: Module, b: Sequence[Value], name: str, *, inverted: bool) -> list[Value]:
    """How a round ends: the linear end of the S-box, whose constant is `inverted`; rotations."""
    c = [b[0] ^ b[4], b[1] ^ b[0], ~b[2] if inverted else b[2], b[3] ^ b[2], b[4]]
    after = []
    for n, (value, (first_rotation, second_rotation)) in enumerate(zip(c, ROTATIONS, strict=True)):
        word = named(m, value, f"{name}_c{n}")
        after.append(word ^ word.rotate_right(first_rotation) ^ word.rotate_right(second_rotation))
    return after
