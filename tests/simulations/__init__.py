"""Simulations that measure the error rates of the statistics the project prints."""
