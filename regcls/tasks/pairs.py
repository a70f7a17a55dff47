"""What all tasks share: the two models' names, the folder of the pairs, samples that ship."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from regcls.inference import session as inference_session
from regcls.inference.contract import Card, ContractError
from regcls.stats.errors import ErrorReport

# Names that people see, and the names of files and columns.
KEYS: Mapping[str, str] = {"reg": "reg", "reg+cls": "regcls"}
MODELS = tuple(KEYS)
SAMPLES = Path(__file__).resolve().parent.parent / "samples"
ROOT = "REGCLS_MODELS"  # environment variable: another folder of pairs than models/


def load(task: str) -> inference_session.Pair:
    """The pair of a task, from models/ or the folder that ``REGCLS_MODELS`` names. Raises
    ``ContractError`` with what to do."""
    return inference_session.load_pair(task, os.environ.get(ROOT) or inference_session.MODELS)


def sessions(pair: inference_session.Pair) -> dict[str, inference_session.Session]:
    """A pair's sessions by the models' names, those that somebody brought last, unless they failed."""
    brought = {name: one for name, one in pair.extra.items() if not one.problem}
    return dict(zip(MODELS, (pair.reg, pair.regcls), strict=True)) | brought


def answers(
    pair: inference_session.Pair, images: np.ndarray
) -> dict[str, tuple[np.ndarray, np.ndarray | None]]:
    """Every model's value and logits for uint8 ``images`` (N, H, W, 3) of the pair's size; a model
    that somebody brought gets them at its own size. One that fails says so in its ``problem``, and
    answers no more."""
    found = inference_session.run_pair(pair, images)
    for name, session in pair.extra.items():
        if session.problem:
            continue
        size = (session.card.input["height"], session.card.input["width"])
        try:
            found[name] = session.run(resized(images, size))
        except ContractError as error:
            session.problem = f"{name} answers no more: {error}."
    return found


def resized(images: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """uint8 (N, H, W, 3) → (N, *size, 3); smoothed where it shrinks."""
    if images.shape[1:3] == size:
        return images
    how = Image.Resampling.BILINEAR
    return np.stack([np.asarray(Image.fromarray(one).resize(size[::-1], how)) for one in images])


def common(answered: Iterable[Mapping[str, object]]) -> tuple[str, ...]:
    """The models that answered every time, in order: one may have come or gone in between."""
    every = list(answered)
    return tuple(name for name in every[0] if all(name in one for one in every))


def train_counts(card: Card, edges: np.ndarray, scale: float = 1.0) -> np.ndarray:
    """Training samples per range of ``edges``, from the card's histogram. ``scale``: what the
    card's targets are multiplied with to be in the unit of ``edges``."""
    histogram = card.training_histogram
    fine = scale * np.asarray(histogram["edges"], np.float64)
    middles = (fine[:-1] + fine[1:]) / 2
    return np.histogram(middles, edges, weights=histogram["counts"])[0]


def training_targets(card: Card) -> np.ndarray:
    """About the targets that a model learned from (M,): the card's training histogram, each cell's
    targets spread evenly over it, so that ranges may cut through cells."""
    edges = np.asarray(card.training_histogram["edges"], np.float64)
    counts = np.asarray(card.training_histogram["counts"])
    first = np.repeat(np.cumsum(counts) - counts, counts)
    within = (np.arange(counts.sum()) - first + 0.5) / np.repeat(counts, counts)
    return np.repeat(edges[:-1], counts) + within * np.repeat(np.diff(edges), counts)


def held_out(
    pair: inference_session.Pair, edges: np.ndarray, clusters: str | None = None, scale: float = 1.0
) -> ErrorReport:
    """Errors of a shipped pair on its test predictions; ``clusters``: the column that says which
    samples belong together (the pixels of a photo, the frames of a video); ``scale``: see
    ``train_counts``."""
    table = pair.predictions
    return ErrorReport.from_predictions(
        scale * table["y_true"],
        {model: scale * table[key] for model, key in KEYS.items()},
        edges,
        train_counts=train_counts(pair.reg.card, edges, scale),
        clusters=None if clusters is None else table[clusters].to_numpy(),
    )
