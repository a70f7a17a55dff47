"""The comparison of all model kinds on one table by nested cross-validation, and its results.

In each of 5 folds × repeats, every kind trains all settings on the other folds; the setting with
the best score on inner validation rows predicts the held-out fold.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from regcls.stats.errors import ErrorReport
from regcls.tabular.fold import Cancelled, FoldResult, fit_fold
from regcls.tabular.intervals import Difference, HeldOut
from regcls.tabular.models import FittedModel
from regcls.tabular.plan import KINDS, Plan
from regcls.utils.background import BackgroundJob
from regcls.utils.cpu import cores

CONSTANT = "constant"  # baseline: the median of the training targets
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


class Results:
    """Results over the held-out folds that are finished, at least one.

    Parameters
    ----------
    plan : Plan
        The comparison.
    folds : list of FoldResult
        Finished folds, in any order.
    """

    def __init__(self, plan: Plan, folds: list[FoldResult]) -> None:
        self.plan = plan
        self.folds = sorted(folds, key=lambda f: (f.repeat, f.fold))
        # Pages request the same differences and reports each time they redraw.
        self._differences: dict[tuple[str, str, str, int | None], Difference] = {}
        self._reports: dict[tuple[str, ...], ErrorReport] = {}

    @property
    def complete(self) -> bool:
        """Whether all folds are finished."""
        return len(self.folds) == len(self.plan.splits)

    @cached_property
    def row(self) -> np.ndarray:
        """Row of each of the N held-out predictions, shape (N,); each row once per repeat."""
        return np.concatenate([f.test for f in self.folds])

    @cached_property
    def predictions(self) -> dict[str, np.ndarray]:
        """Held-out predictions by kind, each of shape (N,)."""
        found = {k: np.concatenate([f.predictions[k] for f in self.folds]) for k in KINDS}
        constants = [np.full(len(f.test), f.constant) for f in self.folds]
        return found | {CONSTANT: np.concatenate(constants)}

    @cached_property
    def errors(self) -> dict[str, np.ndarray]:
        """Absolute errors by kind, each of shape (N,)."""
        y = self.plan.problem.y[self.row]
        return {kind: np.abs(p - y) for kind, p in self.predictions.items()}

    @cached_property
    def _held_out(self) -> HeldOut:
        model = np.repeat(np.arange(len(self.folds)), [len(f.test) for f in self.folds])
        return HeldOut(self._unit, model, self.plan.range_index[self.row])

    @property
    def _unit(self) -> np.ndarray:
        """The unit that is resampled: the row, or its group."""
        groups = self.plan.problem.groups
        return self.row if groups is None else groups[self.row]

    def difference(
        self, a: str, b: str, goal: str | None = None, only: int | None = None
    ) -> Difference:
        """Return the difference of the errors of two kinds.

        Parameters
        ----------
        a, b : str
            Model kinds, or "constant"; the difference is ``a`` minus ``b``.
        goal : {"balanced", "overall"}, optional
            Balanced MAE or MAE; by default the plan's goal.
        only : int, optional
            Target range to restrict the difference to.

        Returns
        -------
        Difference
            Difference with its interval.
        """
        key = a, b, goal or self.plan.goal, only
        if key not in self._differences:
            self._differences[key] = self._held_out.difference(
                self.errors[a], self.errors[b], key[2], only=only
            )
        return self._differences[key]

    def report(self, kinds: Sequence[str] = KINDS) -> ErrorReport:
        """Return the errors per target range over all held-out predictions.

        Parameters
        ----------
        kinds : sequence of str
            Model kinds, or "constant".

        Returns
        -------
        ErrorReport
            The report, with the table's targets as training targets.
        """
        kinds = tuple(kinds)
        if kinds not in self._reports:
            problem = self.plan.problem
            self._reports[kinds] = ErrorReport.from_predictions(
                problem.y[self.row],
                {kind: self.predictions[kind] for kind in kinds},
                self.plan.edges,
                y_train=problem.y,
                clusters=self._unit,
            )
        return self._reports[kinds]

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per kind: balanced MAE, MAE and RMSE, and the relative changes against reg.

        Changes and their intervals (``_change``, ``_low``, ``_high``) are shares of reg's error.
        """
        overall = self.report((*KINDS, CONSTANT)).overall().set_index("model").to_dict("index")
        rows = []
        for kind in (*KINDS, CONSTANT):
            row: dict[str, object] = {"kind": kind}
            for name, goal in (("balanced_mae", "balanced"), ("mae", "overall")):
                change = self.difference(kind, "reg", goal) if kind != "reg" else None
                row[name] = float(overall[kind][name])
                row[f"{name}_change"] = change.share if change else 0.0
                row[f"{name}_low"] = change.share_low if change else np.nan
                row[f"{name}_high"] = change.share_high if change else np.nan
            row["rmse"] = float(overall[kind]["rmse"])
            rows.append(row)
        return pd.DataFrame(rows)

    def ranges(self) -> pd.DataFrame:
        """Compare reg+cls with reg and the control in each target range.

        Returns
        -------
        DataFrame
            One row per range: ``low``, ``high``, ``rows``, ``share`` of the rows, and for reg and
            the control the relative change of the error with its interval.
        """
        counts = np.bincount(self.plan.range_index, minlength=len(self.plan.edges) - 1)
        rows = []
        for k, count in enumerate(counts):
            row = {
                "low": self.plan.edges[k],
                "high": self.plan.edges[k + 1],
                "rows": int(count),
                "share": count / counts.sum(),
            }
            for other in ("reg", "control"):
                change = self.difference("reg+cls", other, only=k)
                row[f"{other}_change"] = change.share
                row[f"{other}_low"] = change.share_low
                row[f"{other}_high"] = change.share_high
            rows.append(row)
        return pd.DataFrame(rows)

    def out_of_fold(self) -> pd.DataFrame:
        """Return all held-out predictions.

        Returns
        -------
        DataFrame
            One row per prediction: ``row`` (from 1, in the original table), ``repeat``, ``fold``,
            ``y_true`` and one column per kind.
        """
        counts = [len(f.test) for f in self.folds]
        problem = self.plan.problem
        frame = {
            "row": problem.rows[self.row] + 1,
            "repeat": np.repeat([f.repeat + 1 for f in self.folds], counts),
            "fold": np.repeat([f.fold + 1 for f in self.folds], counts),
            "y_true": problem.y[self.row],
        }
        return pd.DataFrame(frame | {kind: self.predictions[kind] for kind in KINDS})


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
        tasks = [*self.plan.splits, (0, None)]

        def fit(repeat: int, fold: int | None) -> None:
            def report(share: float) -> None:
                if self._stop.is_set():
                    raise Cancelled
                self._shares[repeat, fold] = share
                job.report(sum(list(self._shares.values())) / len(tasks))

            self._keep(fit_fold(self.plan, repeat, fold, report))

        workers = min(cores(), len(tasks))
        with ThreadPoolExecutor(workers, "tabular", initializer=_use_one_thread) as pool:
            waiting = {pool.submit(fit, *task) for task in tasks}
            try:
                while waiting:
                    done, waiting = wait(waiting, POLL_SECONDS, return_when=FIRST_EXCEPTION)
                    for future in done:
                        future.result()
                    if job.stopped():
                        self._stop.set()
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


def _use_one_thread() -> None:
    """Run the linear algebra of this thread on one core: folds already run in parallel."""
    from regcls.nn.tabular_ensemble import use_one_thread

    use_one_thread()
