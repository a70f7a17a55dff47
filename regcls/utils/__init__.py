"""Shared helpers: background jobs, text, CPU cores and the folders of an installation."""
