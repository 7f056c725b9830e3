"""Verb `mcp`: the verbs with `--json` as tools of the Model Context Protocol."""
