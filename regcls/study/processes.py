"""Where a grid stands and who is at work on it, seen from any process; how to begin and stop."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from regcls.study import worker
from regcls.study.grid import Grid, Model
from regcls.study.runner import cores, standing
from regcls.study.store import Runner, Store
from regcls.study_machine import AtWork, at_work

START_SECONDS = 60.0  # how long a new process may take until it is at work
_BEGINNING = threading.Lock()  # of two who begin at the same moment, one is refused


@dataclass(frozen=True)
class Status:
    """``done`` of ``models`` are stored; ``share`` and ``seconds_left`` weigh models by their cost.
    ``runners``: who is at work in this store, be it on this grid or another; ``elsewhere``: what
    goes on in other stores on this machine."""

    grid: str
    models: int
    done: int
    share: float
    seconds_left: float
    runners: tuple[Runner, ...]
    elsewhere: tuple[AtWork, ...] = ()

    @property
    def running(self) -> bool:
        """Whether anybody is at work on this grid."""
        return any(runner.grid == self.grid for runner in self.runners)


def status(grid: Grid, store: Path) -> Status:
    """From the store, or from nothing where there is no store yet. Raises ``StoreError``."""
    known: dict[str, float] = {}
    runners: list[Runner] = []
    lately: set[str] = set()
    if store.exists():
        with Store(store) as kept:
            known, runners = kept.known(), kept.runners()
            mine = [runner for runner in runners if runner.grid == grid.name]
            if mine:
                lately = kept.written_since(min(runner.started for runner in mine))
    now = standing(grid, known)
    rate = _rate([m for m in grid.models(known) if m.key in lately], runners, grid)
    left, others = now.left / rate, tuple(at_work(besides=store))
    return Status(grid.name, now.models, now.done, now.share, left, tuple(runners), others)


def begin(name: str, store: Path) -> Path:
    """Run a grid in a process of its own, which outlives this one; the file of what it says.

    Returns when the process is at work or done. Raises ``StoreError`` if the store is no good,
    ``ValueError`` if a run is at work in it or elsewhere on this machine (one at a time: two would
    only slow each other down), or the new one fails at once.
    """
    with _BEGINNING:
        for run in at_work(besides=store):
            raise ValueError(
                f"{run.grid} is at work on this machine (process {run.pid}, into {run.store}); "
                "stop it, or wait until it has finished"
            )
        with Store(store) as kept:
            for runner in kept.runners():
                raise ValueError(
                    f"{runner.grid} is at work in {store} (process {runner.pid} on "
                    f"{runner.host}); stop it, or wait until it has finished"
                )
            return _begin(name, store, kept)


def _begin(name: str, store: Path, kept: Store) -> Path:
    log = store.with_name(f"{store.name}.log")
    command = [sys.executable, "-m", "regcls", "study", "run", name, "--store", str(store)]
    with log.open("w", encoding="utf-8") as out:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )
    _humble(process.pid)
    # Once it has ended, its number must be free, or it would pass for being at work.
    threading.Thread(target=process.wait, daemon=True).start()
    until = time.monotonic() + START_SECONDS
    while process.returncode is None and time.monotonic() < until:
        if any(runner.pid == process.pid for runner in kept.runners()):
            break
        time.sleep(0.1)
    if process.returncode:
        said = log.read_text(encoding="utf-8").strip().splitlines()
        raise ValueError(f"the run could not start: {said[-1] if said else 'it said nothing'}")
    return log


def _humble(pid: int) -> None:
    """Pages that people look at go first: the run and its workers take what is left."""
    import psutil

    below = psutil.BELOW_NORMAL_PRIORITY_CLASS if os.name == "nt" else 10
    with contextlib.suppress(psutil.Error, OSError):
        psutil.Process(pid).nice(below)


def stop(store: Path) -> int:
    """Ask all runners on this machine to stop with what is stored; how many were asked."""
    if not store.exists():
        return 0
    with Store(store) as kept:
        mine = [runner for runner in kept.runners() if runner.host == socket.gethostname()]
    for runner in mine:
        with contextlib.suppress(ProcessLookupError):
            os.kill(runner.pid, signal.SIGTERM)
    return len(mine)


def _rate(models: list[Model], runners: list[Runner], grid: Grid) -> float:
    """Cost per second since the runners of this grid started; without any, this machine's."""
    started = [runner.started for runner in runners if runner.grid == grid.name]
    if not models or not started:
        return float(cores())
    trained = sum(map(worker.cost, models))
    return trained / max(time.time() - min(started), 1.0)
