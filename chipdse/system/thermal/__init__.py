"""Heat conduction in a stack of layers: mesh, equations and solution."""
