"""Age from photos of faces."""
