"""Synthetic 1D data of the paper, and a preview of it."""
