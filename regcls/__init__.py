"""regcls: see for yourself when classification helps regression."""

__version__ = "0.1.0"
