"""The gallery's page says what its stored points say."""

from __future__ import annotations

import json

from tools import gallery


def test_the_page_is_that_of_the_stored_points() -> None:
    assert gallery.PAGE.read_text() == gallery.page(json.loads(gallery.POINTS.read_text()))


def test_a_note_stands_before_the_figures() -> None:
    every = json.loads(gallery.POINTS.read_text())
    about = every["adder"] | {"note": "*Measured in another way.*"}
    text = gallery.page({"adder": about})
    assert "\n\n*Measured in another way.*\n\n36 points, " in text
