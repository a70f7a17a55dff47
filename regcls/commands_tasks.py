"""The commands of the tasks on real data: predict, evaluate, train, export.

Heavy libraries are imported inside the functions, so that `--help` answers at once.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from regcls.cli.models import list_models

if TYPE_CHECKING:
    from regcls.stats.errors import ErrorReport

TASKS = ("age", "depth", "progress")
WHAT = {"age": "faces", "depth": "photos", "progress": "videos"}  # what `predict` gives a record of


def task_of(name: str) -> ModuleType:
    """The module of a task. Raises ``ValueError``."""
    if name not in TASKS:
        raise ValueError(f"no task is called {name!r}; there are: {', '.join(TASKS)}")
    return importlib.import_module(f"regcls.tasks.{name}.predict")


def predict(
    task: str, files: Iterable[Path], frames: int | None = None, part: bool = False
) -> list[dict]:
    """A record a face, photo or video, or one with ``problem`` for a file that is none.

    ``frames`` and ``part`` (it does not show the whole activity) are for videos only. Raises
    ``ContractError`` when there is no pair, ``ValueError`` for an option of another task.
    """
    module = task_of(task)
    if task != "progress":
        if frames is not None or part:
            raise ValueError(f"--frames and --part are for videos, not for {task}")
        return module.predict_files(files)
    budget = module.BUDGET if frames is None else frames
    if budget < 1:
        raise ValueError(f"--frames must be at least 1, not {budget}")
    return module.predict_files(files, module.load(), budget, whole=not part)


def evaluate(task: str, data: Path | None, csv: Path | None, split: str) -> ErrorReport:
    """A pair's errors: on its shipped test predictions, or on a labelled data set (``data``: as for
    ``train``; ``csv``: its index of faces, if it has none inside). Raises ``ValueError``."""
    module = task_of(task)
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
    task_of(task)
    _demand_index_is_for_faces(task, csv)
    module = importlib.import_module(f"regcls.training.{task}.recipe")
    runs = Path("runs") / task if runs is None else runs
    return module.train(data, runs, report=report, part=part, **_index(task, csv))


def export(
    task: str, data: Path, runs: Path | None, out: Path | None, csv: Path | None
) -> list[dict[str, Any]]:
    """Write a pair from finished runs into ``out``; a record a model file."""
    task_of(task)
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
