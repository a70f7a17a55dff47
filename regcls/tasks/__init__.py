"""Predictions and error reports of the shipped models: age, depth and progress."""
