"""What all tasks share: the two models' names, the folder of the pairs, samples that ship."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from regcls.inference import contract
from regcls.inference import session as inference_session
from regcls.inference.contract import Card, ContractError
from regcls.inference.session import Session, run_sessions, session, stamp_of
from regcls.utils.paths import MODELS_FOLDER

if TYPE_CHECKING:
    import pandas as pd

# Names that people see, and the names of files and columns.
KEYS: Mapping[str, str] = {"reg": "reg", "reg+cls": "regcls"}
MODELS = tuple(KEYS)
SAMPLES = Path(__file__).resolve().parent.parent / "samples"
ROOT = "REGCLS_MODELS"  # environment variable: another folder of pairs than models/


def load(task: str) -> Pair:
    """The pair of a task, from models/ or the folder that ``REGCLS_MODELS`` names. Raises
    ``ContractError`` with what to do."""
    return load_pair(task, os.environ.get(ROOT) or MODELS_FOLDER)


def sessions(pair: Pair) -> dict[str, inference_session.Session]:
    """A pair's sessions by the models' names, those that somebody brought last, unless they failed."""
    brought = {name: one for name, one in pair.extra.items() if not one.problem}
    return dict(zip(MODELS, (pair.reg, pair.regcls), strict=True)) | brought


def answers(pair: Pair, images: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray | None]]:
    """Every model's value and logits for uint8 ``images`` (N, H, W, 3) of the pair's size; a model
    that somebody brought gets them at its own size. One that fails says so in its ``problem``, and
    answers no more."""
    found = run_pair(pair, images)
    for name, brought in pair.extra.items():
        if brought.problem:
            continue
        size = (brought.card.input["height"], brought.card.input["width"])
        try:
            found[name] = brought.run(resized(images, size))
        except ContractError as error:
            brought.problem = f"{name} answers no more: {error}."
    return found


def resized(images: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """uint8 (N, H, W, 3) → (N, *size, 3); smoothed where it shrinks."""
    if images.shape[1:3] == size:
        return images
    how = Image.Resampling.BILINEAR
    return np.stack([np.asarray(Image.fromarray(one).resize(size[::-1], how)) for one in images])


@dataclass(frozen=True)
class Pair:
    """The two models of a task, their test predictions (y_true, reg, regcls, …) and CARD.md.

    ``extra``: models that one person brought, by name, which answer beside the two.
    ``predictions`` is shared by all who load the pair: not to be written to.
    """

    reg: Session
    regcls: Session
    predictions: pd.DataFrame
    card_text: str
    extra: Mapping[str, Session] = field(default_factory=dict)


def load_pair(task: str, root: Path | str = MODELS_FOLDER) -> Pair:
    """The shipped pair of ``task`` under ``root``. Raises ``ContractError`` saying what to do."""
    folder = Path(root) / task
    names = ("reg.onnx", "regcls.onnx", "test_predictions.parquet", "CARD.md")
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise ContractError(
            f"the {task} pair lacks {', '.join(missing)} in {folder}; "
            f"make it with `python -m regcls train {task}`, then `python -m regcls export {task}`"
        )
    reg, regcls = session(folder / "reg.onnx"), session(folder / "regcls.onnx")
    _demand_alike(task, reg.card, regcls.card)
    table = folder / "test_predictions.parquet"
    predictions = _predictions(table, *stamp_of(table))
    return Pair(reg, regcls, predictions, (folder / "CARD.md").read_text(encoding="utf-8"))


def run_pair(
    pair: Pair, images: np.ndarray, batch: int | None = None
) -> dict[str, tuple[np.ndarray, np.ndarray | None]]:
    """Both models on the same uint8 ``images`` (N, H, W, 3) → by "reg" and "reg+cls" what
    ``Session.run`` gives. On a GPU each batch crosses to it once, for both."""
    return dict(
        zip(contract.VARIANTS, run_sessions((pair.reg, pair.regcls), images, batch), strict=True)
    )


@lru_cache(maxsize=8)
def _predictions(path: Path, *stamp: int) -> pd.DataFrame:
    """A table of test predictions, read once for each ``stamp`` of the file."""
    import pandas as pd

    predictions = pd.read_parquet(path)
    absent = {"y_true", "reg", "regcls"} - set(predictions.columns)
    if absent:
        raise ContractError(f"{path.name} lacks {', '.join(sorted(absent))}")
    return predictions


def _demand_alike(task: str, reg: Card, regcls: Card) -> None:
    if (reg.variant, regcls.variant) != ("reg", "reg+cls"):
        raise ContractError("reg.onnx must be a reg model and regcls.onnx a reg+cls model")
    for name in ("task", "target", "input"):
        if getattr(reg, name) != getattr(regcls, name):
            raise ContractError(f"the models of the {task} pair differ in {name}")
    if reg.task != task:
        raise ContractError(f"the folder {task} holds a pair for the task {reg.task}")


TASKS = ("age", "depth", "progress")


@dataclass(frozen=True)
class Shipped:
    """A task's pair, or a ``problem``: a sentence why there is none."""

    task: str
    pair: Pair | None
    problem: str = ""


def shipped() -> list[Shipped]:
    """The three pairs, from where the tasks take theirs."""
    found = []
    for task in TASKS:
        try:
            found.append(Shipped(task, load(task)))
        except ContractError as error:
            found.append(Shipped(task, None, f"The {task} pair cannot be used: {error}."))
    return found
