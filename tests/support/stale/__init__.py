"""Projects whose results may be stale: how code reads its inputs, and a change of each."""
