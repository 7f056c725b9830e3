"""Verb `mcp`: serve the verbs that print JSON to an assistant, over stdin and stdout."""

from __future__ import annotations

import argparse

from chipdse.cli.common import Verbs, add_verb, print_json
from chipdse.errors import DesignError


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    parser = add_verb(
        verbs,
        "mcp",
        "serve verbs to an assistant by the Model Context Protocol, over stdin and stdout",
        "chipdse mcp                  # reads studies, netlists, libraries, packages\n"
        "  chipdse mcp --allow-run      # also evaluates, sweeps, exports",
        _mcp,
    )
    parser.add_argument(
        "--allow-run",
        action="store_true",
        help="offer also the verbs that evaluate, sweep or write files",
    )
    parser.add_argument("--list", action="store_true", help="print the tools, and end")
    parser.add_argument(
        "--json", action="store_true", help="with --list: print one JSON document with the schemas"
    )


def _mcp(arguments: argparse.Namespace) -> int:
    from chipdse.cli.mcp.tools import tools

    offered = tools(allow_run=arguments.allow_run)
    if arguments.json and not arguments.list:
        raise DesignError("--json belongs to --list; without it the answers are JSON-RPC")
    if arguments.list and arguments.json:
        print_json([tool.description(name) for name, tool in offered.items()])
        return 0
    if arguments.list:
        width = max(map(len, offered))
        for name, tool in offered.items():
            print(f"{name:{width}}  {tool.summary}")
        return 0
    try:
        from chipdse.cli.mcp.server import serve
    except ImportError as error:
        raise DesignError(
            "the package mcp is not installed; for the Model Context Protocol: "
            "pip install 'chipdse[mcp]'"
        ) from error
    serve(offered)
    return 0
