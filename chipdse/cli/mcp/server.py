"""The server: every call is a process of its own, which ends with the call."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
from mcp import types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

from chipdse import __version__
from chipdse.cli.mcp.tools import Tool
from chipdse.errors import DesignError

LONGEST_ANSWER = 200_000
"""Characters; an assistant reads an answer as a whole."""


def serve(tools: Mapping[str, Tool]) -> None:
    """Answer the requests on stdin on stdout, until stdin ends."""
    listed = [
        types.Tool(
            name=name,
            description=tool.summary,
            input_schema=tool.schema(),
            annotations=types.ToolAnnotations(
                read_only_hint=tool.is_read_only, destructive_hint=False, open_world_hint=False
            ),
        )
        for name, tool in tools.items()
    ]

    async def list_tools(context: Any, params: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=listed)

    async def call_tool(context: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        if params.name not in tools:
            return _refusal(f"{params.name!r} is not a tool; write {', '.join(tools)}")
        try:
            words = tools[params.name].command(params.arguments or {})
        except DesignError as error:
            return _refusal(f"{params.name}: {error}")
        return await _run(words)

    server: Server[Any] = Server(
        "chipdse",
        version=__version__,
        instructions="Design-space exploration of energy-efficient chips. File names are relative "
        f"to {Path.cwd()}. Values are in SI units; names of metrics end with their unit.",
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )

    async def run() -> None:
        async with stdio_server() as (reading, writing):
            await server.run(reading, writing, server.create_initialization_options())

    anyio.run(run)


async def _run(words: list[str]) -> types.CallToolResult:
    """What a command prints. A call that is given up ends its process."""
    done = await anyio.run_process(
        [sys.executable, "-m", "chipdse", *words], stdin=subprocess.DEVNULL, check=False
    )
    text = done.stdout.decode(errors="replace").strip()
    # `compare` and `leakage` print their answer and end with 1 if it is bad news.
    if done.returncode not in (0, 1) or not text:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        return _refusal(lines[-1] if lines else f"exit code {done.returncode}")
    if len(text) > LONGEST_ANSWER:
        return _refusal(
            f"the answer has {len(text)} characters, more than {LONGEST_ANSWER}; ask for less, or "
            f"run it in a shell: chipdse {' '.join(words)}"
        )
    content: list[Any] = [types.TextContent(type="text", text=text)]
    try:
        value = json.loads(text)
    except ValueError:  # a text that is meant to be read
        return types.CallToolResult(content=content)
    structured = value if isinstance(value, dict) else {"result": value}
    return types.CallToolResult(content=content, structured_content=structured)


def _refusal(text: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)], is_error=True)
