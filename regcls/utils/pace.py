"""Correct estimates of run times by what this machine has shown in earlier runs.

An estimate made before a run cannot know how fast the machine is and what else it does. Each run
therefore leaves its estimate and the time that it took in a small file, by kind of work; the next
estimate of this kind is scaled by their ratio.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import tempfile
import threading
from pathlib import Path

PACE = "REGCLS_PACE"  # environment variable: the file
_KEPT = 0.5  # weight of the earlier runs when a run is added, so that the latest count most
_LIMITS = (0.05, 20.0)  # a factor beyond these comes from a disturbed run
_LOCK = threading.Lock()


def pace_file() -> Path:
    """Return the file that keeps what earlier runs have shown.

    Returns
    -------
    Path
        The file that the environment variable `PACE` names, or one in the user's cache folder.
    """
    if named := os.environ.get(PACE):
        return Path(named)
    with contextlib.suppress(RuntimeError):  # a container's user may have no home
        cache = os.environ.get("XDG_CACHE_HOME")
        return (Path(cache) if cache else Path.home() / ".cache") / "regcls" / "pace.json"
    return Path(tempfile.gettempdir()) / "regcls-pace.json"


def factor(kind: str) -> float:
    """Return how many times longer than estimated work of this kind takes on this machine.

    Parameters
    ----------
    kind : str
        Kind of work, such as "study" or "table".

    Returns
    -------
    float
        1.0 if no run of this kind has been recorded.
    """
    estimated, taken = _read().get(kind, (1.0, 1.0))
    return min(max(taken / estimated, _LIMITS[0]), _LIMITS[1])


def corrected(kind: str, estimated: float) -> float:
    """Return an estimate of this kind of work, scaled by what the machine has shown.

    Parameters
    ----------
    kind : str
        Kind of work, such as "study" or "table".
    estimated : float
        Estimate without knowledge of the machine, in seconds.

    Returns
    -------
    float
        Seconds.
    """
    return estimated * factor(kind)


def record(kind: str, estimated: float, taken: float) -> None:
    """Record a run. Where the file cannot be written, nothing is recorded.

    Longer runs count more: the factor is a ratio of sums, in which each run halves the weight of
    the runs before it.

    Parameters
    ----------
    kind : str
        Kind of work, such as "study" or "table".
    estimated : float
        Estimate without knowledge of the machine, in seconds, of the work that was done.
    taken : float
        Time that it took, in seconds.
    """
    if not all(math.isfinite(value) and value > 0 for value in (estimated, taken)):
        return
    with _LOCK:
        known = _read()
        before = known.get(kind, (0.0, 0.0))
        known[kind] = (_KEPT * before[0] + estimated, _KEPT * before[1] + taken)
        with contextlib.suppress(OSError):
            _write(known)


def _read() -> dict[str, tuple[float, float]]:
    """Return the sums of estimates and times by kind of work; empty if the file is unusable."""
    try:
        stored = json.loads(pace_file().read_text(encoding="utf-8"))
        found = {kind: (float(pair[0]), float(pair[1])) for kind, pair in stored.items()}
    except (OSError, ValueError, TypeError, AttributeError, IndexError, KeyError):
        return {}
    return {kind: pair for kind, pair in found.items() if min(pair) > 0}


def _write(known: dict[str, tuple[float, float]]) -> None:
    """Replace the file in one step, so that no reader meets half of it."""
    path = pace_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(".json", "pace-", path.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        json.dump(known, out)
    os.replace(name, path)
