"""The verbs of `chipdse library`: list, describe, export, add, fetch, remove, characterise."""
