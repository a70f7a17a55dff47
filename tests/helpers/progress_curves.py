"""Progress curves without a video."""

from __future__ import annotations

import numpy as np

from regcls.tasks.progress.predict import Curve


def made(reg: list[float], regcls: list[float] | None = None, end: float | None = None) -> Curve:
    """Return a curve of one frame per second, with these predictions in percent."""
    seconds = np.arange(len(reg), dtype=float)
    values = {"reg": np.array(reg, float), "reg+cls": np.array(regcls or reg, float)}
    return Curve(seconds, values, end or float(seconds[-1]), (), {"reg": 1.0, "reg+cls": 1.0})
