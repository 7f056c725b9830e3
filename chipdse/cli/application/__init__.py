"""Verbs about applications: a network on a part, and chips of parts and memories."""
