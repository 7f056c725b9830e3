"""Liberty's Boolean functions: precedence, truth tables, refusals."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipdse.errors import ChipdseError, DesignError
from chipdse.netlist.library.logic import (
    And,
    Constant,
    Expression,
    Not,
    Or,
    Variable,
    Xor,
    difference_table,
    evaluate,
    parse_function,
    substitute,
    truth_table,
    unateness,
    variables,
)

NAMES = ("A", "B", "C", "D")


def bits(text: str, inputs: tuple[str, ...] = NAMES) -> list[int]:
    return truth_table(parse_function(text), inputs).astype(int).tolist()


@pytest.mark.parametrize(
    ("liberty", "python"),
    [
        ("A*B+C", "(A and B) or C"),
        ("A B | C", "(A and B) or C"),
        ("A + B C", "A or (B and C)"),
        ("!A B", "(not A) and B"),
        ("A' B'", "(not A) and (not B)"),
        ("(A + B)'", "not (A or B)"),
        ("A ^ B & C", "(A != B) and C"),  # XOR binds tighter than AND
        ("A & B ^ C", "A and (B != C)"),
        ("!(A & B)'", "A and B"),
        (
            "(SCE*SCD)+(SCE'*D)".replace("SCE", "A").replace("SCD", "B"),
            "(A and B) or (not A and D)",
        ),
        ("1", "True"),
        ("A * 0", "False"),
        ('"A" & B', "A and B"),
    ],
)
def test_precedence_as_liberty_has_it(liberty: str, python: str) -> None:
    expected = [
        int(bool(eval(python, {n: bool(row >> i & 1) for i, n in enumerate(NAMES)})))
        for row in range(16)
    ]
    assert bits(liberty) == expected


def test_a_truth_table_has_its_first_input_as_the_lowest_bit() -> None:
    # A & !B: only row 1 (A = 1, B = 0)
    assert bits("A & !B", ("A", "B")) == [0, 1, 0, 0]


def test_difference_and_unateness() -> None:
    function = parse_function("(A & B) | C")
    # d/dA is B & !C: with inputs (A, B, C), rows with bit 1 set and bit 2 clear
    table = difference_table(function, "A", ("A", "B", "C"))
    assert table.astype(int).tolist() == [0, 0, 1, 1, 0, 0, 0, 0]
    assert unateness(function, "A", ("A", "B", "C")) == "positive"
    assert unateness(parse_function("!A"), "A", ("A",)) == "negative"
    assert unateness(parse_function("A ^ B"), "A", ("A", "B")) == "both"
    assert unateness(parse_function("B"), "A", ("A", "B")) == "none"


@pytest.mark.parametrize(
    "text", ["A &", "A B)", "(A", "A @ B", "", "&", "A ' ' !", "((" * 200 + "A"]
)
def test_what_is_no_function_is_refused(text: str) -> None:
    with pytest.raises(DesignError, match="is not a Boolean function"):
        parse_function(text)


def test_an_unknown_input_is_named() -> None:
    with pytest.raises(DesignError, match="'Z', which is not an input"):
        truth_table(parse_function("A & Z"), ("A",))


expressions = st.recursive(
    st.sampled_from([Variable(name) for name in NAMES] + [Constant(True), Constant(False)]),
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=2, max_size=3).map(lambda each: And(tuple(each))),
        st.lists(inner, min_size=2, max_size=3).map(lambda each: Or(tuple(each))),
        st.lists(inner, min_size=2, max_size=3).map(lambda each: Xor(tuple(each))),
    ),
    max_leaves=12,
)


@pytest.mark.slow
@given(expressions)
def test_printing_and_reading_keep_the_function(expression: Expression) -> None:
    again = parse_function(str(expression))
    assert (truth_table(again, NAMES) == truth_table(expression, NAMES)).all()
    assert set(variables(again)) == set(variables(expression))


@given(expressions, st.sampled_from(NAMES))
def test_shannon_expansion(expression: Expression, name: str) -> None:
    low = substitute(expression, {name: Constant(False)})
    high = substitute(expression, {name: Constant(True)})
    joined = Or((And((Variable(name), high)), And((Not(Variable(name)), low))))
    assert (truth_table(joined, NAMES) == truth_table(expression, NAMES)).all()


@given(expressions, st.lists(st.integers(0, 2**64 - 1), min_size=4, max_size=4))
def test_words_evaluate_like_bits(expression: Expression, words: list[int]) -> None:
    ones = np.uint64(2**64 - 1)
    values = {name: np.uint64(word) for name, word in zip(NAMES, words, strict=True)}
    result = int(evaluate(expression, values, ones))
    table = truth_table(expression, NAMES)
    for lane in (0, 17, 63):
        row = sum((word >> lane & 1) << place for place, word in enumerate(words))
        assert result >> lane & 1 == int(table[row])


@given(st.text(alphabet="ABC01()!'&|^*+ \"[]_", max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ChipdseError):
        parse_function(text)
