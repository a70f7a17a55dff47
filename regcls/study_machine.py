"""Which studies are at work on this machine, whatever stores they fill: a small file a run.

A store knows the runs that fill it; two stores know nothing of each other. So each run leaves a
note where all runs of this person on this machine look.
"""

from __future__ import annotations
