"""Number of CPU cores available to this process."""

from __future__ import annotations

import os


def cores() -> int:
    """Return the number of CPU cores that this process may use.

    Returns
    -------
    int
        The size of the process's affinity mask where the system has one, else the number of cores
        of the machine; at least 1.
    """
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
