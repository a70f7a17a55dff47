"""The tasks and where their parts are."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

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
    table = importlib.import_module(f"regcls.tasks.{task}.table")
    if task != "progress":
        if frames is not None or part:
            raise ValueError(f"--frames and --part are for videos, not for {task}")
        return table.predict_files(files)
    budget = module.BUDGET if frames is None else frames
    if budget < 1:
        raise ValueError(f"--frames must be at least 1, not {budget}")
    return table.predict_files(files, module.load(), budget, whole=not part)
