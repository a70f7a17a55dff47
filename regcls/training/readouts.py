"""Read-outs and calibration of an exported pair, on the two halves of its validation split.

One half of the validation units (photos, clips) chooses the read-outs and fits their parameters; the
other half chooses nothing and calibrates the prediction intervals. The test split only reports.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from regcls.inference import contract, readouts
from regcls.inference.contract import Card
from regcls.inference.session import Session, session
from regcls.stats import bins
from regcls.stats.conformal import conformal_radius, units_per_range
from regcls.stats.errors import ErrorReport
from regcls.stats.readouts import Chosen, Validation, choose
from regcls.tasks.pairs import KEYS

LEVEL = 0.9  # coverage of the conformal intervals
BATCH = 32  # images per call; outputs of depth are large
METRICS = ("mae", "rmse", "balanced_mae")


@dataclass(frozen=True)
class Samples:
    """Samples of one split, with the parts of the models' outputs that belong to them.

    Attributes
    ----------
    images : ndarray of uint8, shape (N, H, W, 3)
        Images.
    y : ndarray of shape (M,)
        Targets of the samples.
    units : ndarray of shape (M,)
        Unit of each sample, such as its photo or clip.
    pick : callable
        From the number of the first image of a batch and an output (n, ...) of these n images to the
        entries of their samples.
    half : ndarray of bool, shape (M,), optional
        Whether a validation sample chooses; by default `halves`.
    """

    images: np.ndarray
    y: np.ndarray
    units: np.ndarray
    pick: Callable[[int, np.ndarray], np.ndarray] = lambda start, output: output
    half: np.ndarray | None = None

    @property
    def chooses(self) -> np.ndarray:
        """Whether each validation sample chooses; the others calibrate."""
        return halves(self.y, self.units) if self.half is None else self.half


@dataclass(frozen=True)
class Problem:
    """What a task provides.

    Attributes
    ----------
    samples : mapping of str to Samples
        Samples of val and test.
    targets : ndarray of shape (n,)
        Training targets, for the class prior.
    edges : ndarray of shape (K + 1,)
        Edges of the ranges of predictions that are calibrated.
    ranges : ndarray of shape (L + 1,)
        Edges of the target ranges of balanced errors.
    metric : {"mae", "rmse"}
        Error that chooses.
    unit : str
        What a unit is, in the plural.
    """

    samples: Mapping[str, Samples]
    targets: np.ndarray
    edges: np.ndarray
    ranges: np.ndarray
    metric: str
    unit: str


@dataclass(frozen=True)
class Outputs:
    """Outputs of a model for the samples of a split.

    Attributes
    ----------
    value : ndarray of shape (M,)
        Value head.
    logits : ndarray of shape (M, C) or None
        Class head.
    """

    value: np.ndarray
    logits: np.ndarray | None


def finish(problem: Problem, folder: Path) -> dict[str, Card]:
    """Choose read-outs, calibrate intervals and measure test errors of an exported pair.

    The cards in the ONNX files and the table of test predictions are replaced; the weights are not.

    Parameters
    ----------
    problem : Problem
        Data of the task.
    folder : Path
        Folder of the pair.

    Returns
    -------
    dict of str to Card
        The new cards by variant, "reg" and "regcls".

    Raises
    ------
    ContractError
        If a model file is missing or not valid.
    """
    table = pd.read_parquet(folder / "test_predictions.parquet")
    cards = {}
    for key in KEYS.values():
        path = folder / f"{key}.onnx"
        model = session(path)
        outputs = {split: _outputs(model, found) for split, found in problem.samples.items()}
        card = _with_readouts(problem, model.card, outputs["val"])
        predictions = {
            split: readouts.predict_all(card, found.value, found.logits)
            for split, found in outputs.items()
        }
        card = replace(
            card,
            calibration=_calibration(problem, predictions),
            metrics={**card.metrics, "readouts": _test_errors(problem, predictions["test"])},
        )
        for name, values in predictions["test"].items():
            table[readouts.column(key, name)] = values.astype(np.float32)
        contract.write(path, card)
        cards[key] = contract.read(path)
    write_predictions(table, folder / "test_predictions.parquet")
    return cards


def write_predictions(table: pd.DataFrame, path: Path) -> None:
    """Write a table of predictions in about half the default size, without loss.

    Parameters
    ----------
    table : DataFrame
        Targets and predictions.
    path : Path
        The Parquet file.
    """
    table.to_parquet(
        path,
        index=False,
        compression="zstd",
        compression_level=19,
        use_dictionary=False,
        use_byte_stream_split=True,  # the bytes of nearby numbers are alike
    )


def halves(y: np.ndarray, units: np.ndarray) -> np.ndarray:
    """Split validation samples by unit: one half chooses, the other calibrates.

    Units are paired by their mean target, and one of each pair is drawn for each half, so that both
    have similar targets.

    Parameters
    ----------
    y : ndarray of shape (M,)
        Targets.
    units : ndarray of shape (M,)
        Unit of each sample.

    Returns
    -------
    ndarray of bool, shape (M,)
        Whether a sample is in the half that chooses.

    Examples
    --------
    >>> chooses = halves(np.arange(10.0), np.arange(10))
    >>> int(chooses.sum())
    5
    """
    number = np.unique(units, return_inverse=True)[1]
    mean = np.bincount(number, y) / np.bincount(number)
    rank = np.argsort(np.argsort(mean, kind="stable"), kind="stable")
    coin = np.random.default_rng(0).integers(0, 2, len(mean) // 2 + 1)
    return ((rank + coin[rank // 2]) % 2 == 0)[number]


def class_prior(card: Card, targets: np.ndarray) -> np.ndarray:
    """Return the share of each class among the labels that a reg+cls model was trained on.

    Parameters
    ----------
    card : Card
        Card of the model.
    targets : ndarray of shape (n,)
        Training targets.

    Returns
    -------
    ndarray of shape (C,)
        Shares; with equalized classes, after labels of frequent classes were dropped.
    """
    assert card.classes is not None
    edges = np.asarray(card.classes["edges"], np.float64)
    labels = np.searchsorted(edges[1:-1], targets, side="right")
    counts = np.bincount(labels, minlength=len(edges) - 1).astype(np.float64)
    if card.classes["kind"] == "equalized":
        counts *= bins.keep_probability(labels, len(counts))
    return counts / counts.sum()


def _outputs(model: Session, samples: Samples) -> Outputs:
    parts = list(_batches(model, samples))
    value, *logits = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Outputs(value.astype(np.float64), logits[0] if logits else None)


def _batches(model: Session, samples: Samples) -> Iterator[tuple[np.ndarray, ...]]:
    """Yield the outputs for the samples of each batch: value and, for reg+cls, logits (m, C)."""
    for start in range(0, len(samples.images), BATCH):
        value, logits = model.run(samples.images[start : start + BATCH])
        picked = [samples.pick(start, value)]
        if logits is not None:
            picked.append(samples.pick(start, np.moveaxis(logits, 1, -1)))
        yield tuple(picked)


def _with_readouts(problem: Problem, card: Card, val: Outputs) -> Card:
    """Return the card with the read-outs that one half of the validation samples chooses."""
    samples = problem.samples["val"]
    use = samples.chooses
    data = Validation(samples.y[use], val.value[use], samples.units[use])
    prior = np.empty(0)
    if val.logits is not None:
        prior = class_prior(card, problem.targets)
        edges = np.asarray((card.classes or {})["edges"], np.float64)
        data = replace(data, logits=val.logits[use], edges=edges, prior=prior)
    chosen = choose(data, problem.metric)
    return replace(card, readouts=_record(chosen, prior, len(np.unique(data.units)), problem))


def _record(chosen: Chosen, prior: np.ndarray, units: int, problem: Problem) -> dict[str, Any]:
    record: dict[str, Any] = {
        "metric": chosen.metric,
        "best": chosen.best,
        "val_error": dict(chosen.errors),
        "chosen_on": f"{units} validation {problem.unit}",
        "recalibrated": {"x": chosen.recalibrated.x, "y": chosen.recalibrated.y},
    }
    if chosen.classes is not None and chosen.mixed is not None:
        record |= {
            "prior": prior,
            "class": vars(chosen.classes),
            "mixed": vars(chosen.mixed),
        }
    return record


def _calibration(
    problem: Problem, predictions: Mapping[str, Mapping[str, np.ndarray]]
) -> dict[str, Any]:
    """Return conformal radii by read-out, from the half that chose nothing, and test coverage."""
    samples = problem.samples["val"]
    rest = ~samples.chooses
    y, units = samples.y[rest], samples.units[rest]
    found = {}
    for name, values in predictions["val"].items():
        radius = conformal_radius(y, values[rest], problem.edges, LEVEL, units)
        found[name] = {
            "edges": problem.edges,
            "radius": radius,
            "level": LEVEL,
            "counts": units_per_range(values[rest], problem.edges, units),
            "units": problem.unit,
            "test_coverage": _coverage(problem, predictions["test"][name], radius),
        }
    return found


def _coverage(problem: Problem, predicted: np.ndarray, radius: np.ndarray) -> dict[str, float]:
    """Return the share of test samples in their interval, and the share that has an interval."""
    which = bins.range_index(predicted, problem.edges)
    known = np.isfinite(radius[which])
    error = np.abs(predicted - problem.samples["test"].y)
    inside = error[known] <= radius[which][known]
    covered = float(inside.mean()) if known.any() else float("nan")
    return {"covered": covered, "with_interval": float(known.mean())}


def _test_errors(problem: Problem, predictions: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Return test errors with intervals by read-out."""
    test = problem.samples["test"]
    counts = np.histogram(problem.targets, problem.ranges)[0]
    report = ErrorReport.from_predictions(
        test.y, dict(predictions), problem.ranges, train_counts=counts, clusters=test.units
    )
    table = report.overall().set_index("model")
    columns = [f"{name}{end}" for name in METRICS for end in ("", "_low", "_high")]
    return {str(name): row.to_dict() for name, row in table[columns].iterrows()}
