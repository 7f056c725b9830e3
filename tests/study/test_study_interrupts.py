"""Ctrl-C and SIGTERM come where nothing is half-done."""

import os
import signal
from collections.abc import Iterator

import pytest

from chipdse.study.running.interrupts import Interrupts


@pytest.fixture(autouse=True)
def handled() -> Iterator[None]:
    """Both as the verb `sweep` has them, whatever ran before."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, signal.default_int_handler) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def interrupt(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_waits_until_it_is_let_in(number: signal.Signals) -> None:
    done = []
    with pytest.raises(KeyboardInterrupt), Interrupts() as interrupts:
        with interrupts.let_in():
            done.append("nothing came")
        interrupt(number)
        done.append("the transaction")
        with interrupts.let_in():
            done.append("never")
    assert done == ["nothing came", "the transaction"]
    assert signal.getsignal(number) is signal.default_int_handler


def test_an_interrupt_while_waiting_comes_at_once() -> None:
    with pytest.raises(KeyboardInterrupt), Interrupts() as interrupts, interrupts.let_in():
        interrupt(signal.SIGINT)
        raise AssertionError("not reached")


def test_a_second_interrupt_is_not_held_back() -> None:
    with pytest.raises(KeyboardInterrupt), Interrupts():
        interrupt(signal.SIGINT)
        interrupt(signal.SIGINT)
        raise AssertionError("not reached")


def test_one_that_was_never_let_in_comes_at_the_end() -> None:
    done = []
    with pytest.raises(KeyboardInterrupt), Interrupts():
        interrupt(signal.SIGINT)
        done.append("all of it")
    assert done == ["all of it"]


def test_other_handlers_stay() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with Interrupts():
        interrupt(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
