"""Where a grid stands and who is at work on it, seen from any process; how to begin and stop."""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from regcls.study.store import Store

START_SECONDS = 60.0  # how long a new process may take until it is at work
_BEGINNING = threading.Lock()  # of two who begin at the same moment, one is refused


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
    _lower_priority(process.pid)
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


def _lower_priority(pid: int) -> None:
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


NOTES = "REGCLS_STUDY_NOTES"  # environment variable: another folder of notes


@dataclass(frozen=True)
class AtWork:
    """A run of ``grid`` into ``store`` by the process ``pid``, which was ``born`` then (seconds
    since 1970): a number may be given again once its process has ended."""

    grid: str
    store: str
    pid: int
    born: float

    @property
    def alive(self) -> bool:
        import psutil

        with contextlib.suppress(psutil.Error):
            process = psutil.Process(self.pid)
            return abs(process.create_time() - self.born) < 5 and (
                process.status() != psutil.STATUS_ZOMBIE
            )
        return False


def folder() -> Path:
    """Where the notes are."""
    try:
        person = getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        person = "anyone"
    return Path(os.environ.get(NOTES) or Path(tempfile.gettempdir()) / f"regcls-studies-{person}")


@contextlib.contextmanager
def noted(grid: str, store: Path) -> Iterator[None]:
    """While this lasts, others see that this process is at work. Never an error: where no note can
    be written, the run goes on unseen."""
    import psutil

    pid = os.getpid()
    mine = AtWork(grid, str(store.resolve()), pid, psutil.Process(pid).create_time())
    note = None
    with contextlib.suppress(OSError):
        folder().mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(".json", f"{pid}-", folder())
        note = Path(name)
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            json.dump(asdict(mine), out)
    try:
        yield
    finally:
        if note is not None:
            with contextlib.suppress(OSError):
                note.unlink()


def at_work(besides: Path | None = None) -> list[AtWork]:
    """The runs that go on, those into the store ``besides`` apart. Notes of processes that ended
    without clearing up are cleared away."""
    found = []
    with contextlib.suppress(OSError):
        for note in sorted(folder().glob("*.json")):
            run = _read(note)
            if run is not None and run.alive:
                found.append(run)
            elif run is not None:
                with contextlib.suppress(OSError):
                    note.unlink()
    return [run for run in found if besides is None or run.store != str(besides.resolve())]


def _read(note: Path) -> AtWork | None:
    """None: a note that is still being written, or that is none of ours."""
    try:
        return AtWork(**json.loads(note.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
