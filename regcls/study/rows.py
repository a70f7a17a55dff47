"""Rows of the store: results of trained models, and the runners that train them."""

from __future__ import annotations

import json
import os
import socket
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from regcls.study.spec import Model

EXPIRES = 60.0  # seconds without a heartbeat after which a runner loses its claims

# Values of the configuration that have a column of their own, so that SQL can select by them.
_SELECTABLE = (
    "scenario",
    "sampling",
    "function",
    "data_seed",
    "init_seed",
    "variant",
    "classes",
    "weight",
    "bins",
)
COLUMNS = (
    "key",
    "config",
    *_SELECTABLE,
    "test_mse",
    "val_mse",
    "ranges",
    "curve",
    "seconds",
    "versions",
    "written_at",
)


@dataclass(frozen=True)
class Result:
    """Result of training one model.

    Attributes
    ----------
    model : Model
        The trained model.
    test_mse, val_mse : float
        MSE on the whole test and validation set; NaN if training diverged.
    ranges : dict
        Edges of equal target ranges, and per range the sample counts and errors; see
        `regcls.study.worker`.
    curve : dict of str to list
        "epoch", and the "val_mse" and "test_mse" at these epochs.
    seconds : float
        Training time of the batch divided by its number of models.
    versions : dict of str to str
        Versions of the libraries used.
    """

    model: Model
    test_mse: float
    val_mse: float
    ranges: dict[str, Any]
    curve: dict[str, list[float]]
    seconds: float
    versions: dict[str, str]

    def row(self) -> tuple:
        """Return the row for the store, in the order of `COLUMNS`.

        Returns
        -------
        tuple
        """
        m = self.model
        return (
            m.key,
            m.config,
            *(getattr(m, name) for name in _SELECTABLE),
            self.test_mse,
            self.val_mse,
            _json(self.ranges),
            _json(self.curve),
            self.seconds,
            _json(self.versions),
            datetime.now(UTC).isoformat(timespec="seconds"),
        )


@dataclass(frozen=True)
class Runner:
    """A process that trains the models of a grid.

    Attributes
    ----------
    id : str
        Identifier in the store.
    grid : str
        Name of the grid.
    host : str
        Name of the machine.
    pid : int
        Process number on that machine.
    started, heard : float
        Start and latest heartbeat, in seconds since the epoch.
    """

    id: str
    grid: str
    host: str
    pid: int
    started: float
    heard: float

    @property
    def alive(self) -> bool:
        """Whether a recent heartbeat exists and, on this machine, also the process."""
        if time.time() - self.heard > EXPIRES:
            return False
        return self.host != socket.gethostname() or _exists(self.pid)


def _exists(pid: int) -> bool:
    if os.name == "nt":  # on Windows, os.kill would end the process
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
