"""Does classification help this table's regression? The whole comparison, and what came of it.

Nested cross-validation: in each of 5 folds × repeats all settings of all kinds are trained on the
rest, the best of each kind on inner validation rows predicts the held-out fold. torch is imported
when a comparison starts.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from regcls.stats.errors import ErrorReport
from regcls.tabular.fold import Cancelled, FoldResult, Kept, fit_fold
from regcls.tabular.intervals import Difference, Held
from regcls.tabular.plan import KINDS, Plan, cores

CONSTANT = "constant"  # the training rows' median, for every row


@dataclass(frozen=True)
class Progress:
    """``share`` of the work done, 0 to 1; ``seconds_left`` None until it can be told."""

    share: float
    seconds_left: float | None
    folds_done: int
    folds: int


class Results:
    """What the held-out folds say; of a run that goes on, those that are there.

    ``folds``: at least one.
    """

    def __init__(self, plan: Plan, folds: list[FoldResult]):
        self.plan = plan
        self.folds = sorted(folds, key=lambda f: (f.repeat, f.fold))
        self._known: dict[tuple, object] = {}  # a page asks the same again and again

    @property
    def complete(self) -> bool:
        return len(self.folds) == len(self.plan.fits)

    @cached_property
    def row(self) -> np.ndarray:
        """The row (N,) of each held-out prediction; rows come once a repeat."""
        return np.concatenate([f.test for f in self.folds])

    @cached_property
    def predictions(self) -> dict[str, np.ndarray]:
        """By kind, all held-out predictions (N,)."""
        found = {k: np.concatenate([f.predictions[k] for f in self.folds]) for k in KINDS}
        constants = [np.full(len(f.test), f.constant) for f in self.folds]
        return found | {CONSTANT: np.concatenate(constants)}

    @cached_property
    def errors(self) -> dict[str, np.ndarray]:
        """By kind, absolute errors (N,)."""
        y = self.plan.problem.y[self.row]
        return {kind: np.abs(p - y) for kind, p in self.predictions.items()}

    @cached_property
    def held(self) -> Held:
        fit = np.repeat(np.arange(len(self.folds)), [len(f.test) for f in self.folds])
        return Held(self._unit, fit, self.plan.which[self.row])

    @property
    def _unit(self) -> np.ndarray:
        """What is resampled together: a row, or the group it belongs to."""
        groups = self.plan.problem.groups
        return self.row if groups is None else groups[self.row]

    def difference(
        self, a: str, b: str, goal: str | None = None, only: int | None = None
    ) -> Difference:
        """Kind ``a`` minus ``b``, in the balanced or plain MAE (the plan's goal), or in one range."""
        goal = goal or self.plan.goal
        make = lambda: self.held.difference(self.errors[a], self.errors[b], goal, only=only)
        return self._once(("difference", a, b, goal, only), make)

    def report(self, kinds: tuple[str, ...] = KINDS) -> ErrorReport:
        """Errors per target range of these kinds, over all held-out predictions."""
        problem = self.plan.problem
        make = lambda: ErrorReport.from_predictions(
            problem.y[self.row],
            {kind: self.predictions[kind] for kind in kinds},
            self.plan.edges,
            y_train=problem.y,
            clusters=self._unit,
        )
        return self._once(("report", kinds), make)

    def _once(self, key: tuple, make: Callable):
        if key not in self._known:
            self._known[key] = make()
        return self._known[key]

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row a kind: balanced_mae and mae with the difference to reg, as shares, and intervals."""
        overall = self.report((*KINDS, CONSTANT)).overall().set_index("model")
        rows = []
        for kind in (*KINDS, CONSTANT):
            row: dict[str, object] = {"kind": kind}
            for name, goal in (("balanced_mae", "balanced"), ("mae", "overall")):
                own = self.difference(kind, "reg", goal) if kind != "reg" else None
                row[name] = float(overall.loc[kind, name])
                row[f"{name}_change"] = own.share if own else 0.0
                row[f"{name}_low"] = own.share_low if own else np.nan
                row[f"{name}_high"] = own.share_high if own else np.nan
            row["rmse"] = float(overall.loc[kind, "rmse"])
            rows.append(row)
        return pd.DataFrame(rows)

    def ranges(self) -> pd.DataFrame:
        """A row a range: low, high, rows, share, and reg+cls against reg and control there."""
        counts = np.bincount(self.plan.which, minlength=len(self.plan.edges) - 1)
        rows = []
        for k, count in enumerate(counts):
            row = {"low": self.plan.edges[k], "high": self.plan.edges[k + 1], "rows": int(count),
                   "share": count / counts.sum()}  # fmt: skip
            for other in ("reg", "control"):
                d = self.difference("reg+cls", other, only=k)
                row |= {f"{other}_change": d.share, f"{other}_low": d.share_low,
                        f"{other}_high": d.share_high}  # fmt: skip
            rows.append(row)
        return pd.DataFrame(rows)

    def out_of_fold(self) -> pd.DataFrame:
        """A row a held-out prediction: row (from 1, of the given table), repeat, fold, y_true,
        and one column a kind."""
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
    """One comparison in threads of its own; ``start`` it, look at it at any time, ``cancel`` it.

    ``present`` says whether somebody still waits for it; when not, it stops by itself.
    """

    def __init__(self, plan: Plan, present: Callable[[], bool] = lambda: True):
        self.plan, self._present = plan, present
        self._lock = threading.Lock()
        self._done: list[FoldResult] = []
        self._shares: dict[object, float] = {}
        self._began = time.monotonic()
        self._ended: float | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.kept: dict[str, Kept] = {}
        self.error: Exception | None = None
        self._last: tuple[int, Results] | None = None

    def start(self) -> Comparison:
        """Begin in the background."""
        self._thread = threading.Thread(target=self.run, name="advise", daemon=True)
        self._thread.start()
        return self

    def run(self, watch: Callable[[Progress], None] = lambda progress: None) -> None:
        """Train it all; returns at the end, when cancelled, or on an error kept in ``error``."""
        try:
            self._run(watch)
        except Cancelled:
            pass
        except Exception as error:  # told on the page, whose thread this is not
            self.error = error
        finally:
            self._stop.set()
            self._ended = time.monotonic()

    def _run(self, watch: Callable[[Progress], None]) -> None:
        jobs = [*self.plan.fits, (0, None)]
        with ThreadPoolExecutor(min(cores(), len(jobs)), "advise", initializer=_alone) as pool:
            waiting = {pool.submit(self._fit, *job) for job in jobs}
            try:
                while waiting:
                    done, waiting = wait(waiting, timeout=0.5, return_when=FIRST_EXCEPTION)
                    for future in done:
                        future.result()
                    watch(self.progress)
                    if not self._present():
                        self.cancel()
            except BaseException:
                self._stop.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _fit(self, repeat: int, fold: int | None) -> None:
        def breathe(share: float) -> None:
            if self._stop.is_set():
                raise Cancelled
            self._shares[repeat, fold] = share

        found = fit_fold(self.plan, repeat, fold, breathe)
        with self._lock:
            if fold is None:
                self.kept = dict(found.kept)
            else:
                self._done.append(found)

    def cancel(self) -> None:
        """Stop at the next step; what is done stays."""
        self._stop.set()

    @property
    def running(self) -> bool:
        return self._ended is None

    @property
    def cancelled(self) -> bool:
        return not self.running and self.error is None and not self.kept

    @property
    def progress(self) -> Progress:
        share = sum(list(self._shares.values())) / (len(self.plan.fits) + 1)
        spent = (self._ended or time.monotonic()) - self._began
        left = spent * (1 - share) / share if share > 0.02 else None
        return Progress(min(share, 1.0), left, len(self._done), len(self.plan.fits))

    @property
    def seconds(self) -> float:
        """Seconds since it began, or that it took."""
        return (self._ended or time.monotonic()) - self._began

    @property
    def results(self) -> Results | None:
        """Of the folds that are done; None before the first."""
        with self._lock:
            if not self._done:
                return None
            if self._last is None or self._last[0] != len(self._done):
                self._last = len(self._done), Results(self.plan, list(self._done))
            return self._last[1]


def _alone() -> None:
    from regcls.nn.tabular_ensemble import run_alone

    run_alone()
