"""Cell libraries: all corners as arrays, kept in a cache, joined with memory macros."""
