"""Run a grid through joblib: on this machine's cores, or on the workers of a Dask scheduler."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from regcls import study_train
from regcls.study_plan import Grid, Model
from regcls.study_store import Store

BEAT = 5.0  # seconds between two signs of life
POLL = 0.5  # seconds between two looks at what others do, and at ``should_stop``


@dataclass(frozen=True)
class Progress:
    """``done`` of ``models`` are stored, of which this run trained ``trained``; ``share`` and
    ``seconds_left`` weigh models by what they cost; the latter is None while nothing is known."""

    models: int
    done: int
    trained: int
    share: float
    seconds: float
    seconds_left: float | None
    stopped: bool = False

    @property
    def finished(self) -> bool:
        return self.done == self.models


def cores() -> int:
    """Cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def estimate(models: list[Model], jobs: int | None = None) -> float:
    """About the seconds that these models take on ``jobs`` cores (all by default)."""
    return sum(map(study_train.cost, models)) / (jobs or cores())


def run(
    grid: Grid,
    store: Store,
    *,
    jobs: int | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Progress:
    """Train all that is missing of ``grid`` and keep it in ``store``; how far it came.

    A batch is stored as soon as its models are trained, so stopping at any time loses no more than
    the batches at work. Models that another runner is training are left to it, and waited for.
    """
    return _Run(grid, store, jobs or cores(), on_progress, should_stop).work()


class _Run:
    def __init__(self, grid, store, jobs, on_progress, should_stop):
        self.grid, self.store, self.jobs = grid, store, jobs
        self.on_progress = on_progress or (lambda progress: None)
        self.should_stop = should_stop or (lambda: False)
        self.models = grid.models()
        self.costs = {model.key: study_train.cost(model) for model in self.models}
        self.trained, self.trained_cost = 0, 0.0
        self.started = time.perf_counter()
        self.stopping = threading.Event()  # no new batch, and those at work break off
        self.stopped = False  # because somebody wished so
        self.ended = threading.Event()

    def work(self) -> Progress:
        self.runner = self.store.start(self.grid.name)
        with tempfile.TemporaryDirectory(prefix="regcls-study-") as folder:
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
            missing = self._missing()
            if not missing:
                break
            before = self.trained
            self._train(missing)
            if self.trained == before:  # all that is missing is another runner's
                self.stopping.wait(POLL)
                self.on_progress(self.progress())

    def _train(self, models: list[Model]) -> None:
        from joblib import Parallel

        parallel = Parallel(
            n_jobs=self.jobs,
            pre_dispatch=self.jobs + 1 if self.jobs > 1 else 1,
            batch_size=1,
            return_as="generator_unordered",
        )
        for results in parallel(self._tasks(models)):
            if results:
                self.store.add(results)
                self.trained += len(results)
                self.trained_cost += sum(self.costs[result.model.key] for result in results)
                self.on_progress(self.progress())

    def _tasks(self, models: list[Model]) -> Iterator:
        """Batches, each claimed when its turn comes."""
        from joblib import delayed

        threads, parent = (1, os.getpid()) if self.jobs > 1 else (None, None)
        for batch in study_train.pack(models):
            if self.stopping.is_set():
                return
            claimed = self.store.claim(self.runner, batch)
            if claimed:
                yield delayed(study_train.train)(claimed, threads, self.stop_file, parent)

    def _missing(self) -> list[Model]:
        stored = self.store.keys()
        return [model for model in self.models if model.key not in stored]

    def progress(self) -> Progress:
        missing = self._missing()
        left = sum(self.costs[model.key] for model in missing)
        total = sum(self.costs.values())
        seconds = time.perf_counter() - self.started
        rate = self.trained_cost / seconds if self.trained else None
        return Progress(
            models=len(self.models),
            done=len(self.models) - len(missing),
            trained=self.trained,
            share=1 - left / total if total else 1.0,
            seconds=seconds,
            seconds_left=left / rate if rate else None,
            stopped=self.stopped,
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
