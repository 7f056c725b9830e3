"""Models of other people, restated to compare with their results; no figure rests on them."""
