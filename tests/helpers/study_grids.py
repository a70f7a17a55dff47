"""A small grid that trains in seconds, and what a store of it contains."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

from regcls import study
from regcls.study import loader

SMALL: dict[str, Any] = {
    "version": 1,
    "functions": [1, 4, 7],
    "data_seeds": 2,
    "classes": [4, 32],
    "samples": 900,
    "batch": 64,
    "epochs": 4,
}
SMALL_TOML = "\n".join(f"{key} = {json.dumps(value)}" for key, value in SMALL.items())
SEARCH: dict[str, Any] = {
    "budget": 3,
    "lr": [1e-3, 1e-2],
    "weight": [1, 100],
    "weight_decay": [1e-5, 1e-3],
    "classes": [4, 8],
    "functions": [2],
}


def small(name: str = "small", **changes: Any) -> study.Grid:
    return loader.from_dict(name, SMALL | changes)


def rows(path: Path) -> dict[str, tuple]:
    """Return the stored models by key, without the columns that depend on the clock."""
    with sqlite3.connect(path) as db:
        found = db.execute("SELECT key, config, test_mse, val_mse, ranges, curve FROM models")
        return {row[0]: row[1:] for row in found}
