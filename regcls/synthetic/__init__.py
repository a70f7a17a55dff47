"""Synthetic 1D data of the paper."""
