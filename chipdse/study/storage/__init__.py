"""A study on disk or in a database, and the versions of all code and tools that computed it."""
