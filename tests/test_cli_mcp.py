"""`chipdse mcp`: tools made of the verbs' parsers, called by a client of the protocol."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipdse.cli import build_parser, main
from chipdse.cli.mcp.tools import NOT_OFFERED, READ_ONLY, RUNNING, _verbs, tools
from chipdse.errors import DesignError
from tests.support import programs

ALL = tools(allow_run=True)
READ_FILES = {"study", "first", "second", "store", "systems", "netlist", "liberty", "spef", "trace"}
"""Arguments of tools that only read which name files: they are read."""


def test_every_verb_is_offered_or_not_on_purpose() -> None:
    assert sorted([*READ_ONLY, *RUNNING, *NOT_OFFERED]) == sorted(
        verb for verb, _ in _verbs(build_parser())
    )


@pytest.mark.parametrize("tool", tools(allow_run=False).values(), ids=lambda tool: tool.words[-1])
def test_a_tool_that_reads_has_no_option_that_writes(tool: Any) -> None:
    assert tool.is_read_only
    files = {name for name, action in tool.actions.items() if action.type is Path}
    assert files <= READ_FILES, files - READ_FILES


def values(item: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Values that a schema allows."""
    if item["type"] == "array":
        return st.lists(values(item["items"]), min_size=1, max_size=3)
    if "enum" in item:
        return st.sampled_from(item["enum"])
    texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)
    kinds: dict[str, st.SearchStrategy[Any]] = {
        "boolean": st.booleans(),
        "integer": st.integers(),
        "number": st.floats(allow_nan=False),
        "string": texts.filter(lambda text: not text.startswith("-")),
    }
    return kinds[item["type"]]


@pytest.mark.slow
@given(data=st.data(), name=st.sampled_from(["front", "power", "eval", "compare", "status"]))
def test_a_command_line_means_its_arguments(data: st.DataObject, name: str) -> None:
    schema = ALL[name].schema()
    optional = {
        key: values(item)
        for key, item in schema["properties"].items()
        if key not in schema["required"] and key not in ("tolerance", "clock")
    }
    required = {key: values(schema["properties"][key]) for key in schema["required"]}
    arguments = data.draw(st.fixed_dictionaries(required, optional=optional))
    parsed = vars(build_parser(name).parse_args(ALL[name].command(arguments)))
    assert parsed["json"] is True
    for key, value in arguments.items():
        got = parsed[key]
        if isinstance(value, list):
            assert list(map(str, got)) == [str(type(got[0])(item)) for item in value]
        else:
            assert str(got) == str(type(got)(value))


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("front", {}, "'study' is missing"),
        ("front", {"study": "--parquet=x"}, "no hyphen"),
        ("front", {"study": "s", "minimize": ["a", "--parquet", "x"]}, "no hyphen"),
        ("front", {"study": "s", "shell": "x"}, "'shell' is not an argument"),
        ("front", {"study": ["a", "b"]}, "is a list"),
        ("front", {"study": {"a": 1}}, "write texts or numbers"),
        ("front", {"study": "s", "all": "yes"}, "write true or false"),
    ],
)
def test_arguments_that_are_refused(name: str, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(DesignError, match=words):
        ALL[name].command(arguments)


def test_the_tools_are_listed_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mcp", "--list", "--json"]) == 0
    listed = {tool["name"]: tool for tool in json.loads(capsys.readouterr().out)}
    assert set(listed) == set(tools(allow_run=False))
    assert listed["front"]["read_only"]
    assert listed["front"]["input_schema"]["required"] == ["study"]
    assert main(["mcp", "--json"]) == 2
    assert "--json belongs to --list" in capsys.readouterr().err


def call(
    folder: Path, calls: list[tuple[str, dict[str, Any]]], *options: str
) -> tuple[dict[str, Any], list[Any]]:
    """What a client of the protocol sees: the tools by name, and an answer for each call."""
    mcp = pytest.importorskip("mcp")
    shim = programs.shim(folder.parent)
    server = mcp.StdioServerParameters(command=str(shim), args=["mcp", *options], cwd=folder)

    async def run() -> tuple[dict[str, Any], list[Any]]:
        async with mcp.Client(mcp.stdio_client(server)) as client:
            offered = {tool.name: tool for tool in (await client.list_tools()).tools}
            return offered, [await client.call_tool(name, given) for name, given in calls]

    return anyio.run(run)


@pytest.mark.slow
def test_a_client_reads(tmp_path: Path) -> None:
    offered, (systems, stages, missing, hidden) = call(
        tmp_path,
        [
            ("package", {"list": True}),
            ("stages", {}),
            ("front", {"study": "nowhere"}),
            ("eval", {"block": "mac_array"}),
        ],
    )
    assert set(offered) == set(tools(allow_run=False))
    assert all(tool.annotations.read_only_hint for tool in offered.values())
    assert not systems.is_error
    assert json.loads(systems.content[0].text)
    names = json.dumps(stages.structured_content)
    assert "synthesis" in names
    assert missing.is_error
    assert "nowhere" in missing.content[0].text
    assert "\n" not in missing.content[0].text
    assert hidden.is_error
    assert "'eval' is not a tool" in hidden.content[0].text
    assert not list(tmp_path.iterdir())


@pytest.mark.tools
def test_a_client_evaluates_where_it_may(tmp_path: Path) -> None:
    point = {"block": "adder", "set": ["bits=4"], "only": ["energy_per_op_j"]}
    offered, (evaluated,) = call(tmp_path, [("eval", point)], "--allow-run")
    assert set(offered) == set(ALL)
    assert not evaluated.is_error, evaluated.content
    assert "energy_per_op_j" in evaluated.content[0].text
