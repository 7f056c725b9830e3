"""Verb `stages`: the stages of the flow, and what each result depends on."""

from __future__ import annotations

import argparse
import textwrap
from typing import Any

from chipdse.cli.common import Verbs, add_verb, print_json


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    parser = add_verb(
        verbs,
        "stages",
        "list the stages of the flow and what the result of each depends on",
        "chipdse stages --json",
        _stages,
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def _stages(arguments: argparse.Namespace) -> int:
    from chipdse.evaluate import STAGES

    if arguments.json:
        print_json({"stages": [stage.described() for stage in STAGES]})
        return 0
    for stage in STAGES:
        print(f"{stage.name}: {stage.does}")
        for title, text in _lines(stage.described()):
            first = f"  {title:14}"
            indent = " " * len(first)
            print(textwrap.fill(text, 100, initial_indent=first, subsequent_indent=indent))
    return 0


def _lines(stage: dict[str, Any]) -> list[tuple[str, str]]:
    """What is printed of a stage below its name: titles and texts."""
    inputs = [f"{name} ({meaning})" for name, meaning in stage["inputs"].items()]
    packages = [f"{name} {version}" for name, version in stage["versions"].items()]
    parts = {
        "inputs": inputs,
        "code": stage["code"],
        "in some cases": stage["cases"],
        "data": stage["data"],
        "versions": packages,
    }
    lines = [(title, ", ".join(texts)) for title, texts in parts.items() if texts]
    return [*lines, ("user's code", "all that it reads")] if stage["runs_user_code"] else lines
