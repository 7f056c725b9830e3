"""The published models applied to many systems at once."""
