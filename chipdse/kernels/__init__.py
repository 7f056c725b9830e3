"""C files, compiled on the user's machine and cached: replay, placement, matrix products."""
