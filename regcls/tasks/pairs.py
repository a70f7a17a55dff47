"""Pairs: the reg and the reg+cls model of a task, how they are loaded, and their predictions."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from regcls.exceptions import sentence
from regcls.inference import readouts
from regcls.inference.contract import TASKS, VARIANTS, Card, ContractError
from regcls.inference.session import Session, run_sessions, session, stamp_of
from regcls.utils.paths import MODELS_FOLDER

if TYPE_CHECKING:
    import pandas as pd

MODELS = VARIANTS
KEYS: Mapping[str, str] = {"reg": "reg", "reg+cls": "regcls"}  # of files and columns, by model
ROOT = "REGCLS_MODELS"  # environment variable: folder of the pairs, instead of models/
SAMPLES = Path(__file__).resolve().parent.parent / "samples"

Outputs = tuple[np.ndarray, np.ndarray | None]  # value (N, ...) and logits (N, C, ...)


@dataclass(frozen=True)
class Pair:
    """The two models of a task and what is shipped with them.

    Attributes
    ----------
    reg, regcls : Session
        The models.
    predictions : DataFrame
        Predictions on the test split: columns ``y_true``, ``reg``, ``regcls`` and others. Shared by
        all callers, so it must not be modified.
    card_text : str
        The model card, in Markdown.
    extra : mapping of str to Session
        A user's own models for the same task, by name.
    """

    reg: Session
    regcls: Session
    predictions: pd.DataFrame
    card_text: str
    extra: Mapping[str, Session] = field(default_factory=dict)

    @property
    def cards(self) -> dict[str, Card]:
        """Cards of the two shipped models, by model."""
        return {"reg": self.reg.card, "reg+cls": self.regcls.card}

    @property
    def input_size(self) -> tuple[int, int]:
        """Height and width of the shipped models' input, in pixels."""
        return input_size(self.reg.card)


@dataclass(frozen=True)
class Shipped:
    """The shipped pair of a task, or the reason why it cannot be used.

    Attributes
    ----------
    task : str
        Name of the task.
    pair : Pair or None
        The pair.
    problem : str
        Why there is no pair, as a sentence; empty if there is one.
    """

    task: str
    pair: Pair | None
    problem: str = ""


def load(task: str) -> Pair:
    """Load the pair of a task from ``models/`` or the folder in ``REGCLS_MODELS``.

    Parameters
    ----------
    task : str
        Name of the task.

    Returns
    -------
    Pair
        The pair; its sessions are shared with other callers.

    Raises
    ------
    ContractError
        If a file is missing or not valid.
    """
    return load_pair(task, os.environ.get(ROOT) or MODELS_FOLDER)


def load_pair(task: str, root: Path | str = MODELS_FOLDER) -> Pair:
    """Load the pair of a task from a folder.

    Parameters
    ----------
    task : str
        Name of the task.
    root : path-like, default ``models/``
        Folder that holds one folder per task.

    Returns
    -------
    Pair
        The pair; its sessions are shared with other callers.

    Raises
    ------
    ContractError
        If a file is missing or not valid; the message says how to train the pair.

    Examples
    --------
    >>> pair = load_pair("age")
    >>> pair.regcls.card.variant, pair.input_size
    ('reg+cls', (96, 96))
    """
    folder = Path(root) / task
    names = ("reg.onnx", "regcls.onnx", "test_predictions.parquet", "CARD.md")
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise ContractError(
            f"the {task} pair lacks {', '.join(missing)} in {folder}; create it with "
            f"`python -m regcls train {task}` and `python -m regcls export {task}`"
        )
    reg, regcls = session(folder / "reg.onnx"), session(folder / "regcls.onnx")
    _check_match(task, reg.card, regcls.card)
    table = folder / "test_predictions.parquet"
    predictions = _read_predictions(table, *stamp_of(table))
    pair = Pair(reg, regcls, predictions, (folder / "CARD.md").read_text(encoding="utf-8"))
    for model, card in pair.cards.items():
        wanted = {readouts.column(KEYS[model], name) for name in readouts.available(card)}
        if absent := wanted - set(predictions.columns):
            raise ContractError(f"{table.name} lacks the columns {', '.join(sorted(absent))}")
    return pair


def shipped() -> list[Shipped]:
    """Load the pairs of all tasks.

    Returns
    -------
    list of Shipped
        One entry per task; a pair that cannot be loaded has a ``problem``.
    """
    found = []
    for task in TASKS:
        try:
            found.append(Shipped(task, load(task)))
        except ContractError as error:
            problem = sentence(f"the {task} pair cannot be used: {error}")
            found.append(Shipped(task, None, problem))
    return found


def sessions(pair: Pair) -> dict[str, Session]:
    """Return the models that can predict.

    Parameters
    ----------
    pair : Pair
        The pair.

    Returns
    -------
    dict of str to Session
        The two shipped models, then the user's own models that have not failed, by name.
    """
    own = {name: model for name, model in pair.extra.items() if not model.problem}
    return {"reg": pair.reg, "reg+cls": pair.regcls} | own


def predict(pair: Pair, images: np.ndarray) -> dict[str, Outputs]:
    """Run all models, the user's own included.

    A user's model gets the images at its own input size. If it fails, its ``problem`` is set and it
    is left out from then on.

    Parameters
    ----------
    pair : Pair
        The pair.
    images : ndarray of uint8, shape (N, H, W, 3)
        RGB images of the pair's input size.

    Returns
    -------
    dict of str to tuple
        Value, shape (N, ...), and logits, shape (N, C, ...) or None, by model.
    """
    outputs = run_pair(pair, images)
    for name, model in pair.extra.items():
        if model.problem:
            continue
        try:
            outputs[name] = model.run(resized(images, input_size(model.card)))
        except ContractError as error:
            model.problem = sentence(f"the model {name} failed and is no longer used: {error}")
    return outputs


def best(pair: Pair, outputs: Mapping[str, Outputs]) -> dict[str, np.ndarray]:
    """Return the predictions of each model's best read-out on validation data.

    Parameters
    ----------
    pair : Pair
        The pair.
    outputs : mapping of str to tuple
        Value and logits by model, as `predict` returns them.

    Returns
    -------
    dict of str to ndarray of shape (N, ...)
        Predictions by model.
    """
    cards = {name: model.card for name, model in sessions(pair).items()}
    return {
        name: readouts.predict(cards[name], value, logits, readouts.best(cards[name]))
        for name, (value, logits) in outputs.items()
    }


def run_pair(pair: Pair, images: np.ndarray, batch: int | None = None) -> dict[str, Outputs]:
    """Run the two shipped models.

    On a GPU, each batch is copied to the device once for both models.

    Parameters
    ----------
    pair : Pair
        The pair.
    images : ndarray of uint8, shape (N, H, W, 3)
        RGB images of the pair's input size.
    batch : int, optional
        Largest number of images per run. By default it is chosen from the free memory.

    Returns
    -------
    dict of str to tuple
        Value, shape (N, ...), and logits, shape (N, C, ...) or None, by model.

    Examples
    --------
    >>> grey = np.full((2, 96, 96, 3), 128, np.uint8)
    >>> value, logits = run_pair(load_pair("age"), grey)["reg+cls"]
    >>> value.shape, len(logits)
    ((2,), 2)
    """
    return dict(zip(MODELS, run_sessions((pair.reg, pair.regcls), images, batch), strict=True))


def resized(images: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize images with a bilinear filter that is antialiased where it reduces.

    Parameters
    ----------
    images : ndarray of uint8, shape (N, H, W, 3)
        RGB images.
    size : tuple of int
        New height and width, in pixels.

    Returns
    -------
    ndarray of uint8, shape (N, *size, 3)
        The resized images; the same array if the size is right.
    """
    if images.shape[1:3] == size:
        return images
    how = Image.Resampling.BILINEAR
    return np.stack([np.asarray(Image.fromarray(one).resize(size[::-1], how)) for one in images])


def input_size(card: Card) -> tuple[int, int]:
    """Return the size of a model's input.

    Parameters
    ----------
    card : Card
        Card of the model.

    Returns
    -------
    tuple of int
        Height and width in pixels.
    """
    return card.input["height"], card.input["width"]


@lru_cache(maxsize=8)
def _read_predictions(path: Path, *stamp: int) -> pd.DataFrame:
    """Read a table of test predictions, once per ``stamp`` of the file."""
    import pandas as pd

    predictions = pd.read_parquet(path)
    if "y_true" not in predictions:
        raise ContractError(f"{path.name} lacks the column y_true")
    return predictions


def _check_match(task: str, reg: Card, regcls: Card) -> None:
    if (reg.variant, regcls.variant) != MODELS:
        raise ContractError("reg.onnx must be a reg model and regcls.onnx a reg+cls model")
    for name in ("task", "target", "input"):
        if getattr(reg, name) != getattr(regcls, name):
            raise ContractError(f"the models of the {task} pair differ in {name}")
    if reg.task != task:
        raise ContractError(f"the folder {task} has a pair for the task {reg.task}")
