"""Results of trained models in one SQLite file, which several runners may share.

One row a model, keyed by its configuration's hash: a second result of the same model is ignored.
Before a runner trains a model it claims it here; a claim ends with its runner's process, or when
the runner has not been heard of for a while.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import socket
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from regcls.exceptions import UserError
from regcls.study.spec import Model

SCHEMA = 1
APPLICATION = 0x72636C73  # "rcls": tells our files from other programs'
EXPIRES = 60.0  # seconds after which a silent runner's claims are free
BUSY_SECONDS = 30.0  # how long to wait for another runner's write

_TABLES = """
CREATE TABLE models (
    key TEXT PRIMARY KEY, config TEXT NOT NULL,
    scenario TEXT NOT NULL, sampling TEXT NOT NULL, function INTEGER NOT NULL,
    data_seed INTEGER NOT NULL, init_seed INTEGER NOT NULL, variant TEXT NOT NULL,
    classes INTEGER NOT NULL, weight REAL NOT NULL, bins TEXT NOT NULL,
    test_mse REAL, val_mse REAL, ranges TEXT NOT NULL, curve TEXT NOT NULL,
    seconds REAL NOT NULL, versions TEXT NOT NULL, written_at TEXT NOT NULL
);
CREATE TABLE runners (
    id TEXT PRIMARY KEY, grid TEXT NOT NULL, host TEXT NOT NULL, pid INTEGER NOT NULL,
    started REAL NOT NULL, heard REAL NOT NULL
);
CREATE TABLE claims (key TEXT PRIMARY KEY, runner TEXT NOT NULL);
"""
_KEYS = (
    "scenario", "sampling", "function", "data_seed", "init_seed", "variant", "classes", "weight",
    "bins",
)  # fmt: skip
COLUMNS = (
    "key", "config", *_KEYS, "test_mse", "val_mse", "ranges", "curve", "seconds", "versions",
    "written_at",
)  # fmt: skip


class StoreError(UserError):
    """The store cannot be used; the message says why and what to do."""


class StoreDamaged(StoreError):
    """The file is no store, or a broken one. It is left as it is."""


@dataclass(frozen=True)
class Result:
    """What is kept of one trained model. ``test_mse`` and ``val_mse`` are NaN where training
    diverged; ``ranges`` and ``curve`` are lists of numbers by name."""

    model: Model
    test_mse: float
    val_mse: float
    ranges: dict[str, Any]
    curve: dict[str, list[float]]
    seconds: float
    versions: dict[str, str]

    def row(self) -> tuple:
        """In the order of ``COLUMNS``."""
        m = self.model
        return (
            m.key, m.config, *(getattr(m, name) for name in _KEYS), self.test_mse, self.val_mse,
            _json(self.ranges), _json(self.curve), self.seconds, _json(self.versions),
            datetime.now(UTC).isoformat(timespec="seconds"),
        )  # fmt: skip


@dataclass(frozen=True)
class Runner:
    """A process that trains the models of a grid."""

    id: str
    grid: str
    host: str
    pid: int
    started: float
    heard: float

    @property
    def alive(self) -> bool:
        """Heard of lately, and if it ran on this machine, its process still exists."""
        if time.time() - self.heard > EXPIRES:
            return False
        return self.host != socket.gethostname() or _exists(self.pid)


class Store:
    """The file at ``path``, made where there is none. May be used from several threads.

    ``fresh`` puts a damaged file aside (see ``moved``) and starts a new one. Raises
    ``StoreDamaged``, or ``StoreError`` where the file cannot be read or written or another
    version wrote it.
    """

    def __init__(self, path: str | Path, fresh: bool = False):
        self.path = Path(path)
        self.moved: Path | None = None
        self._lock = threading.RLock()
        try:
            self._db = self._open()
        except StoreDamaged:
            if not fresh:
                raise
            self.moved = _put_aside(self.path)
            self._db = self._open()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def add(self, results: Iterable[Result]) -> int:
        """Keep results, all or none, and end the claims on their models; how many were new."""
        rows = [result.row() for result in results]
        places = ", ".join("?" * len(COLUMNS))
        with self._writing() as db:
            before = db.total_changes
            db.executemany(f"INSERT OR IGNORE INTO models VALUES ({places})", rows)
            new = db.total_changes - before
            db.executemany("DELETE FROM claims WHERE key = ?", [(row[0],) for row in rows])
        return new

    def known(self) -> dict[str, float]:
        """Validation MSE of all models in the store, by key; inf where training diverged."""
        with self._reading() as db:
            rows = db.execute("SELECT key, val_mse FROM models").fetchall()
        return {key: math.inf if error is None else error for key, error in rows}

    def written_since(self, seconds: float) -> set[str]:
        """Keys of the models stored since this time (of ``time.time``)."""
        since = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
        with self._reading() as db:
            rows = db.execute("SELECT key FROM models WHERE written_at >= ?", (since,))
            return {key for (key,) in rows}

    def rows(self, keys: Iterable[str]) -> list[tuple]:
        """The rows, in the order of ``COLUMNS``, of those of ``keys`` that are in the store."""
        found: list[tuple] = []
        wanted = list(keys)
        with self._reading() as db:
            for at in range(0, len(wanted), 500):
                some = wanted[at : at + 500]
                places = ", ".join("?" * len(some))
                select = f"SELECT {', '.join(COLUMNS)} FROM models WHERE key IN ({places})"
                found += db.execute(select, some)
        return found

    def start(self, grid: str) -> str:
        """Enter this process as a runner; its id. Runners that are gone are cleared away."""
        now, me = time.time(), uuid.uuid4().hex
        with self._writing() as db:
            gone = [runner.id for runner in self._runners(db) if not runner.alive]
            _forget(db, gone)
            entry = (me, grid, socket.gethostname(), os.getpid(), now, now)
            db.execute("INSERT INTO runners VALUES (?, ?, ?, ?, ?, ?)", entry)
        return me

    def beat(self, runner: str) -> None:
        """Say that the runner is still there."""
        with self._writing() as db:
            db.execute("UPDATE runners SET heard = ? WHERE id = ?", (time.time(), runner))

    def release(self, runner: str) -> None:
        """Free the runner's claims."""
        with self._writing() as db:
            db.execute("DELETE FROM claims WHERE runner = ?", (runner,))

    def finish(self, runner: str) -> None:
        """Clear the runner and its claims away."""
        with self._writing() as db:
            _forget(db, [runner])

    def runners(self) -> list[Runner]:
        """The runners that are at work."""
        with self._reading() as db:
            return [runner for runner in self._runners(db) if runner.alive]

    def claim(self, runner: str, models: Sequence[Model]) -> list[Model]:
        """Those of ``models`` that are neither stored nor another live runner's; now this one's."""
        with self._writing() as db:
            _forget(db, [r.id for r in self._runners(db) if r.id != runner and not r.alive])
            taken = {key for (key,) in db.execute("SELECT key FROM claims")}
            free = [m for m in models if m.key not in taken and not _stored(db, m.key)]
            db.executemany("INSERT INTO claims VALUES (?, ?)", [(m.key, runner) for m in free])
        return free

    @staticmethod
    def _runners(db: sqlite3.Connection) -> list[Runner]:
        return [Runner(*row) for row in db.execute("SELECT * FROM runners")]

    def _open(self) -> sqlite3.Connection:
        with self._plainly():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(
                self.path, timeout=BUSY_SECONDS, check_same_thread=False, isolation_level=None
            )
            try:
                db.execute("PRAGMA journal_mode = WAL")
                db.execute("PRAGMA synchronous = NORMAL")  # in WAL: safe against kill, and quick
                self._check(db)
            except BaseException:
                db.close()
                raise
        return db

    def _check(self, db: sqlite3.Connection) -> None:
        db.execute("BEGIN IMMEDIATE")  # of two that find it empty, one makes the tables
        with _committed(db):
            (version,) = db.execute("PRAGMA user_version").fetchone()
            (application,) = db.execute("PRAGMA application_id").fetchone()
            empty = not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            if empty and not version:
                for statement in _TABLES.split(";"):
                    db.execute(statement)
                db.execute(f"PRAGMA application_id = {APPLICATION}")
                db.execute(f"PRAGMA user_version = {SCHEMA}")
            elif application != APPLICATION:
                raise StoreError(f"{self.path} is a database of another program; name another file")
            elif version != SCHEMA:
                raise StoreError(
                    f"{self.path} was written by another version of this program (its schema is "
                    f"{version}, this version's {SCHEMA}); name another file, or use that version"
                )
        problem = db.execute("PRAGMA quick_check(1)").fetchone()[0]
        if problem != "ok":
            raise sqlite3.DatabaseError(problem)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._plainly():
            self._db.execute("BEGIN IMMEDIATE")
            with _committed(self._db):
                yield self._db

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._plainly():
            yield self._db

    @contextlib.contextmanager
    def _plainly(self) -> Iterator[None]:
        """SQLite's errors as sentences."""
        try:
            yield
        except sqlite3.OperationalError as error:
            text = str(error)
            if "full" in text or "disk I/O" in text:
                why = "the disk is full or fails; what was stored before is safe"
            elif "locked" in text:
                why = "another program keeps it locked; try again when that has finished"
            else:
                why = f"it cannot be written ({text}); check the folder's permissions"
            raise StoreError(f"{self.path}: {why}") from error
        except sqlite3.DatabaseError as error:
            raise StoreDamaged(
                f"the store {self.path} is damaged ({error}); it is left as it is, and --fresh "
                "puts it aside and starts a new one"
            ) from error
        except OSError as error:
            raise StoreError(f"{self.path} cannot be made: {error.strerror}") from error


@contextlib.contextmanager
def _committed(db: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):  # a full disk has rolled back already
            db.execute("ROLLBACK")
        raise


def _forget(db: sqlite3.Connection, runners: Iterable[str]) -> None:
    ids = [(runner,) for runner in runners]
    db.executemany("DELETE FROM claims WHERE runner = ?", ids)
    db.executemany("DELETE FROM runners WHERE id = ?", ids)


def _stored(db: sqlite3.Connection, key: str) -> bool:
    return db.execute("SELECT 1 FROM models WHERE key = ?", (key,)).fetchone() is not None


def _put_aside(path: Path) -> Path:
    """Rename the file and SQLite's companions to the first free name; the new name."""
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S-%f")
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    for suffix in ("", "-wal", "-shm"):
        companion = path.with_name(path.name + suffix)
        if companion.exists():
            companion.rename(aside.with_name(aside.name + suffix))
    return aside


def _exists(pid: int) -> bool:
    if os.name == "nt":  # there, os.kill ends the process that one asks about
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
