"""A study on disk or in a database, and the versions of everything that made its points."""
