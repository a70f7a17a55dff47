"""The photos of one visitor, with measured depth where it is given."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from regcls.inference.contract import Card
from regcls.io import images
from regcls.stats.errors import ErrorReport
from regcls.tasks import pairs, reports
from regcls.tasks.depth import ground_truth
from regcls.tasks.depth.metrics import metrics
from regcls.tasks.depth.predict import EDGES, TILE, PhotoDepth, look, png
from regcls.tasks.pairs import Pair


@dataclass
class Entry:
    """A photo of an album, and its true depth (h, w) in metres, 0 where unknown, if it is known."""

    photo: PhotoDepth
    truth: np.ndarray | None = None
    truth_notes: tuple[str, ...] = ()


@dataclass
class Gallery:
    """A visitor's photos, each looked at once and told apart by content; problems by file name."""

    entries: dict[str, Entry] = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)

    def add(self, data: bytes, name: str, pair: Pair) -> str | None:
        """Look at a photo unless it is here already; its key, or None with a new problem."""
        key = hashlib.sha256(data).hexdigest()
        if key not in self.entries:
            try:
                self.entries[key] = Entry(look(data, name, pair))
            except images.MediaError as error:
                self.problems.append((name, str(error)))
                return None
        return key

    def update_predictions(self, pair: Pair) -> None:
        """Ask all of a pair's models where other ones have answered, on the copies that are kept."""
        for entry in self.entries.values():
            photo = entry.photo
            if set(photo.depth) != set(pairs.sessions(pair)):
                again = look(png(photo.pixels), photo.name, pair)
                entry.photo = replace(again, notes=photo.notes, pixels=photo.pixels)

    def add_truth(self, key: str, data: bytes, name: str) -> bool:
        """Give a photo its true depth; whether it could be used (else there is a new problem)."""
        entry = self.entries[key]
        try:
            truth, notes = ground_truth.read(data, name, entry.photo.pixels.shape[:2])
            truth = ground_truth.resized(truth, next(iter(entry.photo.depth.values())).shape)
            if not truth.any():
                raise images.MediaError(
                    f"{name} knows the depth of too few pixels: none is left at the size of the "
                    "maps. Give a denser one."
                )
        except images.MediaError as error:
            self.problems.append((name, str(error)))
            return False
        self.entries[key] = replace(entry, truth=truth, truth_notes=notes)
        return True

    def report(self, card: Card) -> ErrorReport | None:
        """Errors over all photos whose true depth is known, in the ranges of ``pair_report``."""
        known = [entry for entry in self.entries.values() if entry.truth is not None]
        return own_report(known, card) if known else None


def own_report(entries: Iterable[Entry], card: Card) -> ErrorReport:
    """Errors of photos with true depth. Intervals resample tiles, since neighbours err alike."""
    entries = list(entries)
    models = reports.common(entry.photo.depth for entry in entries)
    truths, clusters, answers, start = [], [], {model: [] for model in models}, 0
    for entry in entries:
        known = entry.truth > 0
        truths.append(entry.truth[known])
        v, u = np.nonzero(known)
        across = -(-known.shape[1] // TILE)
        clusters.append(start + v // TILE * across + u // TILE)
        start = clusters[-1].max() + 1
        for model in models:
            answers[model].append(entry.photo.depth[model][known])
    return ErrorReport.from_predictions(
        np.concatenate(truths),
        {model: np.concatenate(parts) for model, parts in answers.items()},
        EDGES,
        train_counts=reports.train_counts(card, EDGES),
        clusters=np.concatenate(clusters),
    )


def own_metrics(entry: Entry) -> pd.DataFrame:
    """A row a model with ``metrics`` of a photo whose true depth is known."""
    known = entry.truth > 0
    truth = entry.truth[known]
    rows = [{"model": m} | metrics(truth, d[known]) for m, d in entry.photo.depth.items()]
    return pd.DataFrame(rows).round(3)
