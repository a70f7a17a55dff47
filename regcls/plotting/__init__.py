"""Shared parts of all charts: colours, encodings, the chart object and the error chart."""
