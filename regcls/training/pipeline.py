"""The commands of the tasks on real data: predict, evaluate, train, export.

Heavy libraries are imported inside the functions, so that `--help` answers at once.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from regcls.inference.cards import list_models
from regcls.tasks import registry

if TYPE_CHECKING:
    from regcls.stats.errors import ErrorReport


def evaluate(task: str, data: Path | None, csv: Path | None, split: str) -> ErrorReport:
    """A pair's errors: on its shipped test predictions, or on a labelled data set (``data``: as for
    ``train``; ``csv``: its index of faces, if it has none inside). Raises ``ValueError``."""
    module = registry.get(task)
    pair = module.load()
    _demand_index_is_for_faces(task, csv)
    if data is None:
        return module.pair_report(pair)
    from regcls.training import evaluate as on_data

    return getattr(on_data, task)(pair, data, split, **_index(task, csv))


def train(
    task: str, data: Path, runs: Path | None, csv: Path | None, part: str, report: Callable
) -> dict[str, Any]:
    """Train a pair; ``report(name, progress)``. Finished work in ``runs`` is kept."""
    registry.get(task)
    _demand_index_is_for_faces(task, csv)
    module = importlib.import_module(f"regcls.training.{task}.recipe")
    runs = Path("runs") / task if runs is None else runs
    return module.train(data, runs, report=report, part=part, **_index(task, csv))


def export(
    task: str, data: Path, runs: Path | None, out: Path | None, csv: Path | None
) -> list[dict[str, Any]]:
    """Write a pair from finished runs into ``out``; a record a model file."""
    registry.get(task)
    _demand_index_is_for_faces(task, csv)
    module = importlib.import_module(f"regcls.training.{task}.export")
    runs = Path("runs") / task if runs is None else runs
    out = Path("models") / task if out is None else out
    module.export(data, runs, out, **_index(task, csv))
    return list_models(out)


def _index(task: str, csv: Path | None) -> dict[str, Path | None]:
    return {"csv": csv} if task == "age" else {}


def _demand_index_is_for_faces(task: str, csv: Path | None) -> None:
    if csv is not None and task != "age":
        raise ValueError(f"--csv is an index of faces; the {task} data bring their own")
