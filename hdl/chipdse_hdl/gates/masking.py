"""Products of values in two shares: domain-oriented masking (DOM) [1]_.

Everything linear is computed share by share, in its domain. A product needs both: the two terms
inside a domain stay there, and each of the two terms across domains is XORed with a fresh random
bit and enters a register before it is added to a domain. So no gate sees both shares of a value,
also not for the length of a glitch, under three conditions on the operands:

- They come from registers without passing logic that joins a variable of one operand, in the
  other domain, with the other operand: their fan-ins have no variable in common.
- Their shares are independent of each other. Fresh shares, and linear combinations of such that
  are linearly independent of each other, are.
- Registers that feed products do not turn from one linear combination of a value into another;
  where they must, they are refreshed: both shares are XORed with the same random bit.

What keeps this through synthesis: a term across domains ends in a register, and neither Yosys nor
ABC moves logic across registers here (no retiming, no `-dff`); the random bits are ports, so they
are no constants; both registers of a product hold different functions, so `opt_merge` keeps both.
ABC restructures the gates before a register, but a cone that mixes domains has no output but this
register. tests/support/masking/probes.py verifies the mapped netlist net by net.

References
----------
.. [1] H. Gross, S. Mangard, T. Korak, "Domain-Oriented Masking: Compact Masked Hardware
   Implementations with Arbitrary Protection Order", ACM TIS 2016; IACR ePrint 2016/486
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence

from amaranth.hdl import Module, Signal, Value

from chipdse_hdl.gates.arithmetic import when
from chipdse_hdl.shares import share_name

Multiply = Callable[[Value, Value], Value]


def cross_products(
    m: Module,
    a: Sequence[Value],
    b: Sequence[Value],
    fresh: Value,
    name: str,
    *,
    multiply: Multiply = operator.and_,
    enable: Value | None = None,
) -> list[Value]:
    """The terms of ``a * b`` across both domains, blinded, one register after their operands.

    Parameters
    ----------
    a, b : operands, in two shares
    fresh : as many random bits as the product has, used for nothing else
    multiply : any function that is linear in each operand; AND of all bits by default
    enable : when the registers load; None: always

    Returns
    -------
    One term for each domain: ``a[i] * b[i]`` plus term i is share i of the product
    """
    terms = []
    for share, (domain, other) in enumerate([(0, 1), (1, 0)]):
        term = Signal(fresh.shape(), name=share_name(name, share, 2), reset_less=True)
        with when(m, enable):
            m.d.sync += term.eq(multiply(a[domain], b[other]) ^ fresh)
        terms.append(term)
    return terms
