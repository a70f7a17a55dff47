"""The photos of one session, with the measured depth that the user adds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from regcls.inference.contract import Card
from regcls.io import images
from regcls.stats.errors import ErrorReport
from regcls.tasks import gallery, pairs, reports
from regcls.tasks.depth import ground_truth, predict
from regcls.tasks.depth.metrics import metrics
from regcls.tasks.depth.predict import EDGES, PhotoDepth
from regcls.tasks.pairs import Pair

TILE = 12  # pixels per side of the tiles that intervals resample: errors of neighbours correlate


@dataclass
class Entry:
    """A photo of a gallery.

    Attributes
    ----------
    photo : PhotoDepth
        Its predictions.
    truth : ndarray of float32, shape (h, w), or None
        True depth in metres at the size of the maps, 0 where unknown.
    truth_notes : tuple of str
        What was changed when the true depth was read, as sentences.
    """

    photo: PhotoDepth
    truth: np.ndarray | None = None
    truth_notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name that is shown."""
        return self.photo.name


class Gallery(gallery.Gallery[Entry]):
    """The photos of one session; see `regcls.tasks.gallery.Gallery`."""

    def add(self, data: bytes, name: str, pair: Pair) -> str | None:
        """Predict for a photo, unless its content is already in the gallery.

        Parameters
        ----------
        data : bytes
            Content of the file.
        name : str
            Name of the file.
        pair : Pair
            The models.

        Returns
        -------
        str or None
            Key of the entry; None if the photo cannot be read, which is added to ``problems``.
        """
        key = self.key_of(data)
        if key not in self.entries:
            try:
                self.entries[key] = Entry(predict.predict_photo(data, name, pair))
            except images.MediaError as error:
                self.refuse(name, error)
                return None
        return key

    def add_truth(self, key: str, data: bytes, name: str) -> bool:
        """Add the true depth of a photo.

        Parameters
        ----------
        key : str
            Key of the entry.
        data : bytes
            Content of a file for `ground_truth.read`.
        name : str
            Name of the file.

        Returns
        -------
        bool
            Whether the file could be used; if not, the reason is added to ``problems``.
        """
        entry = self.entries[key]
        try:
            truth, notes = ground_truth.read(data, name, entry.photo.pixels.shape[:2])
            truth = ground_truth.resized(truth, entry.photo.shape)
            if not truth.any():
                raise images.MediaError(
                    f"{name} has too few pixels with a known depth: none is left at the size of "
                    "the maps; use a denser one"
                )
        except images.MediaError as error:
            self.refuse(name, error)
            return False
        self.entries[key] = replace(entry, truth=truth, truth_notes=notes)
        return True

    def update_predictions(self, pair: Pair) -> None:
        """Predict again for the photos whose predictions come from other models.

        The models run on the copies that are kept of the photos.

        Parameters
        ----------
        pair : Pair
            The models.
        """
        for entry in self.entries.values():
            photo = entry.photo
            if set(photo.depth) != set(pairs.sessions(pair)):
                again = predict.predict_photo(predict.png(photo.pixels), photo.name, pair)
                entry.photo = replace(again, notes=photo.notes, pixels=photo.pixels)

    def report(self, card: Card) -> ErrorReport | None:
        """Return the errors over all photos with a true depth.

        Parameters
        ----------
        card : Card
            Card of a shipped model, for the training counts.

        Returns
        -------
        ErrorReport or None
            Errors in metres, per metre of depth; None without a true depth.
        """
        return own_report(self.entries.values(), card)


def own_report(entries: Iterable[Entry], card: Card) -> ErrorReport | None:
    """Return the errors of photos with a true depth, in the ranges of `predict.pair_report`.

    Parameters
    ----------
    entries : iterable of Entry
        Photos; those without a true depth are left out.
    card : Card
        Card of a shipped model, for the training counts.

    Returns
    -------
    ErrorReport or None
        Errors in metres; None without a true depth. Intervals resample tiles of `TILE` pixels.
    """
    known = [(entry.photo, entry.truth) for entry in entries if entry.truth is not None]
    if not known:
        return None
    models = reports.common_models(photo.depth for photo, _ in known)
    truths: list[np.ndarray] = []
    tiles: list[np.ndarray] = []
    predictions: dict[str, list[np.ndarray]] = {model: [] for model in models}
    first = 0
    for photo, truth in known:
        v, u = np.nonzero(truth)
        truths.append(truth[v, u])
        across = -(-truth.shape[1] // TILE)
        tiles.append(first + v // TILE * across + u // TILE)
        first = tiles[-1].max() + 1
        for model in models:
            predictions[model].append(photo.depth[model][v, u])
    return ErrorReport.from_predictions(
        np.concatenate(truths),
        {model: np.concatenate(parts) for model, parts in predictions.items()},
        EDGES,
        train_counts=reports.train_counts(card, EDGES),
        clusters=np.concatenate(tiles),
    )


def own_metrics(entry: Entry) -> pd.DataFrame:
    """Return the metrics of a photo with a true depth.

    Parameters
    ----------
    entry : Entry
        The photo.

    Returns
    -------
    DataFrame
        One row per model: ``model`` and `regcls.tasks.depth.metrics.METRICS`.
    """
    assert entry.truth is not None, "the photo has no true depth"
    known = entry.truth > 0
    truth = entry.truth[known]
    rows = [{"model": m, **metrics(truth, d[known])} for m, d in entry.photo.depth.items()]
    return pd.DataFrame(rows).round(3)
