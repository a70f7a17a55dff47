"""Store of trained models: one SQLite file, which several runners can share.

There is one row per model, under the hash of its configuration; a second result for the same model
is ignored. A runner claims a model before it trains it. The claim ends with the runner's process,
or when the runner has sent no heartbeat for `rows.EXPIRES` seconds.
"""

from __future__ import annotations

import contextlib
import math
import os
import socket
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from regcls.exceptions import UserError
from regcls.study.rows import COLUMNS, Result, Runner
from regcls.study.spec import Model

SCHEMA = 1
APPLICATION = 0x72636C73  # "rcls", SQLite's application id of a store
BUSY_SECONDS = 30.0  # longest wait for another runner's write

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


class StoreError(UserError):
    """The store cannot be used; the message gives the reason and what to do."""


class StoreDamaged(StoreError):
    """The file is not a store, or is damaged. It is left unchanged."""


class Store:
    """Store of results in an SQLite file, which several threads and processes can use.

    Parameters
    ----------
    path : str or Path
        The file; it is created if it does not exist.
    fresh : bool, default False
        Whether to move a damaged file aside and start a new one.

    Attributes
    ----------
    path : Path
        The file.
    moved : Path or None
        New name of a damaged file that was moved aside.

    Raises
    ------
    StoreDamaged
        If the file is damaged or not a database, unless ``fresh`` is set.
    StoreError
        If the file cannot be read or written, or belongs to another version or program.
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
            self.moved = _move_aside(self.path)
            self._db = self._open()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def add(self, results: Iterable[Result]) -> int:
        """Store results in one transaction and end the claims on their models.

        Parameters
        ----------
        results : iterable of Result
            Results to store.

        Returns
        -------
        int
            Number of results that were new.
        """
        rows = [result.row() for result in results]
        places = ", ".join("?" * len(COLUMNS))
        with self._writing() as db:
            before = db.total_changes
            db.executemany(f"INSERT OR IGNORE INTO models VALUES ({places})", rows)
            new = db.total_changes - before
            db.executemany("DELETE FROM claims WHERE key = ?", [(row[0],) for row in rows])
        return new

    def known(self) -> dict[str, float]:
        """Return the validation MSE of all stored models.

        Returns
        -------
        dict of str to float
            Validation MSE by model key; inf if training diverged.
        """
        with self._reading() as db:
            rows = db.execute("SELECT key, val_mse FROM models").fetchall()
        return {key: math.inf if error is None else error for key, error in rows}

    def written_since(self, seconds: float) -> set[str]:
        """Return the keys of the models stored since a point in time.

        Parameters
        ----------
        seconds : float
            Point in time, in seconds since the epoch.

        Returns
        -------
        set of str
        """
        since = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
        with self._reading() as db:
            rows = db.execute("SELECT key FROM models WHERE written_at >= ?", (since,))
            return {key for (key,) in rows}

    def rows(self, keys: Iterable[str]) -> list[tuple]:
        """Return the rows of the given models that are in the store.

        Parameters
        ----------
        keys : iterable of str
            Model keys; those without a result are skipped.

        Returns
        -------
        list of tuple
            Values in the order of `COLUMNS`.
        """
        found: list[tuple] = []
        wanted = list(keys)
        with self._reading() as db:
            for first in range(0, len(wanted), 500):
                part = wanted[first : first + 500]
                places = ", ".join("?" * len(part))
                select = f"SELECT {', '.join(COLUMNS)} FROM models WHERE key IN ({places})"
                found += db.execute(select, part)
        return found

    def start(self, grid: str) -> str:
        """Register this process as a runner, and remove runners that have ended.

        Parameters
        ----------
        grid : str
            Name of the grid.

        Returns
        -------
        str
            Identifier of the runner.
        """
        now, me = time.time(), uuid.uuid4().hex
        with self._writing() as db:
            gone = [runner.id for runner in self._runners(db) if not runner.alive]
            _forget(db, gone)
            entry = (me, grid, socket.gethostname(), os.getpid(), now, now)
            db.execute("INSERT INTO runners VALUES (?, ?, ?, ?, ?, ?)", entry)
        return me

    def heartbeat(self, runner: str) -> None:
        """Record that a runner is still alive.

        Parameters
        ----------
        runner : str
            Identifier of the runner.
        """
        with self._writing() as db:
            db.execute("UPDATE runners SET heard = ? WHERE id = ?", (time.time(), runner))

    def release(self, runner: str) -> None:
        """Release all claims of a runner.

        Parameters
        ----------
        runner : str
            Identifier of the runner.
        """
        with self._writing() as db:
            db.execute("DELETE FROM claims WHERE runner = ?", (runner,))

    def finish(self, runner: str) -> None:
        """Remove a runner and its claims.

        Parameters
        ----------
        runner : str
            Identifier of the runner.
        """
        with self._writing() as db:
            _forget(db, [runner])

    def runners(self) -> list[Runner]:
        """Return the runners that are alive.

        Returns
        -------
        list of Runner
        """
        with self._reading() as db:
            return [runner for runner in self._runners(db) if runner.alive]

    def claim(self, runner: str, models: Sequence[Model]) -> list[Model]:
        """Claim the models that are neither stored nor claimed by another live runner.

        Parameters
        ----------
        runner : str
            Identifier of the runner.
        models : sequence of Model
            Models to claim.

        Returns
        -------
        list of Model
            The models that the runner now holds.
        """
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
        with self._store_errors():
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
        db.execute("BEGIN IMMEDIATE")  # if two processes find it empty, one creates the tables
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
                raise StoreError(f"{self.path} is a database of another program; use another file")
            elif version != SCHEMA:
                raise StoreError(
                    f"{self.path} was written by another version of regcls (schema {version}, this "
                    f"version uses {SCHEMA}); use another file, or that version"
                )
        problem = db.execute("PRAGMA quick_check(1)").fetchone()[0]
        if problem != "ok":
            raise sqlite3.DatabaseError(problem)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._store_errors():
            self._db.execute("BEGIN IMMEDIATE")
            with _committed(self._db):
                yield self._db

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._store_errors():
            yield self._db

    @contextlib.contextmanager
    def _store_errors(self) -> Iterator[None]:
        """Raise `StoreError` with a readable message for the errors of SQLite."""
        try:
            yield
        except sqlite3.OperationalError as error:
            text = str(error)
            if "full" in text or "disk I/O" in text:
                why = "the disk is full or faulty; earlier results are safe"
            elif "locked" in text:
                why = "the file is locked by another program; try again when it has finished"
            else:
                why = f"the file cannot be written ({text}); check the folder's permissions"
            raise StoreError(f"{self.path}: {why}") from error
        except sqlite3.DatabaseError as error:
            raise StoreDamaged(
                f"the store {self.path} is damaged ({error}) and was left unchanged; --fresh moves it "
                "aside and starts a new one"
            ) from error
        except OSError as error:
            raise StoreError(f"{self.path} cannot be created: {error.strerror}") from error


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


def _move_aside(path: Path) -> Path:
    """Rename the file and SQLite's companion files; return the new name."""
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S-%f")
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    for suffix in ("", "-wal", "-shm"):
        companion = path.with_name(path.name + suffix)
        if companion.exists():
            companion.rename(aside.with_name(aside.name + suffix))
    return aside
