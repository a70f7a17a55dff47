"""Live comparison of reg, its loss-scale control and reg+cls on a 1D function."""
