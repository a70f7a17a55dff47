"""Start and stop runs in the background, and list the runs that are active on this machine.

Each run leaves a note, a small JSON file in a temporary folder, while it is active. Another process
can thus see the run even if it uses a different store.
"""

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

from regcls.exceptions import UserError
from regcls.study.store import Store

NOTES = "REGCLS_STUDY_NOTES"  # environment variable: folder of the notes
NICENESS = "REGCLS_STUDY_NICENESS"  # environment variable: niceness of the runs on Linux and macOS
DEFAULT_NICENESS = "10"
START_SECONDS = 60.0  # longest wait for a new process to register as a runner
_STARTING = threading.Lock()  # if two threads start a run at the same time, one is refused


def start(name: str, store: Path) -> Path:
    """Run a grid in a background process that outlives this one.

    Only one run is allowed per machine, since two would slow each other down. The function returns
    as soon as the process is training or has finished.

    Parameters
    ----------
    name : str
        Name of a shipped grid, or path of a TOML file.
    store : Path
        File of the store.

    Returns
    -------
    Path
        Log file of the process.

    Raises
    ------
    StoreError
        If the store cannot be used.
    UserError
        If another run is active in the store or on this machine, or if the process fails to start.
    """
    with _STARTING:
        for run in active_runs(except_store=store):
            raise UserError(
                f"{run.grid} is already running on this machine (process {run.pid}, store "
                f"{run.store}); stop it, or wait until it has finished"
            )
        with Store(store) as kept:
            for runner in kept.runners():
                raise UserError(
                    f"{runner.grid} is already running in {store} (process {runner.pid} on "
                    f"{runner.host}); stop it, or wait until it has finished"
                )
            return _start_process(name, store, kept)


def _start_process(name: str, store: Path, kept: Store) -> Path:
    log = log_file(store, Path(name).stem)
    command = [sys.executable, "-m", "regcls", "study", "run", name, "--store", str(store)]
    with log.open("w", encoding="utf-8") as out:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )
    _lower_priority(process.pid)
    # Reap the process when it ends: as a zombie it would still count as active.
    threading.Thread(target=process.wait, daemon=True).start()
    deadline = time.monotonic() + START_SECONDS
    while process.returncode is None and time.monotonic() < deadline:
        if any(runner.pid == process.pid for runner in kept.runners()):
            break
        time.sleep(0.1)
    if process.returncode:
        output = log.read_text(encoding="utf-8").strip().splitlines()
        reason = output[-1] if output else f"it ended with exit code {process.returncode}"
        raise UserError(f"the run could not start: {reason}")
    return log


def log_file(store: Path, grid: str) -> Path:
    """Return the log of the background runs of a grid.

    Parameters
    ----------
    store : Path
        File of the store.
    grid : str
        Name of the grid.

    Returns
    -------
    Path
        A file beside the store; each run replaces it.
    """
    return store.with_name(f"{store.name}.{grid}.log")


def _lower_priority(pid: int) -> None:
    """Lower the priority of the run and its workers, so that the app stays responsive."""
    import psutil

    if sys.platform == "win32":
        priority = psutil.BELOW_NORMAL_PRIORITY_CLASS
    else:
        priority = int(os.environ.get(NICENESS, DEFAULT_NICENESS))
    with contextlib.suppress(psutil.Error, OSError):
        psutil.Process(pid).nice(priority)


def stop(store: Path) -> int:
    """Signal all runners of a store on this machine to stop; their results are kept.

    Parameters
    ----------
    store : Path
        File of the store; it need not exist.

    Returns
    -------
    int
        Number of runners that were signalled.
    """
    if not store.exists():
        return 0
    with Store(store) as kept:
        local = [runner for runner in kept.runners() if runner.host == socket.gethostname()]
    for runner in local:
        with contextlib.suppress(ProcessLookupError):
            os.kill(runner.pid, signal.SIGTERM)
    return len(local)


@dataclass(frozen=True)
class ActiveRun:
    """A run that is active on this machine.

    Attributes
    ----------
    grid : str
        Name of the grid.
    store : str
        Absolute path of the store.
    pid : int
        Process number.
    born : float
        Start of the process in seconds since the epoch; with ``pid`` it identifies the process,
        since a number is reused after a process has ended.
    """

    grid: str
    store: str
    pid: int
    born: float

    @property
    def alive(self) -> bool:
        """Whether the process still exists."""
        import psutil

        with contextlib.suppress(psutil.Error):
            process = psutil.Process(self.pid)
            return abs(process.create_time() - self.born) < 5 and (
                process.status() != psutil.STATUS_ZOMBIE
            )
        return False


def notes_folder() -> Path:
    """Return the folder of the notes.

    Returns
    -------
    Path
        The folder that the environment variable `NOTES` names, or one in the temporary folder.
    """
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        user = "anyone"
    return Path(os.environ.get(NOTES) or Path(tempfile.gettempdir()) / f"regcls-studies-{user}")


@contextlib.contextmanager
def announced(grid: str, store: Path) -> Iterator[None]:
    """Announce this process as an active run while the context lasts.

    If no note can be written, the run continues without one.

    Parameters
    ----------
    grid : str
        Name of the grid.
    store : Path
        File of the store.

    Yields
    ------
    None
    """
    import psutil

    pid = os.getpid()
    run = ActiveRun(grid, str(store.resolve()), pid, psutil.Process(pid).create_time())
    note = None
    with contextlib.suppress(OSError):
        notes_folder().mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(".json", f"{pid}-", notes_folder())
        note = Path(name)
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            json.dump(asdict(run), out)
    try:
        yield
    finally:
        if note is not None:
            with contextlib.suppress(OSError):
                note.unlink()


def active_runs(except_store: Path | None = None) -> list[ActiveRun]:
    """Return the active runs on this machine, and delete the notes of processes that have ended.

    Parameters
    ----------
    except_store : Path, optional
        A store whose runs are left out.

    Returns
    -------
    list of ActiveRun
    """
    found = []
    with contextlib.suppress(OSError):
        for note in sorted(notes_folder().glob("*.json")):
            run = _read(note)
            if run is not None and run.alive:
                found.append(run)
            elif run is not None:
                with contextlib.suppress(OSError):
                    note.unlink()
    return [
        run for run in found if except_store is None or run.store != str(except_store.resolve())
    ]


def _read(note: Path) -> ActiveRun | None:
    """Read a note; None if it is incomplete or not a note of a run."""
    try:
        return ActiveRun(**json.loads(note.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
