"""The grammar, reader and writer of Liberty files."""
