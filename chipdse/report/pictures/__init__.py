"""Pictures of a library, a package and a placement."""
