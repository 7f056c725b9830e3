"""C files, compiled on the user's machine and kept: replay, placement, products of matrices."""
