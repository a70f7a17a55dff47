"""Training, export and evaluation of a task's pair, as the command line runs them.

Heavy libraries are imported inside the functions, so that the program starts fast.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from regcls.exceptions import UserError
from regcls.inference import contract
from regcls.inference.cards import list_models
from regcls.tasks import registry

if TYPE_CHECKING:
    from regcls.stats.errors import ErrorReport
    from regcls.training.fit import Progress


def evaluate(task: str, data: Path | None, csv: Path | None, split: str) -> ErrorReport:
    """Return the errors of a shipped pair.

    Parameters
    ----------
    task : str
        Name of the task.
    data : Path or None
        A labelled data set, as for `train`; None for the shipped test predictions.
    csv : Path or None
        Index of a data set of faces.
    split : str
        Split of the data set.

    Returns
    -------
    ErrorReport
        Errors per target range.

    Raises
    ------
    UserError
        If the pair or the data set cannot be used.
    """
    found = registry.get(task)
    _check_csv(task, csv)
    pair = found.load()
    if data is None:
        return found.pair_report(pair)
    from regcls.training import evaluate as on_data

    return on_data.evaluate(task, pair, data, split, csv)


def train(
    task: str,
    data: Path,
    runs: Path | None,
    csv: Path | None,
    part: str,
    report: Callable[[str, Progress], None],
) -> dict[str, Any]:
    """Train a pair. Finished runs are kept.

    Parameters
    ----------
    task : str
        Name of the task.
    data : Path
        The data set.
    runs : Path or None
        Folder of the runs; None for ``runs/TASK``.
    csv : Path or None
        Index of a data set of faces.
    part : str
        "reg" or "regcls" to train one variant only, else "".
    report : callable
        Called with the name of the current run and its progress.

    Returns
    -------
    dict
        Search and validation errors by variant.

    Raises
    ------
    UserError
        If the data set or an option cannot be used.
    """
    _check_csv(task, csv)
    from regcls.training import search

    search.check_part(part)
    plan = _module(task, "recipe").plan(data, **_index(csv))
    return search.train(plan, _runs_folder(task, runs), report, part)


def export(
    task: str, data: Path, runs: Path | None, out: Path | None, csv: Path | None
) -> list[dict[str, Any]]:
    """Write a pair from finished runs.

    Parameters
    ----------
    task : str
        Name of the task.
    data : Path
        The data set.
    runs : Path or None
        Folder of the runs; None for ``runs/TASK``.
    out : Path or None
        Folder of the pair; None for ``models/TASK``.
    csv : Path or None
        Index of a data set of faces.

    Returns
    -------
    list of dict
        One record per model file.

    Raises
    ------
    UserError
        If the data set cannot be used or a run is missing.
    """
    _check_csv(task, csv)
    module = _module(task, "export")
    out = _pair_folder(task, out)
    module.export(data, _runs_folder(task, runs), out, **_index(csv))
    return list_models(out)


def calibrate(
    task: str, data: Path, out: Path | None = None, csv: Path | None = None
) -> list[dict[str, Any]]:
    """Choose the read-outs of an exported pair again, and calibrate its intervals.

    The weights stay as they are; the cards and the table of test predictions are replaced.

    Parameters
    ----------
    task : str
        Name of the task.
    data : Path
        The data set that the pair was trained on.
    out : Path, optional
        Folder of the pair; ``models/TASK`` by default.
    csv : Path, optional
        Index of a data set of faces.

    Returns
    -------
    list of dict
        One record per model file.

    Raises
    ------
    UserError
        If the data set cannot be used or a model file is missing or not valid.
    """
    _check_csv(task, csv)
    from regcls.training.readouts import finish

    folder = _pair_folder(task, out)
    finish(_module(task, "export").readout_problem(data, **_index(csv)), folder)
    return write_card(task, folder)


def write_card(task: str, out: Path | None = None) -> list[dict[str, Any]]:
    """Write the model card of a pair again, from the cards in its ONNX files.

    Parameters
    ----------
    task : str
        Name of the task.
    out : Path, optional
        Folder of the pair; ``models/TASK`` by default.

    Returns
    -------
    list of dict
        One record per model file.

    Raises
    ------
    UserError
        If there is no such task or an ONNX file is missing or not valid.
    """
    from regcls.training.card_markdown import write_card_md
    from regcls.training.card_texts import TEXTS

    registry.get(task)
    folder = _pair_folder(task, out)
    reg, regcls = (contract.read(folder / name) for name in ("reg.onnx", "regcls.onnx"))
    write_card_md(folder / "CARD.md", reg, regcls, TEXTS[task].limits)
    return list_models(folder)


def _module(task: str, part: str) -> ModuleType:
    return importlib.import_module(f"regcls.training.{registry.get(task).name}.{part}")


def _runs_folder(task: str, runs: Path | None) -> Path:
    return Path("runs") / task if runs is None else runs


def _pair_folder(task: str, out: Path | None) -> Path:
    return Path("models") / task if out is None else out


def _index(csv: Path | None) -> dict[str, Path]:
    return {} if csv is None else {"csv": csv}


def _check_csv(task: str, csv: Path | None) -> None:
    if csv is not None and task != "age":
        raise UserError(f"--csv is an index of faces; data sets of {task} have an index inside")
