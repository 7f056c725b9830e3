"""C that is compiled on the user's machine and kept."""
