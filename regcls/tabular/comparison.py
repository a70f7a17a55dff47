"""The comparison of all model kinds on one table by nested cross-validation.

In each of 5 folds × repeats, every kind trains all settings on the other folds; the setting with
the best score on inner validation rows predicts the held-out fold.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, wait
from dataclasses import dataclass

from regcls.tabular.fold import Cancelled, FoldResult, fit_fold
from regcls.tabular.models import FittedModel
from regcls.tabular.plan import PACE, Plan
from regcls.tabular.results import Results
from regcls.utils import pace
from regcls.utils.background import BackgroundJob
from regcls.utils.cpu import cores

POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Progress:
    """Progress of a comparison.

    Attributes
    ----------
    share : float
        Share of the work that is done, 0 to 1.
    seconds_left : float or None
        Estimated remaining time; None while it is unknown.
    folds_done, folds : int
        Number of finished folds and of all folds.
    """

    share: float
    seconds_left: float | None
    folds_done: int
    folds: int


class Comparison:
    """A comparison that trains in background threads.

    Results of the finished folds are available at any time, also after it was cancelled.

    Parameters
    ----------
    plan : Plan
        What is compared.
    present : callable
        Whether the person who waits is still there; if not, the comparison is cancelled.

    Attributes
    ----------
    models : dict of str to FittedModel
        Models fitted on all rows, by kind; empty until they are ready.
    """

    def __init__(self, plan: Plan, present: Callable[[], bool] = lambda: True) -> None:
        self.plan, self._present = plan, present
        self.models: dict[str, FittedModel] = {}
        self._lock = threading.Lock()
        self._folds: list[FoldResult] = []
        self._shares: dict[tuple[int, int | None], float] = {}
        self._stop = threading.Event()
        self._job: BackgroundJob | None = None
        self._latest: Results | None = None

    def start(self) -> Comparison:
        """Start to train in the background.

        Returns
        -------
        Comparison
            This comparison.
        """
        self._job = BackgroundJob(
            self._train, present=self._present, away_seconds=math.inf, closed_seconds=0
        )
        return self

    def run(self, watch: Callable[[Progress], None] = lambda progress: None) -> None:
        """Train to the end, or until the comparison is cancelled or fails (see ``error``).

        Parameters
        ----------
        watch : callable
            Called with the progress about twice per second.
        """
        self.start()
        try:
            while not self.wait(POLL_SECONDS):
                watch(self.progress)
        except BaseException:
            self.cancel()
            raise
        watch(self.progress)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the comparison has ended.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at most.

        Returns
        -------
        bool
            Whether it has ended.
        """
        return self._job is not None and self._job.wait(timeout)

    def cancel(self) -> None:
        """Stop after the current training step; finished folds are kept."""
        self._stop.set()
        if self._job is not None:
            self._job.cancel()

    def _train(self, job: BackgroundJob) -> None:
        from regcls.nn.threads import one_core_pool

        tasks = [*self.plan.splits, (0, None)]

        def fit(repeat: int, fold: int | None) -> None:
            def report(share: float) -> None:
                if self._stop.is_set():
                    raise Cancelled
                self._shares[repeat, fold] = share
                job.report(sum(list(self._shares.values())) / len(tasks))

            self._keep(fit_fold(self.plan, repeat, fold, report))

        workers = min(cores(), len(tasks))
        with one_core_pool(workers, "tabular") as pool:
            waiting = {pool.submit(fit, *task) for task in tasks}
            try:
                while waiting:
                    done, waiting = wait(waiting, POLL_SECONDS, return_when=FIRST_EXCEPTION)
                    for future in done:
                        future.result()
                    if job.stopped():
                        self._stop.set()
                if not self._stop.is_set():
                    pace.record(PACE, self.plan.estimated, job.seconds)
            except Cancelled:
                pass
            finally:
                self._stop.set()
                pool.shutdown(wait=False, cancel_futures=True)

    def _keep(self, result: FoldResult) -> None:
        with self._lock:
            if result.models:
                self.models = dict(result.models)
            else:
                self._folds.append(result)

    @property
    def running(self) -> bool:
        """Whether the comparison is training; it ends shortly after it was cancelled."""
        return self._job is not None and not self._job.wait(0)

    @property
    def cancelled(self) -> bool:
        """Whether the comparison ended before the models were ready, without an error."""
        ended = self._job is not None and not self.running
        return ended and self.error is None and not self.models

    @property
    def error(self) -> Exception | None:
        """The error that stopped the comparison, if any."""
        return None if self._job is None else self._job.error

    @property
    def progress(self) -> Progress:
        """Progress so far."""
        folds = len(self.plan.splits)
        if self._job is None:
            return Progress(0.0, None, 0, folds)
        return Progress(self._job.share, self._job.seconds_left, len(self._folds), folds)

    @property
    def seconds(self) -> float:
        """Seconds since the start, or the total run time."""
        return 0.0 if self._job is None else self._job.seconds

    @property
    def results(self) -> Results | None:
        """Results of the finished folds; None before the first."""
        with self._lock:
            if not self._folds:
                return None
            if self._latest is None or len(self._latest.folds) != len(self._folds):
                self._latest = Results(self.plan, list(self._folds))
            return self._latest
