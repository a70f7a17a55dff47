"""One live comparison on a 1D function."""
