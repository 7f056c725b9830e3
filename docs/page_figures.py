"""A sentence or a row of a table with its figures: found on a page by its words, and rewritten."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

TOLERANCE = 0.005


_NUMBER = r"([-+]?\d(?:[\d,]*\d)?(?:\.\d+)?)"  # not the stop or comma behind it


_SLOT = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, kw_only=True)
class Text:
    """A sentence or a row of a table: its words, with a slot for each figure.

    Parameters
    ----------
    words : the text with ``{}`` or ``{:format}`` in place of each figure; spaces and line ends
        are alike
    values : one for each slot, in the unit of the text
    """

    words: str
    values: tuple[float, ...]

    def pattern(self) -> re.Pattern[str]:
        """Finds the text on its page, a group for each figure."""
        parts = _SLOT.split(self.words)[::2]
        literal = [r"\s+".join(map(re.escape, re.split(r"\s+", part))) for part in parts]
        return re.compile(_NUMBER.join(literal))

    def shown(self) -> list[str]:
        """The figures as they are printed."""
        return [shown(v, f) for v, f in zip(self.values, self.formats(), strict=True)]

    def formats(self) -> list[str]:
        """What each slot asks for."""
        return [slot.lstrip(":") for slot in _SLOT.findall(self.words)]


def shown(value: float, form: str = "") -> str:
    """A figure in a text: three digits, or more before the point, unless `form` says otherwise."""
    if form:
        return format(value, form)
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{float(f'{value:.3g}'):g}"


def agrees(printed: str, value: float) -> bool:
    """Whether a printed figure is a value within 0.5 %, or within its own last digit's half."""
    plain = printed.replace(",", "")
    last = 10.0 ** -len(plain.partition(".")[2])
    allowed = max(TOLERANCE * abs(value), 0.5 * last * (1 + 1e-9))
    return abs(float(plain) - value) <= allowed


def differences(page: str, texts: Iterable[Text]) -> Iterator[str]:
    """Figures on a page that are not what was measured, and sentences that are not there."""
    for text in texts:
        matches = list(text.pattern().finditer(page))
        if len(matches) != 1:
            yield f"{len(matches)} times on the page instead of once: {text.words!r}"
            continue
        for printed, value in zip(matches[0].groups(), text.values, strict=True):
            if not agrees(printed, value):
                yield f"{printed} is {value:.4g} now: {' '.join(text.words.split())}"


def rewritten(page: str, texts: Iterable[Text]) -> str:
    """A page with the figures that were measured."""
    for text in texts:
        matches = text.pattern().search(page)
        if matches is None:
            raise LookupError(f"not on the page: {text.words!r}")
        parts, end = [], matches.start()
        for number, figure in enumerate(text.shown(), 1):
            before = page[end : matches.start(number)]
            parts += [_aligned(before, len(figure) - len(matches[number])), figure]
            end = matches.end(number)
        page = page[: matches.start()] + "".join(parts) + page[end:]
    return page


def _aligned(before: str, longer: int) -> str:
    """Text before a figure, with as many spaces less as a column of figures needs."""
    if not before.endswith("  "):
        return before
    words = before.rstrip(" ")
    return words + " " * max(1, len(before) - len(words) - longer)
