"""Places cells by gradient descent on smoothed wire length and density."""
