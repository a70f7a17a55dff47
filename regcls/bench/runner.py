"""Train all folds of a bench with joblib: on the cores of this machine, or on Dask workers."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from regcls.bench.spec import Prepared, Task
from regcls.bench.store import Store, Stored
from regcls.exceptions import UserError
from regcls.tabular.fold import Cancelled, fit_fold
from regcls.tabular.plan import Plan
from regcls.utils import pace
from regcls.utils.cpu import cores
from regcls.utils.dask_backend import results as cluster_results

PACE = "bench"  # kind of work, for the estimate of its time
POLL = 0.5  # seconds between two checks of ``should_stop``


class WorkerLost(UserError):
    """A worker process on this machine was killed."""


@dataclass(frozen=True)
class Progress:
    """Progress of a run.

    Attributes
    ----------
    folds, done, trained : int
        Number of folds, of those stored, and of those that this run has trained.
    share : float
        Stored share of the work, from 0 to 1, with folds weighted by their estimated time.
    seconds, seconds_left : float
        Time since the start of the run, and estimated time left.
    stopped : bool
        Whether the run was stopped before all folds were stored.
    """

    folds: int
    done: int
    trained: int
    share: float
    seconds: float
    seconds_left: float
    stopped: bool = False


def run(
    tables: Sequence[Prepared],
    store: Store,
    *,
    jobs: int | None = None,
    scheduler: str | None = None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Progress:
    """Train all folds that are not stored, the longest first, and store each when it is finished.

    Parameters
    ----------
    tables : sequence of Prepared
        Tables with plans.
    store : Store
        Store of the results.
    jobs : int, optional
        Number of worker processes; by default, the number of cores.
    scheduler : str, optional
        Address of a Dask scheduler whose workers train instead, one thread each.
    on_progress : callable
        Called with the `Progress` at the start and after each fold.
    should_stop : callable
        Polled during training; the run stops once it returns True.

    Returns
    -------
    Progress
        Progress at the end.

    Raises
    ------
    WorkerLost
        If a worker process was killed.
    UserError
        If results cannot be stored or the scheduler cannot be reached.
    """
    return _Run(tables, store, jobs or cores(), scheduler, on_progress, should_stop).work()


def progress(tables: Sequence[Prepared], store: Store, jobs: int | None = None) -> Progress:
    """Return how much of a bench is stored, and how long the rest takes.

    Parameters
    ----------
    tables : sequence of Prepared
        Tables with plans.
    store : Store
        Store of the results.
    jobs : int, optional
        Number of worker processes; by default, the number of cores.

    Returns
    -------
    Progress
    """
    return _Run(tables, store, jobs or cores(), None, lambda _: None, lambda: False).progress()


class _Run:
    """State of one run."""

    def __init__(
        self,
        tables: Sequence[Prepared],
        store: Store,
        jobs: int,
        scheduler: str | None,
        on_progress: Callable[[Progress], None],
        should_stop: Callable[[], bool],
    ) -> None:
        self.store, self.jobs, self.scheduler = store, jobs, scheduler
        self.on_progress, self.should_stop = on_progress, should_stop
        pairs = [(task, prepared.plan) for prepared in tables for task in prepared.tasks]
        self.pairs = sorted(pairs, key=lambda pair: -pair[0].seconds)
        self.done = store.done() & {task.key for task, _ in pairs}
        self.trained, self.trained_cost = 0, 0.0
        self.started = time.perf_counter()
        self.stopping, self.ended = threading.Event(), threading.Event()
        self.stopped = False

    def work(self) -> Progress:
        self.on_progress(self.progress())
        with tempfile.TemporaryDirectory(prefix="regcls-bench-") as folder:
            self.stop_file = str(Path(folder) / "stop")
            watch = threading.Thread(target=self._watch, daemon=True)
            watch.start()
            try:
                for stored in self._results():
                    if stored is not None:
                        self._keep(stored)
            except BrokenExecutor as error:
                raise WorkerLost(
                    "a worker process was killed, possibly because memory ran out; all stored folds "
                    "are kept: start the run again with fewer --jobs"
                ) from error
            finally:
                self._stop_workers()
                self.ended.set()
                watch.join()
        if self.trained and self.scheduler is None and self.jobs == cores():
            pace.record(PACE, self.trained_cost / self.jobs, time.perf_counter() - self.started)
        return replace(self.progress(), stopped=self.stopped)

    def _results(self) -> Iterator[Stored | None]:
        if self.scheduler is not None:
            return cluster_results(self.scheduler, self._tasks(None, None), self.stopping)
        from joblib import Parallel

        parallel = Parallel(
            n_jobs=self.jobs,
            pre_dispatch=self.jobs + 1,
            batch_size=1,
            return_as="generator_unordered",
        )
        parent = os.getpid() if self.jobs > 1 else None
        return parallel(self._tasks(self.stop_file, parent))

    def _tasks(self, stop: str | None, parent: int | None) -> Iterator[Any]:
        from joblib import delayed

        for task, plan in self.pairs:
            if self.stopping.is_set():
                return
            if task.key not in self.done:
                yield delayed(fit)(plan, task, stop, parent)

    def _keep(self, stored: Stored) -> None:
        self.store.add(stored)
        self.done.add(stored.task.key)
        self.trained += 1
        self.trained_cost += stored.task.seconds
        self.on_progress(self.progress())

    def progress(self) -> Progress:
        total = sum(task.seconds for task, _ in self.pairs) or 1.0
        left = sum(task.seconds for task, _ in self.pairs if task.key not in self.done)
        seconds = time.perf_counter() - self.started
        # Before the first result, assume what earlier runs have shown.
        rate = self.trained_cost / seconds if self.trained else self.jobs / pace.factor(PACE)
        return Progress(
            folds=len(self.pairs),
            done=len(self.done),
            trained=self.trained,
            share=1 - left / total,
            seconds=seconds,
            seconds_left=left / rate,
        )

    def _watch(self) -> None:
        """Stop the workers on request."""
        while not self.ended.wait(POLL):
            if not self.stopping.is_set() and self.should_stop():
                self.stopped = True
                self._stop_workers()

    def _stop_workers(self) -> None:
        self.stopping.set()
        Path(self.stop_file).touch()


def fit(plan: Plan, task: Task, stop: str | None, parent: int | None) -> Stored | None:
    """Train and evaluate one fold on one core.

    Parameters
    ----------
    plan : Plan
        The comparison.
    task : Task
        The fold.
    stop : str or None
        Path of a file; training is cancelled once it exists.
    parent : int or None
        Process number of the parent; this process exits once its parent has ended.

    Returns
    -------
    Stored or None
        The fold's predictions; None if training was cancelled.
    """
    from regcls.nn.threads import one_core_pool

    if parent is not None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the parent handles it

    def report(share: float) -> None:
        if stop is not None and Path(stop).exists():
            raise Cancelled
        if parent is not None and os.getppid() != parent:
            os._exit(1)  # there is no process left to receive the result

    started = time.perf_counter()
    try:
        with one_core_pool(1, "bench") as pool:
            result = pool.submit(fit_fold, plan, task.repeat, task.fold, report).result()
    except Cancelled:
        return None
    return Stored(task, result, time.perf_counter() - started)
