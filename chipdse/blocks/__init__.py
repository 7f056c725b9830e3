"""Finds a block by name, module or description; the user's blocks and shipped blocks are alike."""
