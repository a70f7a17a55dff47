"""How long a run takes while it is watched: training and drawing, learned from earlier runs."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

# Time of a watched run over that of its training alone, at first: a redraw of server and browser
# takes about half as long as the training between two of them. Each run corrects it.
DRAWING = 1.6


@dataclass
class Pace:
    """Time that runs take while they are drawn, compared with their estimated training time.

    Attributes
    ----------
    ratio : float
        Time of a watched run over the estimate of its training alone.
    measured : bool
        Whether the ratio is that of a run on this machine.

    Examples
    --------
    >>> Pace(ratio=2.0).expected(10.0)
    20.0
    """

    ratio: float = DRAWING
    measured: bool = False
    _seconds: float = field(default=0.0, repr=False)  # watched in this run
    _steps: int = field(default=0, repr=False)  # trained meanwhile
    _last: tuple[float, int] | None = field(default=None, repr=False)  # time and step

    def expected(self, training: float) -> float:
        """Return the time of a whole watched run in seconds, at least one.

        Parameters
        ----------
        training : float
            Estimated time of its training alone, in seconds.

        Returns
        -------
        float
        """
        return max(1.0, self.ratio * training)

    def begin(self) -> None:
        """Forget the run that was watched; what was learned from it stays."""
        self._seconds, self._steps, self._last = 0.0, 0, None

    def pause(self) -> None:
        """Note that the run does not go on until the next call of `note`."""
        self._last = None

    def note(self, step: int, now: float | None = None) -> None:
        """Note how far the run is.

        Parameters
        ----------
        step : int
            Steps trained so far.
        now : float, optional
            Time in seconds; the clock's by default.
        """
        now = time.monotonic() if now is None else now
        if self._last is not None:
            self._seconds += now - self._last[0]
            self._steps += step - self._last[1]
        self._last = now, step

    def left(self, step: int, total: int) -> float | None:
        """Return the remaining time in seconds at the pace so far; None if nothing was watched."""
        return (total - step) * self._seconds / self._steps if self._steps else None

    def learn(self, training: float, total: int) -> None:
        """Correct later estimates by this run, if most of it was watched.

        Parameters
        ----------
        training : float
            Estimated time of its training alone, in seconds.
        total : int
            Steps of the whole run.
        """
        if training > 0 and 2 * self._steps > total:
            self.ratio = self._seconds / self._steps * total / training
            self.measured = True
