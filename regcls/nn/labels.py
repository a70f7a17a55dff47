"""Class labels, padding of class edges and widths of soft labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from regcls.stats import bins
from regcls.synthetic import data as synthetic_data

if TYPE_CHECKING:
    from regcls.lab.settings import LabSettings
    from regcls.study.spec import Model


@dataclass(frozen=True)
class Classes:
    """Class labels of the training points; runs with fewer classes are padded with unused ones."""

    labels: np.ndarray  # (R, N)
    edges: np.ndarray  # (R, C+1)
    keep: np.ndarray | None  # (R, C), only for equalized bins


def make_classes(settings: LabSettings, y: np.ndarray) -> Classes:
    """Bins of each run's training targets ``y`` (R, N)."""
    made = [bins.make(settings.bins, row, settings.classes) for row in y]
    most = max(b.classes for b in made)
    labels = np.stack([b.label(row) for b, row in zip(made, y, strict=True)])
    edges = np.stack([padded(b.edges, most + 1) for b in made])
    keep = None
    if settings.bins == "equalized":
        keep = np.stack([bins.keep_probability(row, most) for row in labels])
    return Classes(labels, edges, keep)


def padded(edges: np.ndarray, length: int) -> np.ndarray:
    width = edges[-1] - edges[0]
    return np.concatenate((edges, edges[-1] + width * np.arange(1, length - len(edges) + 1)))


def classes_of(
    models: Sequence[Model], data: Sequence[synthetic_data.Data1D]
) -> dict[str, np.ndarray]:
    """Labels, edges and chances to keep a label. Bins that merged leave unused classes, so that
    a model does not depend on the others of its batch."""
    labels, edges, keep = [], [], []
    for model, d in zip(models, data, strict=True):
        made = bins.make(model.bins, d.train.y, model.classes)
        label = made.label(d.train.y)
        step = made.edges[-1] - made.edges[0]
        unused = made.edges[-1] + step * np.arange(1, model.classes - made.classes + 1)
        labels.append(label)
        edges.append(np.concatenate((made.edges, unused)))
        if model.bins == "equalized":
            keep.append(bins.keep_probability(label, model.classes))
        else:
            keep.append(np.ones(model.classes))
    given = {"labels": np.stack(labels), "edges": np.stack(edges)}
    if any(model.bins == "equalized" for model in models):
        given["keep"] = np.stack(keep)
    return given
