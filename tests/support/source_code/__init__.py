"""Questions to the project's own source code."""
