"""Finds a block by name, module or description, and presents a user's own like those that ship."""
