"""Background jobs: a thread with progress, cancellation and a timeout when nobody waits for it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from regcls.exceptions import UserError

AWAY_SECONDS = 90.0  # browsers throttle the timers of a hidden tab to one call per minute
CLOSED_SECONDS = 5.0  # grace period of a closed connection; a short interruption reconnects

WAITING, WORKING, DONE = "waiting", "working", "done"
CANCELLED, ABANDONED, FAILED = "cancelled", "abandoned", "failed"

_UNEXPECTED = "An unexpected error stopped this job. Try again, or use another file."
_log = logging.getLogger(__name__)


class BackgroundJob:
    """Run a function in a thread of its own, which starts at once.

    Parameters
    ----------
    target : callable
        Called with this job. It calls `report` with its progress and returns early when `stopped`
        is true.
    turn : threading.Lock, optional
        Jobs that share a lock run one after another.
    present : callable, optional
        Return False when the page of the person who waits is closed.
    away_seconds : float, default AWAY_SECONDS
        The job is abandoned when `keep_alive` was not called for this long; ``math.inf`` for never.
    closed_seconds : float, default CLOSED_SECONDS
        The same while ``present()`` is false.
    clock : callable, optional
        Monotonic time in seconds.

    Attributes
    ----------
    share : float
        Share of the work that is done, 0 to 1.
    error : Exception or None
        What ``target`` raised.
    problem : str or None
        Why the job failed, as a sentence: that of a `UserError`, else a general one.

    Examples
    --------
    >>> job = BackgroundJob(lambda job: job.report(0.5))
    >>> job.wait()
    True
    >>> job.state, job.share
    ('done', 1.0)
    """

    def __init__(
        self,
        target: Callable[[BackgroundJob], None],
        turn: threading.Lock | None = None,
        present: Callable[[], bool] = lambda: True,
        away_seconds: float = AWAY_SECONDS,
        closed_seconds: float = CLOSED_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.share = 0.0
        self.error: Exception | None = None
        self.problem: str | None = None
        self._target, self._turn, self._present, self._clock = target, turn, present, clock
        self._away_seconds, self._closed_seconds = away_seconds, closed_seconds
        self._state = WAITING
        self._last_seen = self._started = clock()
        self._ended: float | None = None
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def state(self) -> str:
        """One of the six states; a cancelled job changes at once, before its thread has ended."""
        return CANCELLED if self._cancelled.is_set() else self._state

    @property
    def active(self) -> bool:
        """Whether the job waits for its turn or works."""
        return self.state in (WAITING, WORKING)

    @property
    def seconds(self) -> float:
        """Seconds since the job started to work, or that it took."""
        return (self._clock() if self._ended is None else self._ended) - self._started

    @property
    def seconds_left(self) -> float | None:
        """Seconds left, extrapolated from the share that is done; None below 2%."""
        if self.state != WORKING or self.share < 0.02:
            return None
        return self.seconds * (1 - self.share) / self.share

    def report(self, share: float) -> None:
        """Set the share of the work that is done; it never decreases.

        Parameters
        ----------
        share : float
            Clipped to the range from the last report to 1.
        """
        self.share = min(max(float(share), self.share), 1.0)

    def keep_alive(self) -> None:
        """Record that somebody still waits for the result."""
        self._last_seen = self._clock()

    def cancel(self) -> None:
        """Ask an active job to end soon; its partial results are kept."""
        if self.active:
            self._cancelled.set()

    def stopped(self) -> bool:
        """Return whether to give up: the job is cancelled or abandoned."""
        away = self._clock() - self._last_seen
        if away > self._away_seconds or (away > self._closed_seconds and not self._present()):
            self._state = ABANDONED
        return self._cancelled.is_set() or self._state == ABANDONED

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the thread has ended.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at most; without it, as long as it takes.

        Returns
        -------
        bool
            Whether the thread has ended.
        """
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        if self._turn is None:
            self._work()
        else:
            with self._turn:
                self._work()

    def _work(self) -> None:
        if self.stopped():
            return
        self._started, self._state = self._clock(), WORKING
        try:
            self._target(self)
        except UserError as error:
            self._fail(error, error.sentence)
        except Exception as error:  # nothing else reports what is raised in a thread
            _log.exception("a background job failed")
            self._fail(error, _UNEXPECTED)
        else:
            if not self.stopped():
                self.share, self._state = 1.0, DONE
        finally:
            self._ended = self._clock()

    def _fail(self, error: Exception, problem: str) -> None:
        self.error, self.problem, self._state = error, problem, FAILED
