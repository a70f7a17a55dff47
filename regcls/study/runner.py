"""Train a grid with joblib, on the cores of this machine or on the workers of a Dask scheduler."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from regcls.exceptions import UserError
from regcls.study import worker
from regcls.study.grid import Grid
from regcls.study.processes import announced
from regcls.study.rows import Result
from regcls.study.spec import DATA_VERSION, GridError, Model
from regcls.study.status import PACE, completion, missing_models
from regcls.study.store import Store, StoreError
from regcls.utils import pace
from regcls.utils.cpu import cores
from regcls.utils.dask_backend import SchedulerLost
from regcls.utils.dask_backend import results as cluster_results

HEARTBEAT = 5.0  # seconds between two heartbeats
ON_LOST = ("local", "stop")
POLL = 0.5  # seconds between two checks of other runners and of ``should_stop``


class WorkerLost(UserError):
    """A worker process on this machine was killed."""


@dataclass(frozen=True)
class Progress:
    """Progress of a run.

    Attributes
    ----------
    models, done : int
        Number of planned and of stored models of the grid.
    trained : int
        Number of models that this run has trained.
    share : float
        Trained share of the grid, from 0 to 1, with models weighted by their cost.
    seconds, seconds_left : float
        Time since the start of the run and estimated time left, in seconds.
    stopped : bool
        Whether the run was stopped before the grid was complete.
    note : str
        What happened if the scheduler was lost; else empty.
    """

    models: int
    done: int
    trained: int
    share: float
    seconds: float
    seconds_left: float
    stopped: bool = False
    note: str = ""

    @property
    def finished(self) -> bool:
        """Whether all models are stored."""
        return self.done == self.models


def run(
    grid: Grid,
    store: Store,
    *,
    jobs: int | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    scheduler: str | None = None,
    on_lost: str = "local",
) -> Progress:
    """Train all missing models of a grid and store their results.

    Each batch is stored as soon as it is trained, so a run that is stopped loses at most the
    batches in training. Models that another runner is training are left to it and waited for.

    Parameters
    ----------
    grid : Grid
        The grid to train.
    store : Store
        Store of the results.
    jobs : int, optional
        Number of worker processes; by default, the number of cores.
    on_progress : callable, optional
        Called with the `Progress` at the start and after each batch.
    should_stop : callable, optional
        Polled during training; the run stops once it returns True.
    scheduler : str, optional
        Address of a Dask scheduler whose workers train, instead of this machine. Start the workers
        with one thread each.
    on_lost : {"local", "stop"}, default "local"
        Whether to continue on this machine or to stop if the scheduler is lost.

    Returns
    -------
    Progress
        Progress at the end of the run.

    Raises
    ------
    WorkerLost
        If a worker process was killed.
    StoreError
        If results cannot be stored.
    GridError
        If models are missing whose data sets can no longer be generated.
    UserError
        If ``on_lost`` is invalid.
    """
    if on_lost not in ON_LOST:
        raise UserError(f"on_lost must be one of {', '.join(ON_LOST)}, not {on_lost!r}")
    return _Run(
        grid,
        store,
        jobs or cores(),
        on_progress or (lambda progress: None),
        should_stop or (lambda: False),
        scheduler,
        on_lost,
    ).work()


def _check_data_version(grid: Grid) -> None:
    """Raise `GridError` if the data sets of a grid can no longer be generated."""
    if not grid.trainable:
        version = grid.protocol.data_version
        raise GridError(
            f"the grid {grid.name} has data sets of version {version}: its stored results can be "
            f"read, but new models need data_version = {DATA_VERSION}"
        )


class _Run:
    """State of one run."""

    def __init__(
        self,
        grid: Grid,
        store: Store,
        jobs: int,
        on_progress: Callable[[Progress], None],
        should_stop: Callable[[], bool],
        scheduler: str | None,
        on_lost: str,
    ) -> None:
        self.grid, self.store, self.jobs = grid, store, jobs
        self.on_progress, self.should_stop = on_progress, should_stop
        self.scheduler, self.on_lost, self.note = scheduler, on_lost, ""
        self.trained, self.trained_cost = 0, 0.0
        self.started = time.perf_counter()
        self.stopping = (
            threading.Event()
        )  # no new batch starts, and those in training are cancelled
        self.stopped = False  # on request, or because the scheduler was lost
        self.ended = threading.Event()

    def work(self) -> Progress:
        self.runner = self.store.start(self.grid.name)
        note = announced(self.grid.name, self.store.path)
        with tempfile.TemporaryDirectory(prefix="regcls-study-") as folder, note:
            self.stop_file = str(Path(folder) / "stop")
            watch = threading.Thread(target=self._watch, daemon=True)
            watch.start()
            try:
                self._until_done()
            finally:
                self._stop_workers()
                self.ended.set()
                watch.join()
                self.store.finish(self.runner)
                self._record_pace()
        return self.progress()

    def _record_pace(self) -> None:
        """Let this run correct the next estimate, which is for all cores of this machine."""
        if self.trained and self.scheduler is None and self.jobs == cores():
            pace.record(PACE, self.trained_cost / self.jobs, time.perf_counter() - self.started)

    def _until_done(self) -> None:
        self.on_progress(self.progress())
        while not self.stopping.is_set():
            known = self.store.known()
            missing = missing_models(self.grid.models(known), known)
            if not missing:
                break
            _check_data_version(self.grid)
            before = self.trained
            self._train(missing)
            if self.trained == before:  # other runners have claimed all missing models
                self.stopping.wait(POLL)
                self.on_progress(self.progress())

    def _train(self, models: list[Model]) -> None:
        self.store.release(self.runner)  # no batch is in training now
        try:
            for results in self._results(models):
                if results:
                    self._keep(results)
        except SchedulerLost as error:
            self.scheduler = None
            self.stopped = self.on_lost == "stop"
            outcome = "stopped" if self.stopped else "continued on this machine"
            self.note = f"{error}; the run {outcome}, all stored results are kept"
            if self.stopped:
                self._stop_workers()
        except BrokenExecutor as error:
            raise WorkerLost(
                "a worker process was killed, possibly because memory ran out; all stored results "
                "are kept: start the run again with fewer --jobs"
            ) from error

    def _results(self, models: list[Model]) -> Iterator[list[Result] | None]:
        if self.scheduler is not None:
            # Each worker process trains with one thread.
            return cluster_results(self.scheduler, self._tasks(models, 1), self.stopping)
        from joblib import Parallel

        options = {"batch_size": 1, "return_as": "generator_unordered"}
        if self.jobs == 1:  # in this process, with all its threads
            return Parallel(n_jobs=1, **options)(self._tasks(models, None, self.stop_file))
        tasks = self._tasks(models, 1, self.stop_file, os.getpid())
        return Parallel(n_jobs=self.jobs, pre_dispatch=self.jobs + 1, **options)(tasks)

    def _keep(self, results: list[Result]) -> None:
        self.store.add(results)
        self.trained += len(results)
        self.trained_cost += sum(result.model.core_seconds for result in results)
        self.on_progress(self.progress())

    def _tasks(
        self,
        models: list[Model],
        threads: int | None,
        stop: str | None = None,
        parent: int | None = None,
    ) -> Iterator[Any]:
        """Yield joblib tasks; each batch is claimed just before it is dispatched."""
        from joblib import delayed

        for batch in worker.pack(models, self.jobs):
            if self.stopping.is_set():
                return
            claimed = self.store.claim(self.runner, batch)
            if claimed:
                yield delayed(worker.train)(claimed, threads, stop, parent)

    def progress(self) -> Progress:
        """Return the current progress."""
        now = completion(self.grid, self.store.known())
        seconds = time.perf_counter() - self.started
        # Before the first result, assume what earlier runs have shown.
        rate = self.trained_cost / seconds if self.trained else self.jobs / pace.factor(PACE)
        return Progress(
            models=now.models,
            done=now.done,
            trained=self.trained,
            share=now.share,
            seconds=seconds,
            seconds_left=now.left / rate,
            stopped=self.stopped,
            note=self.note,
        )

    def _watch(self) -> None:
        """Send heartbeats, and stop the workers on request."""
        latest = time.monotonic()
        while not self.ended.wait(POLL):
            if not self.stopping.is_set() and self.should_stop():
                self.stopped = True
                self._stop_workers()
            if time.monotonic() - latest > HEARTBEAT:
                latest = time.monotonic()
                # A full disk ends the run where results are written, not here.
                with contextlib.suppress(StoreError):
                    self.store.heartbeat(self.runner)

    def _stop_workers(self) -> None:
        self.stopping.set()
        with contextlib.suppress(OSError):
            Path(self.stop_file).touch()
