"""The paper's 1D data and a preview of it."""
