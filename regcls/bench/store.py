"""Store of a bench: one SQLite file with the held-out predictions of every finished fold.

A fold is written in one transaction under the hash of its configuration; a second result for it is
ignored. So a run that is killed loses the folds in training, and no row is ever doubled.
"""

from __future__ import annotations

import contextlib
import io
import json
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from regcls.bench.spec import Task
from regcls.exceptions import UserError
from regcls.tabular.fold import FoldResult
from regcls.tabular.plan import Setting

SCHEMA = 1
APPLICATION = 0x72636C62  # "rclb", SQLite's application id of a bench
BUSY_SECONDS = 60.0  # longest wait for another process's write

_TABLE = """
CREATE TABLE folds (
    key TEXT PRIMARY KEY, name TEXT NOT NULL, repeat INTEGER NOT NULL, fold INTEGER NOT NULL,
    data BLOB NOT NULL, settings TEXT NOT NULL, constant REAL NOT NULL, seconds REAL NOT NULL,
    written_at TEXT NOT NULL
)
"""


class StoreError(UserError):
    """The store cannot be used; the message gives the reason and what to do."""


@dataclass(frozen=True)
class Stored:
    """A finished fold.

    Attributes
    ----------
    task : Task
        What was trained.
    result : FoldResult
        Its held-out predictions, in float32.
    seconds : float
        Time that it took, on one core.
    """

    task: Task
    result: FoldResult
    seconds: float


class Store:
    """Finished folds in an SQLite file, which several processes can use.

    Parameters
    ----------
    path : str or Path
        The file; it is created if it does not exist.

    Raises
    ------
    StoreError
        If the file is damaged, cannot be written, or belongs to another program or version.
    """

    def __init__(self, path: str | Path) -> None:
        self.path, self._lock = Path(path), threading.RLock()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(
                self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            with self._using() as db:
                self._prepare(db)
        except OSError as error:
            raise StoreError(f"{self.path} cannot be written ({error.strerror})") from error

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def _prepare(self, db: sqlite3.Connection) -> None:
        db.execute("BEGIN IMMEDIATE")
        try:
            owner = db.execute("PRAGMA application_id").fetchone()[0]
            tables = db.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]
            if not tables:
                db.execute(f"PRAGMA application_id = {APPLICATION}")
                db.execute(f"PRAGMA user_version = {SCHEMA}")
                db.execute(_TABLE)
            elif owner != APPLICATION:
                raise StoreError(f"{self.path} belongs to another program; choose another file")
            elif (version := db.execute("PRAGMA user_version").fetchone()[0]) != SCHEMA:
                raise StoreError(
                    f"{self.path} has version {version}, and this program reads version {SCHEMA}"
                )
            db.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                db.execute("ROLLBACK")
            raise

    @contextlib.contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._db
            except sqlite3.DatabaseError as error:
                raise StoreError(f"{self.path} cannot be used ({error})") from error

    def add(self, stored: Stored) -> bool:
        """Write a fold.

        Parameters
        ----------
        stored : Stored
            The fold.

        Returns
        -------
        bool
            Whether it was new.
        """
        result = stored.result
        row = (
            stored.task.key,
            stored.task.table,
            stored.task.repeat,
            stored.task.fold,
            _packed(result),
            json.dumps({kind: asdict(setting) for kind, setting in result.selected.items()}),
            result.constant,
            stored.seconds,
            datetime.now(UTC).isoformat(timespec="seconds"),
        )
        with self._using() as db:
            places = ", ".join("?" * len(row))
            return db.execute(f"INSERT OR IGNORE INTO folds VALUES ({places})", row).rowcount == 1

    def done(self) -> set[str]:
        """Return the keys of all finished folds."""
        with self._using() as db:
            return {key for (key,) in db.execute("SELECT key FROM folds")}

    def results(self, tasks: list[Task]) -> list[Stored]:
        """Return the finished folds among some tasks, in their order.

        Parameters
        ----------
        tasks : list of Task
            Folds.

        Returns
        -------
        list of Stored
        """
        found = []
        with self._using() as db:
            for task in tasks:
                row = db.execute(
                    "SELECT data, settings, constant, seconds FROM folds WHERE key = ?", (task.key,)
                ).fetchone()
                if row is not None:
                    found.append(Stored(task, _unpacked(task, *row[:3]), row[3]))
        return found


def _packed(result: FoldResult) -> bytes:
    """Return rows and predictions as a compressed NumPy archive."""
    kinds = list(result.predictions)
    file = io.BytesIO()
    np.savez_compressed(
        file,
        test=result.test.astype(np.int32),
        kinds=np.array(kinds),
        predictions=np.stack([result.predictions[kind] for kind in kinds]).astype(np.float32),
    )
    return file.getvalue()


def _unpacked(task: Task, data: bytes, settings: str, constant: float) -> FoldResult:
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        test, kinds, predictions = file["test"], file["kinds"].tolist(), file["predictions"]
    return FoldResult(
        task.repeat,
        task.fold,
        test.astype(np.int64),
        dict(zip(kinds, predictions.astype(np.float64), strict=True)),
        {kind: Setting(**values) for kind, values in json.loads(settings).items()},
        constant,
    )
