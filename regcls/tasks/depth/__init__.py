"""Depth from photos of rooms."""
