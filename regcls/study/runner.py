"""Run a grid through joblib: on this machine's cores, or on the workers of a Dask scheduler."""

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

from regcls.exceptions import UserError
from regcls.study import worker
from regcls.study.dask_backend import SchedulerLost
from regcls.study.dask_backend import results as cluster_results
from regcls.study.grid import Grid
from regcls.study.processes import noted
from regcls.study.spec import Model
from regcls.study.status import missing_of, standing
from regcls.study.store import Result, Store
from regcls.utils.cpu import cores

BEAT = 5.0  # seconds between two signs of life
ON_LOST = ("local", "stop")
POLL = 0.5  # seconds between two looks at what others do, and at ``should_stop``


class WorkerLost(UserError):
    """A worker process of this machine ended before its work."""


@dataclass(frozen=True)
class Progress:
    """``done`` of ``models`` are stored, of which this run trained ``trained``; ``share`` and
    ``seconds_left`` weigh models by what they cost.
    ``note``: a sentence about a lost scheduler."""

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
    """Train all that is missing of ``grid`` and keep it in ``store``; how far it came.

    A batch is stored as soon as its models are trained, so stopping at any time loses no more than
    the batches at work. Models that another runner is training are left to it, and waited for.

    ``scheduler``: the address of a Dask scheduler, whose workers then train (start them with one
    thread each). If it is lost, ``on_lost`` says whether to go on "local"ly or to "stop".
    """
    if on_lost not in ON_LOST:
        raise ValueError(f"on_lost must be one of {', '.join(ON_LOST)}, not {on_lost!r}")
    wanted = (on_progress or (lambda progress: None), should_stop or (lambda: False))
    return _Run(grid, store, jobs or cores(), *wanted, scheduler, on_lost).work()


class _Run:
    def __init__(self, grid, store, jobs, on_progress, should_stop, scheduler, on_lost):
        self.grid, self.store, self.jobs = grid, store, jobs
        self.on_progress, self.should_stop = on_progress, should_stop
        self.scheduler, self.on_lost, self.note = scheduler, on_lost, ""
        self.trained, self.trained_cost = 0, 0.0
        self.started = time.perf_counter()
        self.stopping = threading.Event()  # no new batch, and those at work break off
        self.stopped = False  # because somebody wished so
        self.ended = threading.Event()

    def work(self) -> Progress:
        self.runner = self.store.start(self.grid.name)
        note = noted(self.grid.name, self.store.path)
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
        return self.progress()

    def _until_done(self) -> None:
        self.on_progress(self.progress())
        while not self.stopping.is_set():
            known = self.store.known()
            missing = missing_of(self.grid.models(known), known)
            if not missing:
                break
            before = self.trained
            self._train(missing)
            if self.trained == before:  # all that is missing is another runner's
                self.stopping.wait(POLL)
                self.on_progress(self.progress())

    def _train(self, models: list[Model]) -> None:
        self.store.release(self.runner)  # nothing is at work now
        try:
            for results in self._results(models):
                if results:
                    self._keep(results)
        except SchedulerLost as error:
            self.scheduler = None
            self.stopped = self.on_lost == "stop"
            go_on = "stopped with what is stored" if self.stopped else "went on on this machine"
            self.note = f"{error}; the run {go_on}"
            if self.stopped:
                self._stop_workers()
        except BrokenExecutor as error:
            raise WorkerLost(
                "a worker process was killed, perhaps for lack of memory; what is stored is safe: "
                "start again, with fewer --jobs"
            ) from error

    def _results(self, models: list[Model]) -> Iterator:
        if self.scheduler is not None:
            # Each worker process trains with one thread, on whatever machine it is.
            return cluster_results(self.scheduler, self._tasks(models, 1), self.stopping)
        from joblib import Parallel

        ways = {"batch_size": 1, "return_as": "generator_unordered"}
        if self.jobs == 1:  # in this process, with all its threads
            return Parallel(n_jobs=1, **ways)(self._tasks(models, None, self.stop_file))
        tasks = self._tasks(models, 1, self.stop_file, os.getpid())
        return Parallel(n_jobs=self.jobs, pre_dispatch=self.jobs + 1, **ways)(tasks)

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
    ) -> Iterator:
        """Batches, each claimed when its turn comes."""
        from joblib import delayed

        for batch in worker.pack(models, self.jobs):
            if self.stopping.is_set():
                return
            claimed = self.store.claim(self.runner, batch)
            if claimed:
                yield delayed(worker.train)(claimed, threads, stop, parent)

    def progress(self) -> Progress:
        """Where the grid stands now."""
        now = standing(self.grid, self.store.known())
        seconds = time.perf_counter() - self.started
        rate = self.trained_cost / seconds if self.trained else self.jobs  # first, the estimate
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
        """Say that this runner is alive, and pass on the wish to stop."""
        beat = time.monotonic()
        while not self.ended.wait(POLL):
            if not self.stopping.is_set() and self.should_stop():
                self.stopped = True
                self._stop_workers()
            if time.monotonic() - beat > BEAT:
                beat = time.monotonic()
                with contextlib.suppress(ValueError):  # a full disk stops the run where it writes
                    self.store.beat(self.runner)

    def _stop_workers(self) -> None:
        self.stopping.set()
        with contextlib.suppress(OSError):
            Path(self.stop_file).touch()
