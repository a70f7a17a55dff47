"""Which studies are at work on this machine, whatever stores they fill: a small file a run.

A store knows the runs that fill it; two stores know nothing of each other. So each run leaves a
note where all runs of this person on this machine look.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

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
