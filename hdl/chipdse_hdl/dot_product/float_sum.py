"""Hardware that adds floating-point products and rounds their sum once, to binary32."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.utils import ceil_log2

from chipdse_hdl.dot_product.formats import NAN, FloatFormat


def _nothing() -> Const:
    return Const(0, 1)


@dataclass(frozen=True, kw_only=True)
class Term:
    """A product: an integer, or ±product * 2**exponent in some unit, or no number.

    is_nan, infinite_up, infinite_down : one bit each
    """

    product: Value
    exponent: Value = field(default_factory=_nothing)
    negative: Value = field(default_factory=_nothing)
    is_nan: Value = field(default_factory=_nothing)
    infinite_up: Value = field(default_factory=_nothing)
    infinite_down: Value = field(default_factory=_nothing)

    def map(self, change: Callable[[Value, str], Value]) -> Term:
        """The same with every part changed, given its name; constant parts stay."""
        parts = {part.name: getattr(self, part.name) for part in fields(self)}
        return Term(
            **{
                name: part if isinstance(part, Const) else change(part, name)
                for name, part in parts.items()
            }
        )


def term_of(m: Module, form: FloatFormat | None, a: Value, b: Value, lane: int) -> Term:
    """The exact product of two words; without a format of two's complement integers."""
    if form is None:
        return Term(product=a.as_signed() * b.as_signed())
    halves = [_take_apart(m, form, word, f"{name}_{lane}") for name, word in (("a", a), ("b", b))]
    (
        (exponent_a, significand_a, nan_a, infinite_a),
        (exponent_b, significand_b, nan_b, infinite_b),
    ) = halves
    product = Signal(2 * form.significand_bits, name=f"product_{lane}")
    negative = Signal(name=f"negative_{lane}")
    m.d.comb += [product.eq(significand_a * significand_b), negative.eq(a[-1] ^ b[-1])]
    infinite = infinite_a | infinite_b
    zero = ~significand_a.any() | ~significand_b.any()
    nan = nan_a | nan_b
    if form.infinities:
        nan = nan | (infinite & zero)
    return Term(
        product=product,
        # A zero must not decide where the others are aligned.
        exponent=Mux(zero, 0, exponent_a + exponent_b),
        negative=negative,
        is_nan=nan,
        infinite_up=infinite & ~negative if form.infinities else Const(0, 1),
        infinite_down=infinite & negative if form.infinities else Const(0, 1),
    )


def _take_apart(m: Module, form: FloatFormat, word: Value, name: str) -> tuple[Value, ...]:
    """Exponent, significand, whether it is NaN, whether it is infinite."""
    fraction = word[: form.fraction_bits]
    stored = word[form.fraction_bits : -1]
    exponent = Signal(form.exponent_bits, name=f"exponent_{name}")
    significand = Signal(form.significand_bits, name=f"significand_{name}")
    m.d.comb += [
        exponent.eq(Mux(stored.any(), stored, 1)),
        significand.eq(Cat(fraction, stored.any())),
    ]
    top = stored.all()
    if form.infinities:
        return exponent, significand, top & fraction.any(), top & ~fraction.any()
    return exponent, significand, top & fraction.all(), Const(0, 1)


def sum_of_terms(m: Module, terms: list[Term], product_bits: int, guard_bits: int) -> Term:
    """The sum of products, in units of 2**-guard_bits of the last place of the largest's."""
    largest = [term.exponent for term in terms]
    while len(largest) > 1:
        pairs = [largest[i : i + 2] for i in range(0, len(largest), 2)]
        largest = [Mux(p[0] > p[-1], p[0], p[-1]) if len(p) > 1 else p[0] for p in pairs]
    top = Signal(len(terms[0].exponent), name="largest_exponent")
    m.d.comb += top.eq(largest[0])
    width = product_bits + guard_bits
    signed_terms: list[Value] = []
    for lane, term in enumerate(terms):
        below = Signal(len(top), name=f"below_{lane}")
        aligned = Signal(width, name=f"aligned_{lane}")
        m.d.comb += [
            below.eq(top - term.exponent),
            aligned.eq(Cat(Const(0, guard_bits), term.product) >> below),
        ]
        signed_terms.append(Mux(term.negative, -aligned, aligned).as_signed())
    while len(signed_terms) > 1:
        pairs = [signed_terms[i : i + 2] for i in range(0, len(signed_terms), 2)]
        signed_terms = [pair[0] + pair[1] if len(pair) > 1 else pair[0] for pair in pairs]
    total = Signal(signed(width + ceil_log2(len(terms)) + 1), name="total")
    m.d.comb += total.eq(signed_terms[0])
    up = Cat(term.infinite_up for term in terms).any()
    down = Cat(term.infinite_down for term in terms).any()
    return Term(
        product=total,
        exponent=top,
        is_nan=Cat(term.is_nan for term in terms).any() | (up & down),
        infinite_up=up,
        infinite_down=down,
    )


def binary32(m: Module, total: Term, lowest: int) -> Value:
    """A sum as binary32, to nearest, ties to even; what is below the normal numbers is 0.

    Parameters
    ----------
    lowest : what is added to `total.exponent` to get the binary32 exponent of the sum's last place
    """
    negative = total.product[-1]
    # Two bits more than the fraction, so that there is something to round by.
    width = max(len(total.product) - 1, 26)
    missing = width - (len(total.product) - 1)
    size = Signal(width, name="size")
    magnitude = Mux(negative, -total.product, total.product)[: len(total.product) - 1]
    m.d.comb += size.eq(Cat(Const(0, missing), magnitude))
    exponent: Value = total.exponent + Const(lowest + width - 1 - missing, signed(12))
    for step in reversed(range(ceil_log2(width))):
        empty = Signal(name=f"empty_{step}")
        shifted = Signal(width, name=f"shifted_{step}")
        lowered = Signal(signed(12), name=f"exponent_{step}")
        m.d.comb += [
            empty.eq(~size[-(1 << step) :].any()),
            shifted.eq(Mux(empty, size << (1 << step), size)),
            lowered.eq(exponent - (empty << step)),
        ]
        size, exponent = shifted, lowered
    half, sticky = size[width - 25], size[: width - 25].any()
    rounded = Signal(25, name="rounded")
    last = Signal(signed(12), name="exponent_rounded")
    up = half & (sticky | size[width - 24])
    m.d.comb += [rounded.eq(size[width - 24 :] + up), last.eq(exponent + rounded[-1])]
    word = Signal(32, name="word")
    infinity = Const(0xFF << 23, 31)
    with m.If(total.is_nan):
        m.d.comb += word.eq(NAN)
    with m.Elif(total.infinite_up | total.infinite_down):
        m.d.comb += word.eq(Cat(infinity, total.infinite_down))
    with m.Elif(~size[-1] | (exponent <= 0)):
        m.d.comb += word.eq(0)
    with m.Elif(last >= 255):
        m.d.comb += word.eq(Cat(infinity, negative))
    with m.Else():
        m.d.comb += word.eq(Cat(rounded[:23], last[:8], negative))
    return word
